"""A log of decisions: the rule of a company that does not learn, and what it left behind."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from adrl_core.agents.policy import Action
from adrl_core.agents.team import BIDDING_ONLY, BOTH, BUDGET_ONLY, combine
from adrl_core.evaluate import BANK_SEED
from adrl_core.market import Market, Step
from adrl_core.market.noise import Purpose, draw
from adrl_core.market.presets import BID_LEVELS, CHANNELS, STEPS

FIRST_LOG_SEED = BANK_SEED + 1_000_000
"""Log seed of the run with seed 0: no training run and no bank meets the markets of a log."""


def log_seeds(seeds: Sequence[int]) -> list[int]:
    """The seed of each run's log, of its markets as well as of its chance."""
    return [FIRST_LOG_SEED + seed for seed in seeds]


class HouseRule:
    """Bid twice the market's cost per click, split by hand, and try something else now and then.

    In a step, each independently of the other: with chance TESTED the bid is a random level, with chance
    TESTED the allocation is Dirichlet(1, 1, 1), and with chance NEGLECTED each the bid or the allocation is
    left at its default (never both), as when the Controller does not ask.

    Args:
        name: of the policy.
        deviates: whether it does any of that; otherwise it keeps to the rule in every step.
    """

    MULTIPLE = 2.0
    ALLOCATION = (0.4, 0.2, 0.4)
    TESTED = 0.2
    NEGLECTED = 0.05

    def __init__(self, name: str = "house_rule", deviates: bool = True) -> None:
        self.name = name
        self.tested, self.neglected = (self.TESTED, self.NEGLECTED) if deviates else (0.0, 0.0)

    def reset(self, market: Market) -> None:
        """Draw the chance of the whole episode, each row from its own stream."""
        uniforms, _ = draw(market.seeds, market.episodes, Purpose.POLICY, (4 + CHANNELS) * STEPS, 0)
        drawn = torch.as_tensor(uniforms, device=market.device, dtype=market.dtype)
        drawn = drawn.reshape(market.rows, 4 + CHANNELS, STEPS).permute(2, 0, 1)
        self.tests_bid, self.tests_split = drawn[..., 0] < self.tested, drawn[..., 1] < self.tested
        self.modes = torch.full_like(drawn[..., 2], BOTH, dtype=torch.int64)
        self.modes[drawn[..., 2] < self.neglected] = BUDGET_ONLY
        self.modes[drawn[..., 2] >= 1.0 - self.neglected] = BIDDING_ONLY
        self.random_level = (BID_LEVELS * drawn[..., 3]).long()
        # Normalised exponentials are Dirichlet(1, 1, 1).
        weights = -torch.log1p(-drawn[..., 4:])
        self.random_split = weights / weights.sum(-1, keepdim=True)
        self.bids, self.t = market.bids, 0

    def act(self, state: Tensor) -> Action:
        """The rule's or the tested actions; `mode`, `level` and `allocation` then hold them."""
        target = self.MULTIPLE * 5.0 * state[:, 1]
        level = (target[:, None] - self.bids).abs().argmin(1)
        level = torch.where(self.tests_bid[self.t], self.random_level[self.t], level)
        usual = state.new_tensor(self.ALLOCATION).expand(len(state), CHANNELS)
        split = torch.where(self.tests_split[self.t, :, None], self.random_split[self.t], usual)
        self.mode = self.modes[self.t]
        self.level, bid, self.allocation, asked = combine(self.mode, level, split, self.bids)
        return Action(bid, self.allocation, asked)

    def observe(self, step: Step) -> None:
        """Go on to the next step."""
        self.t += 1


class Log(NamedTuple):
    """Logged steps, episode by episode; every tensor is (runs, episodes * STEPS, ...)."""

    state: Tensor
    """As the market shows it."""
    mode: Tensor
    level: Tensor
    allocation: Tensor
    reward: Tensor
    """Reward that is learned from, before scaling."""
    next_state: Tensor
    clicks: Tensor
    conversions: Tensor
    spend: Tensor
    solvent: Tensor
    """Whether the money left covered the bid, so that there were auctions at all."""

    def at(self, slot: Tensor) -> "Log":
        """The steps in given places (runs, n)."""
        run = torch.arange(slot.shape[0], device=slot.device)[:, None]
        return Log(*(kept[run, slot] for kept in self))


@torch.no_grad()
def record(market: Market, seeds: Sequence[int], episodes: int) -> Log:
    """Let the house rule play `episodes` episodes a run, on markets of the log's own, and log each step."""
    rows = np.repeat(log_seeds(seeds), episodes)
    state = market.reset(rows, np.tile(np.arange(episodes), len(seeds)))
    rule = HouseRule()
    rule.reset(market)
    steps = []
    for _ in range(STEPS):
        action = rule.act(state)
        solvent = (market.remaining >= action.bid) & (market.remaining > 0)
        step = market.step(*action)
        rule.observe(step)
        sums = step.auctions
        steps.append(
            Log(
                state,
                rule.mode,
                rule.level,
                rule.allocation,
                step.reward,
                step.state,
                sums.clicks,
                sums.conversions,
                sums.spend,
                solvent,
            )
        )
        state = step.state
    columns = (torch.stack(column, 1) for column in zip(*steps, strict=True))
    return Log(*(column.reshape(len(seeds), episodes * STEPS, *column.shape[2:]) for column in columns))
