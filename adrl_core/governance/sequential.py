"""A sequential test of whether a policy earns less than its baseline, by betting against it.

H0: the mean clipped reward of an episode is at least the reference m. A bettor who doubts it stakes a share
of their wealth W on low rewards; with rewards y scaled to [0, 1],

    W_n = W_{n-1} (1 + lambda_n (m - y_n)),   W_0 = 1,   0 <= lambda_n <= C / (1 - m) with C < 1,

and lambda_n chosen before y_n is seen. Under H0 the game is at best fair, W a nonnegative supermartingale,
and by Ville's inequality P(W_n >= 1/alpha for any n) <= alpha: however long a policy that is no worse than
its baseline is watched, the chance of ever stopping it is at most alpha (Ville 1939; Waudby-Smith & Ramdas
2024, Estimating means of bounded random variables by betting, JRSS-B 86:1-27).

What this rests on: episodes are independent of each other, and the reference is not above the baseline's true
mean, so its estimate should come from many episodes or have a margin taken off.
"""

import math
from typing import Annotated, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from pydantic import Field, model_validator
from torch import Tensor

from adrl_core.config import Frozen, validate

LARGEST_STAKE = 0.75
"""C: the largest share of the wealth that a single episode can lose."""
UPPER_QUANTILE = 0.9
"""Rewards count up to this quantile of the baseline's: rare riches would make every bet small."""
START_VARIANCE = 1.0 / 12.0


class PerformanceBound(Frozen):
    """When a policy has degraded; rewards are an episode's sum of the shaped reward."""

    reference: float
    """Mean clipped reward that the policy should not fall below."""
    lowest: float
    """Rewards below count as this."""
    highest: float
    """Rewards above count as this."""
    false_alarm: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Largest chance of ever stopping a policy whose mean is not below the reference."""
    memory: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Weight of the last episode in the running mean and variance that set the bets."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.lowest < self.reference < self.highest:
            raise ValueError(
                f"reference {self.reference} is not between lowest {self.lowest} and highest {self.highest}"
            )
        return self


def performance_bound(rewards: ArrayLike, margin: float = 0.0, false_alarm: float = 0.01) -> PerformanceBound:
    """The bound that a baseline's episodes set.

    Args:
        rewards: of the baseline's episodes, (episodes,).
        margin: how far below the baseline's mean is still well, in units of the reward.
        false_alarm: largest chance of ever stopping a policy that is well.

    Raises:
        ConfigurationError: the rewards are all alike, or the margin reaches below all of them.
    """
    values = np.asarray(rewards, dtype=float)
    lowest, highest = float(values.min()), float(np.quantile(values, UPPER_QUANTILE))
    reference = float(values.clip(lowest, highest).mean()) - margin
    fields = {"reference": reference, "lowest": lowest, "highest": highest, "false_alarm": false_alarm}
    return validate(PerformanceBound, fields)


def stake(mean: Tensor, variance: Tensor, reference: float) -> Tensor:
    """The bet lambda on a forecast: edge / (variance + edge^2), edge = max(m - mean, 0), kept in its range.

    About the growth-optimal one (Waudby-Smith & Ramdas 2024, aGRAPA); 0 where the forecast is above m.
    """
    edge = (reference - mean).clamp_min(0.0)
    growth_optimal = edge / (variance + edge.square()).clamp_min(1e-12)
    return growth_optimal.clamp_max(LARGEST_STAKE / (1.0 - reference))


class BettingTest:
    """The test on independent deployments, one a row.

    Bets follow exponentially weighted moments of the rewards, so that a policy that has been well for long is
    caught as fast as a new one. Any bet made beforehand keeps the false-alarm rate.

    Args:
        bound: what the policy should not fall below.
        rows: number of deployments.
    """

    def __init__(self, bound: PerformanceBound, rows: int) -> None:
        self.bound = bound
        self.reference = self._scaled(torch.tensor(bound.reference, dtype=torch.float64)).item()
        self.log_wealth = torch.zeros(rows, dtype=torch.float64)
        self.mean = torch.full_like(self.log_wealth, self.reference)
        self.variance = torch.full_like(self.log_wealth, START_VARIANCE)

    def _scaled(self, rewards: Tensor) -> Tensor:
        lowest, highest = self.bound.lowest, self.bound.highest
        return (rewards.clamp(lowest, highest) - lowest) / (highest - lowest)

    def update(self, rewards: Tensor, observed: Tensor) -> Tensor:
        """Take in an episode of each observed row; returns which of them degrade, booleans (rows,).

        Args:
            rewards: (rows,); one that is not a number counts as the lowest.
            observed: booleans (rows,): whether the policy played the whole episode.
        """
        y = self._scaled(rewards.double().cpu().nan_to_num(nan=self.bound.lowest))
        observed = observed.cpu()
        bet = stake(self.mean, self.variance, self.reference)
        memory, off = self.bound.memory, y - self.mean
        self.log_wealth += torch.where(observed, torch.log1p(bet * (self.reference - y)), 0.0)
        self.mean = torch.where(observed, self.mean + memory * off, self.mean)
        spread = (1.0 - memory) * (self.variance + memory * off.square())
        self.variance = torch.where(observed, spread, self.variance)
        return observed & (self.log_wealth >= -math.log(self.bound.false_alarm))
