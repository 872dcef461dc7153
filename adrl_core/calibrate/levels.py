"""The price of every channel: its level, its spread, and how both move where the log has time."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from adrl_core.calibrate.cells import CellPrices, Cells, fit_cells, overall_prior
from adrl_core.calibrate.dynamics import (
    LEAST_EPISODES,
    PULL,
    SPREAD,
    VOLATILITY,
    fit_dynamics,
    smoothed_prior,
)
from adrl_core.calibrate.log import Flags, Floats, Integers
from adrl_core.calibrate.prices import LogNormal, fit_lognormal
from adrl_core.config import ConfigurationError
from adrl_core.market.channels import COST_CENTRE, ChannelsMarket
from adrl_core.market.presets import STEPS, ChannelConstants

SMALLEST_NOISE = 0.02
"""Least standard deviation of a price beyond the volatility that a preset gets."""
START_SHARE = 0.7
"""Share of the overall spread that the search takes for the spread within a step at first."""
ROUNDS = 2
"""Times that the levels of cells with lost auctions are found, the later ones knowing their neighbours."""
LEAST_FREEDOM = 30.0
"""Prices an episode, beyond one for each step's level, that a channel needs to tell spread from moves."""
UNIFORM_KURTOSIS = 1.8
SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Shares of the base's moves that are tried for a log without time."""
PATHS = 4096
"""Episodes over which the moments of a market's price path are taken."""


class Prices(NamedTuple):
    """Log prices per click, and bids of lost auctions, that the fit may use."""

    group: Integers
    """Channel of each auction, 0, 1 ..., shape (n,)."""
    log_price: Floats
    """Shape (n,); of lost auctions without meaning."""
    log_bid: Floats | None
    """Shape (n,)."""
    won: Flags
    """Shape (n,)."""
    block: Integers
    """Stretch of the log, 0, 1 ..., within which auctions may depend on each other; shape (n,)."""
    cell: tuple[Integers, Integers] | None
    """Episode and step of each auction."""

    @property
    def truncated(self) -> bool:
        """Whether lost auctions are missing from the log."""
        return self.log_bid is not None and bool(self.won.all())

    @property
    def observed(self) -> str:
        """What the log shows of prices."""
        if self.log_bid is None:
            return "all prices"
        return "prices of won auctions, and the bids of " + ("those" if self.truncated else "all")


class Fitted(NamedTuple):
    """A number of the price model, or one for each channel, with standard errors."""

    value: Floats
    error: Floats

    def at(self, index: Integers) -> "Fitted":
        """Those of some channels."""
        return Fitted(self.value[index], self.error[index])


class Moves(NamedTuple):
    """What only a log with episodes and steps tells."""

    spread: Fitted
    """s0, shape ()."""
    pull: Fitted
    """kc, shape ()."""
    volatility: Fitted
    """Both ends of its range, shape (2,)."""
    surprise: float
    """1 where the equations of the market describe how prices move."""
    episodes: int
    cells: Cells
    medians: Floats
    """Best guess of each cell's log price level, shape (episodes, steps, channels)."""


class PriceFit(NamedTuple):
    """The prices of a log; levels and spreads are in log money."""

    overall: list[LogNormal]
    """One log-normal for each channel, over the whole log."""
    level: Fitted
    """Log median price at the typical market, shape (channels,)."""
    noise: Fitted
    """Spread beyond the volatility, shape (channels,)."""
    moves: Moves | None


def fit_overall(prices: Prices, names: list[str]) -> list[LogNormal]:
    """The log-normal of each channel.

    Raises:
        ConfigurationError: a channel has too few prices, or its bids tell too little; the message names it.
    """
    found = []
    for number, name in enumerate(names):
        here = prices.group == number
        won, lost = here & prices.won, here & ~prices.won
        bid = prices.log_bid
        try:
            found.append(
                fit_lognormal(
                    prices.log_price[won],
                    censored_at=None if bid is None or prices.truncated else bid[lost],
                    truncated_at=bid[won] if bid is not None and prices.truncated else None,
                    blocks=(prices.block[won], prices.block[_bids_told(prices, won, lost)]),
                )
            )
        except ConfigurationError as error:
            raise ConfigurationError(f"channel {name}: {error}") from None
    return found


def _bids_told(prices: Prices, won: Flags, lost: Flags) -> Flags:
    """Auctions whose bids the likelihood reads."""
    if prices.log_bid is None:
        return np.zeros_like(won)
    return won if prices.truncated else lost


def moves_can_be_told(prices: Prices) -> bool:
    """Whether the log shows how prices move: enough episodes with steps, and no missing lost auctions."""
    return (
        prices.cell is not None and int(prices.cell[0].max()) + 1 >= LEAST_EPISODES and not prices.truncated
    )


def freedom(prices: Prices, channels: int) -> Floats:
    """Prices an episode less the steps whose level they tell, over the episodes of each channel, (channels,).

    Where it is small, what a price differs by in itself cannot be told from how its level moves.
    """
    assert prices.cell is not None
    episode, step = prices.cell
    shape = (int(episode.max()) + 1, STEPS, channels)
    cell = np.ravel_multi_index((episode, step, prices.group), shape)
    size = int(np.prod(shape))
    there = np.bincount(cell, minlength=size).reshape(shape) > 0
    seen = np.bincount(cell[prices.won], minlength=size).reshape(shape)
    return (seen - there.astype(int)).sum((0, 1)) / there.any(1).sum(0)


def fit_moving(prices: Prices, overall: list[LogNormal], slope: Floats, base: ChannelConstants) -> PriceFit:
    """Levels, spreads and moves of a log with episodes and steps.

    Args:
        prices: the log's.
        overall: from `fit_overall`.
        slope: g of each channel, shape (channels,).
        base: gives the moves of competition, which no log shows.
    """
    assert prices.cell is not None
    episode, step = prices.cell
    shape = (int(episode.max()) + 1, STEPS, len(overall))
    cell = (episode * STEPS + step) * len(overall) + prices.group
    lost = ~prices.won
    bids = np.empty(0) if prices.log_bid is None else prices.log_bid[lost]
    auctions = CellPrices(shape, cell[prices.won], prices.log_price[prices.won], cell[lost], bids)
    prior, spread = overall_prior(auctions, overall), np.array([START_SHARE * fit.sd for fit in overall])
    start = None
    # Without lost auctions a cell's level is its mean, whatever its neighbours.
    for _ in range(ROUNDS if len(bids) else 1):
        cells = fit_cells(auctions, prior, spread)
        known = np.isfinite(cells.log_sd_error)
        middle = np.array([cells.log_sd[known[:, c], c].mean() for c in range(shape[2])])
        weight = np.where(known, cells.log_sd_error, np.inf) ** -2.0
        wobble = ((cells.log_sd - middle) * weight).sum(1) / np.maximum(weight.sum(1), 1e-300)
        wobble -= wobble.mean()
        found = fit_dynamics(cells, wobble, slope, base, start)
        prior = smoothed_prior(found.values, cells, wobble, slope, base)
        spread, start = np.where(known, cells.log_sd, middle), found.values
    error = np.sqrt(np.diag(found.covariance))
    volatility = float(found.values[VOLATILITY])
    noise_error = np.hypot(error[VOLATILITY], 1.0 / np.sqrt(weight.sum(0)))
    known_level = cells.precision + prior.precision
    moves = Moves(
        spread=Fitted(found.values[SPREAD], error[SPREAD]),
        pull=Fitted(found.values[PULL], error[PULL]),
        volatility=_range(volatility, error[VOLATILITY], wobble, weight),
        surprise=found.surprise,
        episodes=shape[0],
        cells=cells,
        medians=(cells.precision * cells.level + prior.precision * prior.mean) / known_level,
    )
    count = shape[2]
    return PriceFit(
        overall,
        level=Fitted(found.values[:count], error[:count]),
        noise=Fitted(middle - volatility, noise_error),
        moves=moves,
    )


def _range(mean: float, error: float, wobble: Floats, weight: Floats) -> Fitted:
    """The ends of the uniform range from which episodes draw their volatility, by moments.

    They lie sqrt(3) standard deviations from the mean. Episodes too thin to tell theirs do not count.
    """
    told = weight.sum(1) > 0.0
    episodes = int(told.sum())
    sampling = float(np.mean(1.0 / weight.sum(1)[told]))
    sd = np.sqrt(max(float(wobble[told].var(ddof=1)) - sampling, 0.0))
    reach = np.sqrt(3.0) * sd
    ends = np.array([max(mean - reach, 0.0), mean + reach])
    variance = error**2 + sd**2 / episodes + 3.0 * sd**2 * (UNIFORM_KURTOSIS - 1.0) / (4.0 * episodes)
    return Fitted(ends, np.full(2, np.sqrt(variance)))


class PathMoments(NamedTuple):
    """Moments of a market's log median prices over its episodes and steps."""

    mean: Floats
    """Shape (CHANNELS,)."""
    variance: Floats
    """Shape (CHANNELS,)."""


def path_moments(constants: ChannelConstants) -> PathMoments:
    """Moments by simulation, bounds and all."""
    market = ChannelsMarket(constants)
    market.reset(np.zeros(PATHS, int), np.arange(PATHS))
    path = market.log_median.double().numpy()
    return PathMoments(path.mean((0, 1)), path.var((0, 1)))


def fit_still(
    overall: list[LogNormal], channel: Integers, base: ChannelConstants
) -> tuple[PriceFit, ChannelConstants]:
    """Levels and noise of a log without time: moves as in the base, all other spread is noise.

    Where a log's prices spread less than the base's levels move alone, the moves are scaled down.

    Args:
        overall: from `fit_overall`.
        channel: channel of the market that each of them stands for.
        base: gives the moves.

    Returns:
        The fit, and the base with the moves that it assumes.
    """
    mean, sd = (np.array([float(getattr(fit, part)) for fit in overall]) for part in ("mean", "sd"))
    mean_error, sd_error = np.sqrt([np.diag(fit.covariance) for fit in overall]).T
    for share in SHARES:
        low, high = (share * end for end in base.volatility)
        moving = replace(base, price_spread=share * base.price_spread, volatility=(low, high))
        moments = path_moments(moving)
        within = sd**2 - moments.variance[channel] - (high - low) ** 2 / 12.0
        noise = np.sqrt(np.maximum(within, 0.0)) - 0.5 * (low + high)
        if (noise >= SMALLEST_NOISE).all():
            break
    offset = moments.mean - COST_CENTRE - np.log(base.price_level)
    level = Fitted(mean - offset[channel], mean_error)
    noise_error = sd_error * sd / np.sqrt(np.maximum(within, SMALLEST_NOISE**2))
    return PriceFit(overall, level, Fitted(noise, noise_error), None), moving
