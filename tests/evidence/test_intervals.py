"""Intervals against hand calculation, and their coverage by simulation."""

import numpy as np
import pytest
from scipy import stats

from adrl_core.evidence.intervals import Estimate, mean_interval


def test_interval_by_hand() -> None:
    # Mean 3, standard deviation sqrt(2.5), standard error sqrt(0.5); t(4) at 97.5 % is 2.7764.
    estimate = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    half = 2.7764451 * np.sqrt(0.5)
    assert estimate == pytest.approx((3.0, 3.0 - half, 3.0 + half, 5))


def test_interval_is_that_of_the_one_sample_t_test() -> None:
    values = np.random.default_rng(0).normal(size=20)
    low, high = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert mean_interval(values)[1:3] == pytest.approx((low, high))


def test_coverage_is_near_95_percent() -> None:
    samples = np.random.default_rng(1).normal(2.0, 3.0, (4000, 20))
    estimates = [mean_interval(sample) for sample in samples]
    covered = np.mean([e.low <= 2.0 <= e.high for e in estimates])
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 4000)


def test_equal_values_have_no_width() -> None:
    assert mean_interval([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0, 3)


@pytest.mark.parametrize("values", [[1.0], [[1.0, 2.0], [3.0, 4.0]]])
def test_too_few_values_or_axes_are_an_error(values: list) -> None:
    with pytest.raises(ValueError, match="expected one axis with at least two values"):
        mean_interval(values)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.1, 2.0, "above"), (-2.0, -0.1, "below"), (-1.0, 1.0, "not distinguishable from")],
)
def test_words(low: float, high: float, word: str) -> None:
    assert Estimate((low + high) / 2, low, high, 20).word == word
