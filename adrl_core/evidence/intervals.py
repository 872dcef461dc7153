"""Means with Student-t intervals; the unit of analysis is whatever the caller averages over."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.95


class Estimate(NamedTuple):
    """A mean, the bounds of its interval, and the number of values behind it."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def word(self) -> str:
        """How the mean compares with zero: the direction, or that the interval leaves it open."""
        if self.low > 0.0:
            return "above"
        return "below" if self.high < 0.0 else "not distinguishable from"


def mean_interval(values: ArrayLike) -> Estimate:
    """Mean and 95 % Student-t interval of independent values, shape (n,).

    Raises:
        ValueError: fewer than two values, or not one axis.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or len(array) < 2:
        raise ValueError(f"values of shape {array.shape}: expected one axis with at least two values")
    mean, error = float(array.mean()), float(stats.sem(array))
    if error == 0.0:
        return Estimate(mean, mean, mean, len(array))
    low, high = stats.t.interval(LEVEL, len(array) - 1, loc=mean, scale=error)
    return Estimate(mean, float(low), float(high), len(array))
