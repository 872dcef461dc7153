"""Markets of the channels family whose rivals react: advertisers who pace a budget, and a shill.

Both learn within an episode from what we do, row by row and without chance of their own, and start anew with
the next. With the strength or the chance at zero the market is the calm one, bit by bit.

**Advertisers.** In each channel one advertiser stands for those who bid against us. It has a value for a
click and a budget, and shades its bid by a multiplier mu that follows the dual of the budget (adaptive
pacing, Balseiro & Gur 2019, Management Science 65:3952, section 3):

    b = v / (1 + mu),    mu <- clip(mu - eps (beta - x), 0, mu_max).

x is what it has just spent and beta what its budget allows. In calm mu is `slack`, and b is the price p of a
calm market; so v = (1 + slack) p, and prices can rise by the factor 1 + slack at most. Behind it a field of
others bids `field` times p and does not react. The advertiser pays our bid or the field's, whichever is
higher, and its budget is what it would spend with us absent. Money is measured in the channel's turnover, all
clicks at the mean calm price, so that the plan follows the season (as budgets are paced by forecasts of
traffic: Agarwal et al. 2014, KDD). What it spends is taken in expectation. Out of money it stands aside, and
the field's price is the price; the last money may buy less than the step's auctions.

**Shill.** In a share `chance` of the auctions somebody bids just below what it expects us to bid (spiteful
and vindictive bidding: Brandt, Sandholm & Shoham 2007, IJCAI; Zhou & Lukose 2007, ICEC). It keeps an average
of our bids in each channel, and bids `share` of it. Where that is below our bid, a click costs at least as
much; where it is above, because we bid less than we used to, the auction is lost to it. All other
prices stay.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from adrl_core.market.base import Auctions, Path
from adrl_core.market.channels import ChannelsMarket, price_moments, reach
from adrl_core.market.presets import CHANNELS, STEPS, ChannelConstants


@dataclass(frozen=True)
class Advertisers:
    """An advertiser a channel that paces its budget."""

    rate: float = 1.0 / math.sqrt(STEPS)
    """Step size eps of the multiplier, of the order that Balseiro & Gur's regret bounds ask for."""
    slack: float = 0.5
    """Multiplier mu at the start, at which prices are calm; they can rise by this share."""
    field: float = 0.7
    """Bid of the others as a share of the calm price; where the advertiser stands aside, the price."""
    strength: float = 1.0
    """Exponent on the factor by which the price to beat follows the advertiser; 0 leaves prices calm."""


@dataclass(frozen=True)
class Shill:
    """Somebody who bids just below us."""

    share: float = 0.9
    """Its bid as a share of what it expects ours to be."""
    chance: float = 0.5
    """Share of the auctions in which it bids."""
    rate: float = 0.1
    """Weight of the newest bid in its average, if it meets us in all auctions of the channel."""


def factor(advertisers: Advertisers, multiplier: Tensor, money: Tensor) -> Tensor:
    """Price to beat over the calm one: (1 + slack) / (1 + mu), or the field's where money is out.

    Of any shape; raised to the strength.
    """
    bid = (1.0 + advertisers.slack) / (1.0 + multiplier)
    alone = torch.where(money > 0.0, bid.clamp_min(advertisers.field), advertisers.field)
    return alone.pow(advertisers.strength)


def paced(advertisers: Advertisers, multiplier: Tensor, spent: Tensor) -> Tensor:
    """The multiplier after one step in which `spent` of the turnover was spent, the plan being `field`."""
    highest = (1.0 + advertisers.slack) / advertisers.field - 1.0
    return (multiplier - advertisers.rate * (advertisers.field - spent)).clamp(0.0, highest)


def rival_spend(
    field: float, entered: Tensor, log_bid: Tensor, log_median: Tensor, log_sd: Tensor, log_factor: Tensor
) -> Tensor:
    """What an advertiser expects to spend, over the mean calm price of all clicks; shape of `log_median`.

    With p the calm price, b our bid and f the factor, this is (1 - e) field + e E[max(b, field p); f p > b] /
    E[p], the expectation by the partial moments of the log-normal; f is at least `field`.

    Args:
        field: bid of the others over the calm price.
        entered: share e of the auctions in which we bid.
        log_bid: of ours, broadcast over channels.
        log_median, log_sd: of the calm price.
        log_factor: log f.
    """
    z = (log_bid - log_median) / log_sd
    ours, others = z - log_factor / log_sd, z - math.log(field) / log_sd
    log_mean = log_median + 0.5 * log_sd * log_sd
    by_us = (log_bid - log_mean).exp() * (torch.special.ndtr(others) - torch.special.ndtr(ours))
    by_field = field * torch.special.ndtr(log_sd - others)
    return (1.0 - entered) * field + entered * (by_us + by_field)


def raised_moments(log_median: Tensor, log_sd: Tensor, z: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and mean square of max(price, floor) where the price is below the bid.

    Args:
        log_median, log_sd: of the log-normal price.
        z: (log bid - log median) / log sd.
        floor: a lower bid beside the price's, 0 to below our bid.
    """
    win, variance = torch.special.ndtr(z), log_sd * log_sd
    certain = win > torch.finfo(z.dtype).tiny * 1e6
    win = torch.where(certain, win, 1.0)
    low = (floor.log() - log_median) / log_sd

    def moment(order: int) -> Tensor:
        above = torch.special.ndtr(z - order * log_sd) - torch.special.ndtr(low - order * log_sd)
        whole = (order * log_median + 0.5 * order * order * variance).exp()
        return (floor.pow(order) * torch.special.ndtr(low) + whole * above) / win

    bid = (log_median + z * log_sd).exp()
    mean = torch.where(certain, torch.maximum(torch.minimum(moment(1), bid), floor), bid)
    return mean, torch.where(certain, torch.maximum(moment(2), mean * mean), bid * bid)


class ContestedMarket(ChannelsMarket):
    """A market of the channels family with reacting rivals.

    Args:
        constants: a preset, or constants of one's own.
        advertisers, shill: the rivals; none if omitted.
        options: those of `ChannelsMarket`.
    """

    def __init__(
        self,
        constants: ChannelConstants,
        advertisers: Advertisers | None = None,
        shill: Shill | None = None,
        **options: Any,
    ) -> None:
        super().__init__(constants, **options)
        self.advertisers, self.shill = advertisers, shill

    def _open_market(self) -> Path:
        path = super()._open_market()
        shape, rivals = (self.rows, CHANNELS), self.advertisers
        self.multiplier = self.bids.new_full(shape, rivals.slack if rivals else 0.0)
        """Of each row and channel's advertiser."""
        self.expected_bid = self.bids.new_zeros(shape)
        """What the shill expects us to bid in each row and channel."""
        mean_price = (self.log_median + 0.5 * self.log_sd * self.log_sd).exp()
        traffic = self.constants.auctions * path.demand[:, None] * self.base_click_rate
        self.turnover = traffic * mean_price
        """Money that all clicks of a step come to at the mean calm price, (STEPS, rows, CHANNELS)."""
        # Added in order of time, so that a row does not depend on the others.
        self.money = (rivals.field if rivals else 0.0) * self.turnover.cumsum(0)[-1]
        """What each advertiser has left."""
        return path

    def _hold_auctions(self, bid: Tensor, allocation: Tensor) -> Auctions:
        entered = reach(self.constants, allocation) * (self.remaining >= bid)[:, None]
        if self.advertisers:
            calm = self.log_median[self.t].clone()
            log_factor = self.log_factor()
            self.log_median[self.t] += log_factor
            brought = super()._hold_auctions(bid, allocation)
            self._pace(self.advertisers, entered, bid.log()[:, None], calm, log_factor)
        else:
            brought = super()._hold_auctions(bid, allocation)
        if self.shill:
            self.expected_bid += self.shill.rate * entered * (bid[:, None] - self.expected_bid)
        return brought

    def log_factor(self) -> Tensor:
        """How far the log median price to come lies above the calm one, (rows, CHANNELS)."""
        if not self.advertisers:
            return torch.zeros_like(self.multiplier)
        return factor(self.advertisers, self.multiplier, self.money).log()

    def _pace(
        self, rivals: Advertisers, entered: Tensor, log_bid: Tensor, calm: Tensor, log_factor: Tensor
    ) -> None:
        """Let the advertisers pay for the step and learn from it."""
        spent = rival_spend(rivals.field, entered, log_bid, calm, self.log_sd, log_factor)
        paid = torch.minimum(spent * self.turnover[self.t], self.money)
        self.multiplier = paced(rivals, self.multiplier, spent)
        self.money = self.money - paid

    def win_and_pay(self, log_bid: Tensor, log_median: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As in the calm market, but for the auctions in which the shill bids."""
        if not self.shill or not self.shill.chance:
            return super().win_and_pay(log_bid, log_median)
        z = (log_bid - log_median) / self.log_sd
        win = torch.special.ndtr(z)
        calm, spread = price_moments(log_median, self.log_sd, z)
        against = self.shill.share * self.expected_bid
        outbid = against >= log_bid.exp()
        floor = torch.where(outbid, 0.0, against)
        mean, square = raised_moments(log_median, self.log_sd, z, floor)
        chance = torch.where(outbid, 0.0, self.shill.chance)
        price = calm + chance * (mean - calm)
        total = spread * spread + calm * calm
        variance = (total + chance * (square - total) - price * price).clamp_min(0.0)
        return win * (1.0 - self.shill.chance * outbid), price, variance.sqrt()


CONTESTS: Mapping[str, tuple[Advertisers | None, Shill | None]] = MappingProxyType(
    {"advertisers": (Advertisers(), None), "shill": (None, Shill())}
)
"""The contests that teams are tried in."""
