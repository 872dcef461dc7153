"""Logs drawn auction by auction, from the equations of the channels family and not from the package.

Shared with the package is only the table of constants.
"""

import numpy as np
from numpy.typing import NDArray

from adrl_core.calibrate.log import AuctionLog
from adrl_core.market.presets import ChannelConstants

STEPS = 100
BIDS = np.linspace(0.5, 4.5, 10)


def drawn_log(
    constants: ChannelConstants, seed: int, episodes: int, bids: NDArray | None = None
) -> AuctionLog:
    """A log of some episodes in order of time, with bids drawn from levels, or all won at a median bid."""
    rng = np.random.default_rng(seed)
    parts = [_episode(constants, rng, number, bids) for number in range(episodes)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if bids is None:
        del columns["bid"], columns["won"]
    return AuctionLog(**columns)


def _episode(
    constants: ChannelConstants, rng: np.random.Generator, number: int, bids: NDArray | None
) -> dict[str, NDArray]:
    calm, wild = constants.volatility
    volatility, demand = rng.uniform(calm, wild), rng.uniform(0.8, 1.2)
    log_cost = np.clip(rng.normal(np.log(2.0), constants.price_spread), np.log(0.5), np.log(5.0))
    level = rng.uniform(*constants.competition_start)
    parts = []
    for t in range(STEPS):
        counts = rng.poisson(constants.auctions * demand, 3)
        channel = rng.permutation(np.repeat(np.arange(3), counts))
        off_centre = level - 0.65
        median = (
            np.exp(log_cost)
            * np.array(constants.price_level)
            * np.exp(np.array(constants.price_slope) * off_centre)
        )[channel]
        log_sd = np.array(constants.price_noise)[channel] + volatility
        price = median * np.exp(log_sd * rng.standard_normal(len(channel)))
        bid = median if bids is None else rng.choice(bids, len(channel))
        won = np.ones(len(channel), bool) if bids is None else price <= bid
        season = np.sin(2 * np.pi * (t / STEPS + np.array([0, 1, 2]) / 3))[channel]
        effect = (bid / median) ** constants.position_exponent
        position = np.clip(effect, 1 / constants.position_cap, constants.position_cap)
        click_rate = (
            np.array(constants.click_rate)[channel] * (1 + constants.click_season * season) * position
        )
        pressure = 1 - constants.competition_effect * off_centre
        conversion_rate = np.array(constants.conversion_rate)[channel] * pressure
        conversion_rate = conversion_rate * (1 + constants.conversion_season * season)
        click = won & (rng.random(len(channel)) < np.minimum(0.5, click_rate))
        parts.append(
            {
                "price": price,
                "click": click,
                "conversion": click & (rng.random(len(channel)) < np.minimum(0.6, conversion_rate)),
                "bid": bid,
                "won": won,
                "channel": channel,
                "episode": np.full(len(channel), number),
                "step": np.full(len(channel), t),
            }
        )
        shock = 0.5 * volatility * rng.standard_normal()
        log_cost += constants.price_reversion * (np.log(2.0) - log_cost) + shock
        log_cost = np.clip(log_cost, np.log(0.5), np.log(5.0))
        level += 0.1 * (constants.competition_mean - level) + 0.25 * volatility * rng.standard_normal()
        level = np.clip(level, 0.3, 1.0)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
