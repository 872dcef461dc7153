"""Episodes of a bank as several runs play them: the mean of each run."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from adrl_core.agents.policy import Policy
from adrl_core.config import MarketName
from adrl_core.evaluate import play
from adrl_core.market import make_market

TOGETHER = 200
"""Episodes of a run that are played at once, so that all runs' grids of actions fit in memory."""


def play_runs(
    policy: Policy, market: MarketName, seeds: Sequence[int], bank: int, episodes: int, fee: float = 0.0
) -> pd.DataFrame:
    """Let every run play the first `episodes` of a bank.

    Args:
        policy: its rows are ordered run by run.
        market: where it plays.
        seeds: of the runs.
        bank: market seed of the episodes.
        episodes: their number.
        fee: of the market.

    Returns:
        A row a run: seed and means of the columns of `evaluate.play`.
    """
    world, frames = make_market(market, fee=fee), []
    for part in np.split(np.arange(episodes), range(TOGETHER, episodes, TOGETHER)):
        numbers = np.tile(part, len(seeds))
        frames.append(play(policy, world, np.full(len(numbers), bank), numbers))
        frames[-1]["seed"] = np.repeat(seeds, len(part))
    return pd.concat(frames).drop(columns="episode").groupby("seed", as_index=False).mean()
