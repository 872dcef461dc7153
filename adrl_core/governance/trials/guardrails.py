"""The safety layer on trial: what it stops, and what each of its limits costs."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from adrl_core.agents.policy import Action, Policy
from adrl_core.agents.team import TeamLearner, TeamPolicy
from adrl_core.config import Study
from adrl_core.governance.guardrails import KINDS, Constraints, Guarded, violations
from adrl_core.governance.trials.bank import play_runs, trial_episodes
from adrl_core.market import Market, Step, make_market
from adrl_core.market.noise import Purpose, stream
from adrl_core.market.presets import CHANNELS, STEPS

LIMITS: Mapping[str, Constraints] = MappingProxyType(
    {
        "channels": Constraints(spend_per_step=15.0, spend_per_episode=500.0, largest_share=(0.9, 0.9, 0.9)),
        "shift": Constraints(spend_per_step=15.0, spend_per_episode=500.0, largest_share=(0.9, 0.9, 0.9)),
        "pacing": Constraints(spend_per_step=24.0, spend_per_episode=580.0, largest_share=(0.9, 0.9, 0.9)),
    }
)
"""Limits on trial. Where money is plenty, spend is limited to what a sound team hardly ever needs; where the
budget is 600, a step to four times the even pace, and the episode to what leaves a reserve. A share of at
most 0.9 keeps a foot in another channel."""
PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bid range": ("lowest_bid", "highest_bid"),
        "spend": ("spend_per_step", "spend_per_episode"),
        "exposure": ("largest_share",),
        "quality": ("quality_floor",),
    }
)
"""Which fields make up each limit."""
LOOSE = Constraints(
    lowest_bid=1e-3,
    highest_bid=1e3,
    spend_per_step=1e6,
    spend_per_episode=1e6,
    largest_share=(1.0, 1.0, 1.0),
    quality_floor=0.0,
)
"""Limits that no policy in its right mind meets."""
CAPS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Largest shares that are tried one by one."""
WILD_BIDS = (float("nan"), float("inf"), float("-inf"), -1.0, 0.0, 0.01, 2.0, 4.5, 5.0, 1e9)
WILD_SHARES = (float("nan"), float("inf"), -0.5, 0.0, 1.0 / 3.0, 0.5, 1.0, 2.0, 1e9)
WRONG = tuple(f"wrong_{kind}" for kind in KINDS)
"""Columns that count what is wrong with actions."""
BLOCK = 2
"""Block of a policy's key for the wild actions; policies that draw use 0, corrupted states 1."""


class Wild:
    """A policy gone mad: every number of its actions is drawn from sane ones, absurd ones and none at all."""

    name = "wild"

    def reset(self, market: Market) -> None:
        """Draw the actions of the whole episode, each row from its own stream."""
        streams = [
            stream(int(seed), Purpose.POLICY, int(episode), BLOCK)
            for seed, episode in zip(market.seeds, market.episodes, strict=True)
        ]
        bids = np.stack([generator.choice(WILD_BIDS, STEPS) for generator in streams], 1)
        shares = np.stack([generator.choice(WILD_SHARES, (STEPS, CHANNELS)) for generator in streams], 1)
        self.bid = torch.as_tensor(bids, device=market.device, dtype=market.dtype)
        self.allocation = torch.as_tensor(shares, device=market.device, dtype=market.dtype)
        self.t = 0

    def act(self, state: Tensor) -> Action:
        """The actions drawn for this step."""
        return Action(self.bid[self.t], self.allocation[self.t])

    def observe(self, step: Step) -> None:
        """Go on to the next step."""
        self.t += 1


class Inspected:
    """A guarded policy whose final actions are inspected once more.

    Args:
        guarded: the policy behind its safety layer.
    """

    def __init__(self, guarded: Guarded) -> None:
        self.guarded, self.name = guarded, guarded.name

    def reset(self, market: Market) -> None:
        """Start counting."""
        self.guarded.reset(market)
        self.overridden = torch.zeros((market.rows, len(KINDS)), device=market.device)
        self.any = torch.zeros(market.rows, device=market.device)
        self.reached = torch.zeros(market.rows, device=market.device)

    def act(self, state: Tensor) -> Action:
        """The action that reaches the market."""
        action = self.guarded.act(state)
        self.overridden += self.guarded.overridden
        self.any += self.guarded.overridden.any(1)
        self.reached += violations(action, self.guarded.limits(), self.guarded.constraints).any(1)
        return action

    def observe(self, step: Step) -> None:
        """See what the last action brought."""
        self.guarded.observe(step)

    def counts(self) -> pd.DataFrame:
        """A row an episode: share of steps with a forbidden action, by kind; how many reached the market."""
        frame = pd.DataFrame(self.overridden.cpu().numpy() / STEPS, columns=list(WRONG))
        frame.insert(0, "forbidden", self.any.cpu().numpy() / STEPS)
        frame["reached"] = self.reached.cpu().numpy()
        frame["overspent"] = self.guarded.overspent.cpu().numpy()
        return frame


def only(part: str, limits: Constraints) -> Constraints:
    """One of the limits, with all others loose."""
    return LOOSE.model_copy(update={field: getattr(limits, field) for field in PARTS[part]})


def conditions(limits: Constraints) -> Iterator[tuple[str, Constraints, bool]]:
    """Name, constraints and enforcement of every condition of the trial."""
    yield "counted only", limits, False
    yield "all limits", limits, True
    for part in PARTS:
        yield f"only {part}", only(part, limits), True


def guardrails_trial(study: Study, learner: TeamLearner) -> pd.DataFrame:
    """The teams without the safety layer, behind it, and behind each limit alone; a mad policy behind it.

    Returns:
        A row a policy, condition and run, means over the trial's episodes: seed, the totals of
        `evaluate.play`, and the counts of `Inspected`.
    """
    limits, market = LIMITS[study.market], make_market(study.market)
    frames = [
        _condition(TeamPolicy(learner), study, learner, market, *condition)
        for condition in conditions(limits)
    ]
    frames.append(_condition(Wild(), study, learner, market, "all limits", limits, True))
    return pd.concat(frames, ignore_index=True)


def caps_trial(study: Study, learner: TeamLearner) -> pd.DataFrame:
    """The teams with nothing limited but the largest share: a row a cap and run, as in `guardrails_trial`."""
    market = make_market(study.market)
    frames = []
    for cap in CAPS:
        constraints = LOOSE.model_copy(update={"largest_share": (cap,) * CHANNELS})
        frame = _condition(TeamPolicy(learner), study, learner, market, f"cap {cap}", constraints, True)
        frame.insert(2, "cap", cap)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _condition(
    policy: Policy,
    study: Study,
    learner: TeamLearner,
    market: Market,
    condition: str,
    constraints: Constraints,
    enforce: bool,
) -> pd.DataFrame:
    inspected = Inspected(Guarded(policy, constraints, enforce=enforce))
    frame = play_runs(inspected, market, learner, trial_episodes(study))
    runs = pd.concat([frame, inspected.counts()], axis=1).groupby("seed", as_index=False).mean()
    runs = runs.drop(columns="episode")
    runs.insert(0, "condition", condition)
    runs.insert(0, "policy", policy.name)
    return runs
