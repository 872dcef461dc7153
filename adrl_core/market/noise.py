"""Keyed randomness: counter-based streams, and counts drawn by quantile so that policies stay coupled."""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MAX_SEARCH = 512
LARGEST_UNIFORM = 1.0 - 2.0**-20
"""A distribution function summed in single precision may stop short of 1; the search ends before that."""


class Purpose(IntEnum):
    """What a stream is for; together with seed, episode and step it is the key of the stream."""

    MARKET = 0
    THINNING = 1
    WEIGHTS = 2
    EXPLORATION = 3
    LEARNING = 4
    POLICY = 5


def stream(seed: int, purpose: Purpose, episode: int = 0, step: int = 0) -> np.random.Generator:
    """The random stream of one key: Philox 4x64 (Salmon et al. 2011), the same wherever it is opened.

    Each (seed, purpose) selects a cipher key and each (episode, step) a block of 2**128 counters, so that
    no two streams overlap and none depends on which other runs share the batch.
    """
    return np.random.Generator(np.random.Philox(key=[seed, purpose], counter=[0, 0, step, episode]))


def draw(
    seeds: Sequence[int] | NDArray[np.int64],
    episodes: Sequence[int] | NDArray[np.int64],
    purpose: Purpose,
    uniforms: int,
    normals: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Standard uniforms, shape (rows, uniforms), and then normals, (rows, normals), of a stream a row."""
    flat = np.empty((len(seeds), uniforms), np.float32), np.empty((len(seeds), normals), np.float32)
    for row, (seed, episode) in enumerate(zip(seeds, episodes, strict=True)):
        generator = stream(int(seed), purpose, int(episode))
        generator.random(out=flat[0][row], dtype=np.float32)
        generator.standard_normal(out=flat[1][row], dtype=np.float32)
    return flat


def poisson_quantile(normal: Tensor, mean: Tensor) -> Tensor:
    """Poisson counts by inversion of the uniform Phi(normal); same shape as the arguments, as floats.

    Below a mean of 4 the distribution function is searched from zero; above, the count is Giles' (2016,
    ACM TOMS 42:7) expansion of the inverse around the normal quantile, whose rounding differs from the
    exact inverse with a probability below 1e-3 and leaves mean and variance unchanged to 1e-4.
    """
    small = mean < 4.0
    if bool(small.all()):
        return _search_poisson(normal, mean)
    searched = _search_poisson(normal, torch.where(small, mean, 0.0))
    large = mean.clamp_min(4.0)
    root, square = large.sqrt(), normal * normal
    expansion = (
        large
        + root * normal
        + (2.0 + square) / 6.0
        - normal * (2.0 + square) / (72.0 * root)
        + (-8.0 / 405.0 + square * (7.0 / 810.0 + square / 270.0)) / large
    )
    return torch.where(small, searched, expansion.floor().clamp_min(0.0))


def _search_poisson(normal: Tensor, mean: Tensor) -> Tensor:
    uniform = torch.special.ndtr(normal).clamp_max(LARGEST_UNIFORM)
    probability = (-mean).exp()
    below = probability.clone()
    count = torch.zeros_like(mean)
    for k in range(1, MAX_SEARCH):
        beyond = uniform > below
        if not bool(beyond.any()):
            break
        count += beyond
        probability = probability * (mean / k)
        below += probability
    return count


def binomial_quantile(uniform: Tensor, trials: Tensor, chance: Tensor) -> Tensor:
    """Binomial counts by inversion of the uniforms; `trials` are whole numbers stored as floats.

    The search runs over the rarer of success and failure, mirrored where failures are rarer, so that the
    first probability cannot underflow for the trial counts met here (up to a few hundred).
    """
    mirrored = chance > 0.5
    rare = torch.where(mirrored, 1.0 - chance, chance)
    target = torch.where(mirrored, 1.0 - uniform, uniform).clamp_max(LARGEST_UNIFORM)
    odds = rare / (1.0 - rare)
    probability = (trials * torch.log1p(-rare)).exp()
    below = probability.clone()
    count = torch.zeros_like(trials)
    for k in range(1, MAX_SEARCH):
        beyond = target > below
        if not bool(beyond.any()):
            break
        count += beyond
        probability = probability * odds * ((trials - (k - 1)) / k).clamp_min(0.0)
        below += probability
    count = torch.minimum(count, trials)
    return torch.where(mirrored, trials - count, count)
