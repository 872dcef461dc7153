"""Replayed auctions against a loop over single ones, and hindsight against a linear programme."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

from adrl_core.market.bid_log import Records
from adrl_core.market.replay import Campaign, Episodes, episodes, hindsight, joined, play


class Given:
    """Bids what it is given, auction by auction, and keeps what it saw."""

    name = "given"

    def __init__(self, bids: NDArray[np.int64]) -> None:
        self.bids = bids

    def reset(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.saw: list[tuple[list[int], list[bool], list[int]]] = []

    def bid(self, auction: int, ctr: NDArray[np.float64], money: NDArray[np.int64]) -> NDArray[np.int64]:
        self.money = money.tolist()
        return self.bids[auction]

    def observe(self, won: NDArray[np.bool_], paid: NDArray[np.int64]) -> None:
        self.saw.append((self.money, won.tolist(), paid.tolist()))


def loop(log: Records, bids: NDArray[np.int64], auctions: int, budget: int) -> list[tuple[int, ...]]:
    """Impressions, clicks and cost of each episode, one auction after the other."""
    found = []
    for start in range(0, len(log.price), auctions):
        money, impressions, clicks = budget, 0, 0
        for i in range(start, min(start + auctions, len(log.price))):
            if min(int(bids[i]), money) >= log.price[i]:
                money -= int(log.price[i])
                impressions, clicks = impressions + 1, clicks + int(log.click[i])
        found.append((impressions, clicks, budget - money))
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 9), st.integers(0, 40), st.integers(1, 30)
)
def test_replay_is_the_loop_over_auctions(
    seed: int, length: int, auctions: int, budget: int, chunk: int
) -> None:
    """Whatever the chunks of the log, with an incomplete last episode and budgets that run out."""
    generator = np.random.default_rng(seed)
    log = Records(generator.random(length) < 0.5, generator.integers(0, 12, length), generator.random(length))
    bids = generator.integers(0, 14, length)
    chunks = [Records(*(c[i : i + chunk] for c in log)) for i in range(0, length, chunk)]
    played = joined(episodes(chunks, auctions))
    padded = np.pad(bids, (0, -length % auctions)).reshape(-1, auctions).T
    outcome = play(played, Given(padded), budget)
    assert list(zip(*(x.tolist() for x in outcome[:3]), strict=True)) == loop(log, bids, auctions, budget)


def test_bidders_see_their_money_and_what_they_won_only() -> None:
    played = Episodes(np.array([[True], [True], [False]]), np.array([[3], [9], [4]]), np.full((3, 1), 0.25))
    bidder = Given(np.array([[3], [8], [5]]))
    outcome = play(played, bidder, 6)
    assert bidder.saw == [([6], [True], [3]), ([3], [False], [0]), ([3], [False], [0])]
    assert [x.tolist() for x in outcome] == [[1], [1], [3], [0.25]]
    assert (bidder.campaign.auctions, bidder.campaign.budget.tolist()) == (3, [6])


@pytest.mark.parametrize("budget", [0, 7, 40, 10_000])
def test_hindsight_is_the_linear_programme(budget: int) -> None:
    generator = np.random.default_rng(1)
    price, ctr = generator.integers(0, 20, (30, 2)), generator.random((30, 2))
    found = hindsight(Episodes(price > 0, price, ctr), budget)
    for row in range(2):
        best = linprog(-ctr[:, row], price[None, :, row], [budget], bounds=(0.0, 1.0))
        assert found[row] == pytest.approx(-best.fun)
