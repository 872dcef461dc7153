"""How well the fitted log-normal, and the fitted market, describe the prices of a log."""

from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.special import ndtr

from adrl_core.calibrate.levels import Prices
from adrl_core.calibrate.log import Floats
from adrl_core.calibrate.prices import LogNormal
from adrl_core.calibrate.workings import View
from adrl_core.config_markets import Constants, Match
from adrl_core.market.channels import ChannelsMarket
from adrl_core.market.noise import Purpose, stream
from adrl_core.market.presets import CHANNELS, CHANNELS_BIDS, ChannelConstants

POINTS = 1000
"""Prices at which distribution functions are compared."""
PATHS = 4096
"""Episodes over which the prices of a market are averaged."""
CLOSE = 0.05
"""Distance up to which a distribution is said to fit: its win rate is off by no more at any bid."""
LILLIEFORS = 0.886
"""Times 1 / sqrt(n): the distance from a fitted normal that chance exceeds once in twenty (Lilliefors 1967,
JASA 62:318, 399-402)."""


class Curve(NamedTuple):
    """A distribution function of log prices as the log shows it, a step function; shape (points,)."""

    log_price: Floats
    below: Floats
    """Share of prices just below each."""
    share: Floats
    """Share of prices up to each."""


def empirical_curve(
    seen: Floats,
    overall: LogNormal,
    censored_at: Floats | None = None,
    truncated_at: Floats | None = None,
) -> Curve:
    """Distribution function of log prices, without assuming its form, at no more than POINTS prices.

    With lost auctions it is Kaplan and Meier's (1958, JASA 53:282, 457-481), with lost auctions missing
    Lynden-Bell's (1971, MNRAS 155:1, 95-118), which is known up to a factor only: `overall` gives it its
    height at the largest price.
    """
    if truncated_at is not None:
        values, counts = np.unique(seen, return_counts=True)
        bids = np.sort(truncated_at)
        # At risk at a price: pairs with a price of at most that, from auctions whose bid would have seen it.
        at_risk = np.cumsum(counts) - np.searchsorted(bids, values)
        kept = np.concatenate((1.0 - counts[1:] / np.maximum(at_risk[1:], 1), [1.0]))
        height = float(ndtr((values[-1] - overall.mean) / overall.sd))
        share = height * np.cumprod(kept[::-1])[::-1]
    elif censored_at is not None and len(censored_at):
        found = stats.ecdf(stats.CensoredData(uncensored=seen, right=censored_at)).cdf
        inside = found.quantiles <= seen.max()
        values, share = found.quantiles[inside], found.probabilities[inside]
    else:
        values, counts = np.unique(seen, return_counts=True)
        share = np.cumsum(counts) / len(seen)
    below = np.concatenate(([0.0], share[:-1]))
    chosen = np.unique(
        np.searchsorted(share, np.linspace(share[0], share[-1], POINTS)).clip(0, len(share) - 1)
    )
    return Curve(values[chosen], below[chosen], share[chosen])


def market_prices(constants: ChannelConstants) -> Floats:
    """Sorted log prices of a market over its episodes and steps, shape (CHANNELS, prices)."""
    market = ChannelsMarket(constants)
    market.reset(np.zeros(PATHS, int), np.arange(PATHS))
    noise = stream(0, Purpose.POLICY).standard_normal(market.log_median.shape)
    prices = market.log_median.numpy() + market.log_sd.numpy() * noise
    return np.sort(prices.reshape(-1, CHANNELS).T.astype(float), axis=1)


def shares_up_to(log_price: Floats, prices: Floats) -> Floats:
    """Share of sorted prices up to each log price; shape of `log_price`."""
    return np.searchsorted(prices, log_price, side="right") / len(prices)


def distance(curve: Curve, shares: Floats) -> float:
    """Kolmogorov-Smirnov distance of a curve from the shares that a distribution has at its prices."""
    return float(np.maximum(np.abs(curve.share - shares), np.abs(curve.below - shares)).max())


def lognormal_shares(overall: LogNormal, log_price: Floats) -> Floats:
    """Share of a log-normal's prices up to each log price."""
    return ndtr((log_price - overall.mean) / overall.sd)


class Comparison(NamedTuple):
    """The prices of one channel of a log beside the log-normal and the fitted market."""

    match: Match
    win_rates: dict[str, tuple[float, float]]
    """By bid of the market: win rate in the log and in the fitted market."""
    curve: Curve
    of_normal: Floats
    """Share of the log-normal's prices up to each price of the curve."""
    of_market: Floats
    """The same of the fitted market's."""


def compare(
    prices: Prices, overall: list[LogNormal], constants: Constants, shown: View
) -> dict[str, Comparison]:
    """Compare each channel of a log with its log-normal and with the fitted market.

    Args:
        prices: the log's, in the market's money.
        overall: the log-normal of each channel, in the same.
        constants: of the fitted market.
        shown: which channels of the market each stands for.
    """
    market = market_prices(ChannelConstants(**constants.model_dump()))
    levels, found = np.log(CHANNELS_BIDS), {}
    for number, name in enumerate(shown.names):
        here, normal = prices.group == number, overall[number]
        won, lost, bid = here & prices.won, here & ~prices.won, prices.log_bid
        seen = prices.log_price[won]
        curve = empirical_curve(
            seen,
            normal,
            censored_at=None if bid is None or prices.truncated else bid[lost],
            truncated_at=bid[won] if bid is not None and prices.truncated else None,
        )
        drawn = market[shown.channel[shown.of == number]]
        of_market, wins = (
            np.mean([shares_up_to(points, one) for one in drawn], axis=0)
            for points in (curve.log_price, levels)
        )
        of_normal, apart = lognormal_shares(normal, curve.log_price), distance(curve, of_market)
        match = Match(
            auctions=len(seen),
            log_mean=float(normal.mean),
            log_sd=float(normal.sd),
            distance=distance(curve, of_normal),
            critical=LILLIEFORS / float(np.sqrt(len(seen))),
            market_distance=apart,
            fits=apart <= CLOSE,
        )
        reached = np.concatenate(([0.0], curve.share))[np.searchsorted(curve.log_price, levels, side="right")]
        rates = {
            f"{bid:.2f}": (float(of_log), float(of_fit))
            for bid, of_log, of_fit in zip(CHANNELS_BIDS, reached, wins, strict=True)
        }
        found[name] = Comparison(match, rates, curve, of_normal, of_market)
    return found
