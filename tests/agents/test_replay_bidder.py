"""The Bidding agent on single auctions: what it sees, what it is rewarded for, and that it learns."""

import numpy as np
import pytest
import torch

from adrl_core.agents.bidders import Paced, whole
from adrl_core.agents.pacing import Worth, pacing
from adrl_core.agents.replay_bidder import CENTRE, MULTIPLES, PRIOR_WINS, ReplayBidder, States
from adrl_core.agents.replay_training import Practice, greedy, train_bidder
from adrl_core.market.presets import STATE_SIZE, STEPS
from adrl_core.market.replay import Campaign, play
from adrl_core.market.simulated import simulate, synthetic_log

LANDSCAPE = synthetic_log()[0]


def test_the_middle_level_is_the_paced_bidder() -> None:
    """Impression for impression, if it could choose at every auction."""
    market = simulate(LANDSCAPE, np.zeros(6, int), range(6), STEPS).episodes
    budget = LANDSCAPE.budget(1 / 8, STEPS)
    agent = ReplayBidder(LANDSCAPE, lambda states: np.full(len(states), CENTRE))
    paced = Paced(LANDSCAPE, pacing(LANDSCAPE), as_seen=True)
    for ours, theirs in zip(play(market, agent, budget), play(market, paced, budget), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert MULTIPLES[CENTRE] == 1.0


def test_what_the_agent_sees() -> None:
    """Features after one block of two auctions, the first won and the second lost, by hand."""
    seen: list[States] = []

    def choose(states: States) -> np.ndarray:
        seen.append(states)
        return np.full(len(states), CENTRE)

    agent = ReplayBidder(LANDSCAPE, choose)
    agent.reset(Campaign(2 * STEPS, np.array([1000])))
    rate, plan = LANDSCAPE.mean_ctr, pacing(LANDSCAPE)
    bids = []
    for auction, (ctr, money, won, paid) in enumerate(
        [(rate, 1000, True, 4), (2 * rate, 996, False, 0), (rate, 996, False, 0)]
    ):
        bids.append(int(agent.bid(auction, np.array([ctr]), np.array([money]))[0]))
        agent.observe(np.array([won]), np.array([paid]))
    base = float(plan.base(np.array([5.0]))[0])
    assert bids[:2] == [int(base), int(2 * base)]
    win = np.cumsum(LANDSCAPE.probability)
    spend = np.cumsum(LANDSCAPE.probability * np.arange(LANDSCAPE.cap + 1))
    wins, cost = win[bids[:2]].sum(), spend[bids[:2]].sum()
    prior = PRIOR_WINS * LANDSCAPE.mean_price / 3.0
    rates = (10.0 + 3.0) / 12.0
    expected = [
        0.996,
        0.99,
        np.log(0.996 / 0.99),
        3.0 * np.log((1.0 + PRIOR_WINS) / (wins + PRIOR_WINS)),
        3.0 * np.log((4.0 + prior) / (cost + prior)),
        2.0 * np.log(rates),
        np.log(plan.base(np.array([996 / 198]))[0] / LANDSCAPE.mean_price),
        np.log1p(wins) / 3.0,
        (1.0 - wins) / 2.0,
        (4.0 / 2.0) / 5.0 - 1.0,
    ]
    assert seen[1].shape == (1, STATE_SIZE)
    np.testing.assert_allclose(seen[1][0], expected, rtol=1e-5)


def test_reward_is_the_expected_gain_over_the_paced_bid() -> None:
    """One decision of one auction, every price written out."""
    market = simulate(LANDSCAPE, [3], [5], STEPS)
    budget = LANDSCAPE.budget(0.3, STEPS)
    agent = Practice(LANDSCAPE, lambda states: np.full(len(states), 6))
    agent.meet(market)
    play(market.episodes, agent, budget)
    assert len(agent.rewards) == STEPS
    r, ctr = market.rivalry[0], market.episodes.ctr[0, 0]
    below = np.concatenate(([0.0], np.cumsum(LANDSCAPE.probability) ** r))
    law = np.diff(below)
    base = float(pacing(LANDSCAPE).base(np.array([budget / STEPS]))[0])
    worth = Worth(LANDSCAPE)
    value = []
    for multiple in (MULTIPLES[6], 1.0):
        bid = int(whole(np.array([ctr / LANDSCAPE.mean_ctr * base * multiple]), LANDSCAPE.cap)[0])
        cost = sum(law[p] * p for p in range(bid + 1))
        kept = worth(np.array([budget - cost]), STEPS - 1, market.rivalry, market.spread)[0]
        value.append(ctr * law[: bid + 1].sum() + market.level[0] * LANDSCAPE.mean_ctr * kept)
    unit = LANDSCAPE.mean_ctr * pacing(LANDSCAPE).worth(np.array([budget / STEPS]))[0]
    assert agent.rewards[0][0] == pytest.approx((value[0] - value[1]) / unit)


def test_a_run_trains_alone_as_among_others() -> None:
    """Bit for bit, and two trainings are the same."""
    (one, log), (many, _) = (train_bidder(LANDSCAPE, seeds, 2, STEPS) for seeds in ([4], [1, 4, 7]))
    for alone, among in zip(one.online.parameters(), many.online.parameters(), strict=True):
        assert torch.equal(alone[0], among[1])
    assert log["round"].tolist() == [0, 1]


@pytest.mark.slow
def test_learns_to_depart_from_the_plan() -> None:
    """On markets it has not seen, it wins more than the plan where money is short and rivals differ."""
    agent, log = train_bidder(LANDSCAPE, [0, 1], 60, 1000)
    market = simulate(LANDSCAPE, np.full(100, 77), range(100), 1000).episodes
    budget = LANDSCAPE.budget(1 / 32, 1000)
    plan = play(market, Paced(LANDSCAPE, pacing(LANDSCAPE), as_seen=True), budget).expected
    doubled = type(market)(*(np.tile(column, (1, 2)) for column in market))
    learned = play(doubled, ReplayBidder(LANDSCAPE, greedy(agent)), budget).expected.reshape(2, -1)
    assert (learned.mean(1) > plan.mean()).all()
    by_round = log.groupby("round")["reward"].mean()
    assert by_round[-10:].mean() > by_round[:10].mean()
