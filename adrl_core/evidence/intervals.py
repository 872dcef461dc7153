"""Estimates with 95 % intervals; the unit of analysis is whatever the caller averages over."""

import math
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


def sample(values: ArrayLike, name: str = "values") -> np.ndarray:
    """The values as floats, shape (n,), all finite.

    Raises:
        ValueError: not one axis, fewer than two values, or a value that is not finite.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or len(array) < 2:
        raise ValueError(f"{name} of shape {array.shape}: expected one axis with at least two values")
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
    mean, sd = moments(array)
    half = float(stats.t.ppf((1.0 + LEVEL) / 2.0, len(array) - 1)) * sd / math.sqrt(len(array))
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


def ratio_of_means(numerator: ArrayLike, denominator: ArrayLike) -> Estimate:
    """Mean of one sample over that of another, both (n,), with a bootstrap interval that resamples pairs.

    The interval knows that the denominator is an estimate too, and that runs of one seed share their luck.

    Raises:
        ValueError: fewer than two pairs, different lengths, not one axis, or a value that is not finite.
    """
    both = np.stack(pairs(numerator, denominator, ("numerator", "denominator")))

    def ratio(indices: np.ndarray) -> np.ndarray:
        first, second = both[:, indices.astype(int)].mean(axis=-1)
        return np.asarray(first / second)

    return bootstrap_interval(np.arange(both.shape[1]), ratio)


def crossed_interval(
    ours: ArrayLike,
    theirs: ArrayLike,
    statistic: Callable[[np.ndarray, np.ndarray], np.ndarray],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """A statistic of two means over runs and episodes, with an interval that resamples both.

    Runs and episodes are crossed: every run plays every episode. Each resample draws episodes, the same ones
    for all, and of either side runs, and takes the means over what was drawn (Owen, 2007, "The pigeonhole
    bootstrap"): the spread of the mean is never understated, and a little overstated where runs differ by
    episode. With a single run, which is what bidders have that do not learn, it resamples episodes alone.

    Args:
        ours, theirs: a row a run, a column an episode; the same episodes.
        statistic: takes both means, of one shape, and gives one value for each.
        resamples: number of resamples.
        seed: of the generator that resamples.

    Returns:
        The statistic of the data with its 95 % percentile interval; n counts the episodes.

    Raises:
        ValueError: sides with other numbers of episodes, fewer than two, or a value that is not finite.
    """
    first, second = (
        np.atleast_2d(samples_by_row(side, name)) for side, name in ((ours, "ours"), (theirs, "theirs"))
    )
    count = first.shape[1]
    if second.shape[1] != count:
        raise ValueError(f"ours has {count} episodes, theirs has {second.shape[1]}: expected the same ones")
    generator = np.random.default_rng(seed)
    episodes = generator.integers(0, count, (resamples, count))

    def resampled(side: np.ndarray) -> np.ndarray:
        runs = generator.integers(0, len(side), (resamples, len(side)))
        return side[runs[:, :, None], episodes[:, None, :]].mean(axis=(1, 2))

    drawn = statistic(resampled(first), resampled(second))
    low, high = np.quantile(drawn, ((1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0))
    return Estimate(float(statistic(first.mean(), second.mean())), float(low), float(high), count)


def autocorrelations(runs: np.ndarray) -> np.ndarray:
    """Lag-1 autocorrelation of each series, (runs, T) to (runs,)."""
    return np.array([acf(run, nlags=1, fft=False, result_object=True).acf[1] for run in runs])


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
        return mean_interval(autocorrelations(array))
    result = acf(array, nlags=1, fft=False, alpha=1.0 - LEVEL, result_object=True)
    low, high = result.confint[1]
    return Estimate(float(result.acf[1]), float(low), float(high), len(array))


def pairs(a: ArrayLike, b: ArrayLike, names: tuple[str, str] = ("a", "b")) -> tuple[np.ndarray, np.ndarray]:
    """Two samples of the same length.

    Raises:
        ValueError: as `sample`, or different lengths.
    """
    first, second = sample(a, names[0]), sample(b, names[1])
    if len(first) != len(second):
        raise ValueError(f"{names[0]} has {len(first)} values, {names[1]} has {len(second)}: expected pairs")
    return first, second
