"""Published bidders against their definitions by brute force, and against published figures on a real log."""

import numpy as np
import pytest

from adrl_core.agents.bidders import MCPC, RLB, SSMDP, Lin, Paced, mean_seen
from adrl_core.agents.pacing import Worth, pacing, rivals_law
from adrl_core.agents.value_function import value_function
from adrl_core.files import LOGS, log_files
from adrl_core.market.bid_log import read_log
from adrl_core.market.landscape import Landscape, read_landscape
from adrl_core.market.replay import Bidder, Campaign, episodes, joined, play
from adrl_core.market.simulated import NOMINAL, simulate, synthetic_log

LANDSCAPE = Landscape(np.array([3, 0, 9, 4, 2, 1]), 8)
AUCTIONS, BUDGET = 7, 12

FIGURES = {
    "ss_mdp": (19_420, 29, 153_198),
    "mcpc": (7_842, 23, 153_827),
    "lin": (13_145, 24, 82_187),
    "rlb": (18_334, 32, 151_210),
}
"""Impressions, clicks and cost on the log of advertiser 2997 at a budget of 1/32, as published."""


def test_value_function_is_the_recursion() -> None:
    """Every sum written out, with the bid that pays found by trying all."""
    found = value_function(LANDSCAPE, AUCTIONS, BUDGET)
    law, click, cap = LANDSCAPE.probability, LANDSCAPE.mean_ctr, LANDSCAPE.cap
    value = np.zeros((AUCTIONS, BUDGET + 1))
    for n in range(1, AUCTIONS):
        for b in range(BUDGET + 1):
            before = value[n - 1]
            tries = []
            for bid in range(min(b, cap) + 1):
                won = sum(law[p] * (click + before[b - p]) for p in range(bid + 1))
                tries.append(won + (1.0 - law[: bid + 1].sum()) * before[b])
            # The authors' programme leaves empty pockets without worth, though prices of nothing exist.
            value[n, b] = max(tries) if b else 0.0
    np.testing.assert_allclose(found, value, atol=1e-12)
    wider = value_function(LANDSCAPE, AUCTIONS, BUDGET + 9)
    np.testing.assert_allclose(wider[:, : BUDGET + 1], found, atol=1e-15)


def test_rlb_bids_while_the_click_is_worth_the_money() -> None:
    values = value_function(LANDSCAPE, AUCTIONS, BUDGET)
    for kind, rates in ((RLB, (0.01, 0.2, 0.421, 0.9)), (SSMDP, (LANDSCAPE.mean_ctr,))):
        bidder = kind(LANDSCAPE, values)
        bidder.reset(Campaign(AUCTIONS, np.array([BUDGET])))
        for auction in range(AUCTIONS):
            value = values[AUCTIONS - auction - 1]
            for rate in rates:
                money = np.arange(BUDGET + 1)
                given = np.full(len(money), 0.3 if kind is SSMDP else rate)
                bids = bidder.bid(auction, given, money)
                for b, bid in zip(money, bids, strict=True):
                    pays = [a for a in range(b + 1) if rate + value[b - a] - value[b] >= 0.0]
                    assert bid == min(max(pays), LANDSCAPE.cap)


def test_linear_bids_are_cut_to_whole_units_below_the_cap() -> None:
    ctr, money = np.array([0.0, 0.1, 0.42, 1.0]), np.zeros(4, int)
    mean = 8 / 19
    assert Lin(LANDSCAPE, 3.0).bid(0, ctr, money).tolist() == [0, int(0.3 / mean), int(1.26 / mean), 5]
    cost = (9 * 2 + 4 * 3 + 2 * 4 + 5) / 8
    assert MCPC(LANDSCAPE).bid(0, ctr, money).tolist() == [0, int(0.1 * cost), int(0.42 * cost), 5]


@pytest.mark.parametrize("name", FIGURES)
def test_published_figures(name: str) -> None:
    """Impressions, clicks and cost on 78,031 real auctions, to the last unit."""
    files = log_files("2997")
    if files is None:
        pytest.skip(f"the log of advertiser 2997 is not here; {LOGS} may name its folder")
    landscape = read_landscape(files[0])
    played = joined(episodes(read_log(files[1]), 1000))
    budget = landscape.budget(1 / 32, 1000)
    bidders: dict[str, Bidder] = {"mcpc": MCPC(landscape), "lin": Lin(landscape, 10)}
    if name not in bidders:
        values = value_function(landscape, 1000, budget)
        bidders |= {"ss_mdp": SSMDP(landscape, values), "rlb": RLB(landscape, values)}
    outcome = play(played, bidders[name], budget)
    assert tuple(int(x.sum()) for x in outcome[:3]) == FIGURES[name]


def test_pacing_spends_and_wins_as_it_says() -> None:
    """The base for a rate of spending, tried in simulated auctions with money to spare."""
    landscape = synthetic_log()[0]
    plan = pacing(landscape)
    rate = 0.3 * landscape.mean_price
    base = float(plan.base(np.array([rate]))[0])
    numbers = range(200)
    episode = simulate(landscape, np.zeros(200, int), numbers, 200, NOMINAL).episodes
    outcome = play(episode, Lin(landscape, base), 10**9)
    assert outcome.cost.mean() / 200 == pytest.approx(rate, rel=0.03)
    worth = float(plan.worth(np.array([rate]))[0])
    assert outcome.expected.mean() / 200 == pytest.approx(worth * landscape.mean_ctr, rel=0.03)
    exact = Worth(landscape)(np.full(3, 200 * rate), 200, np.array([0.5, 1.0, 2.0]), np.full(3, 0.5))
    assert exact[1] == pytest.approx(200 * worth, rel=0.01)
    assert exact[0] > exact[1] > exact[2]


def test_money_without_auctions_and_auctions_without_money_are_worth_nothing() -> None:
    worth = Worth(synthetic_log()[0])
    market = np.ones(2), np.full(2, 0.5)
    assert worth(np.array([0.0, 100.0]), 0, *market).tolist() == [0.0, 0.0]
    assert worth(np.array([0.0, 1e9]), 10, *market) == pytest.approx([0.0, 10.0], rel=0.01)


def test_price_law_of_more_rivals() -> None:
    law = rivals_law(LANDSCAPE, np.array([1.0, 3.0]))
    density = np.diff(np.cumsum(LANDSCAPE.probability) ** 3, prepend=0.0)
    np.testing.assert_allclose(law.win[0], np.cumsum(LANDSCAPE.probability))
    np.testing.assert_allclose(law.spend[1], np.cumsum(density * np.arange(6)))


def test_paced_bids_spend_the_money_by_the_end() -> None:
    landscape = synthetic_log()[0]
    budget = landscape.budget(1 / 8, 500)
    episode = simulate(landscape, np.zeros(40, int), range(40), 500, NOMINAL).episodes
    for as_seen in (False, True):
        outcome = play(episode, Paced(landscape, pacing(landscape), as_seen), budget)
        assert 0.9 * budget < outcome.cost.mean() <= budget


def test_click_rates_as_seen() -> None:
    """Where rates are twice those of training, only a bidder that looks at those seen bids as planned."""
    landscape = synthetic_log()[0]
    campaign, doubled = Campaign(1000, np.array([6_000])), np.array([2 * landscape.mean_ctr])
    last = {}
    for as_seen in (False, True):
        bidder = Paced(landscape, pacing(landscape), as_seen)
        bidder.reset(campaign)
        last[as_seen] = [int(bidder.bid(t, doubled, np.array([1000 - t]) * 6)[0]) for t in range(990)][-1]
    base = float(pacing(landscape).base(np.array([6.0]))[0])
    assert last == {False: int(2 * base), True: int(2 * base / mean_seen(1.978e3, 989, 1.0))}
    assert mean_seen(np.array([0.0, 3.0]), 10, 0.1).tolist() == [0.05, 0.2]
