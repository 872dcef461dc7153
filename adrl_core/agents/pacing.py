"""Linear bids on a landscape: what they spend, what they win, and which of them a rate of spending allows.

With many auctions to come, the best that can be done with a budget is a linear bid, ctr over the shadow
price of money (the fluid limit of the dynamic programme). It is written here as ctr / mean ctr * base, so
that the base is the bid for a common impression.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.interpolate import RegularGridInterpolator

from adrl_core.market.landscape import Landscape
from adrl_core.market.simulated import TYPICAL_SPREAD

Floats = NDArray[np.float64]

BASES = 800
CLICK_RATES = 64
"""Points on the grid of bases, and equally likely click rates that stand for the log-normal law."""
LOWEST_BASE = 0.1


@dataclass(frozen=True)
class Pacing:
    """Linear bids on one landscape, by base; arrays of shape (bases,), none of them falling."""

    bases: Floats
    spend: Floats
    """Money spent an auction."""
    clicks: Floats
    """Clicks won an auction, in units of the mean click rate."""

    def base(self, rate: Floats) -> Floats:
        """The base that spends so much money an auction; the largest where so much cannot be spent."""
        return np.exp(np.interp(rate, self.spend, np.log(self.bases)))

    def worth(self, rate: Floats) -> Floats:
        """Clicks won an auction by spending so much, in units of the mean click rate."""
        return np.interp(rate, self.spend, self.clicks)


def pacing(landscape: Landscape, rivalry: float = 1.0, spread: float = TYPICAL_SPREAD) -> Pacing:
    """Linear bids on a landscape with so many times its rivals.

    Click rates are log-normal, and spread the standard deviation of their log.
    """
    law = rivals_law(landscape, np.array([rivalry]))
    points = stats.norm.ppf((np.arange(CLICK_RATES) + 0.5) / CLICK_RATES)
    relative = np.exp(spread * points)
    relative /= relative.mean()
    bases = np.geomspace(LOWEST_BASE, 20.0 * landscape.cap, BASES)
    bids = np.minimum(bases[:, None] * relative, landscape.cap).astype(np.int64)
    return Pacing(bases, law.spend[0][bids].mean(1), (law.win[0][bids] * relative).mean(1))


@dataclass(frozen=True)
class PriceLaw:
    """What a bid brings in one auction, by row and bid; arrays of shape (rows, cap + 1)."""

    win: Floats
    """Probability of winning."""
    spend: Floats
    """Expected price paid, nothing where the auction is lost."""


def rivals_law(landscape: Landscape, rivalry: Floats) -> PriceLaw:
    """What bids bring where there are so many times the landscape's rivals, one value a row, (rows,).

    The winning price is the highest bid of the others: its distribution is raised to the power of their
    number.
    """
    win = np.cumsum(landscape.probability) ** rivalry[:, None]
    prices = np.arange(landscape.cap + 1)
    return PriceLaw(win, np.cumsum(np.diff(win, axis=1, prepend=0.0) * prices, 1))


class Worth:
    """What money is worth in clicks, in units of the mean click rate, on a landscape with other rivals.

    The expected clicks of the linear bid that spends the money evenly: an upper bound, close where
    many auctions are to come.
    """

    RIVALRIES = np.exp(np.linspace(-1.5, 1.5, 31))
    SPREADS = np.linspace(0.2, 0.8, 5)
    RATES = 300

    def __init__(self, landscape: Landscape) -> None:
        self.rates = np.geomspace(1e-3 * landscape.mean_price, 2.0 * landscape.cap, self.RATES)
        table = [
            [pacing(landscape, float(r), float(s)).worth(self.rates) for s in self.SPREADS]
            for r in self.RIVALRIES
        ]
        self.grid = (np.log(self.RIVALRIES), self.SPREADS, np.log(self.rates))
        self._interpolate = RegularGridInterpolator(self.grid, np.array(table))

    def __call__(self, money: Floats, auctions: int, rivalry: Floats, spread: Floats) -> Floats:
        """Worth of money (rows,) with so many auctions to come, for rivalry and spread of each, (rows,)."""
        if auctions == 0:
            return np.zeros(len(money))
        rate = money / auctions
        logs = np.log(rivalry), spread, np.log(np.maximum(rate, self.rates[0]))
        inside = [np.clip(x, axis[0], axis[-1]) for x, axis in zip(logs, self.grid, strict=True)]
        an_auction: Floats = self._interpolate(np.stack(inside, 1))
        return auctions * an_auction * np.minimum(rate / self.rates[0], 1.0)
