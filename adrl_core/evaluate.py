"""Evaluation: any policy on the bank of held-out episodes that all policies share."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from adrl_core.agents.baselines import reference_policies, rounds
from adrl_core.agents.policy import Action, Policy
from adrl_core.config import Study
from adrl_core.market import Market, Step, make_market
from adrl_core.market.presets import CHANNEL_NAMES, STEPS
from adrl_core.train import load_learner

BANK_SEED = 2**31
"""Seed of the evaluation bank; training runs have smaller ones, so that no run has met these markets."""
SEARCH_SEED = BANK_SEED + 1
"""Seed of the episodes on which constant policies are searched, apart from the bank."""


class Evaluation(NamedTuple):
    """What policies did on the bank."""

    episodes: pd.DataFrame
    """A row a policy, seed and episode: policy, seed and the columns of `play`."""
    steps: pd.DataFrame
    """A row a policy, seed and step, means over the bank: policy, seed and the columns of `Traced.steps`."""


class Traced:
    """A policy whose actions are averaged, step by step, over the episodes of each run.

    Args:
        policy: the policy to watch.
        runs: number of runs among its rows, which are ordered run by run.
    """

    COLUMNS = ("bid", *(f"allocation_{name}" for name in CHANNEL_NAMES), "asked")

    def __init__(self, policy: Policy, runs: int = 1) -> None:
        self.policy, self.name, self.runs = policy, policy.name, runs
        self.sums = torch.zeros(STEPS, len(self.COLUMNS), runs, dtype=torch.float64)
        self.count = 0

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to."""
        self.policy.reset(market)
        self.time = 0
        self.count += market.rows // self.runs

    def act(self, state: Tensor) -> Action:
        """The policy's actions."""
        action = self.policy.act(state)
        asked = torch.zeros_like(action.bid) if action.asked is None else action.asked
        values = torch.stack((action.bid, *action.allocation.unbind(1), asked)).double()
        self.sums[self.time] += values.reshape(len(values), self.runs, -1).sum(2).cpu()
        self.time += 1
        return action

    def observe(self, step: Step) -> None:
        """See what the last action brought."""
        self.policy.observe(step)

    def steps(self) -> pd.DataFrame:
        """Mean bid, allocation and number of agents asked: a row a run and step, run by run."""
        means = (self.sums / self.count).permute(2, 0, 1).reshape(-1, len(self.COLUMNS))
        frame = pd.DataFrame(means.numpy(), columns=list(self.COLUMNS))
        frame.insert(0, "step", np.tile(np.arange(STEPS), self.runs))
        return frame


@torch.inference_mode()
def play(policy: Policy, market: Market, seeds: NDArray, episodes: NDArray) -> pd.DataFrame:
    """Play one episode a row and return its totals.

    Args:
        policy: plays all rows together.
        market: is reset to the rows' (seed, episode) pairs.
        seeds, episodes: market keys, shape (rows,).

    Returns:
        One row an episode: episode, reward (shaped, as published), conversions, clicks, impressions,
        spend, profit and roi (a ratio; 0 where nothing was spent).
    """
    state = market.reset(seeds, episodes)
    policy.reset(market)
    totals = torch.zeros((6, market.rows), device=market.device, dtype=torch.float64)
    for _ in range(STEPS):
        step = market.step(*policy.act(state))
        policy.observe(step)
        auctions = step.auctions
        totals += torch.stack(
            (
                step.reward if market.fee else step.shaped,
                auctions.conversions,
                auctions.clicks,
                auctions.impressions,
                auctions.spend,
                step.profit,
            )
        )
        state = step.state
    columns = ("reward", "conversions", "clicks", "impressions", "spend", "profit")
    frame = pd.DataFrame(dict(zip(columns, totals.cpu().numpy(), strict=True)))
    frame.insert(0, "episode", episodes)
    spent = frame["spend"].to_numpy()
    frame["roi"] = np.divide(frame["profit"], spent, out=np.zeros_like(spent), where=spent > 0)
    return frame


def evaluate_team(study: Study, checkpoint: Path, device: str = "cpu") -> Evaluation:
    """Evaluate the trained teams of a study, greedily, on the bank.

    Raises:
        ConfigurationError: the checkpoint is missing, damaged, or of another configuration.
    """
    learner = load_learner(study, checkpoint, device)
    market = make_market(study.market, fee=study.fee, device=device)
    bank = np.arange(study.evaluation_episodes)
    episodes = np.tile(bank, len(learner.seeds))
    team = Traced(learner.policy(), len(learner.seeds))
    frame = play(team, market, np.full(len(episodes), BANK_SEED), episodes)
    return Evaluation(
        _labelled(frame, study.variant, np.repeat(learner.seeds, len(bank))),
        _labelled(team.steps(), study.variant, np.repeat(learner.seeds, STEPS)),
    )


def evaluate_baselines(study: Study, device: str = "cpu") -> Evaluation:
    """Evaluate the policies that do not learn on the bank, as seed 0."""
    market = make_market(study.market, fee=study.fee, device=device)
    bank = np.arange(study.evaluation_episodes)
    frames, steps = [], []
    for policy in reference_policies(study.market, SEARCH_SEED, study.fee):
        traced = Traced(policy)
        plays = [play(traced, market, np.full(len(r), BANK_SEED), r) for r in rounds(policy, bank)]
        frame = pd.concat(plays).sort_values("episode", ignore_index=True)
        frames.append(_labelled(frame, policy.name, 0))
        steps.append(_labelled(traced.steps(), policy.name, 0))
    return Evaluation(pd.concat(frames, ignore_index=True), pd.concat(steps, ignore_index=True))


def _labelled(frame: pd.DataFrame, policy: str, seed: int | NDArray) -> pd.DataFrame:
    frame.insert(0, "seed", seed)
    frame.insert(0, "policy", policy)
    return frame
