"""Constants that the markets state inside their equations, read off by evaluating the code that runs.

The book quotes them beside the equations; nothing here repeats a number of the simulation.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from adrl_core.market import channels, presets, published, reward

DIGITS = 9
"""Decimals kept: all constants have fewer, and rounding takes off what floating point adds."""


class _Given(published.PublishedMarket):
    """The published market opened on given noise: all uniform draws `start`, all normal draws one."""

    def __init__(self, start: float) -> None:
        super().__init__(dtype=torch.float64)
        self.start = start
        self.reset([0], [0])

    def _draw_noise(self, outcomes: int) -> tuple[Tensor, Tensor, Tensor]:
        start, walk, noise = (torch.ones_like(part) for part in super()._draw_noise(outcomes))
        return self.start * start, walk, noise


def equation_constants() -> dict[str, Any]:
    """Constants by key, such as published.win_slope; ranges are pairs."""
    found = {f"published.{name}": value for name, value in _published().items()}
    found |= {f"channels.{name}": value for name, value in _channels().items()}
    found |= {f"reward.{name}": value for name, value in _reward().items()}
    return {
        name: tuple(round(v, DIGITS) for v in value) if isinstance(value, tuple) else round(value, DIGITS)
        for name, value in found.items()
    }


def _published() -> Mapping[str, Any]:
    low, high = _Given(0.0).path, _Given(1.0).path
    none, one, endless = (torch.tensor(value, dtype=torch.float64) for value in (0.0, 1.0, 1e9))
    return {
        "first_cost": (float(low.cost_per_click[0]), float(high.cost_per_click[0])),
        "first_competition": (float(low.competition[0]), float(high.competition[0])),
        "volatility": (float(low.volatility), float(high.volatility)),
        "demand": (float(low.demand), float(high.demand)),
        "cost_walk": float(low.cost_per_click[1] / low.cost_per_click[0]) - 1.0,
        "competition_walk": float(low.competition[1] - low.competition[0]),
        "win_slope": float(torch.logit(published.win_probability(2.0 * one, one, none))),
        "click_slope": float(published.click_probability(one, one)),
        "click_cap": float(published.click_probability(endless, one)),
        "conversion_slope": float(published.conversion_probability(one, one)),
        "conversion_cap": float(published.conversion_probability(endless, one)),
    }


def _channels() -> Mapping[str, Any]:
    constants = presets.PRESETS["channels"]
    certain = replace(constants, conversion_rate=(1.0, 1.0, 1.0))
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    level = channels.COMPETITION_CENTRE * one
    return {
        "phases": channels.PHASES,
        "competition_centre": channels.COMPETITION_CENTRE,
        "price_log_sd": float(channels.price_log_sd(constants, zero).max()),
        "click_cap": float(channels.click_rate(constants, one, zero, zero)),
        "conversion_cap": float(channels.conversion_rate(certain, zero, level).max()),
    }


def _reward() -> Mapping[str, float]:
    """Weights of the terms, and of the same terms collected by what they depend on."""
    return {
        "profit_divisor": reward.PROFIT_DIVISOR,
        "efficiency_weight": reward.EFFICIENCY_WEIGHT,
        "conversion_weight": reward.CONVERSION_WEIGHT,
        "click_weight": reward.CLICK_WEIGHT,
        "cost_weight": reward.COST_WEIGHT,
        "collected.conversions": reward.CONVERSION_VALUE / reward.PROFIT_DIVISOR + reward.CONVERSION_WEIGHT,
        "collected.spend": reward.COST_WEIGHT - 1.0 / reward.PROFIT_DIVISOR,
    }
