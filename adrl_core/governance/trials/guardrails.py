"""The safety layer tried out: what it stops, and what each of its constraints costs."""

import logging
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
import torch

from adrl_core.agents.policy import Action, Policy
from adrl_core.agents.team import TeamLearner, TeamPolicy
from adrl_core.config import MarketName
from adrl_core.evaluate import BANK_SEED, play
from adrl_core.governance.faults import SlippedPoint
from adrl_core.governance.guardrails import KINDS, Constraints, Guarded, violations
from adrl_core.market import Market, Step, make_market

log = logging.getLogger(__name__)

LIMITS: Mapping[str, Constraints] = MappingProxyType(
    {
        # A budget that never binds: five times the usual step, half again the usual episode of about 300.
        "channels": Constraints(),
        "shift": Constraints(),
        # A budget of 600 that does: twice its even pace of 6 a step, and all but a twentieth of it.
        "pacing": Constraints(spend_per_step=12.0, spend_per_episode=570.0),
    }
)
"""The constraints tried on each market; elsewhere, their defaults."""
LOOSE = Constraints(
    lowest_bid=1e-6,
    highest_bid=1e6,
    spend_per_step=1e6,
    spend_per_episode=1e6,
    largest_share=(1.0, 1.0, 1.0),
    quality_floor=0.0,
)
"""Constraints that bind nobody."""
PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bid range": ("lowest_bid", "highest_bid"),
        "spend a step": ("spend_per_step",),
        "spend an episode": ("spend_per_episode",),
        "exposure": ("largest_share",),
        "quality": ("quality_floor",),
    }
)
"""The constraints that are tried alone, and their fields."""
CAPS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Largest shares of a channel that are tried alone; a share of 1 is no cap."""


def limits_of(market: MarketName) -> Constraints:
    """The constraints tried on a market."""
    return LIMITS.get(market, Constraints())


def alone(constraints: Constraints, part: str) -> Constraints:
    """One of PARTS, and nothing else that binds."""
    return LOOSE.model_copy(update={field: getattr(constraints, field) for field in PARTS[part]})


class Inspected:
    """A guarded policy whose actions are judged once more where they reach the market.

    Since the episodes started, `overridden` (rows,) counts the steps in which the policy wanted what it may
    not, and `reached` (rows,) those whose action breaks a constraint all the same.
    """

    def __init__(self, guarded: Guarded) -> None:
        self.guarded, self.name = guarded, guarded.name

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to."""
        self.guarded.reset(market)
        self.overridden = torch.zeros(market.rows, dtype=torch.int64, device=market.device)
        self.reached = torch.zeros_like(self.overridden)

    def act(self, state: torch.Tensor) -> Action:
        """The actions that the layer lets through."""
        guarded = self.guarded
        action = guarded.act(state)
        self.overridden += guarded.overridden.any(1)
        self.reached += violations(action, guarded.limits(), guarded.constraints).any(1)
        return action

    def observe(self, step: Step) -> None:
        """See what the last action brought."""
        self.guarded.observe(step)


def play_guarded(
    policy: Policy, constraints: Constraints, market: Market, runs: list[int], bank: int, enforce: bool = True
) -> pd.DataFrame:
    """Play the first episodes of the evaluation bank with the layer between policy and market.

    Args:
        policy: of all runs, rows ordered run by run.
        constraints: what it may not break.
        market: of the channels family.
        runs: their seeds.
        bank: number of episodes.
        enforce: false only counts.

    Returns:
        A row a run, means over episodes: seed; reward (shaped), conversions, spend and profit; steps with any
        override (`overridden`), with each kind wanted (`wanted_<kind>`), whose action broke a constraint in
        the market (`reached`), and that cost more than the limits left (`overspent`).
    """
    inspected = Inspected(Guarded(policy, constraints, enforce=enforce))
    episodes = np.tile(np.arange(bank), len(runs))
    frame = play(inspected, market, np.full(len(episodes), BANK_SEED), episodes)
    frame = frame[["reward", "conversions", "spend", "profit"]]
    frame = frame.assign(
        overridden=inspected.overridden.numpy(),
        reached=inspected.reached.numpy(),
        overspent=inspected.guarded.overspent.numpy(),
        **{
            f"wanted_{kind}": inspected.guarded.overrides[:, index].numpy()
            for index, kind in enumerate(KINDS)
        },
    )
    return frame.groupby(np.repeat(runs, bank)).mean().rename_axis("seed").reset_index()


def try_guardrails(learner: TeamLearner, market_name: MarketName, bank: int) -> pd.DataFrame:
    """The trained teams without the layer, with it, with each constraint alone, and with a slipped point.

    Returns:
        `play_guarded` for each `policy` (team, or "slipped point") and `condition`: "counted" (all
        constraints, none enforced), "enforced", and "only <part>" for each of PARTS.
    """
    torch.set_num_threads(1)
    limits, market, team = limits_of(market_name), make_market(market_name), TeamPolicy(learner)
    slipped = SlippedPoint(team)
    cases: list[tuple[Policy, str, str, Constraints, bool]] = [
        (team, "team", "counted", limits, False),
        (team, "team", "enforced", limits, True),
        *((team, "team", f"only {part}", alone(limits, part), True) for part in PARTS),
        (slipped, slipped.kind, "counted", limits, False),
        (slipped, slipped.kind, "enforced", limits, True),
    ]
    frames = []
    for policy, name, condition, constraints, enforce in cases:
        frame = play_guarded(policy, constraints, market, learner.seeds, bank, enforce)
        log.info("%s, %s: reward %.0f", name, condition, frame["reward"].mean())
        frames.append(frame.assign(policy=name, condition=condition))
    return pd.concat(frames, ignore_index=True)


def try_caps(learner: TeamLearner, market_name: MarketName, bank: int) -> pd.DataFrame:
    """`play_guarded` with nothing but a largest share of each channel: a row a `cap` and run."""
    torch.set_num_threads(1)
    market, team = make_market(market_name), TeamPolicy(learner)
    frames = []
    for cap in CAPS:
        constraints = LOOSE.model_copy(update={"largest_share": (cap,) * 3})
        frame = play_guarded(team, constraints, market, learner.seeds, bank)
        log.info("largest share %.1f: reward %.0f", cap, frame["reward"].mean())
        frames.append(frame.assign(cap=cap))
    return pd.concat(frames, ignore_index=True)
