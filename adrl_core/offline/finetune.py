"""Going online: the usual learners, from whatever weights and memories they have, and how they do."""

import logging
from collections.abc import Callable, Sequence
from copy import copy

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from adrl_core.agents.policy import Policy
from adrl_core.agents.replay import Transitions
from adrl_core.agents.team import BOTH, TeamLearner, asks_bidding, fixed_mode_of
from adrl_core.market import Market
from adrl_core.market.presets import STEPS
from adrl_core.offline.behaviour import Log

log = logging.getLogger(__name__)


def remember(team: TeamLearner, logged: Log) -> None:
    """Put the logged bids into the Bidding agent's replay memory, as the oldest of its own experience."""
    continues = torch.ones_like(logged.reward)
    continues[:, STEPS - 1 :: STEPS] = 0.0
    steps = Transitions(
        logged.state * team.scale,
        logged.level,
        logged.reward * team.config.reward_scale,
        logged.next_state * team.scale,
        continues,
    )
    # Episode by episode, as online: no store may bring more than the memory holds.
    for first in range(0, logged.reward.shape[1], STEPS):
        episode = slice(first, first + STEPS)
        team.bidding.replay.add(
            Transitions(*(column[:, episode] for column in steps)), asks_bidding(logged.mode[:, episode])
        )


def acting(team: TeamLearner, number: int, episodes: int) -> Policy:
    """The teams as they act before training episode `number`, without exploring.

    As long as both agents are always asked the Controller has learned nothing, and is not asked whom to ask.
    """
    if fixed_mode_of(team.config, number, episodes) == BOTH:
        team = copy(team)
        team.config = team.config.model_copy(update={"ask": "both"})
    return team.policy()


def go_online(
    team: TeamLearner, market: Market, episodes: int, every: int, held_out: Callable[[Policy], pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train for so many episodes, and let the teams play without exploring before and after every k of them.

    Args:
        team: trained in place.
        market: that it trains on.
        episodes, every: their number, and k.
        held_out: plays held-out episodes and gives a row a run, with its seed.

    Returns:
        What `held_out` gave each time, with the number of online episodes before it; and the reward of each
        online episode, exploring: seed, episode, reward.
    """
    curves, rewards = [held_out(acting(team, 0, episodes)).assign(episode=0)], []
    for number in range(episodes):
        played = team.play_episode(market, number, episodes)
        team.learn(number, episodes)
        rewards.append(
            _total(played.reward if market.fee else torch.stack([s.shaped for s in played.steps], 1))
        )
        if (number + 1) % every == 0:
            curves.append(held_out(acting(team, number + 1, episodes)).assign(episode=number + 1))
            reward = curves[-1]["reward"].mean()
            log.info("online episode %d of %d, held-out reward %.1f", number + 1, episodes, reward)
    return pd.concat(curves, ignore_index=True), by_run(team.seeds, np.stack(rewards, 1))


def _total(rewards: torch.Tensor) -> NDArray[np.float64]:
    """Sums over the steps of rewards (runs, STEPS)."""
    total: NDArray[np.float64] = rewards.double().sum(1).numpy()
    return total


def by_run(seeds: Sequence[int], rewards: NDArray[np.float64]) -> pd.DataFrame:
    """Rewards (runs, episodes) as a table: seed, episode, reward."""
    runs, episodes = rewards.shape
    return pd.DataFrame(
        {
            "seed": np.repeat(seeds, episodes),
            "episode": np.tile(np.arange(episodes), runs),
            "reward": rewards.ravel(),
        }
    )
