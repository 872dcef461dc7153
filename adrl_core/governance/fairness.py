"""Who sees the ads: a simulated audience, rates by group with intervals, and allocations held to four fifths.

The markets know no people, so the audience is ours and simulated: an auction is one person who could see the
ad, and AUDIENCE says which share of a channel's auctions is of which group. Within a channel groups are
treated alike; what sets them apart is where they are found. What a channel brings is taken in expectation,
from the market's equations, because a market reports its outcomes summed over channels.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adrl_core.agents.policy import Action, Policy
from adrl_core.evidence.intervals import LEVEL, RESAMPLES, Estimate
from adrl_core.market import Market, Step
from adrl_core.market.channels import ChannelsMarket, click_rate, price_moments, reach
from adrl_core.market.presets import CHANNELS

GROUP_NAMES = ("18-34", "35-54", "55+")
AUDIENCE = np.array(
    (
        (0.30, 0.40, 0.30),
        (0.25, 0.35, 0.40),
        (0.55, 0.30, 0.15),
    )
)
"""Share of each group (columns) in the audience of each channel (rows); made up, for channels to differ."""
FOUR_FIFTHS = 0.8
"""Least ratio of the lowest to the highest rate (US EEOC Uniform Guidelines 1978, 29 CFR 1607.4 D)."""


class ByChannel(NamedTuple):
    """Expected numbers of people by channel, each (units, CHANNELS); a unit is a row or a run."""

    offered: NDArray[np.float64]
    """Who could have seen the ad: all auctions."""
    impressions: NDArray[np.float64]
    """Who saw it."""
    willing: NDArray[np.float64]
    """Who would have clicked and converted had they seen it, at the position that was bid for."""
    conversions: NDArray[np.float64]
    """Who saw it, clicked and converted."""


class Rates(NamedTuple):
    """Rates by group, shape (units, groups)."""

    exposure: NDArray[np.float64]
    """Share that sees the ad; its parity is demographic parity."""
    conversion: NDArray[np.float64]
    """Share that sees the ad, clicks and converts."""
    opportunity: NDArray[np.float64]
    """Share that sees it of those who would convert; its parity is equal opportunity (Hardt et al. 2016)."""


def group_rates(by_channel: ByChannel, audience: NDArray[np.float64] = AUDIENCE) -> Rates:
    """Rates of each group, whose numbers are the channels' in its share of their audience."""
    offered, impressions, willing, conversions = (numbers @ audience for numbers in by_channel)
    return Rates(impressions / offered, conversions / offered, conversions / willing)


def parity_difference(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Highest less lowest rate over groups, (units,); Fairlearn's demographic_parity_difference."""
    return rates.max(-1) - rates.min(-1)


def parity_ratio(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lowest over highest rate, (units,), 1 if all are 0; Fairlearn's demographic_parity_ratio."""
    highest = rates.max(-1)
    return np.divide(rates.min(-1), highest, out=np.ones_like(highest), where=highest > 0.0)


def summed(by_channel: ByChannel, runs: int) -> ByChannel:
    """Units summed by run, (runs, CHANNELS), of units ordered run by run."""
    return ByChannel(*(numbers.reshape(runs, -1, CHANNELS).sum(1) for numbers in by_channel))


def pooled_interval(
    episodes: ByChannel,
    statistic: Callable[[ByChannel], NDArray[np.float64]],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """A statistic of one policy's episodes together, with a 95 % percentile bootstrap interval over them.

    Runs are policies of their own: pooled, what one does to a group would make up for what another does. Of
    runs, take the statistic each (`summed` by run) and its interval from `evidence.intervals`.

    Args:
        episodes: of one policy.
        statistic: of sums over episodes, (units, CHANNELS) to (units,).
        resamples: number of times that episodes are drawn with replacement.
        seed: of the draws.
    """
    n = len(episodes.offered)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), resamples).astype(float)
    values = statistic(ByChannel(*(drawn @ numbers for numbers in episodes)))
    low, high = np.quantile(values, ((1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0))
    return Estimate(float(statistic(summed(episodes, 1))[0]), float(low), float(high), n)


class Audited:
    """A policy whose expected outcomes are kept by channel."""

    def __init__(self, policy: Policy) -> None:
        self.policy, self.name = policy, policy.name
        self.plays: list[Tensor] = []

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to.

        Raises:
            TypeError: the market is not of the channels family.
        """
        self.market = channels_market(market)
        self.policy.reset(market)
        self.plays.append(torch.zeros(len(ByChannel._fields), market.rows, CHANNELS, dtype=torch.float64))

    def act(self, state: Tensor) -> Action:
        """The policy's actions."""
        action = self.policy.act(state)
        self.plays[-1] += torch.stack(expected_people(self.market, action)).double().cpu()
        return action

    def observe(self, step: Step) -> None:
        """See what the last action brought."""
        self.policy.observe(step)

    def episodes(self) -> ByChannel:
        """Sums of each episode played, in the order of the rows and plays."""
        return ByChannel(*torch.cat(self.plays, 1).numpy())


def channels_market(market: Market) -> ChannelsMarket:
    """The market, if it has channels with audiences.

    Raises:
        TypeError: it has not.
    """
    if not isinstance(market, ChannelsMarket):
        raise TypeError(f"{type(market).__name__}: an audience needs a market of the channels family")
    return market


def expected_people(market: ChannelsMarket, action: Action) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Means of the current step in the order of ByChannel, each (rows, CHANNELS).

    Where the money left does not pay for what a step would cost on average, all is cut in proportion, as the
    market does with what it drew.
    """
    constants, t = market.constants, market.t
    log_bid, log_median = action.bid.log()[:, None], market.log_median[t]
    z = (log_bid - log_median) / market.log_sd
    offered = (constants.auctions * market.path.demand)[:, None].expand_as(z)
    solvent = (market.remaining >= action.bid)[:, None]
    impressions = offered * solvent * reach(constants, action.allocation) * torch.special.ndtr(z)
    clicked = click_rate(constants, market.base_click_rate[t], log_bid, log_median)
    price, _ = price_moments(log_median, market.log_sd, z)
    spend = (impressions * clicked * price).sum(1, keepdim=True)
    impressions = impressions * (market.remaining[:, None] / spend.clamp_min(1e-9)).clamp_max(1.0)
    chance = clicked * market.conversion_rate[t]
    return offered, impressions, offered * chance, impressions * chance
