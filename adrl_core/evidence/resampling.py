"""Bootstrap intervals of what is worked out from two means.

Apart from `intervals`, whose code some trials of governance use, so that results depend on it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from adrl_core.evidence.intervals import (
    LEVEL,
    RESAMPLES,
    Estimate,
    bootstrap_interval,
    pairs,
    samples_by_row,
)


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
