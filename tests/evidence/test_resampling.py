"""Intervals of two means against enumeration, SciPy and the delta method."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from adrl_core.evidence.intervals import bootstrap_interval
from adrl_core.evidence.resampling import crossed_interval, ratio_of_means

Z = 1.959964


def mean_over_runs(scores: np.ndarray) -> np.ndarray:
    return scores.mean(axis=-1)


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


def test_errors_name_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="numerator has 2 values, denominator has 3"):
        ratio_of_means([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="ours has 2 episodes, theirs has 3"):
        crossed_interval([1.0, 2.0], [1.0, 2.0, 3.0], np.subtract)
