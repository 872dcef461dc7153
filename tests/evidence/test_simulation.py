"""Coverage of every interval and false-positive rate of every test, by simulated experiments.

A rate is accepted within four standard errors of what theory gives: 95 % or 5 % where the method is exact,
and the stated value or band where it is known to be approximate or discrete.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from adrl_core.evidence.effects import paired_d, probability_of_improvement
from adrl_core.evidence.intervals import (
    Estimate,
    autocorrelation_interval,
    bootstrap_interval,
    correlation_interval,
    mean_interval,
    prediction_interval,
)
from adrl_core.evidence.reliable import iqm, profile_band
from adrl_core.evidence.tests import (
    TestResult,
    holm,
    one_sample_t,
    overdispersion,
    paired_t,
    permutation,
    pooled_t_from_summary,
    power_paired_t,
    welch_t,
    welch_t_from_summary,
    wilcoxon,
)

EXPERIMENTS, RUNS, RESAMPLES = 2000, 20, 500
DELTA = 0.8
"""Standardised difference of the simulated samples."""


def error(share: float) -> float:
    """Four binomial standard errors of a rate over the experiments."""
    return 4.0 * math.sqrt(share * (1.0 - share) / EXPERIMENTS)


def near(rate: float, low: float, high: float | None = None) -> bool:
    high = low if high is None else high
    return low - error(low) < rate < high + error(high)


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(EXPERIMENTS, *shape))


def covers(estimate: Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def coverage(interval: Callable[..., Estimate], truth: float, *samples: np.ndarray) -> float:
    return float(np.mean([covers(interval(*data), truth) for data in zip(*samples, strict=True)]))


def rejection_rate(test: Callable[..., TestResult], *samples: np.ndarray) -> float:
    return float(np.mean([test(*data).p <= 0.05 for data in zip(*samples, strict=True)]))


# Intervals


def test_mean_interval() -> None:
    assert near(coverage(mean_interval, 2.0, 2.0 + 3.0 * normal(1, RUNS)), 0.95)


def test_prediction_interval() -> None:
    values = normal(2, RUNS + 1)
    hits = [covers(prediction_interval(row[:-1]), row[-1]) for row in values]
    assert near(float(np.mean(hits)), 0.95)


def test_correlation_interval() -> None:
    x, y = normal(3, RUNS), normal(4, RUNS)
    assert near(coverage(correlation_interval, 0.6, x, 0.6 * x + 0.8 * y), 0.95)


def test_autocorrelation_interval_of_one_series() -> None:
    """Bartlett's interval is for independent values; in a series of 200 its bias of -1/200 is small."""
    assert near(coverage(autocorrelation_interval, 0.0, normal(5, 200)), 0.95)


def test_autocorrelation_interval_over_runs() -> None:
    """The mean over runs of independent values is exactly -1/T (Moran, 1948)."""
    assert near(coverage(autocorrelation_interval, -1.0 / 50.0, normal(6, 5, 50)), 0.95)


def test_paired_d() -> None:
    assert near(coverage(paired_d, DELTA, DELTA + normal(11, RUNS)), 0.95)


@pytest.mark.slow
def test_bootstrap_of_the_mean() -> None:
    """As wide as with z and the standard deviation of n, which by Student's t covers 92.9 % at n = 20."""
    expected = 2.0 * stats.t.cdf(1.96 * math.sqrt((RUNS - 1) / RUNS), RUNS - 1) - 1.0
    assert expected == pytest.approx(0.929, abs=5e-4)

    def interval(values: np.ndarray) -> Estimate:
        return bootstrap_interval(values, lambda s: s.mean(axis=-1), RESAMPLES)

    # 500 resamples place the bounds a little inside the 95 %: up to one percentage point of coverage.
    assert near(coverage(interval, 0.0, normal(12, RUNS)), expected - 0.01, expected)


@pytest.mark.slow
def test_bootstrap_of_the_mean_over_strata() -> None:
    """Two strata of unlike level and spread; coverage lies between that of n = 20 and of n = 40."""
    strata = normal(13, 2, RUNS) * np.array([[1.0], [2.0]]) + np.array([[0.0], [10.0]])

    def interval(values: np.ndarray) -> Estimate:
        return bootstrap_interval(values, lambda s: s.mean(axis=(-2, -1)), RESAMPLES)

    assert near(coverage(interval, 5.0, strata), 0.919, 0.94)


@pytest.mark.slow
def test_bootstrap_of_the_interquartile_mean() -> None:
    """Percentile bootstrap at n = 20: 90 to 95 %."""

    def interval(values: np.ndarray) -> Estimate:
        return bootstrap_interval(values, iqm, RESAMPLES)

    assert near(coverage(interval, 0.0, normal(14, RUNS)), 0.90, 0.95)


@pytest.mark.slow
def test_probability_of_improvement() -> None:
    """Percentile bootstrap at n = 20 against 20: 92 to 95 %."""
    truth = stats.norm.cdf(DELTA / math.sqrt(2.0))

    def interval(a: np.ndarray, b: np.ndarray) -> Estimate:
        return probability_of_improvement(a, b, RESAMPLES)

    assert near(coverage(interval, truth, DELTA + normal(15, RUNS), normal(16, RUNS)), 0.92, 0.95)


@pytest.mark.slow
def test_profile_band() -> None:
    """Pointwise over runs of which half lie above: the exact coverage follows from the binomial counts."""
    counts = np.arange(RUNS + 1)
    low, high = (stats.binom.ppf(end, RUNS, counts / RUNS) for end in (0.025, 0.975))
    covered = (low <= RUNS / 2) & (high >= RUNS / 2)
    expected = float(stats.binom.pmf(counts, RUNS, 0.5) @ covered)
    bands = [profile_band(values, [0.0], RESAMPLES) for values in normal(17, RUNS)]
    hits = [low[0] <= 0.5 <= high[0] for _, low, high in bands]
    # A bound of 500 resamples may fall on the neighbouring count, which adds or removes a few per cent.
    assert near(float(np.mean(hits)), expected - 0.04, expected + 0.02)


# Tests


def test_one_sample_t() -> None:
    assert near(rejection_rate(lambda x: one_sample_t(x, 2.0), 2.0 + normal(20, RUNS)), 0.05)


def test_paired_t() -> None:
    common = 5.0 * normal(21, RUNS)
    assert near(rejection_rate(paired_t, common + normal(22, RUNS), common + normal(23, RUNS)), 0.05)


def test_welch_t_with_unlike_sizes_and_spreads() -> None:
    assert near(rejection_rate(welch_t, 4.0 * normal(24, 10), normal(25, 30)), 0.05)


def _summarised(test: Callable[..., TestResult]) -> Callable[..., TestResult]:
    return lambda a, b: test(a.mean(), a.std(ddof=1), len(a), b.mean(), b.std(ddof=1), len(b))


def test_welch_t_from_summary() -> None:
    assert near(rejection_rate(_summarised(welch_t_from_summary), 4.0 * normal(26, 10), normal(27, 30)), 0.05)


def test_pooled_t_from_summary() -> None:
    assert near(rejection_rate(_summarised(pooled_t_from_summary), normal(28, 10), normal(29, 30)), 0.05)


def test_power() -> None:
    rate = rejection_rate(lambda x: one_sample_t(x, 0.0), 0.6 + normal(30, RUNS))
    assert near(rate, power_paired_t(0.6, RUNS))


def test_overdispersion() -> None:
    """Chi-square is close for a mean count of ten."""
    counts = np.random.default_rng(36).poisson(10.0, (EXPERIMENTS, RUNS))
    assert near(rejection_rate(overdispersion, counts), 0.05)


def test_overdispersion_is_found() -> None:
    """Negative binomial counts, mean ten, with three times the variance of Poisson counts."""
    counts = np.random.default_rng(37).negative_binomial(5, 1.0 / 3.0, (EXPERIMENTS, RUNS))
    assert rejection_rate(overdispersion, counts) > 0.9


def test_holm_holds_the_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five true hypotheses, independent: some one is rejected in 1 - (1 - 0.05 / 5)^5 of the families."""
    monkeypatch.setattr("gc.collect", lambda: 0)  # statsmodels calls it each time, at a tenth of a second
    p_values = np.random.default_rng(38).uniform(size=(EXPERIMENTS, 5))
    rate = np.mean([holm(family).min() <= 0.05 for family in p_values])
    assert near(float(rate), 1.0 - 0.99**5)


@pytest.mark.slow
def test_wilcoxon() -> None:
    """Exact: the largest attainable level, from the number of rank sets with each sum."""
    sets = np.array([1.0])
    for rank in range(1, RUNS + 1):
        sets = np.pad(sets, (0, rank)) + np.pad(sets, (rank, 0))
    tails = 2.0 * np.cumsum(sets) / 2.0**RUNS
    expected = float(tails[tails <= 0.05].max())
    assert expected == pytest.approx(0.0484, abs=1e-3)
    assert near(rejection_rate(wilcoxon, normal(40, RUNS), normal(41, RUNS)), expected)


@pytest.mark.slow
def test_permutation_of_pairs() -> None:
    """All 256 sign changes of eight pairs: 12 of them make up the largest attainable level below 5 %."""
    assert near(rejection_rate(permutation, normal(42, 8), normal(43, 8)), 12 / 256)


@pytest.mark.slow
def test_permutation_of_independent_samples() -> None:
    """All 252 ways to part ten values: 12 of them make up the largest attainable level below 5 %."""
    rate = rejection_rate(lambda a, b: permutation(a, b, paired=False), normal(44, 5), normal(45, 5))
    assert near(rate, 12 / 252)
