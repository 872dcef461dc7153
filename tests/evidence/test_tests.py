"""Tests against published worked examples, exact enumeration and hand calculation."""

import math
import warnings
from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from adrl_core.evidence.tests import (
    TestResult,
    detectable_effect,
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

SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
"""Extra hours of sleep under two drugs (Student, 1908); expected values are those of R's manual."""

DEPRESSION = (
    [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30],
    [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29],
)
"""Hamilton scale before and after a tranquilliser (Hollander and Wolfe, 1973)."""

MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Darwin's differences of height in 1/8 inch, cross- minus self-fertilised (Fisher, 1935)."""


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_paired_t_on_student_sleep() -> None:
    assert paired_t(*SLEEP) == pytest.approx((-4.0621, 9.0, 0.002833), rel=2e-4)


def test_one_sample_t_by_hand() -> None:
    # Mean 3, standard error sqrt(0.5): t = 2 sqrt(2). With 4 degrees of freedom the tail has a closed form.
    t = 2.0 * math.sqrt(2.0)
    x = t / math.sqrt(t * t + 4.0)
    p = 1.0 - x * (1.0 + (1.0 - x * x) / 2.0)
    assert one_sample_t([1.0, 2.0, 3.0, 4.0, 5.0], 1.0) == pytest.approx((t, 4.0, p))


def test_welch_t_on_student_sleep() -> None:
    assert welch_t(*SLEEP) == pytest.approx((-1.8608, 17.776, 0.07939), rel=1e-4)


def test_t_tests_from_the_summary_of_student_sleep() -> None:
    summary = (0.75, 1.789010, 10, 2.33, 2.002249, 10)
    assert welch_t_from_summary(*summary) == pytest.approx((-1.8608, 17.776, 0.07939), rel=1e-4)
    assert pooled_t_from_summary(*summary) == pytest.approx((-1.8608, 18.0, 0.07919), rel=1e-4)


def test_welch_from_summary_agrees_with_the_values_where_sizes_and_spreads_differ() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.0, 1.0, 8), rng.normal(1.0, 4.0, 25)
    reference = stats.ttest_ind(a, b, equal_var=False)
    expected = (reference.statistic, reference.df, reference.pvalue)
    assert welch_t(a, b) == pytest.approx(expected)
    assert welch_t_from_summary(a.mean(), a.std(ddof=1), 8, b.mean(), b.std(ddof=1), 25) == pytest.approx(
        expected
    )


def test_wilcoxon_on_the_depression_data() -> None:
    """Rank sums 40 and 5; the published one-sided p is 0.01953, twice that two-sided."""
    assert wilcoxon(*DEPRESSION) == (5.0, None, pytest.approx(20 / 512))


def test_permutation_of_pairs_on_darwins_maize() -> None:
    """Fisher counted 863 of the 32,768 sign changes with a sum of 314 or more."""
    result = permutation(MAIZE, np.zeros(15), resamples=2**15)
    assert result == (pytest.approx(314 / 15), None, pytest.approx(2 * 863 / 2**15))


def test_random_permutations_approach_the_exact_p_and_follow_the_seed() -> None:
    first, again, other = (permutation(MAIZE, np.zeros(15), seed=seed).p for seed in (1, 1, 2))
    assert first == again != other
    assert first == pytest.approx(2 * 863 / 2**15, abs=4 * 2 * math.sqrt(0.026 / 9999))


def test_permutation_of_independent_samples_by_enumeration() -> None:
    a, b = np.array([5.1, 6.3, 7.7, 6.0]), np.array([4.2, 5.6, 3.9, 6.1, 4.4])
    values = np.concatenate([a, b])
    sums = np.array([values[list(chosen)].sum() for chosen in combinations(range(9), 4)])
    p = 2 * np.mean(sums >= a.sum() - 1e-12)
    result = permutation(a, b, paired=False)
    assert result == (pytest.approx(a.mean() - b.mean()), None, pytest.approx(p))


def test_overdispersion_of_deaths_by_horse_kick() -> None:
    """Bortkiewicz (1898): 200 corps-years, mean 0.61, variance 0.611."""
    deaths = np.repeat(range(5), [109, 65, 22, 3, 1])
    result = overdispersion(deaths)
    squares = 109 * 0.61**2 + 65 * 0.39**2 + 22 * 1.39**2 + 3 * 2.39**2 + 3.39**2
    assert result.statistic == pytest.approx(squares / 199 / 0.61)
    assert result.df == 199.0
    assert result.p == pytest.approx(stats.chi2.sf(squares / 0.61, 199))


def test_overdispersion_is_one_sided() -> None:
    assert overdispersion([5, 5, 5, 5]) == overdispersion([0, 0, 0, 0]) == (0.0, 3.0, 1.0)
    # Mean 5, squares 100: 20 on 3 degrees of freedom.
    assert overdispersion([0, 10, 0, 10]) == pytest.approx((20 / 3, 3.0, 0.00016974), rel=1e-4)


def test_holm_on_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_step_by_step() -> None:
    p = np.random.default_rng(0).uniform(0.0, 0.4, 9)
    expected, running = np.empty(9), 0.0
    for rank, index in enumerate(np.argsort(p)):
        running = max(running, min(1.0, (9 - rank) * p[index]))
        expected[index] = running
    assert holm(p) == pytest.approx(expected)


def test_power_of_a_published_design() -> None:
    """G*Power 3.1: d_z = 0.5, 34 pairs, 5 % two-sided: 0.8077775."""
    assert power_paired_t(0.5, 34) == pytest.approx(0.8077775, abs=5e-7)


@pytest.mark.parametrize("effect", [-0.8, 0.01, 0.3, 1.5])
@pytest.mark.parametrize("n", [2, 5, 20])
@pytest.mark.parametrize("level", [0.05, 0.01])
def test_power_agrees_with_statsmodels(effect: float, n: int, level: float) -> None:
    assert power_paired_t(effect, n, level) == pytest.approx(TTestPower().power(effect, n, level))


def test_power_at_the_edges() -> None:
    assert power_paired_t(0.0, 20) == 0.05
    assert power_paired_t(1e-5, 20) == pytest.approx(0.05)
    assert [power_paired_t(effect, 20) for effect in (2.0, 3.0, 6.17, 1e3)] == pytest.approx([1.0] * 4)


@pytest.mark.parametrize("n", [2, 3, 5, 20])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.99])
def test_detectable_effect_has_the_power(n: int, power: float) -> None:
    """Against noncentral t without the far tail, which holds less than 0.0001 at these effects."""
    effect = detectable_effect(n, power)
    critical = stats.t.isf(0.025, n - 1)
    assert stats.nct.sf(critical, n - 1, effect * math.sqrt(n)) == pytest.approx(power, abs=1e-4)


TWO_SAMPLE = [paired_t, welch_t, wilcoxon, permutation, lambda a, b: permutation(a, b, paired=False)]


@pytest.mark.parametrize("test", TWO_SAMPLE)
@pytest.mark.parametrize("n", [2, 5])
def test_identical_samples_give_p_one(test: Callable, n: int) -> None:
    values = np.full(n, 0.1)
    result = test(values, values.copy())
    assert (result.statistic, result.p) == (0.0, 1.0)


def test_equal_constants_of_different_sizes_do_not_differ_by_a_rounding() -> None:
    assert np.mean([0.1] * 3) != np.mean([0.1] * 4)
    assert welch_t([0.1] * 3, [0.1] * 4) == (0.0, None, 1.0)


@pytest.mark.parametrize("test", [paired_t, wilcoxon, permutation])
def test_pairs_without_differences_give_p_one(test: Callable) -> None:
    result = test(SLEEP[0], SLEEP[0])
    assert (result.statistic, result.p) == (0.0, 1.0)


def test_a_difference_without_spread_is_certain() -> None:
    assert paired_t([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]) == (-math.inf, 2.0, 0.0)
    assert one_sample_t([2.0, 2.0, 2.0], 1.5) == (math.inf, 2.0, 0.0)
    assert one_sample_t([2.0, 2.0, 2.0], 2.0) == (0.0, 2.0, 1.0)
    assert welch_t([1.0, 1.0], [0.0, 0.0]) == (math.inf, None, 0.0)
    assert welch_t_from_summary(1.0, 0.0, 5, 1.0, 0.0, 5) == (0.0, None, 1.0)
    assert pooled_t_from_summary(1.0, 0.0, 5, 2.0, 0.0, 5) == (-math.inf, 8.0, 0.0)


def test_welch_df_where_one_sample_is_constant_is_that_of_the_other() -> None:
    assert welch_t([1.0, 1.0, 1.0], SLEEP[0]).df == pytest.approx(9.0)
    assert welch_t_from_summary(1.0, 0.0, 3, 0.75, 1.789, 10).df == pytest.approx(9.0)


def test_the_result_is_no_test_class() -> None:
    assert TestResult.__test__ is False


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_t([1.0, 2.0], [1.0, 2.0, 3.0]), "a has 2 values, b has 3: expected pairs"),
        (lambda: paired_t([1.0], [1.0]), r"a of shape \(1,\): expected one axis with at least two values"),
        (lambda: one_sample_t([1.0, np.nan], 0.0), "values holds nan"),
        (lambda: welch_t([[1.0, 2.0]], [1.0, 2.0]), r"a of shape \(1, 2\)"),
        (lambda: wilcoxon([1.0, 2.0], [1.0, np.nan]), "b holds nan"),
        (lambda: permutation([1.0, 2.0], [1.0, 2.0, 3.0]), "expected pairs"),
        (lambda: welch_t_from_summary(0.0, 1.0, 1, 0.0, 1.0, 5), "n_a = 1: expected at least two"),
        (lambda: pooled_t_from_summary(0.0, 1.0, 5, 0.0, -1.0, 5), "sd_b = -1.0: expected"),
        (lambda: overdispersion([1, -1]), "counts hold -1: expected zero or more"),
        (lambda: holm([]), "at least one value"),
        (lambda: holm([0.5, 1.1]), "p_values hold 1.1: expected values from 0 to 1"),
        (lambda: holm([0.5, np.nan]), "p_values hold nan"),
        (lambda: power_paired_t(0.5, 1), "n = 1: expected at least two pairs"),
        (lambda: power_paired_t(np.nan, 5), "effect = nan: expected a finite number"),
        (lambda: power_paired_t(0.5, 5, 1.0), "level = 1.0: expected a number between 0 and 1"),
        (lambda: detectable_effect(5, 0.05), "power = 0.05: expected more than the level, 0.05"),
    ],
)
def test_errors_name_what_is_wrong(call: Callable, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
