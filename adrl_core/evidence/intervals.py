"""Estimates with 95 % intervals; the unit of analysis is whatever the caller averages over."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.tsa.stattools import acf

LEVEL = 0.95
RESAMPLES = 2000
ROUNDING = float(np.finfo(np.float32).eps)
"""Relative difference up to which values of one unit count as the same number: tables are kept in single
precision, and another machine may sum in another order."""

Statistic = Callable[[np.ndarray], np.ndarray]
"""Maps scores of shape (..., n), or (..., strata, n), to one value for each leading index."""


class Estimate(NamedTuple):
    """A mean or other estimate, the bounds of its interval, and the number of values behind it."""

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


def sample(values: ArrayLike, name: str = "values", least: int = 2) -> np.ndarray:
    """The values as floats, shape (n,), all finite.

    Raises:
        ValueError: not one axis, fewer than `least` values, or a value that is not finite.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or len(array) < least:
        count = {2: "two", 3: "three", 4: "four"}[least]
        raise ValueError(f"{name} of shape {array.shape}: expected one axis with at least {count} values")
    return _finite(array, name)


def samples_by_row(values: ArrayLike, name: str, least: int = 2) -> np.ndarray:
    """One sample, shape (n,), or one a row, shape (rows, n), as floats.

    Raises:
        ValueError: another number of axes, no row, fewer than `least` values, or one that is not finite.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim not in (1, 2) or array.shape[-1] < least or array.size == 0:
        raise ValueError(
            f"{name} of shape {array.shape}: expected one or two axes, the last of at least {least} values"
        )
    return _finite(array, name)


def _finite(array: np.ndarray, name: str) -> np.ndarray:
    wrong = array[~np.isfinite(array)]
    if wrong.size:
        raise ValueError(f"{name} holds {wrong[0]} ({wrong.size} of {array.size}): expected finite numbers")
    return array


def without_rounding(values: ArrayLike, reference: ArrayLike) -> np.ndarray:
    """Values that differ from their reference by rounding only become the reference, shape (n,).

    Left alone, roundings that all runs share would be a difference without spread, significant at p = 0.
    """
    return np.where(np.isclose(values, reference, rtol=ROUNDING, atol=0.0), reference, values)


def mean_interval(values: ArrayLike) -> Estimate:
    """Mean and 95 % Student-t interval of independent values, shape (n,).

    Raises:
        ValueError: fewer than two values, not one axis, or a value that is not finite.
    """
    array = sample(values)
    return _t_interval(array, np.sqrt(1.0 / len(array)))


def prediction_interval(values: ArrayLike) -> Estimate:
    """Mean and 95 % Student-t interval for one more value, mean ± t s sqrt(1 + 1/n), values of shape (n,).

    Raises:
        ValueError: fewer than two values, not one axis, or a value that is not finite.
    """
    array = sample(values)
    return _t_interval(array, np.sqrt(1.0 + 1.0 / len(array)))


def _t_interval(array: np.ndarray, errors: float) -> Estimate:
    """Mean ± t s `errors`."""
    mean, sd = moments(array)
    half = float(stats.t.ppf((1.0 + LEVEL) / 2.0, len(array) - 1)) * sd * float(errors)
    return Estimate(mean, mean - half, mean + half, len(array))


def moments(array: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation (of n - 1) of a sample.

    Equal values give themselves and zero: computed, both may be off by a rounding, and a ratio of
    roundings would pass for an effect.
    """
    if np.ptp(array) == 0.0:
        return float(array[0]), 0.0
    return float(array.mean()), float(array.std(ddof=1))


def bootstrap_interval(
    strata: ArrayLike, statistic: Statistic, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """A statistic and its 95 % percentile bootstrap interval, resampling within each stratum.

    Args:
        strata: one sample, shape (n,), or one a row, shape (strata, n).
        statistic: takes scores of shape (..., n) or (..., strata, n), as `strata` has one axis or two,
            and gives one value for each leading index.
        resamples: number of resamples.
        seed: of the generator that resamples.

    Returns:
        The statistic of the data with its interval; n counts all values. The interval of a few values
        is narrow: with 20 from a normal distribution, that of the mean covers it in 93 % of samples.

    Raises:
        ValueError: fewer than two values in a stratum, more than two axes, or a value that is not finite.
    """
    array = samples_by_row(strata, "strata")
    low, high = bootstrap_bounds(array, statistic, resamples, seed)
    return Estimate(float(statistic(array)), float(low), float(high), array.size)


def bootstrap_bounds(
    strata: np.ndarray, statistic: Statistic, resamples: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of `bootstrap_interval`; the statistic may put axes of its own before the leading ones."""

    def of_rows(*rows: np.ndarray, axis: int) -> np.ndarray:
        return statistic(rows[0] if strata.ndim == 1 else np.stack(rows, axis=-2))

    interval = stats.bootstrap(
        tuple(np.atleast_2d(strata)),
        of_rows,
        n_resamples=resamples,
        vectorized=True,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return np.asarray(interval.low), np.asarray(interval.high)


def autocorrelation_interval(series: ArrayLike) -> Estimate:
    """Lag-1 autocorrelation of series of shape (runs, T): mean and 95 % t interval over the runs.

    One series, shape (T,), gets Bartlett's interval r ± z / sqrt(T), which holds where the values are
    independent: it tells whether r differs from zero. The estimate is biased by about -(1 + 4 r) / T
    (Kendall, 1954).

    Raises:
        ValueError: fewer than three values a series, one row only, a constant series, or a value that is
            not finite.
    """
    array = samples_by_row(series, "series", least=3)
    constant = np.ptp(array, axis=-1) == 0.0
    if np.any(constant):
        raise ValueError(f"series: {np.sum(constant)} constant; expected values that vary along each series")
    if array.ndim == 2:
        return mean_interval([acf(run, nlags=1, fft=False, result_object=True).acf[1] for run in array])
    result = acf(array, nlags=1, fft=False, alpha=1.0 - LEVEL, result_object=True)
    low, high = result.confint[1]
    return Estimate(float(result.acf[1]), float(low), float(high), len(array))


def correlation_interval(x: ArrayLike, y: ArrayLike) -> Estimate:
    """Pearson correlation of pairs, both of shape (n,), with the 95 % interval by Fisher's z.

    Raises:
        ValueError: fewer than four pairs, different lengths, a constant variable, or a value that is not
            finite.
    """
    first, second = pairs(x, y, ("x", "y"), least=4)
    for name, array in (("x", first), ("y", second)):
        if np.ptp(array) == 0.0:
            raise ValueError(f"{name} is constant at {array[0]:g}: expected values that vary")
    result = stats.pearsonr(first, second)
    low, high = result.confidence_interval(LEVEL)
    return Estimate(float(result.statistic), float(low), float(high), len(first))


def pairs(
    a: ArrayLike, b: ArrayLike, names: tuple[str, str] = ("a", "b"), least: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Two samples of the same length.

    Raises:
        ValueError: as `sample`, or different lengths.
    """
    first, second = sample(a, names[0], least), sample(b, names[1], least)
    if len(first) != len(second):
        raise ValueError(f"{names[0]} has {len(first)} values, {names[1]} has {len(second)}: expected pairs")
    return first, second
