"""Aggregate scores of few runs: Agarwal et al. (2021), "Deep reinforcement learning at the edge of the
statistical precipice"."""

from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from adrl_core.evidence.intervals import RESAMPLES, bootstrap_bounds, samples_by_row


def iqm(scores: ArrayLike) -> np.ndarray:
    """Interquartile mean over the last axis, scores of shape (..., n) to shape (...).

    The mean of what is left when the lowest and the highest quarter (rounded down to whole scores) are
    taken off. Scores of several tasks are put on one axis first.

    Raises:
        ValueError: no scores, or one that is not finite.
    """
    array = np.asarray(scores, dtype=float)
    if array.ndim == 0 or array.size == 0 or not np.all(np.isfinite(array)):
        raise ValueError(f"scores of shape {array.shape}: expected at least one score, all finite")
    return stats.trim_mean(array, 0.25, axis=-1)


def profile_band(
    scores: ArrayLike, thresholds: ArrayLike, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Performance profile with its pointwise 95 % band: share, low, high, each of shape (thresholds,).

    The share of the runs that score above each threshold. Scores have shape (runs,), or (tasks, runs) to
    take all tasks together; percentile bootstrap, resampling the runs within each task.

    Raises:
        ValueError: scores of another shape or fewer than two a task, thresholds not on one axis, or a
            value that is not finite.
    """
    array, levels = samples_by_row(scores, "scores"), _levels(thresholds)
    above = partial(_above, levels=levels, axes=array.ndim)
    low, high = bootstrap_bounds(array, above, resamples, seed)
    return above(array), low, high


def _levels(thresholds: ArrayLike) -> np.ndarray:
    levels = np.asarray(thresholds, dtype=float)
    if levels.ndim != 1 or not np.all(np.isfinite(levels)):
        raise ValueError(f"thresholds of shape {levels.shape}: expected one axis of finite numbers")
    return levels


def _above(scores: np.ndarray, levels: np.ndarray, axes: int) -> np.ndarray:
    """Share of the scores above each level, over the last `axes` axes; the levels come first."""
    over = tuple(range(-axes, 0))
    return (scores > levels.reshape(-1, *[1] * scores.ndim)).mean(axis=over)
