"""What the market of channels pays, from its equations."""

import torch

from adrl_core.evidence.figures.style import PALETTE, Drawn, new_figure
from adrl_core.evidence.quantities import TYPICAL
from adrl_core.market.channels import (
    base_click_rate,
    click_rate,
    conversion_rate,
    log_median_price,
    price_log_sd,
    price_moments,
)
from adrl_core.market.presets import CHANNEL_NAMES, CHANNELS_BIDS, PRESETS, STEPS
from adrl_core.market.reward import CONVERSION_VALUE


def channel_economics() -> Drawn:
    """Expected profit of a step in each channel, over the episode and over the bid, at the typical market."""
    constants = PRESETS["channels"]
    time = torch.arange(STEPS, dtype=torch.float64)
    figure, (by_time, by_bid) = new_figure(2, width=7.4, height=2.9)
    top = torch.full_like(time, CHANNELS_BIDS[-1])
    bids = torch.linspace(CHANNELS_BIDS[0], CHANNELS_BIDS[-1], 100, dtype=torch.float64)
    middle = torch.full_like(bids, STEPS / 2)
    for axes, x, t, bid in ((by_time, time, time, top), (by_bid, bids, middle, bids)):
        cost = torch.full_like(x, TYPICAL["cost"])
        level = torch.full_like(x, TYPICAL["competition"])
        sd = price_log_sd(constants, torch.full_like(x, TYPICAL["volatility"]))
        median = log_median_price(constants, cost, level)
        log_bid = bid.log()[:, None]
        z = (log_bid - median) / sd
        clicks = (
            constants.auctions
            * torch.special.ndtr(z)
            * click_rate(constants, base_click_rate(constants, t), log_bid, median)
        )
        price, _ = price_moments(median, sd, z)
        profit = clicks * (CONVERSION_VALUE * conversion_rate(constants, t, level) - price)
        for c, name in enumerate(CHANNEL_NAMES):
            axes.plot(x, profit[:, c], color=PALETTE[c], label=name, linestyle=("-", "--", ":")[c])
    by_time.set(xlabel="step", ylabel="expected profit a step", title="at the top bid")
    by_bid.set(xlabel="bid", title="in the middle of the episode")
    by_time.legend(loc="best")
    return (
        figure,
        "Profit of the three channels",
        "Expected profit a step if a channel got the whole budget, in the typical market of `channels` (cost "
        "per click {fact}`constant.typical.cost`, competition {fact}`constant.typical.competition`, "
        "volatility "
        "{fact}`constant.typical.volatility`): over the episode at the top bid (left), and against the bid "
        "half-way through (right). From the market's equations, not from a simulation.",
        "Two line charts of expected profit of search, display and video: against the step, where the best "
        "channel changes with the season, and against the bid.",
    )
