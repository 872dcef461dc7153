"""A reward of several objectives: profit, conversions, and a penalty for money spent where quality is low.

The reward of a step is

    w_p profit / 10 + w_c conversions - w_v violation,   violation = spend sum_c a_c [q_c < floor],

with the allocation a and the simulated quality scores q. Markets report spend summed over channels, so the
share of it in a channel is taken to be that of the allocation. Lifetime value, engagement and feedback of
customers, which the published report promises too, have no trace in these markets and no term here.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from adrl_core.config import Frozen
from adrl_core.governance.guardrails import Constraints
from adrl_core.governance.quality import QualityModel, Score, quality_paths
from adrl_core.market import Market, Step
from adrl_core.market.reward import PROFIT_DIVISOR

Weight = Annotated[float, Field(ge=0)]


class Objectives(Frozen):
    """Weights of the objectives, chosen once and not tuned."""

    profit: Weight = 1.0
    """Of profit / 10, the scale of the reward by profit alone."""
    conversions: Weight = 1.0
    """Of a conversion: as much as 10 currency units of profit, on top of the 50 that it earns."""
    violation: Weight = 0.3
    """Of a currency unit spent below the floor: three times what the spend itself costs in profit."""
    quality_floor: Score = Constraints().quality_floor
    """Score below which spend is a violation; the safety layer's."""


class ObjectivesMarket:
    """A market whose reward to learn from is that of several objectives; all else is as it was.

    Attributes:
        violation: spend below the floor in the episode so far, (rows,).
        value: sum of the reward so far, (rows,).

    Args:
        market: the market behind it.
        objectives: the weights.
        quality: model of the scores, which a team does not see.
    """

    def __init__(
        self, market: Market, objectives: Objectives | None = None, quality: QualityModel | None = None
    ) -> None:
        self.market, self.objectives = market, objectives or Objectives()
        self.quality = quality or QualityModel()

    def __getattr__(self, name: str) -> Any:
        """All else is the market's."""
        return getattr(self.market, name)

    def reset(self, seeds: Sequence[int] | NDArray, episodes: Sequence[int] | NDArray) -> Tensor:
        """Start the episodes; returns states (rows, STATE_SIZE)."""
        scores = quality_paths(self.quality, seeds, episodes)
        self.low = torch.as_tensor(scores < self.objectives.quality_floor, device=self.market.device)
        state = self.market.reset(seeds, episodes)
        self.violation, self.value = state.new_zeros(len(state)), state.new_zeros(len(state))
        return state

    def step(self, bid: Tensor, allocation: Tensor, asked: Tensor | None = None) -> Step:
        """Play one step."""
        low = self.low[self.market.t]
        step = self.market.step(bid, allocation, asked)
        weights = self.objectives
        violation = step.auctions.spend * (allocation * low).sum(1)
        reward = (
            weights.profit * step.profit / PROFIT_DIVISOR
            + weights.conversions * step.auctions.conversions
            - weights.violation * violation
        )
        self.violation += violation
        self.value += reward
        return replace(step, reward=reward)
