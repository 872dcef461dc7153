"""Aggregate scores against the definitions of Agarwal et al. (2021), by brute force."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from adrl_core.evidence.intervals import bootstrap_interval
from adrl_core.evidence.reliable import iqm, profile_band


@pytest.mark.parametrize(("n", "cut"), [(4, 1), (8, 2), (20, 5), (6, 1), (3, 0)])
def test_iqm_is_the_mean_of_the_middle_half(n: int, cut: int) -> None:
    scores = np.random.default_rng(n).normal(size=n)
    assert iqm(scores) == pytest.approx(np.mean(sorted(scores)[cut : n - cut]))


def test_iqm_ignores_an_outlier_and_is_not_the_median() -> None:
    assert iqm([0.0, 1.0, 5.0, 1e9]) == 3.0
    assert iqm([0.0, 0.0, 1.0, 1.0, 2.0, 8.0, 9.0, 9.0]) == 3.0


def test_iqm_runs_along_the_last_axis() -> None:
    scores = np.random.default_rng(0).normal(size=(2, 3, 8))
    expected = [[iqm(run) for run in task] for task in scores]
    assert iqm(scores) == pytest.approx(np.array(expected))


def test_iqm_over_tasks_bootstraps_within_them() -> None:
    """All scores of all tasks on one axis, as the paper aggregates them."""
    scores = np.stack([np.full(8, 1.0), np.full(8, 3.0)])
    estimate = bootstrap_interval(scores, lambda s: iqm(s.reshape(*s.shape[:-2], -1)))
    assert estimate == (2.0, 2.0, 2.0, 16)


@pytest.mark.parametrize("shape", [(7,), (3, 7)])
def test_profile_counts_scores_strictly_above(shape: tuple[int, ...]) -> None:
    scores = np.random.default_rng(0).integers(0, 5, shape).astype(float)
    thresholds = [-1.0, 0.0, 2.0, 2.5, 4.0]
    expected = [sum(score > t for score in scores.ravel()) / scores.size for t in thresholds]
    assert profile_band(scores, thresholds)[0] == pytest.approx(expected)


def test_band_of_one_task_is_binomial() -> None:
    """Resampling n runs of which a share p lies above counts them as Binomial(n, p) does."""
    share, low, high = profile_band(np.arange(20.0), [4.5, 9.5, 30.0], resamples=20_000)
    assert share == pytest.approx([0.75, 0.5, 0.0])
    assert low == pytest.approx(stats.binom.ppf(0.025, 20, [0.75, 0.5, 0.0]) / 20, abs=1e-9)
    assert high == pytest.approx(stats.binom.ppf(0.975, 20, [0.75, 0.5, 0.0]) / 20, abs=1e-9)


def test_band_resamples_within_tasks() -> None:
    # At 1.5 the tasks are all below and all above; at 2.5 only the second one varies.
    scores = np.array([[0.0, 1.0, 1.0, 0.0], [2.0, 3.0, 2.0, 3.0]])
    share, low, high = profile_band(scores, [1.5, 2.5])
    assert share == pytest.approx([0.5, 0.25])
    assert low == pytest.approx([0.5, 0.0])
    assert high == pytest.approx([0.5, 0.5])


def test_band_follows_its_seed() -> None:
    scores, thresholds = np.random.default_rng(0).normal(size=50), np.linspace(-1.0, 1.0, 9)
    first, again, other = (profile_band(scores, thresholds, 200, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: iqm([]), r"scores of shape \(0,\): expected at least one score"),
        (lambda: iqm([1.0, np.nan]), "all finite"),
        (lambda: profile_band([1.0], [0.0]), r"scores of shape \(1,\): expected"),
        (lambda: profile_band([1.0, 2.0], 0.0), r"thresholds of shape \(\): expected one axis"),
        (lambda: profile_band([1.0, np.nan], [0.0]), "scores holds nan"),
        (lambda: profile_band([1.0, 2.0], [np.nan]), "finite numbers"),
    ],
)
def test_errors_name_what_is_wrong(call: Callable, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
