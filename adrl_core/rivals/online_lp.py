"""An online linear program: learn what actions bring and cost, and put a price on money so that it lasts.

The budget is the one constraint of a linear program over an episode's steps. Its dual is a price on money:
given the right one, every step can be decided for itself, by value less price times spend. The price is not
known beforehand and is learned by dual mirror descent (Balseiro, Lu and Mirrokni 2023; for the primal view
Agrawal, Wang and Ye 2014). Where the budget does not bind the price vanishes, and the bidder is greedy.
"""

import torch
from torch import Tensor

from adrl_core.agents.oracle import Expected, expected_value, read_state
from adrl_core.market import Market, Step
from adrl_core.market.presets import STEPS
from adrl_core.market.reward import PROFIT_DIVISOR
from adrl_core.rivals.bandit import LinearBidder
from adrl_core.rivals.settings import OnlineLPSettings

LOWEST_PRICE = 1e-4
"""In reward a unit of money; from here a price could still grow again."""


class DualPrice:
    """The price on money of independent runs.

    Mirror descent with the entropy as mirror multiplies the price, after each step, by
    exp(gain (spend / budget - 1 / steps)). Over an episode that amounts to start * exp(-gain * lead), where
    `lead` is the share of the money that is left less the share of the time that is left.

    Args:
        runs: number of them.
        start: first price of the first episode.
        gain: step of the descent within an episode.
        rate: how far the next episode's first price moves, on the log scale, to the mean of this one's.
    """

    def __init__(self, runs: int, start: float, gain: float, rate: float) -> None:
        self.log_start = torch.full((runs,), start, dtype=torch.float64).log()
        self.gain, self.rate = gain, rate
        self.leads: list[Tensor] = []

    def __call__(self, lead: Tensor) -> Tensor:
        """Prices at the given leads, both (rows,), rows ordered run by run."""
        start = self.log_start.repeat_interleave(len(lead) // len(self.log_start))
        return (start - self.gain * lead).exp().to(lead.dtype)

    def note(self, lead: Tensor) -> None:
        """Keep the lead (runs,) of a step that is learned from."""
        self.leads.append(lead.double())

    def close(self) -> None:
        """Move the first price to where this episode's prices have been."""
        moved = self.log_start - self.rate * self.gain * torch.stack(self.leads).mean(0)
        self.log_start = moved.clamp_min(torch.tensor(LOWEST_PRICE).log().item())
        self.leads.clear()


class OnlineLP(LinearBidder):
    """Regresses conversions, clicks and spend / cost per click, and knows how they make a reward."""

    def __init__(self, name: str, settings: OnlineLPSettings, runs: int) -> None:
        super().__init__(name, settings, runs, targets=3)
        self.price = DualPrice(runs, settings.price, settings.gain, settings.rate)

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to."""
        super().reset(market)
        if self.learning:
            # What it has learned for it goes on playing for, wherever it is played.
            self.by = market.reward_name
            self.unit = PROFIT_DIVISOR if self.by == "profit" else 1.0

    def outcomes(self, step: Step) -> Tensor:
        """Conversions, clicks and spend / cost per click."""
        auctions = step.auctions
        return torch.stack((auctions.conversions, auctions.clicks, auctions.spend / self.cost), 1)

    def scores(self, predicted: Tensor, state: Tensor) -> Tensor:
        """Expected reward less what the spend is worth elsewhere."""
        _, self.cost, _, _ = read_state(state)
        lead = state[:, 0] - state[:, 3]
        conversions, clicks, spend = predicted.clamp_min(0.0)
        spend = spend * self.cost[:, None, None]
        if self.learning:
            self.price.note(lead)
        value = expected_value(self.by, Expected(clicks, conversions, spend)) / self.unit
        return value - self.price(lead)[:, None, None] * spend

    def observe(self, step: Step) -> None:
        """Learn from the step, and at an episode's end from the money that was left or missing."""
        super().observe(step)
        if len(self.price.leads) == STEPS:
            self.price.close()
