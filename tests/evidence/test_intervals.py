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
    correlation_interval,
    mean_interval,
    prediction_interval,
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


def test_prediction_interval_by_hand() -> None:
    half = T4 * np.sqrt(2.5) * np.sqrt(1.2)
    assert prediction_interval(ONE_TO_FIVE) == pytest.approx((3.0, 3.0 - half, 3.0 + half, 5))


@pytest.mark.parametrize("interval", [mean_interval, prediction_interval])
def test_equal_values_have_no_width(interval: Callable) -> None:
    assert interval([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0, 3)


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


def test_correlation_by_fisher_z() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 20))
    y += x
    r = np.corrcoef(x, y)[0, 1]
    low, high = np.tanh(np.arctanh(r) + Z / np.sqrt(17) * np.array([-1.0, 1.0]))
    assert correlation_interval(x, y) == pytest.approx((r, low, high, 20))


def test_perfect_correlation_has_no_width() -> None:
    assert correlation_interval(ONE_TO_FIVE, ONE_TO_FIVE) == (1.0, 1.0, 1.0, 5)


@pytest.mark.parametrize("interval", [mean_interval, prediction_interval])
@pytest.mark.parametrize("values", [[1.0], [[1.0, 2.0], [3.0, 4.0]]])
def test_too_few_values_or_axes_are_an_error(interval: Callable, values: list) -> None:
    with pytest.raises(ValueError, match="expected one axis with at least two values"):
        interval(values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval([1.0, np.nan]), r"values holds nan \(1 of 2\): expected finite numbers"),
        (lambda: prediction_interval([1.0, np.inf]), "expected finite numbers"),
        (lambda: bootstrap_interval([[1.0], [2.0]], mean_of_all), r"strata of shape \(2, 1\): expected"),
        (lambda: bootstrap_interval(np.zeros((2, 2, 2)), mean_of_all), "expected one or two axes"),
        (lambda: bootstrap_interval([1.0, np.nan], mean_over_runs), "strata holds nan"),
        (lambda: autocorrelation_interval([1.0, 2.0]), r"series of shape \(2,\): expected"),
        (lambda: autocorrelation_interval([[1.0, 2.0, 3.0]]), "expected one axis with at least two values"),
        (lambda: autocorrelation_interval([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]]), "series: 1 constant"),
        (lambda: correlation_interval([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]), "at least four values"),
        (lambda: correlation_interval(ONE_TO_FIVE, ONE_TO_FIVE[:4]), "x has 5 values, y has 4"),
        (lambda: correlation_interval(ONE_TO_FIVE, [2.0] * 5), "y is constant at 2: expected"),
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
