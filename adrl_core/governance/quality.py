"""A simulated quality score of each channel, which the markets themselves do not have."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from adrl_core.config import Frozen, Positive
from adrl_core.market.noise import Purpose, stream
from adrl_core.market.presets import CHANNELS, STEPS

SCORE_BOUNDS = (0.0, 10.0)
Score = Annotated[float, Field(ge=SCORE_BOUNDS[0], le=SCORE_BOUNDS[1])]
BLOCK = 1
"""Block of the market's key for the scores; the market draws from block 0 alone, so they share no number."""


class QualityModel(Frozen):
    """Constants of the quality signal; triples are in the order search, display, video."""

    level: tuple[Score, Score, Score] = (8.4, 7.6, 8.0)
    """Score that each channel is pulled to."""
    reversion: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Pull towards the level in a step."""
    shock: Positive = 0.35
    """Standard deviation of a step's shock."""

    @property
    def spread(self) -> float:
        """Standard deviation of the score in the long run, clipping aside."""
        return self.shock / (1.0 - (1.0 - self.reversion) ** 2) ** 0.5


def quality_paths(
    model: QualityModel, seeds: Sequence[int] | NDArray, episodes: Sequence[int] | NDArray
) -> NDArray[np.float64]:
    """Quality scores of every step, row and channel, on a scale from 0 to 10.

    A mean-reverting walk, begun in its long-run law and kept on the scale:

        q_0 = clip(m + s / sqrt(1 - (1 - k)^2) e_0),   q_t = clip(q_{t-1} + k (m - q_{t-1}) + s e_t),

    with level m, reversion k, shock s and independent standard normals e. No action moves it, and all
    policies meet the same scores on the same (seed, episode), as they meet the same market. The model is
    ours: the published report names a threshold, but neither a score nor where it comes from.

    Args:
        model: the constants.
        seeds, episodes: market keys, shape (rows,).

    Returns:
        Shape (STEPS, rows, CHANNELS).
    """
    shocks = [
        stream(int(seed), Purpose.MARKET, int(episode), BLOCK).standard_normal((STEPS, CHANNELS))
        for seed, episode in zip(seeds, episodes, strict=True)
    ]
    walk = np.stack(shocks, 1)
    level = np.array(model.level)
    scores = np.empty_like(walk)
    scores[0] = (level + model.spread * walk[0]).clip(*SCORE_BOUNDS)
    for t in range(1, STEPS):
        pulled = scores[t - 1] + model.reversion * (level - scores[t - 1])
        scores[t] = (pulled + model.shock * walk[t]).clip(*SCORE_BOUNDS)
    return scores
