"""A trained team in use: its weights from a checkpoint or a vault, and the stack it acts through."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from adrl_core.agents.baselines import Greedy, reference_policies
from adrl_core.agents.policy import Policy
from adrl_core.agents.team import TeamLearner, TeamPolicy
from adrl_core.config import ConfigurationError, MarketName, Study
from adrl_core.evaluate import BANK_SEED, SEARCH_SEED, play
from adrl_core.governance import vault
from adrl_core.governance.audit import Trail
from adrl_core.governance.decisions import Recorded
from adrl_core.governance.guardrails import Guarded
from adrl_core.governance.oversight import Supervised, team_hash
from adrl_core.governance.sequential import PerformanceBound, performance_bound
from adrl_core.governance.trials.guardrails import limits_of
from adrl_core.governance.trials.oversight import DEPLOYED_SEED, REVIEW_EVERY
from adrl_core.market import make_market
from adrl_core.market.presets import STEPS


class Moment(NamedTuple):
    """One step of teams in use, each in an episode of its own."""

    episode: int
    step: int
    live: int
    """Number of teams that acted; for the others, the baseline did."""
    overridden: int
    """Number of actions that the safety layer changed."""
    reward: float
    """Shaped reward of the step, mean over the teams."""


def team_from_vault(study: Study, path: Path) -> TeamLearner:
    """The teams whose weights a vault holds.

    Raises:
        ConfigurationError: as `vault.load`, or the weights are not those of such a team.
    """
    networks = vault.load(path)
    try:
        runs = len(next(iter(networks["controller"].values())))
        learner = TeamLearner(study.team, range(runs))
        learner.load_networks(networks)
    except (KeyError, RuntimeError, StopIteration, TypeError, AttributeError):
        raise ConfigurationError(f"vault = {path}: holds no team of variant {study.variant}") from None
    return learner


def named_baseline(market_name: MarketName, name: str) -> Policy:
    """A reference policy by name, to act where the team may not.

    Raises:
        ConfigurationError: unknown name; the message lists all.
    """
    found = {
        policy.name: policy
        for policy in reference_policies(market_name, SEARCH_SEED)
        if not (isinstance(policy, Greedy) and policy.carried)
    }
    if name not in found:
        raise ConfigurationError(f"baseline = {name!r}: unknown; allowed: {', '.join(found)}")
    return found[name]


def bound_of(baseline: Policy, market_name: MarketName, bank: int) -> PerformanceBound:
    """The bound that the baseline's episodes on the bank set, with the stated false-alarm rate."""
    frame = play(baseline, make_market(market_name), np.full(bank, BANK_SEED), np.arange(bank))
    return performance_bound(frame["reward"])


def governed(
    learner: TeamLearner,
    market_name: MarketName,
    baseline: Policy,
    bound: PerformanceBound,
    files: tuple[Path, Path],
    trail: Trail,
) -> Recorded:
    """The stack from team to market: oversight, safety layer, audit trail.

    Args:
        learner: the teams, whose hash must be approved.
        market_name: whose limits hold.
        baseline: acts where a team may not.
        bound: when a team has degraded.
        files: of approvals and of the kill switch.
        trail: open for appending.
    """
    team = TeamPolicy(learner)
    supervised = Supervised(team, baseline, lambda: team_hash(learner), *files, bound, REVIEW_EVERY)
    return Recorded(Guarded(supervised, limits_of(market_name)), supervised, team, trail)


@torch.inference_mode()
def rehearsal(
    policy: Recorded, market_name: MarketName, episodes: int, pause: float = 0.0
) -> Iterator[Moment]:
    """Let governed teams act in their market, step by step, on episodes that no training has met.

    Args:
        policy: the stack.
        market_name: where they act.
        episodes: number of episodes, one after the other; each team has its own.
        pause: seconds between two steps.

    Raises:
        NotApprovedError: no approval of the teams' hash is on file.
    """
    market, seeds = make_market(market_name), DEPLOYED_SEED + np.array(policy.team.learner.seeds)
    for episode in range(episodes):
        state = market.reset(seeds, np.full(len(seeds), episode))
        policy.reset(market)
        for t in range(STEPS):
            step = market.step(*policy.act(state))
            policy.observe(step)
            state = step.state
            live = int(policy.supervised.live.sum())
            overridden = int(policy.guarded.overridden.any(1).sum())
            yield Moment(episode, t, live, overridden, float(step.shaped.mean()))
            time.sleep(pause)
