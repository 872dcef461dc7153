"""Logs of a market whose constants are known, auction by auction, to try the calibration on."""

import numpy as np
import torch

from adrl_core.calibrate.log import AuctionLog
from adrl_core.market.channels import (
    ChannelsMarket,
    base_click_rate,
    click_rate,
    conversion_rate,
)
from adrl_core.market.noise import Purpose, stream
from adrl_core.market.presets import CHANNELS, STEPS, ChannelConstants


def simulate_log(
    constants: ChannelConstants, seed: int, episodes: int, bids: tuple[float, ...] = ()
) -> AuctionLog:
    """Every auction of some episodes in order of time, each drawn by itself, at full reach.

    Args:
        constants: of the market.
        seed: market seed; episodes 0, 1 ... of it are played.
        episodes: how many.
        bids: levels of which one is drawn for each auction; it is won where the rival bids no more. Without,
            every auction is won at its price, as if the bid were the median price.
    """
    market = ChannelsMarket(constants, dtype=torch.float64)
    market.reset(np.full(episodes, seed), np.arange(episodes))
    rng = stream(seed, Purpose.POLICY, episodes)
    demand = market.path.demand.numpy()[:, None, None]
    counts = rng.poisson(np.broadcast_to(constants.auctions * demand, (episodes, STEPS, CHANNELS)))
    total = int(counts.sum())
    episode, step, channel = np.unravel_index(np.repeat(np.arange(counts.size), counts.ravel()), counts.shape)
    log_median = market.log_median.numpy()[step, episode, channel]
    log_price = log_median + market.log_sd.numpy()[episode, channel] * rng.standard_normal(total)
    log_bid = np.log(rng.choice(bids, total)) if bids else log_median
    won = log_price <= log_bid if bids else np.ones(total, bool)
    time = torch.arange(STEPS, dtype=torch.float64)
    level = market.path.competition[:STEPS]
    base = base_click_rate(constants, time).numpy()[step, channel]
    clicked = click_rate(constants, *map(torch.as_tensor, (base, log_bid, log_median))).numpy()
    converts = conversion_rate(constants, time[:, None], level).numpy()[step, episode, channel]
    click = won & (rng.random(total) < clicked)
    return AuctionLog(
        price=np.exp(log_price),
        click=click,
        conversion=click & (rng.random(total) < converts),
        bid=np.exp(log_bid) if bids else None,
        won=won if bids else None,
        channel=channel,
        episode=episode,
        step=step,
    )
