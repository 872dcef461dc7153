"""What a step is worth: profit, the published shaped reward, and the fee for asking agents."""

import torch
from torch import Tensor

from adrl_core.config import RewardName

CONVERSION_VALUE = 50.0
PROFIT_DIVISOR = 10.0
EFFICIENCY_WEIGHT = 20.0
CONVERSION_WEIGHT = 5.0
CLICK_WEIGHT = 0.5
COST_WEIGHT = -0.1
REWARD_CLIP = (-50.0, 100.0)


def profit(conversions: Tensor, spend: Tensor) -> Tensor:
    """Value of the conversions less what was spent, in currency units."""
    return CONVERSION_VALUE * conversions - spend


def shaped_reward(conversions: Tensor, clicks: Tensor, spend: Tensor) -> Tensor:
    """The published reward: five terms, clipped (technical report, section 2.5)."""
    terms = (
        profit(conversions, spend) / PROFIT_DIVISOR
        + EFFICIENCY_WEIGHT * conversions / clicks.clamp_min(1.0)
        + CONVERSION_WEIGHT * conversions
        + CLICK_WEIGHT * clicks
        + COST_WEIGHT * spend
    )
    return terms.clamp(*REWARD_CLIP)


def learning_reward(name: RewardName, conversions: Tensor, clicks: Tensor, spend: Tensor) -> Tensor:
    """The reward a team learns from: the shaped one, or profit on the same scale (profit / 10)."""
    if name == "profit":
        return profit(conversions, spend) / PROFIT_DIVISOR
    return shaped_reward(conversions, clicks, spend)


def roi(profit: Tensor, spend: Tensor) -> Tensor:
    """Return on investment as a ratio, profit / spend; 0 where nothing was spent."""
    return torch.where(spend > 0.0, profit / spend.clamp_min(1e-12), 0.0)
