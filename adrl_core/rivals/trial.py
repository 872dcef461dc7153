"""The rivals of one market, trained for as long as the team and played on the same held-out episodes."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from adrl_core.agents.policy import Policy
from adrl_core.config import MarketName, RewardName, Study
from adrl_core.evaluate import BANK_SEED, play
from adrl_core.finished import Part, finish
from adrl_core.held_out import play_runs
from adrl_core.market import make_market
from adrl_core.market.presets import STEPS
from adrl_core.rivals.bandit import Bandit
from adrl_core.rivals.flat import train_flat
from adrl_core.rivals.online_lp import OnlineLP
from adrl_core.rivals.settings import CHOSEN, FlatSettings, OnlineLPSettings, Rival, Settings, chosen

KEY = ("market", "fee", "episodes", "evaluation_episodes")
"""Fields of the study that decide what a run comes to."""
STRETCHES = 50
"""Points of a learning curve."""
REWARDS: dict[str, tuple[RewardName, ...]] = {"margin": ("shaped", "profit")}
"""Rewards that rivals learn from where it is not the shaped one alone."""


class Tables(NamedTuple):
    """What runs came to; every table is labelled by rival, reward learned from, and seed."""

    rivals: pd.DataFrame
    """A row a run: means over the held-out episodes of the columns of `play`."""
    trainings: pd.DataFrame
    """A row a run: seconds of processor time that training took, and environment steps in each of them."""
    curves: pd.DataFrame
    """A row a run and stretch of training: its first episode, and the mean shaped reward, exploring."""


def compete(study: Study, directory: Path) -> Tables:
    """Train and play all rivals of a study and write a parquet file a table.

    Runs that are finished are kept in files ending in resume.pt until all are; a trial that finds some goes
    on from them.

    Raises:
        ConfigurationError: such a file is damaged or belongs to another study.
    """
    # As the team is trained: more threads would split sums differently.
    torch.set_num_threads(1)
    settings = study.settings(KEY)
    parts = [
        Part(
            f"{rival}-{reward}-{seeds[0]}",
            partial(_finished, study, rival, reward, seeds),
            {"settings": settings, "seeds": list(seeds)},
        )
        for rival, reward, seeds in _runs(study)
    ]
    return Tables(**finish(study.market, parts, directory))


def _runs(study: Study) -> list[tuple[Rival, RewardName, Sequence[int]]]:
    """All trainings of the study: rival, reward learned from, seeds."""
    seeds = range(study.seeds)
    return [
        (rival, reward, together)
        for reward in REWARDS.get(study.market, ("shaped",))
        for rival in CHOSEN
        for together in batches(chosen(rival, study.market), seeds)
    ]


def _finished(
    study: Study, rival: Rival, reward: RewardName, seeds: Sequence[int]
) -> dict[str, pd.DataFrame]:
    settings = chosen(rival, study.market)
    clock = time.process_time()
    policy, rewards = train_rival(settings, study.market, seeds, study.episodes, reward, study.fee)
    seconds = (time.process_time() - clock) / len(seeds)
    means = play_runs(policy, study.market, seeds, BANK_SEED, study.evaluation_episodes, study.fee)
    speed = {"seconds": seconds, "steps_per_second": study.episodes * STEPS / seconds}
    trainings = pd.DataFrame({"seed": list(seeds), **speed})
    tables = {"rivals": means, "trainings": trainings, "curves": learning_curves(seeds, rewards)}
    for frame in tables.values():
        frame.insert(0, "reward_learned", reward)
        frame.insert(0, "rival", rival)
    return tables


def batches(settings: Settings, seeds: Sequence[int]) -> list[Sequence[int]]:
    """The seeds that are trained together: one at a time by the library, all at once by linear bidders."""
    return [[seed] for seed in seeds] if isinstance(settings, FlatSettings) else [seeds]


def train_rival(
    settings: Settings,
    market: MarketName,
    seeds: Sequence[int],
    episodes: int,
    reward: RewardName = "shaped",
    fee: float = 0.0,
) -> tuple[Policy, NDArray[np.float64]]:
    """Train one rival with the given seeds.

    Returns:
        A policy whose rows are ordered run by run, and the shaped reward of each training episode,
        (runs, episodes).

    Raises:
        ValueError: several seeds for a learner that trains one at a time.
    """
    world = make_market(market, reward=reward, fee=fee)
    if isinstance(settings, FlatSettings):
        (seed,) = seeds
        policy, rewards = train_flat(world, market, settings, seed, episodes)
        return policy, rewards[None]
    learner = OnlineLP if isinstance(settings, OnlineLPSettings) else Bandit
    bidder: OnlineLP | Bandit = learner("bidder", settings, len(seeds))  # type: ignore[arg-type]
    rows = [
        play(bidder, world, np.asarray(seeds), np.full(len(seeds), number))["reward"].to_numpy()
        for number in range(episodes)
    ]
    bidder.learning = False
    return bidder, np.stack(rows, 1)


def learning_curves(seeds: Sequence[int], rewards: NDArray[np.float64]) -> pd.DataFrame:
    """Means over at most STRETCHES stretches of equal length of rewards (runs, episodes)."""
    length = -(-rewards.shape[1] // STRETCHES)
    frame = pd.DataFrame(rewards.T, columns=list(seeds))
    means = frame.groupby(frame.index // length * length).mean().rename_axis("episode")
    return means.reset_index().melt("episode", var_name="seed", value_name="reward").astype({"seed": int})
