"""From a log of auctions to the constants of a market like it, each with where it comes from."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from adrl_core.calibrate import goodness
from adrl_core.calibrate.dynamics import LEAST_EPISODES
from adrl_core.calibrate.levels import (
    LEAST_FREEDOM,
    SMALLEST_NOISE,
    PriceFit,
    Prices,
    fit_moving,
    fit_overall,
    fit_still,
    freedom,
    moves_can_be_told,
    path_moments,
)
from adrl_core.calibrate.log import AuctionLog, Flags, Floats, Integers
from adrl_core.calibrate.money import Terms, per_click
from adrl_core.calibrate.prices import LogNormal
from adrl_core.calibrate.rates import Rates, count_auctions, fit_rates, market_season
from adrl_core.calibrate.workings import View, Workings, view
from adrl_core.config_markets import Constants, Estimated
from adrl_core.market.channels import COST_CENTRE, ChannelsMarket
from adrl_core.market.presets import CHANNELS, PRESETS, STEPS, ChannelConstants
from adrl_core.market.reward import REWARD_CLIP

BLOCKS = 30
"""Stretches of consecutive auctions into which a log without episodes is cut."""
MARKET_DEMAND_SD = 0.4 / np.sqrt(12.0)
"""Of the uniform range that the market draws demand from."""
SURPRISED = 0.2
"""Relative excess of squared prediction errors that a user is told of."""
SIGNIFICANT = 0.01
"""Chance below which a season at other phases is told of."""
EPISODES = 64
"""Over which it is worked out what a fitted market brings."""
TOLD_CUT = 0.01
"""Share of rewards cut at their bounds above which a user is told."""
RATE_CAP = 0.5
"""Base click or conversion rate above which the market's own caps would distort it."""


class Calibrated(NamedTuple):
    """What a calibration found."""

    constants: Constants
    unit: float
    """The log's money in one unit of the market's."""
    observed: str
    used: int
    estimates: dict[str, Estimated]
    assumed: dict[str, str]
    notes: tuple[str, ...]
    comparisons: dict[str, goodness.Comparison]
    """By channel of the log."""


class Fit(NamedTuple):
    """Constants and where they come from, before they are compared with the log."""

    work: Workings
    constants: Constants
    unit: float
    prices: Prices
    """In the market's money, as all that follows."""
    overall: list[LogNormal]
    """Of each channel of the log."""


def fit(log: AuctionLog, terms: Terms) -> Fit:
    """Fit the constants of a market of the channels family to a log.

    Args:
        log: the auctions.
        terms: what the log does not say.

    Raises:
        ConfigurationError: the log holds too little; the message says of what.
    """
    shown, block = view(log), blocks(log)
    work = Workings(terms.base, shown, block)
    prices, rows = usable_prices(log, block, terms, work)
    overall = fit_overall(prices, shown.names)
    unit = terms.known_unit or typical_unit(overall, shown, PRESETS[terms.base])
    prices, overall = in_market_money(prices, overall, float(np.log(unit)))
    fitted = _fit_prices(prices, overall, work)
    _put_rates(log, block, _position(prices, rows, fitted, work), terms, work)
    _put_auctions(prices, fitted, terms, work)
    if terms.budget is None:
        work.assumed["budget"] = work.from_base("not given")
    else:
        work.constants["budget"], work.assumed["budget"] = terms.budget / unit, "given"
    return Fit(work, Constants(**work.constants), unit, prices, overall)


def calibrate(log: AuctionLog, terms: Terms) -> Calibrated:
    """Fit a market to a log and compare the two; arguments and errors are those of `fit`."""
    work, constants, unit, prices, overall = fit(log, terms)
    return Calibrated(
        constants=constants,
        unit=unit,
        observed=prices.observed,
        used=int(prices.won.sum()),
        estimates=work.estimates,
        assumed=work.assumed,
        notes=(*work.notes, *_outlook(constants)),
        comparisons=goodness.compare(prices, overall, constants, work.view),
    )


def blocks(log: AuctionLog) -> Integers:
    """Stretches of the log whose auctions may depend on each other, shape (n,).

    Episodes, where there are enough, or else BLOCKS stretches of as many consecutive rows.
    """
    if log.episode is not None and log.episode.max(initial=0) + 1 >= LEAST_EPISODES:
        return log.episode
    return np.arange(len(log)) * min(BLOCKS, len(log)) // max(len(log), 1)


def usable_prices(log: AuctionLog, block: Integers, terms: Terms, work: Workings) -> tuple[Prices, Integers]:
    """Log prices per click in the log's money, and the rows they come from; free auctions are left out."""
    money = per_click(log, work.view.group, work.view.names, terms.price_per)
    work.notes += money.notes
    if log.left_out:
        work.notes.append(f"left out, as the last episode was cut short: {log.left_out:,} auctions")
    if log.skipped:
        work.notes.append(
            f"left out, as gaps of the log: {log.skipped:,} episodes without auctions; those around a gap "
            "are counted as neighbours"
        )
    if log.beside_gaps:
        work.notes.append(f"left out, as a gap cut their episodes short: {log.beside_gaps:,} auctions")
    free = log.is_won & ~(money.price > 0.0)
    if free.any():
        work.notes.append(
            f"left out, as no log-normal has such prices: {free.sum():,} auctions that cost nothing"
        )
    rows = np.flatnonzero(~free)
    won = log.is_won[rows]
    return Prices(
        group=work.view.group[rows],
        log_price=np.log(np.where(won, money.price[rows], 1.0)),
        log_bid=None if money.bid is None else np.log(money.bid[rows]),
        won=won,
        block=block[rows],
        cell=None if log.episode is None or log.step is None else (log.episode[rows], log.step[rows]),
    ), rows


def typical_unit(overall: list[LogNormal], shown: View, base: ChannelConstants) -> float:
    """The log's money in one unit of the market's for which prices are, on the whole, those of the base.

    The mean log price is then the same, over the channels that the log stands for.
    """
    log = np.mean([overall[group].mean for group in shown.of])
    return float(np.exp(log - path_moments(base).mean[shown.channel].mean()))


def in_market_money(
    prices: Prices, overall: list[LogNormal], log_unit: float
) -> tuple[Prices, list[LogNormal]]:
    """Prices and their log-normals in the market's money."""
    bid = None if prices.log_bid is None else prices.log_bid - log_unit
    return (
        prices._replace(log_price=prices.log_price - log_unit, log_bid=bid),
        [fit._replace(mean=fit.mean - log_unit) for fit in overall],
    )


def _fit_prices(prices: Prices, overall: list[LogNormal], work: Workings) -> PriceFit:
    """Levels and noise by channel of the market, and the moves if the log shows them; into the workings."""
    shown, base = work.view, PRESETS[work.base]
    if moves_can_be_told(prices) and _dense_enough(prices, work):
        fitted = fit_moving(prices, overall, shown.slope(base), base)
        fitted = fitted._replace(level=fitted.level.at(shown.of), noise=fitted.noise.at(shown.of))
        assert fitted.moves
        moves, counted, unit = fitted.moves, float(fitted.moves.episodes), "episodes"
        work.put("price_spread", float(moves.spread.value), 0.0)
        work.put("price_reversion", float(moves.pull.value), 0.0, 0.99)
        work.constants["volatility"] = tuple(float(end) for end in moves.volatility.value)
        spread, error = map(float, moves.spread)
        work.estimate("price_spread", np.log(spread), error / spread, counted, unit, log_scale=True)
        work.estimate("price_reversion", float(moves.pull.value), float(moves.pull.error), counted, unit)
        for end, value, error in zip(("low", "high"), *moves.volatility, strict=True):
            work.estimate(f"volatility.{end}", float(value), float(error), counted, unit)
        if abs(moves.surprise - 1.0) > SURPRISED:
            work.notes.append(
                "price levels move otherwise than the market's equations allow: the squared error of "
                f"predicting the next step is {moves.surprise:.2f} times what they expect"
            )
        n = work.blocks_of[shown.of].astype(float)
    else:
        fitted, moving = fit_still([overall[group] for group in shown.of], shown.channel, base)
        for name in ("price_spread", "price_reversion", "volatility"):
            work.constants[name] = getattr(moving, name)
            work.assumed[name] = work.from_base("the log does not show how prices move")
        if moving != base:
            work.notes.append("prices spread so little that the base's moves of prices were scaled down")
        n, unit = np.array([overall[group].n for group in shown.of], float), "auctions"
    work.put_channels("price_level", np.exp(fitted.level.value - COST_CENTRE), 1e-6)
    work.put_channels("price_noise", fitted.noise.value, SMALLEST_NOISE)
    centred = fitted.level.value - COST_CENTRE
    work.estimate_channels("price_level", centred, fitted.level.error, n, unit, log_scale=True)
    work.estimate_channels("price_noise", *fitted.noise, n, unit)
    if shown.together:
        work.notes.append("the log tells no channels: all three get the same prices and rates")
    return fitted


def _dense_enough(prices: Prices, work: Workings) -> bool:
    """Whether steps hold enough prices to tell how levels move; a note says where they do not."""
    told = freedom(prices, len(work.view.names))
    thinnest = int(told.argmin())
    if told[thinnest] >= LEAST_FREEDOM:
        return True
    work.notes.append(
        f"steps hold too few auctions to tell how prices move: in channel {work.view.names[thinnest]} an "
        f"episode has {told[thinnest]:.1f} prices more than steps, and {LEAST_FREEDOM:.0f} are needed; all "
        "spread within an episode beyond the base's moves is laid on single auctions"
    )
    return False


class Position(NamedTuple):
    """Position effect of each auction used, by the base's equations; 1 where the log has no bids."""

    rows: Integers
    """Rows of the log that were used and won, shape (n,)."""
    factor: Floats
    """Shape (n,)."""


def _position(prices: Prices, rows: Integers, fitted: PriceFit, work: Workings) -> Position:
    base, won = PRESETS[work.base], prices.won
    if prices.log_bid is None:
        work.notes.append("the log has no bids: its click rate is taken as that of a bid at the median price")
        return Position(rows[won], np.ones(int(won.sum())))
    group = prices.group[won]
    if fitted.moves and prices.cell:
        median = fitted.moves.medians[prices.cell[0][won], prices.cell[1][won], group]
    else:
        median = np.array([fit.mean for fit in fitted.overall])[group]
    limit = np.log(base.position_cap)
    effect = base.position_exponent * (prices.log_bid[won] - median)
    return Position(rows[won], np.exp(effect.clip(-limit, limit)))


def _put_rates(log: AuctionLog, block: Integers, position: Position, terms: Terms, work: Workings) -> None:
    """Click and conversion rates with their seasons."""
    shown, rows, base = work.view, position.rows, PRESETS[work.base]
    steps = STEPS if log.step is not None and not shown.together else 1
    season = market_season(STEPS)[shown.channel] if steps > 1 else np.zeros((len(shown.names), 1))
    step = log.step[rows] if steps > 1 and log.step is not None else np.zeros(len(rows), int)
    shape = (work.blocks, len(shown.names), steps)
    cell = (block[rows] * shape[1] + shown.group[rows]) * steps + step

    def table(weights: Floats | Flags | None = None) -> Floats:
        return np.bincount(cell, weights, int(np.prod(shape))).reshape(shape).astype(float)

    impressions, click = table(), log.click[rows]
    factor = table(position.factor).sum(0) / np.maximum(impressions.sum(0), 1.0)
    clicks, none = table(click), None if steps > 1 else 0.0
    _put_rate("click", fit_rates(clicks, impressions, factor, season, none), "clicks", work)
    if log.conversion is not None:
        # Where seasons are assumed, clicks come at good times, at which they also convert more.
        both = 1.0 if steps > 1 else 1.0 + 0.5 * base.click_season * base.conversion_season
        conversions = table(click & log.conversion[rows])
        found = fit_rates(conversions, clicks, np.full(shape[1:], both), season, none)
        _put_rate("conversion", found, "conversions", work)
        return
    if terms.conversion_rate is None:
        work.assumed["conversion_rate"] = work.from_base("the log has no conversions and none was given")
    else:
        work.constants["conversion_rate"] = (terms.conversion_rate,) * CHANNELS
        work.assumed["conversion_rate"] = "given"
    work.assumed["conversion_season"] = work.from_base("the log has no conversions")


def _put_rate(kind: str, found: Rates, unit: str, work: Workings) -> None:
    of, errors = work.view.of, np.sqrt(np.diag(found.covariance))
    work.put_channels(f"{kind}_rate", found.values[:-1][of], 0.0, RATE_CAP)
    work.estimate_channels(f"{kind}_rate", found.values[:-1][of], errors[:-1][of], found.events[of], unit)
    name = f"{kind}_season"
    if np.isnan(found.other_phase):
        work.assumed[name] = work.from_base(f"the log does not tell channels and steps, or has few {unit}")
        return
    work.put(name, float(found.values[-1]), 0.0, 0.95)
    work.estimate(name, float(found.values[-1]), float(errors[-1]), float(found.events.sum()), unit)
    if found.other_phase < SIGNIFICANT:
        work.notes.append(
            f"the {kind} rate has a season that does not follow the market's phases; the market's season is "
            "only the part that does"
        )


def _put_auctions(prices: Prices, fitted: PriceFit, terms: Terms, work: Workings) -> None:
    """Auctions a step and channel."""
    if terms.auctions is not None:
        work.constants["auctions"], work.assumed["auctions"] = terms.auctions, "given"
        return
    if prices.cell is None:
        work.assumed["auctions"] = work.from_base("the log has no steps")
        return
    weight = np.ones(len(prices.group))
    if prices.truncated and prices.log_bid is not None:
        mean, sd = np.array([(fit.mean, fit.sd) for fit in fitted.overall]).T
        weight /= ndtr((prices.log_bid - mean[prices.group]) / sd[prices.group])
        work.notes.append("lost auctions are missing from the log; their number was inferred from its bids")
    by_episode = np.bincount(prices.cell[0], weight).astype(float)
    counts = count_auctions(by_episode, STEPS, len(work.view.channel))
    work.put("auctions", counts.mean, 1e-3)
    episodes = int(prices.cell[0].max()) + 1
    work.estimate("auctions", counts.mean, counts.error, episodes, "episodes")
    if counts.demand_sd > 0.0:
        work.notes.append(
            f"demand differs between episodes by {counts.demand_sd:.0%} (standard deviation); in the market "
            f"by {MARKET_DEMAND_SD:.0%}"
        )


def _outlook(constants: Constants) -> list[str]:
    """What an episode brings at the highest bid, and whether that is a market to learn in."""
    market = ChannelsMarket(ChannelConstants(**constants.model_dump()))
    market.reset(np.zeros(EPISODES, int), np.arange(EPISODES))
    bid = market.bids[-1].expand(EPISODES)
    even = market.bids.new_full((EPISODES, CHANNELS), 1.0 / CHANNELS)
    steps = [market.step(bid, even) for _ in range(STEPS)]
    conversions, clicks, _ = market.totals.mean(1).tolist()
    spent = 1.0 - float(market.remaining.mean()) / market.budget
    rewards = np.stack([step.shaped.numpy() for step in steps])
    cut = float(np.isin(rewards, REWARD_CLIP).mean())
    notes = [
        f"at the highest bid and an even allocation an episode brings {clicks:,.1f} clicks and "
        f"{conversions:,.1f} conversions, and spends {spent:.0%} of the budget"
    ]
    if cut > TOLD_CUT:
        notes.append(
            f"there the reward is cut at its bounds in {cut:.0%} of the steps, and more is not learned from; "
            "fewer auctions (--auctions) help"
        )
    return notes
