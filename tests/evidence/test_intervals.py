"""Intervals against hand calculation and enumeration; `test_simulation` has their coverage."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy import stats

from adrl_core.evidence.intervals import (
    Estimate,
    autocorrelation_interval,
    bootstrap_interval,
    crossed_interval,
    mean_interval,
    ratio_of_means,
)

ONE_TO_FIVE = [1.0, 2.0, 3.0, 4.0, 5.0]
T4 = 2.7764451
"""Student's t with 4 degrees of freedom at 97.5 %, from tables."""
Z = 1.959964


def mean_over_runs(scores: np.ndarray) -> np.ndarray:
    return scores.mean(axis=-1)


def mean_of_all(scores: np.ndarray) -> np.ndarray:
    return scores.mean(axis=(-2, -1))


def test_mean_interval_by_hand() -> None:
    # Mean 3, standard deviation sqrt(2.5), standard error sqrt(0.5).
    half = T4 * np.sqrt(0.5)
    assert mean_interval(ONE_TO_FIVE) == pytest.approx((3.0, 3.0 - half, 3.0 + half, 5))


def test_mean_interval_is_that_of_the_one_sample_t_test() -> None:
    values = np.random.default_rng(0).normal(size=20)
    low, high = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert mean_interval(values)[1:3] == pytest.approx((low, high))


def test_equal_values_have_no_width() -> None:
    assert mean_interval([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0, 3)


def test_bootstrap_approaches_the_enumeration_of_all_resamples() -> None:
    values = np.array([0.3, 1.1, 2.0, 4.5, 9.7])
    means = [np.mean(resample) for resample in product(values, repeat=5)]
    estimate = bootstrap_interval(values, mean_over_runs, resamples=20_000)
    assert estimate.mean == pytest.approx(3.52) and estimate.n == 5
    assert estimate[1:3] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.1)


def test_bootstrap_resamples_within_each_stratum() -> None:
    # Rows without spread: only runs that moved between rows could give the mean a width.
    strata = np.array([[0.0, 0.0, 0.0], [5.0, 5.0, 5.0]])
    assert bootstrap_interval(strata, mean_of_all) == (2.5, 2.5, 2.5, 6)


def test_bootstrap_resamples_strata_independently() -> None:
    # Rows that mirror each other: moved in step, they would leave the mean without a width.
    row = np.arange(10.0)
    estimate = bootstrap_interval([row, -row], mean_of_all)
    half = Z * np.sqrt(2 * row.var() / 10) / 2
    assert estimate.mean == 0.0
    assert estimate[1:3] == pytest.approx((-half, half), rel=0.1)


def test_bootstrap_follows_its_seed() -> None:
    values = np.random.default_rng(0).normal(size=20)
    first, again, other = (bootstrap_interval(values, mean_over_runs, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.mean == other.mean and first.low != other.low


def test_ratio_of_means_pairs_runs() -> None:
    fresh = np.array([20.0, 60.0, 100.0, 140.0, 200.0])
    assert ratio_of_means(fresh, fresh / 4.0) == pytest.approx((4.0, 4.0, 4.0, 5))
    mean, low, high, n = ratio_of_means(fresh, fresh[::-1] / 4.0)
    assert (mean, n) == (4.0, 5) and low < 4.0 < high


def test_ratio_of_means_approaches_the_enumeration_of_all_resamples() -> None:
    above, below = np.array([3.0, 5.0, 4.0, 9.0]), np.array([2.0, 1.0, 3.0, 2.5])
    ratios = [above[list(runs)].mean() / below[list(runs)].mean() for runs in product(range(4), repeat=4)]
    estimate = ratio_of_means(above, below)
    assert estimate.mean == pytest.approx(21.0 / 8.5)
    assert estimate[1:3] == pytest.approx(np.quantile(ratios, [0.025, 0.975]), abs=0.05)


def test_ratio_of_means_is_as_wide_as_the_delta_method_says() -> None:
    """Of 200 pairs; with the denominator taken for a constant it would be many times as wide."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=200)
    above, below = 10.0 + 2.0 * common + 0.3 * rng.normal(size=200), 5.0 + common
    ratio = above.mean() / below.mean()
    half = Z * stats.sem(above - ratio * below) / below.mean()
    assert ratio_of_means(above, below)[:3] == pytest.approx(
        (ratio, ratio - half, ratio + half), abs=half / 10
    )
    assert Z * stats.sem(above) / below.mean() > 5.0 * half


def test_crossed_interval_of_a_single_run_is_the_bootstrap_of_episodes() -> None:
    ours, theirs = np.random.default_rng(0).normal(size=(2, 30))
    found = crossed_interval(ours, theirs, np.subtract)
    assert found == pytest.approx(bootstrap_interval(ours - theirs, mean_over_runs))


def test_crossed_interval_approaches_the_enumeration_of_all_resamples() -> None:
    """Two runs in three episodes, against one that is the same in all."""
    table, other = np.array([[1.0, 4.0, 2.0], [7.0, 5.0, 9.0]]), np.array([1.0, 1.0, 1.0])
    means = [
        table[np.ix_(runs, episodes)].mean() - 1.0
        for runs in product(range(2), repeat=2)
        for episodes in product(range(3), repeat=3)
    ]
    estimate = crossed_interval(table, other, np.subtract, resamples=20_000)
    assert (estimate.mean, estimate.n) == (pytest.approx(table.mean() - 1.0), 3)
    assert estimate[1:3] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.3)


def test_crossed_interval_holds_the_spread_between_runs() -> None:
    """Runs at fixed distances in all episodes: over episodes alone the mean would have no width."""
    levels = np.array([0.0, 1.0, 2.0, 5.0, 7.0])
    estimate = crossed_interval(np.tile(levels[:, None], (1, 40)), np.zeros(40), np.subtract)
    assert estimate == pytest.approx(bootstrap_interval(levels, mean_over_runs)._replace(n=40), abs=0.3)


def lag_one(series: np.ndarray) -> float:
    centred = series - series.mean()
    return float(np.sum(centred[1:] * centred[:-1]) / np.sum(centred**2))


def test_autocorrelation_of_one_series_by_hand() -> None:
    # Centred -2..2: products 2 + 0 + 0 + 2 over squares 10.
    half = Z / np.sqrt(5.0)
    assert autocorrelation_interval(ONE_TO_FIVE) == pytest.approx((0.4, 0.4 - half, 0.4 + half, 5))


def test_autocorrelation_of_runs_is_a_mean_interval_over_them() -> None:
    series = np.random.default_rng(0).normal(size=(4, 30)).cumsum(axis=1)
    expected = mean_interval([lag_one(run) for run in series])
    assert autocorrelation_interval(series) == pytest.approx(expected)


@pytest.mark.parametrize("values", [[1.0], [[1.0, 2.0], [3.0, 4.0]]])
def test_too_few_values_or_axes_are_an_error(values: list) -> None:
    with pytest.raises(ValueError, match="expected one axis with at least two values"):
        mean_interval(values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval([1.0, np.nan]), r"values holds nan \(1 of 2\): expected finite numbers"),
        (lambda: mean_interval([1.0, np.inf]), "expected finite numbers"),
        (lambda: ratio_of_means([1.0, 2.0], [1.0, 2.0, 3.0]), "numerator has 2 values, denominator has 3"),
        (lambda: crossed_interval([1.0, 2.0], [1.0, 2.0, 3.0], np.subtract), "ours has 2 episodes, theirs"),
        (lambda: bootstrap_interval([[1.0], [2.0]], mean_of_all), r"strata of shape \(2, 1\): expected"),
        (lambda: bootstrap_interval(np.zeros((2, 2, 2)), mean_of_all), "expected one or two axes"),
        (lambda: bootstrap_interval([1.0, np.nan], mean_over_runs), "strata holds nan"),
        (lambda: autocorrelation_interval([1.0, 2.0]), r"series of shape \(2,\): expected"),
        (lambda: autocorrelation_interval([[1.0, 2.0, 3.0]]), "expected one axis with at least two values"),
        (lambda: autocorrelation_interval([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]]), "series: 1 constant"),
    ],
)
def test_errors_name_what_is_wrong(call: Callable, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.1, 2.0, "above"), (-2.0, -0.1, "below"), (-1.0, 1.0, "not distinguishable from")],
)
def test_words(low: float, high: float, word: str) -> None:
    assert Estimate((low + high) / 2, low, high, 20).word == word
