"""Significance tests, all two-sided except `overdispersion`.

Values without spread are legitimate here: short trainings may give identical runs. Then a test gives p = 1
where nothing differs, and an infinite statistic with p = 0 where something does.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests

from adrl_core.evidence.intervals import moments, pairs, sample


class TestResult(NamedTuple):
    """A statistic, its degrees of freedom (None where there are none), and the p value."""

    statistic: float
    df: float | None
    p: float


TestResult.__test__ = False  # type: ignore[attr-defined]  # or pytest would collect the class


def paired_t(a: ArrayLike, b: ArrayLike) -> TestResult:
    """Student's t test of the differences a - b, both of shape (n,), against zero.

    Raises:
        ValueError: fewer than two pairs, different lengths, not one axis, or a value that is not finite.
    """
    first, second = pairs(a, b)
    return one_sample_t(first - second, 0.0)


def one_sample_t(values: ArrayLike, mean: float) -> TestResult:
    """Student's t test of the mean of values, shape (n,), against a given mean.

    Raises:
        ValueError: fewer than two values, not one axis, or a value that is not finite.
    """
    array = sample(values)
    if np.ptp(array) == 0.0:
        return _without_spread(array[0] - mean, len(array) - 1.0)
    result = stats.ttest_1samp(array, mean)
    return TestResult(float(result.statistic), float(result.df), float(result.pvalue))


def welch_t(a: ArrayLike, b: ArrayLike) -> TestResult:
    """Welch's t test of the means of independent samples, shapes (n_a,) and (n_b,).

    Raises:
        ValueError: fewer than two values, not one axis, or a value that is not finite.
    """
    first, second = sample(a, "a"), sample(b, "b")
    return welch_t_from_summary(*moments(first), len(first), *moments(second), len(second))


def welch_t_from_summary(
    mean_a: float, sd_a: float, n_a: int, mean_b: float, sd_b: float, n_b: int
) -> TestResult:
    """Welch's t test from printed means, standard deviations (of n - 1) and sample sizes.

    Raises:
        ValueError: a size below two, or a negative standard deviation.
    """
    _check_summary(sd_a, n_a, sd_b, n_b)
    if sd_a == 0.0 == sd_b:
        return _without_spread(mean_a - mean_b, None)
    result = stats.ttest_ind_from_stats(mean_a, sd_a, n_a, mean_b, sd_b, n_b, equal_var=False)
    squared_a, squared_b = sd_a**2 / n_a, sd_b**2 / n_b
    df = (squared_a + squared_b) ** 2 / (squared_a**2 / (n_a - 1) + squared_b**2 / (n_b - 1))
    return TestResult(float(result.statistic), float(df), float(result.pvalue))


def pooled_t_from_summary(
    mean_a: float, sd_a: float, n_a: int, mean_b: float, sd_b: float, n_b: int
) -> TestResult:
    """Student's two-sample t test with pooled variance, from printed summary figures.

    Raises:
        ValueError: a size below two, or a negative standard deviation.
    """
    _check_summary(sd_a, n_a, sd_b, n_b)
    df = n_a + n_b - 2.0
    if sd_a == 0.0 == sd_b:
        return _without_spread(mean_a - mean_b, df)
    result = stats.ttest_ind_from_stats(mean_a, sd_a, n_a, mean_b, sd_b, n_b)
    return TestResult(float(result.statistic), df, float(result.pvalue))


def _check_summary(sd_a: float, n_a: int, sd_b: float, n_b: int) -> None:
    for name, n in (("n_a", n_a), ("n_b", n_b)):
        if n < 2:
            raise ValueError(f"{name} = {n}: expected at least two values")
    for name, sd in (("sd_a", sd_a), ("sd_b", sd_b)):
        if not 0.0 <= sd < math.inf:
            raise ValueError(f"{name} = {sd}: expected a standard deviation of zero or more")


def _without_spread(difference: float, df: float | None) -> TestResult:
    if difference == 0.0:
        return TestResult(0.0, df, 1.0)
    return TestResult(math.copysign(math.inf, difference), df, 0.0)


def wilcoxon(a: ArrayLike, b: ArrayLike) -> TestResult:
    """Wilcoxon's signed-rank test of pairs of shape (n,); zero differences are left out.

    The statistic is the smaller of the two rank sums. Exact up to 50 pairs where no ranks are tied.

    Raises:
        ValueError: fewer than two pairs, different lengths, not one axis, or a value that is not finite.
    """
    first, second = pairs(a, b)
    differences = first - second
    if not np.any(differences):
        return TestResult(0.0, None, 1.0)
    result = stats.wilcoxon(differences)
    return TestResult(float(result.statistic), None, float(result.pvalue))


def permutation(
    a: ArrayLike, b: ArrayLike, paired: bool = True, seed: int = 0, resamples: int = 9999
) -> TestResult:
    """Permutation test of the difference of means, of pairs or of independent samples.

    Exact where there are no more permutations than `resamples`; else the p value of that many random
    ones, the observed one counted in (Phipson and Smyth, 2010).

    Raises:
        ValueError: fewer than two values, pairs of different lengths, not one axis, or a value that is
            not finite.
    """
    first, second = pairs(a, b) if paired else (sample(a, "a"), sample(b, "b"))
    result = stats.permutation_test(
        (first, second),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        permutation_type="samples" if paired else "independent",
        vectorized=True,
        n_resamples=resamples,
        rng=np.random.default_rng(seed),
    )
    return TestResult(float(result.statistic), None, float(result.pvalue))


def overdispersion(counts: ArrayLike) -> TestResult:
    """Whether counts of shape (n,) vary more than Poisson counts of one rate (Fisher's index of dispersion).

    The statistic is variance / mean; times n - 1 it is Pearson's sum((x - m)^2) / m, which is compared
    with the upper tail of chi2(n - 1).

    Raises:
        ValueError: fewer than two counts, a negative or infinite one, NaN, or not one axis.
    """
    array = sample(counts, "counts")
    if array.min() < 0.0:
        raise ValueError(f"counts hold {array.min():g}: expected zero or more")
    df = len(array) - 1.0
    if not np.any(array):
        return TestResult(0.0, df, 1.0)
    result = stats.chisquare(array)
    return TestResult(float(result.statistic) / df, df, float(result.pvalue))


def holm(p_values: ArrayLike) -> np.ndarray:
    """P values of one family adjusted by Holm's step-down method, shape and order as given, (n,).

    Raises:
        ValueError: no value, not one axis, or a value outside [0, 1].
    """
    array = np.asarray(p_values, dtype=float)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"p_values of shape {array.shape}: expected one axis with at least one value")
    wrong = array[~((array >= 0.0) & (array <= 1.0))]
    if wrong.size:
        raise ValueError(f"p_values hold {wrong[0]:g}: expected values from 0 to 1")
    return multipletests(array, method="holm")[1]


def power_paired_t(effect: float, n: int, level: float = 0.05) -> float:
    """Power of the two-sided paired t test with n pairs, for an effect in standard deviations (d_z).

    The squared statistic is noncentral F with 1 and n - 1 degrees of freedom and noncentrality n d_z².

    Raises:
        ValueError: fewer than two pairs, an effect that is not finite, or a level outside (0, 1).
    """
    _check_design(n, level=level)
    if not math.isfinite(effect):
        raise ValueError(f"effect = {effect}: expected a finite number")
    if effect == 0.0:
        return level
    # Noncentral t, and with it statsmodels' TTestPower, gives NaN here for effects from about 2.
    critical = stats.f.isf(level, 1, n - 1)
    return float(stats.ncf.sf(critical, 1, n - 1, n * effect**2))


def detectable_effect(n: int, power: float = 0.8, level: float = 0.05) -> float:
    """The effect (d_z) that the two-sided paired t test with n pairs detects with the given power.

    Raises:
        ValueError: fewer than two pairs, a power or level outside (0, 1), or a power not above the level.
    """
    _check_design(n, power=power, level=level)
    if power <= level:
        raise ValueError(f"power = {power}: expected more than the level, {level}")
    # The solver of TTestPower stops short of the answer at n = 2.
    return float(optimize.brentq(lambda effect: power_paired_t(effect, n, level) - power, 0.0, 1e3))


def _check_design(n: int, **shares: float) -> None:
    if n < 2:
        raise ValueError(f"n = {n}: expected at least two pairs")
    for name, share in shares.items():
        if not 0.0 < share < 1.0:
            raise ValueError(f"{name} = {share}: expected a number between 0 and 1")
