"""Bidding on logged second-price auctions: episodes of a log, and bidders that play all of them at once."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from adrl_core.market.bid_log import Records

UNWINNABLE = np.iinfo(np.int64).max
"""Price of the auctions that fill up the last episode of a log."""


class Episodes(NamedTuple):
    """Independent episodes side by side; time leads, so that what an auction needs is contiguous.

    Each array has shape (auctions, rows); see Records for what they hold.
    """

    click: NDArray[np.bool_]
    price: NDArray[np.int64]
    ctr: NDArray[np.float64]


class Campaign(NamedTuple):
    """What a bidder knows of the episodes it is about to play."""

    auctions: int
    """Auctions in an episode."""
    budget: NDArray[np.int64]
    """Money for each episode, shape (rows,)."""


class Bidder(Protocol):
    """Plays all rows of some episodes together."""

    name: str

    def reset(self, campaign: Campaign) -> None:
        """Start the episodes."""

    def bid(self, auction: int, ctr: NDArray[np.float64], money: NDArray[np.int64]) -> NDArray[np.int64]:
        """Bids (rows,) in the auction of this number, given predicted click rates and money left, (rows,)."""

    def observe(self, won: NDArray[np.bool_], paid: NDArray[np.int64]) -> None:
        """See which of them won, and at what price; both (rows,). Lost auctions reveal no price."""


class Outcome(NamedTuple):
    """What a bidder brought home in each episode, arrays of shape (rows,)."""

    impressions: NDArray[np.int64]
    clicks: NDArray[np.int64]
    cost: NDArray[np.int64]
    expected: NDArray[np.float64]
    """Clicks to be expected of the impressions won: the sum of their predicted click rates."""


def episodes(log: Iterable[Records], auctions: int) -> Iterator[Episodes]:
    """Cut a log into episodes of so many auctions; yields the episodes that each chunk completes.

    The last episode of the log is filled up with auctions that cannot be won.
    """
    left = Records(np.zeros(0, bool), np.zeros(0, np.int64), np.zeros(0))
    for chunk in log:
        joined = Records._make(np.concatenate(pair) for pair in zip(left, chunk, strict=True))
        whole = len(joined.price) // auctions * auctions
        left = Records._make(column[whole:] for column in joined)
        if whole:
            yield _by_time(Records._make(column[:whole] for column in joined), auctions)
    missing = -len(left.price) % auctions
    if missing:
        ends = (False, UNWINNABLE, 0.0)
        filled = (np.pad(c, (0, missing), constant_values=e) for c, e in zip(left, ends, strict=True))
        yield _by_time(Records._make(filled), auctions)


def _by_time(records: Records, auctions: int) -> Episodes:
    return Episodes._make(np.ascontiguousarray(column.reshape(-1, auctions).T) for column in records)


def joined(parts: Iterable[Episodes]) -> Episodes:
    """Episodes of several chunks side by side."""
    return Episodes._make(np.concatenate(columns, 1) for columns in zip(*parts, strict=True))


def play(played: Episodes, bidder: Bidder, budget: int | NDArray[np.int64]) -> Outcome:
    """Play episodes to their end, auction by auction, all rows at once.

    A bid wins where it is at least the winning price, and pays that price. No bid exceeds the money left,
    so an episode is over when its budget is gone, but for impressions that cost nothing.

    Args:
        played: the episodes, (auctions, rows).
        bidder: who bids.
        budget: money for an episode, one for all or one a row, (rows,).
    """
    auctions, rows = played.price.shape
    money = np.array(np.broadcast_to(budget, (rows,)), np.int64)
    impressions, clicks, cost = np.zeros((3, rows), np.int64)
    expected = np.zeros(rows)
    bidder.reset(Campaign(auctions, money.copy()))
    for auction in range(auctions):
        price, ctr = played.price[auction], played.ctr[auction]
        won = np.minimum(bidder.bid(auction, ctr, money), money) >= price
        paid = np.where(won, price, 0)
        money -= paid
        bidder.observe(won, paid)
        impressions += won
        clicks += won & played.click[auction]
        cost += paid
        expected += won * ctr
    return Outcome(impressions, clicks, cost, expected)


def hindsight(played: Episodes, budget: int) -> NDArray[np.float64]:
    """The most clicks that anyone could expect who knew all prices and predicted click rates, shape (rows,).

    The linear relaxation of the knapsack problem of each episode (Dantzig 1957): impressions in the order of
    click rate over price until the money is gone, of the last one a part. No bidder can exceed it.
    """
    worth = played.ctr / np.maximum(played.price, 1e-9)  # what costs nothing comes first
    order = np.argsort(-worth, axis=0, kind="stable")
    price = np.take_along_axis(played.price.astype(float), order, 0)
    ctr = np.take_along_axis(played.ctr, order, 0)
    before = np.cumsum(price, 0) - price
    share = np.where(price > 0.0, np.clip((budget - before) / np.maximum(price, 1.0), 0.0, 1.0), 1.0)
    return np.asarray((share * ctr).sum(0))
