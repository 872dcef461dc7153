"""An independent reference for the channels family: NumPy, double precision, every auction drawn by itself.

Written from the equations, not from the package: it shares with it only the table of constants.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adrl_core.market.presets import ChannelConstants

STEPS = 100
PHASES = np.array([0.0, 1.0, 2.0]) / 3.0


class Situation(NamedTuple):
    """The market in one step; each field is an array of shape (rows,), or a number for all rows."""

    cost: NDArray | float
    competition: NDArray | float
    volatility: NDArray | float
    demand: NDArray | float
    t: int


class Brought(NamedTuple):
    """What the auctions brought, each of shape (rows,)."""

    impressions: NDArray
    clicks: NDArray
    conversions: NDArray
    spend: NDArray

    @property
    def reward(self) -> NDArray:
        """The shaped reward as published, term by term."""
        clicks, conversions, spend = self.clicks, self.conversions, self.spend
        profit = 50.0 * conversions - spend
        terms = profit / 10 + 20 * conversions / np.maximum(1, clicks) + 5 * conversions + 0.5 * clicks
        return np.clip(terms - 0.1 * spend, -50.0, 100.0)


def hold_auctions(
    constants: ChannelConstants,
    rng: np.random.Generator,
    situation: Situation,
    bid: float,
    allocation: tuple[float, float, float],
    money: NDArray,
) -> Brought:
    """Hold the auctions of one step in each row, in random order, until its money is below the bid."""
    rows = len(money)
    cost, competition, volatility, demand = (
        np.broadcast_to(np.asarray(value, float), rows) for value in situation[:4]
    )
    season = np.sin(2 * np.pi * (situation.t / STEPS + PHASES))
    kappa = constants.reach_curvature
    reach = (1 - np.exp(-kappa * np.asarray(allocation))) / (1 - np.exp(-kappa))
    entered = rng.poisson(constants.auctions * demand[:, None] * reach)
    row = np.repeat(np.repeat(np.arange(rows), 3), entered.ravel())
    channel = np.repeat(np.tile(np.arange(3), rows), entered.ravel())
    # Auctions of a row lie together, its channels shuffled.
    order = np.argsort(row + rng.random(len(row)))
    row, channel = row[order], channel[order]

    off_centre = competition[row] - 0.65
    slope, level = np.array(constants.price_slope), np.array(constants.price_level)
    median = cost[row] * level[channel] * np.exp(slope[channel] * off_centre)
    log_sd = np.array(constants.price_noise)[channel] + volatility[row]
    price = median * np.exp(log_sd * rng.standard_normal(len(row)))
    cap = constants.position_cap
    position = np.clip((bid / median) ** constants.position_exponent, 1 / cap, cap)
    click_rate = np.array(constants.click_rate) * (1 + constants.click_season * season)
    pressure = 1 - constants.competition_effect * off_centre
    conversion_rate = np.array(constants.conversion_rate) * (1 + constants.conversion_season * season)

    won = price <= bid
    clicked = won & (rng.random(len(row)) < np.minimum(0.5, click_rate[channel] * position))
    converts = rng.random(len(row)) < np.minimum(0.6, conversion_rate[channel] * pressure)
    paid = np.where(clicked, price, 0.0)
    before = np.cumsum(paid) - paid
    first = np.searchsorted(row, np.arange(rows))
    spent_before = before - np.append(before, 0.0)[first][row]
    held = money[row] - spent_before >= bid

    def count(happened: NDArray) -> NDArray:
        return np.bincount(row, happened & held, rows)

    return Brought(count(won), count(clicked), count(clicked & converts), np.bincount(row, paid * held, rows))
