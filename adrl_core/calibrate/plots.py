"""Plots of how well the fit describes a log: quantiles against quantiles, and distribution functions."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtri

from adrl_core.calibrate.goodness import Comparison
from adrl_core.evidence.figures.style import GREY, PALETTE, new_figure
from adrl_core.market.presets import CHANNELS_BIDS

HEIGHT = 2.8
TAIL = 1e-3
"""Share of prices at either end that the quantile plot leaves out."""


def draw(comparisons: Mapping[str, Comparison]) -> Figure:
    """One row of two panels for each channel of the log."""
    rows = len(comparisons)
    figure, axes = new_figure(2 * rows, width=7.4, height=HEIGHT * rows, rows=rows)
    for (name, one), quantiles, shares in zip(comparisons.items(), axes[::2], axes[1::2], strict=True):
        _quantiles(quantiles, one)
        _shares(shares, one)
        quantiles.set_title(name, loc="left")
        apart = f"log-normal {one.match.distance:.3f}, market {one.match.market_distance:.3f}"
        shares.set_title(f"distance: {apart}", loc="left")
    axes[1].legend(loc="upper left")
    return figure


def _quantiles(axes: Axes, one: Comparison) -> None:
    """Log prices against those of a log-normal with the same share below."""
    inside = (one.curve.share > TAIL) & (one.curve.share < 1.0 - TAIL)
    expected = one.match.log_mean + one.match.log_sd * ndtri(one.curve.share[inside])
    seen = one.curve.log_price[inside]
    ends = np.exp([min(expected.min(), seen.min()), max(expected.max(), seen.max())])
    axes.plot(ends, ends, color=GREY, linewidth=0.8)
    axes.plot(np.exp(expected), np.exp(seen), color=PALETTE[0], linewidth=1.4)
    axes.set(
        xscale="log", yscale="log", xlabel="quantile of the log-normal", ylabel="price per click in the log"
    )


def _shares(axes: Axes, one: Comparison) -> None:
    """Shares of prices up to each; with the market's bids as ticks on the upper edge."""
    price = np.exp(one.curve.log_price)
    axes.step(price, one.curve.share, where="post", color=PALETTE[0], label="log", linewidth=1.6)
    axes.plot(price, one.of_normal, color=PALETTE[2], linestyle=":", label="log-normal", linewidth=1.4)
    axes.plot(price, one.of_market, color=PALETTE[1], linestyle="--", label="fitted market", linewidth=1.4)
    axes.vlines(CHANNELS_BIDS, 0.98, 1.0, color=GREY, linewidth=0.8)
    axes.set(xscale="log", xlabel="price per click, market's money", ylabel="share of auctions", ylim=(0, 1))
