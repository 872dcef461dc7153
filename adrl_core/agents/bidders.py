"""Published bidders for second-price auctions with a budget, and linear bids paced by a plan."""

import numpy as np
from numpy.typing import NDArray

from adrl_core.agents.pacing import Pacing
from adrl_core.market.landscape import Landscape
from adrl_core.market.replay import Campaign

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CERTAINTY = 10.0
"""Auctions that the mean click rate of the training log counts for beside those seen in the episode."""


class Unchanging:
    """A bidder that learns nothing from what it wins."""

    def reset(self, campaign: Campaign) -> None:
        """Nothing to start."""

    def observe(self, won: NDArray[np.bool_], paid: Integers) -> None:
        """Nothing to remember."""


class Lin(Unchanging):
    """Bids in proportion to the predicted click rate (Perlich et al. 2012): int(ctr / mean ctr * base).

    Args:
        landscape: training log.
        base: bid for an impression of the mean click rate, tuned on the training log.
        name: to tell several apart.
    """

    def __init__(self, landscape: Landscape, base: float, name: str = "lin") -> None:
        self.name = name
        self.base, self.mean_ctr, self.cap = base, landscape.mean_ctr, landscape.cap

    def bid(self, auction: int, ctr: Floats, money: Integers) -> Integers:
        """The linear bid, whatever the money."""
        return whole(ctr * self.base / self.mean_ctr, self.cap)


class MCPC(Unchanging):
    """Bids what a click may cost at most (Zhang et al. 2014): int(ctr * cost per click in training)."""

    name = "mcpc"

    def __init__(self, landscape: Landscape) -> None:
        self.cost_per_click, self.cap = landscape.cost_per_click, landscape.cap

    def bid(self, auction: int, ctr: Floats, money: Integers) -> Integers:
        """The click's worth, whatever the money."""
        return whole(ctr * self.cost_per_click, self.cap)


class RLB(Unchanging):
    """Bids up to where the money is worth as much as the click (Cai et al. 2017): the largest a with
    ctr + V_{n-1}(b - a) >= V_{n-1}(b), for money b and n auctions to come, this one among them.

    Args:
        landscape: training log.
        values: `value_function` for as many auctions as an episode has, and for no less than its budget.
    """

    name = "rlb"

    def __init__(self, landscape: Landscape, values: Floats) -> None:
        self.values, self.cap = values, landscape.cap

    def reset(self, campaign: Campaign) -> None:
        """Take up the length of the episodes."""
        self.auctions = campaign.auctions

    def bid(self, auction: int, ctr: Floats, money: Integers) -> Integers:
        """The bid of the dynamic programme."""
        value = self.values[self.auctions - auction - 1]
        return np.minimum(money - np.searchsorted(value, value[money] - ctr), self.cap)


class SSMDP(RLB):
    """The same for an impression of the mean click rate, whatever is predicted: bids on a single slot as a
    Markov decision process (Amin et al. 2012, as adapted by Cai et al. 2017).
    """

    name = "ss_mdp"

    def __init__(self, landscape: Landscape, values: Floats) -> None:
        super().__init__(landscape, values)
        self.mean_ctr = landscape.mean_ctr

    def bid(self, auction: int, ctr: Floats, money: Integers) -> Integers:
        """The bid for the mean click rate."""
        return super().bid(auction, np.full(len(money), self.mean_ctr), money)


class Paced:
    """A linear bid whose base is solved anew before each auction, so that on the training landscape the
    money left lasts to the end. It has learned nothing.

    Args:
        landscape: training log.
        pacing: the base for each rate of spending.
        as_seen: whether a click rate is bid on relative to the mean of those seen in the episode, instead of
            the mean in training.
    """

    def __init__(self, landscape: Landscape, pacing: Pacing, as_seen: bool) -> None:
        self.name = "paced_as_seen" if as_seen else "paced"
        self.pacing, self.as_seen = pacing, as_seen
        self.mean_ctr, self.cap = landscape.mean_ctr, landscape.cap

    def reset(self, campaign: Campaign) -> None:
        """Forget the click rates seen."""
        self.auctions = campaign.auctions
        self.seen = np.zeros(len(campaign.budget))

    def bid(self, auction: int, ctr: Floats, money: Integers) -> Integers:
        """The linear bid for the money left an auction."""
        mean = mean_seen(self.seen, auction, self.mean_ctr) if self.as_seen else self.mean_ctr
        self.seen += ctr
        base = self.pacing.base(money / (self.auctions - auction))
        return whole(ctr / mean * base, self.cap)

    def observe(self, won: NDArray[np.bool_], paid: Integers) -> None:
        """Nothing to remember: the money tells."""


def mean_seen(total: Floats, auctions: int, mean_ctr: float) -> Floats:
    """Mean click rate of an episode so far, starting from that of the training log."""
    return (total + CERTAINTY * mean_ctr) / (auctions + CERTAINTY)


def whole(bid: Floats, cap: int) -> Integers:
    """Bids in whole units, at most the cap."""
    return np.minimum(bid, cap).astype(np.int64)
