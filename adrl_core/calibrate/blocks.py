"""Standard errors over blocks: they can be trusted as far as the blocks that tell of a number are many."""

import numpy as np
from scipy import stats

from adrl_core.calibrate.log import Floats, Integers

LEAST_BLOCKS = 2
"""Blocks below which nothing is said of errors."""


def small_sample(covariance: Floats, blocks: Integers) -> Floats:
    """A sandwich covariance times sqrt(b_i b_j / ((b_i - 1) (b_j - 1))), with b_i blocks telling of number i.

    Args:
        covariance: shape (numbers, numbers).
        blocks: shape (numbers,); with fewer than two a covariance is 0 already, and stays.
    """
    fewer = np.maximum(blocks - 1, 1)
    return covariance * np.sqrt(np.outer(blocks, blocks)) / np.sqrt(np.outer(fewer, fewer))


def interval(value: float, error: float, blocks: int) -> tuple[float, float]:
    """The 95 % interval of an estimate whose error comes from that many blocks, by Student's t."""
    reach = stats.t.ppf(0.975, blocks - 1)
    return float(value - reach * error), float(value + reach * error)
