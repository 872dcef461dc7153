"""The state oracle: the action with the highest expected value of the step, in closed form.

Where the budget does not bind this is the optimum on the grid of actions, because no action moves the market.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from adrl_core.agents.policy import Action
from adrl_core.config import RewardName
from adrl_core.market import Market, Step
from adrl_core.market.channels import (
    ChannelsMarket,
    base_click_rate,
    click_rate,
    conversion_rate,
    log_median_price,
    price_log_sd,
    price_moments,
    reach,
)
from adrl_core.market.presets import CHANNELS, DEFAULT_LEVEL, STEPS, ChannelConstants
from adrl_core.market.reward import (
    CLICK_WEIGHT,
    CONVERSION_VALUE,
    CONVERSION_WEIGHT,
    COST_WEIGHT,
    EFFICIENCY_WEIGHT,
    PROFIT_DIVISOR,
)

Free = Literal["both", "bidding", "budget"]
Belief = Literal["first", "threshold", "known"]

GRID = 10
"""An allocation on the grid is made of tenths."""
SHIFT_THRESHOLD = 0.63
"""Competition above which the threshold belief takes the regime as shifted."""
CHUNK = 4096
"""Rows whose whole action grid is held in memory at a time."""


class Expected(NamedTuple):
    """Means of a step: per channel at full reach (..., bids, CHANNELS) or per action (..., bids, actions)."""

    clicks: Tensor
    conversions: Tensor
    spend: Tensor


def grid_allocations() -> Tensor:
    """The 66 allocations in tenths, shape (66, CHANNELS)."""
    tenths = [(i, j, GRID - i - j) for i in range(GRID + 1) for j in range(GRID + 1 - i)]
    return torch.tensor(tenths, dtype=torch.float64) / GRID


def expected_by_channel(
    constants: ChannelConstants,
    bids: Tensor,
    log_median: Tensor,
    log_sd: Tensor,
    base_rate: Tensor,
    conversion: Tensor,
) -> Expected:
    """Means of a step in each channel at full reach and unit demand.

    Args:
        bids: (bids,); the other tensors (..., CHANNELS).
    """
    log_bid, log_median, log_sd = bids.log()[:, None], log_median[..., None, :], log_sd[..., None, :]
    z = (log_bid - log_median) / log_sd
    wins = constants.auctions * torch.special.ndtr(z)
    clicks = wins * click_rate(constants, base_rate[..., None, :], log_bid, log_median)
    price, _ = price_moments(log_median, log_sd, z)
    return Expected(clicks, clicks * conversion[..., None, :], clicks * price)


def expected_by_action(by_channel: Expected, reached: Tensor) -> Expected:
    """Sum the channels' means over allocations whose reach is `reached`, shape (allocations, CHANNELS)."""
    return Expected(*(mean @ reached.T for mean in by_channel))


def expected_value(by: RewardName, expected: Expected) -> Tensor:
    """Expected reward of a step when counts are Poisson and the clip does not bind, or expected profit."""
    clicks, conversions, spend = expected
    if by == "profit":
        return CONVERSION_VALUE * conversions - spend
    # Of K > 0 clicks each converts with chance C / clicks: E[C / max(1, K)] = P(K > 0) E[C] / E[K].
    clicks = clicks.clamp_min(1e-12)
    efficiency = -torch.expm1(-clicks) / clicks
    per_conversion = CONVERSION_VALUE / PROFIT_DIVISOR + CONVERSION_WEIGHT
    per_spend = COST_WEIGHT - 1.0 / PROFIT_DIVISOR
    return (
        conversions * (per_conversion + EFFICIENCY_WEIGHT * efficiency)
        + CLICK_WEIGHT * clicks
        + per_spend * spend
    )


class ActionGrid:
    """The actions of a market over which an oracle searches, and their expected outcome in a visible state.

    Args:
        market: of the channels family.
        free: which agents may choose; the other's part stays at its default.

    Raises:
        TypeError: the market is not of the channels family.
    """

    def __init__(self, market: Market, free: Free = "both") -> None:
        if not isinstance(market, ChannelsMarket):
            raise TypeError(f"{type(market).__name__}: an oracle needs a market of the channels family")
        self.constants = market.constants
        self.bids = market.bids[[DEFAULT_LEVEL]] if free == "budget" else market.bids
        uniform = torch.full((1, CHANNELS), 1.0 / CHANNELS)
        self.allocations = (uniform if free == "bidding" else grid_allocations()).to(self.bids)
        self.reach = reach(self.constants, self.allocations)
        self.agents = 2 if free == "both" else 1

    def expect(
        self, t: Tensor, cost: Tensor, competition: Tensor, volatility: Tensor, shifted: Tensor
    ) -> Expected:
        """Means of a step for all actions, shape (rows, bids, allocations); arguments have shape (rows,)."""
        by_channel = expected_by_channel(
            self.constants,
            self.bids,
            log_median_price(self.constants, cost, competition),
            price_log_sd(self.constants, volatility),
            base_click_rate(self.constants, t, shifted),
            conversion_rate(self.constants, t, competition, shifted),
        )
        return expected_by_action(by_channel, self.reach)

    def action(self, index: Tensor) -> Action:
        """The actions of flat indices (rows,) into the last two axes of `expect`."""
        level, allocation = index // len(self.allocations), index % len(self.allocations)
        asked = torch.full_like(index, self.agents, dtype=self.bids.dtype)
        return Action(self.bids[level], self.allocations[allocation], asked)


class Oracle:
    """Maximises the expected value of each step given the visible state and a belief about the regime.

    Args:
        name: of the policy.
        by: what is maximised.
        belief: the regime never shifts, shifts when competition passes a threshold, or is known.
        free: which agents may choose.
    """

    def __init__(
        self, name: str, by: RewardName = "shaped", belief: Belief = "first", free: Free = "both"
    ) -> None:
        self.name, self.by, self.belief, self.free = name, by, belief, free

    def reset(self, market: Market) -> None:
        """Take the actions and equations of the market."""
        self.market, self.grid = market, ActionGrid(market, self.free)

    def act(self, state: Tensor) -> Action:
        """The best action of each row."""
        return self.choose(state)[0]

    def choose(self, state: Tensor) -> tuple[Action, Tensor]:
        """The best action of each row, and what it is expected to bring (rows,)."""
        shifted = self._believe(state)
        parts = zip(state.split(CHUNK), shifted.split(CHUNK), strict=True)
        found = [self._values(rows, regime).max(1) for rows, regime in parts]
        values, indices = (torch.cat(part) for part in zip(*found, strict=True))
        return self.grid.action(indices), values

    def observe(self, step: Step) -> None:
        """Nothing to learn: the state shows all it uses."""

    def _believe(self, state: Tensor) -> Tensor:
        if self.belief == "known":
            assert isinstance(self.market, ChannelsMarket)
            return self.market.shift_time <= self.market.t
        threshold = SHIFT_THRESHOLD if self.belief == "threshold" else torch.inf
        return state[:, 2] > threshold

    def _values(self, state: Tensor, shifted: Tensor) -> Tensor:
        return expected_value(self.by, self.grid.expect(*read_state(state), shifted)).flatten(1)


class AskingOracle:
    """The state oracle that also chooses whom to ask, where each agent asked costs the market's fee."""

    def __init__(self, name: str) -> None:
        self.name = name
        free: tuple[Free, ...] = ("both", "bidding", "budget")
        self.oracles = [Oracle(name, free=agents) for agents in free]

    def reset(self, market: Market) -> None:
        """Take the actions, equations and fee of the market."""
        self.fee = market.fee
        for oracle in self.oracles:
            oracle.reset(market)

    def act(self, state: Tensor) -> Action:
        """The best action of each row after the fee."""
        actions, values = zip(*(oracle.choose(state) for oracle in self.oracles), strict=True)
        fees = [self.fee * oracle.grid.agents for oracle in self.oracles]
        best = torch.stack([value - fee for value, fee in zip(values, fees, strict=True)]).argmax(0)
        rows = torch.arange(len(best), device=best.device)
        bid, allocation, asked = (
            torch.stack([getattr(action, part) for action in actions])[best, rows]
            for part in ("bid", "allocation", "asked")
        )
        return Action(bid, allocation, asked)

    def observe(self, step: Step) -> None:
        """Nothing to learn: the state shows all it uses."""


def read_state(state: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Step, cost per click, competition and volatility from states (rows, STATE_SIZE); each (rows,)."""
    return (STEPS * (1.0 - state[:, 3])).round(), 5.0 * state[:, 1], state[:, 2], state[:, 7]
