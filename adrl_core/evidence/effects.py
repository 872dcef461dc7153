"""Effect sizes with 95 % intervals.

The intervals of standardised differences invert the noncentral t distribution (Steiger and Fouladi, 1997;
Cumming and Finch, 2001): exact for normal values with equal variances. An infinite effect, where values
differ without any spread, has infinite bounds.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from adrl_core.evidence.intervals import LEVEL, RESAMPLES, Estimate, moments, sample


def paired_d(differences: ArrayLike) -> Estimate:
    """Cohen's d of pairs (d_z): mean of the differences over their standard deviation, shape (n,).

    Raises:
        ValueError: fewer than two values, not one axis, or a value that is not finite.
    """
    array = sample(differences, "differences")
    return _standardised(*moments(array), len(array), len(array) - 1, len(array))


def _standardised(difference: float, spread: float, size: float, df: int, n: int) -> Estimate:
    """Difference / spread, where t = sqrt(size) difference / spread has `df` degrees of freedom."""
    if spread == 0.0:
        effect = math.copysign(math.inf, difference) if difference else 0.0
        return Estimate(effect, effect, effect, n)
    effect, root = difference / spread, math.sqrt(size)
    low, high = _noncentrality(effect * root, df) / root
    return Estimate(effect, float(low), float(high), n)


def _noncentrality(t: float, df: int) -> np.ndarray:
    """Bounds of the noncentrality: where the probability of a smaller t falls to the interval's two ends."""
    ends = np.array([(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    if abs(t) > 1e3:
        # SciPy's search slows down without end; here the spread of chi alone counts.
        return np.sort(t * stats.chi.ppf(ends, df) / math.sqrt(df))
    return special.nctdtrinc(df, ends[::-1], t)


def probability_of_improvement(
    a: ArrayLike, b: ArrayLike, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """P(A > B) + P(A = B) / 2 for independent samples of shapes (n_a,) and (n_b,).

    The Mann-Whitney statistic over n_a n_b, with the 95 % percentile interval of a bootstrap that
    resamples each sample by itself; n counts the values of both. Where every value of one sample
    exceeds every value of the other, the interval has no width.

    Raises:
        ValueError: fewer than two values, not one axis, or a value that is not finite.
    """
    first, second = sample(a, "a"), sample(b, "b")
    result = stats.bootstrap(
        (first, second),
        _mann_whitney,
        n_resamples=resamples,
        vectorized=True,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = result.confidence_interval
    return Estimate(float(_mann_whitney(first, second)), float(low), float(high), len(first) + len(second))


def _mann_whitney(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    """U / (n_a n_b) along the last axis, from the ranks of the values of `a` among all values."""
    size, other = a.shape[axis], b.shape[axis]
    ranks = stats.rankdata(np.concatenate([a, b], axis=axis), axis=axis)
    return (ranks[..., :size].mean(axis=axis) - (size + 1) / 2.0) / other
