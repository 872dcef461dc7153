"""The published system's market, kept faithful: its allocation is never read and its budget never binds."""

from typing import Any

import torch
from torch import Tensor

from adrl_core.market.base import Auctions, Market, Path
from adrl_core.market.noise import binomial_quantile, poisson_quantile
from adrl_core.market.presets import PUBLISHED_BIDS, STEPS

BUDGET = 10_000.0
MEAN_AUCTIONS = 10.0


def win_probability(bid: Tensor, cost_per_click: Tensor, competition: Tensor) -> Tensor:
    """Chance to win an auction: sigmoid(5 (bid / cpc - 1)) (1 - competition / 2)."""
    return torch.sigmoid(5.0 * (bid / cost_per_click - 1.0)) * (1.0 - 0.5 * competition)


def click_probability(bid: Tensor, cost_per_click: Tensor) -> Tensor:
    """Chance that a win is clicked: min(0.2, 0.05 bid / cpc)."""
    return (0.05 * bid / cost_per_click).clamp_max(0.2)


def conversion_probability(bid: Tensor, cost_per_click: Tensor) -> Tensor:
    """Chance that a click converts: min(0.3, 0.1 bid / cpc)."""
    return (0.1 * bid / cost_per_click).clamp_max(0.3)


class PublishedMarket(Market):
    """Ten auctions a step on average, one price for all channels, charged whatever the bid."""

    def __init__(self, **options: Any) -> None:
        super().__init__(bids=PUBLISHED_BIDS, budget=BUDGET, **options)

    def _open_market(self) -> Path:
        start, walk, noise = self._draw_noise(5)
        cost, competition = [1.0 + 2.0 * start[0]], [0.5 + 0.5 * start[1]]
        for t in range(STEPS):
            cost.append((cost[-1] * (1.0 + 0.05 * walk[t + 1, 0])).clamp(0.5, 10.0))
            competition.append((competition[-1] + 0.05 * walk[t + 1, 1]).clamp(0.3, 1.0))
        day = 0.8 + 0.4 * start[3]
        requests = noise[:, 0].contiguous()
        self.auctions = (poisson_quantile(requests, torch.full_like(requests, MEAN_AUCTIONS)) * day).floor()
        self.chances = torch.special.ndtr(noise[:, 1:4].contiguous())
        self.cost_noise = noise[:, 4]
        return Path(
            cost_per_click=torch.stack(cost),
            competition=torch.stack(competition),
            volatility=0.1 + 0.2 * start[2],
            demand=day,
        )

    def _hold_auctions(self, bid: Tensor, allocation: Tensor) -> Auctions:
        cost, competition = self.path.cost_per_click[self.t], self.path.competition[self.t]
        win_chance, click_chance, conversion_chance = self.chances[self.t]
        wins = binomial_quantile(win_chance, self.auctions[self.t], win_probability(bid, cost, competition))
        clicks = binomial_quantile(click_chance, wins, click_probability(bid, cost))
        conversions = binomial_quantile(conversion_chance, clicks, conversion_probability(bid, cost))
        # The sum of K costs, each cpc (1 + N(0, v)), has exactly this law.
        spend = cost * (clicks + self.path.volatility * clicks.sqrt() * self.cost_noise[self.t])
        return Auctions(wins, clicks, conversions, spend)
