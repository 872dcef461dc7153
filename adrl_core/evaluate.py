"""Evaluation: any policy on the bank of held-out episodes that all policies share."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from adrl_core.agents.baselines import reference_policies, rounds
from adrl_core.agents.policy import Policy
from adrl_core.agents.team import TeamPolicy
from adrl_core.config import Study
from adrl_core.market import Market, make_market
from adrl_core.market.presets import STEPS
from adrl_core.train import load_team

BANK_SEED = 2**31
"""Seed of the evaluation bank; training runs have smaller ones, so that no run has met these markets."""
SEARCH_SEED = BANK_SEED + 1
"""Seed of the episodes on which constant policies are searched, apart from the bank."""


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


def evaluate_team(study: Study, checkpoint: Path, device: str = "cpu") -> pd.DataFrame:
    """Evaluate the trained teams of a study, greedily, on the bank.

    Returns:
        One row a training run and bank episode: policy (the variant), seed and the columns of `play`.

    Raises:
        ConfigurationError: the checkpoint is missing, damaged, or of another configuration.
    """
    learner = load_team(study, checkpoint, device)
    market = make_market(study.market, fee=study.fee, device=device)
    bank = np.arange(study.evaluation_episodes)
    episodes = np.tile(bank, len(learner.seeds))
    frame = play(TeamPolicy(learner), market, np.full(len(episodes), BANK_SEED), episodes)
    frame.insert(0, "seed", np.repeat(learner.seeds, len(bank)))
    frame.insert(0, "policy", study.variant)
    return frame


def evaluate_baselines(study: Study, device: str = "cpu") -> pd.DataFrame:
    """Evaluate the policies that do not learn on the bank.

    Returns:
        One row a policy and bank episode: policy, seed (0) and the columns of `play`.
    """
    market = make_market(study.market, fee=study.fee, device=device)
    bank = np.arange(study.evaluation_episodes)
    frames = []
    for policy in reference_policies(study.market, SEARCH_SEED):
        plays = [play(policy, market, np.full(len(r), BANK_SEED), r) for r in rounds(policy, bank)]
        frame = pd.concat(plays).sort_values("episode", ignore_index=True)
        frame.insert(0, "seed", 0)
        frame.insert(0, "policy", policy.name)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
