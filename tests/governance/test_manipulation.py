"""Manipulations by hand, deployments as permutations, and the charts on made-up metrics."""

import numpy as np
import pytest
import torch

from adrl_core.agents.baselines import Constant
from adrl_core.evaluate import play
from adrl_core.governance.manipulation import (
    ORDERS,
    Inflated,
    Rotation,
    alarms,
    dearer_market,
    delays,
    deployments,
    usual,
)
from adrl_core.governance.monitors import Metrics
from adrl_core.market import make_market
from adrl_core.market.presets import BID_LEVELS, PRESETS, STEPS


class Bids:
    """Records the bids of what it wraps."""

    def __init__(self, policy):
        self.policy, self.name, self.bids = policy, policy.name, []

    def reset(self, market):
        self.policy.reset(market)

    def act(self, state):
        action = self.policy.act(state)
        self.bids.append(action.bid.clone())
        return action

    def observe(self, step):
        self.policy.observe(step)


def bids_of(policy):
    seen = Bids(policy)
    play(seen, make_market("margin"), np.zeros(2, int), np.arange(2))
    return torch.stack(seen.bids)


@pytest.mark.parametrize(("idle", "cycle"), [(1, 2), (1, 10), (3, 10), (1, 1)])
def test_rotation_stands_aside_in_its_turn(idle, cycle):
    bids = bids_of(Rotation(Constant("c", bid=3.0), idle, cycle))
    for step in range(STEPS):
        assert (bids[step] == (0.5 if step % cycle < idle else 3.0)).all()


def test_inflated_bids_stay_in_range():
    assert (bids_of(Inflated(Constant("c", bid=3.0), 1.25)) == 3.75).all()
    assert (bids_of(Inflated(Constant("c", bid=4.0), 1.25)) == 4.5).all()


def test_a_dearer_market_asks_more_for_the_same():
    market = dearer_market("margin", 1.1)
    assert market.constants.price_level == pytest.approx(
        [1.1 * level for level in PRESETS["margin"].price_level]
    )
    plain, dear = (
        play(Constant("c", bid=3.0), on, np.zeros(50, int), np.arange(50)).mean()
        for on in (make_market("margin"), market)
    )
    assert dear["impressions"] < plain["impressions"] and dear["profit"] < plain["profit"]


def made_up(count, shift=0.0, seed=0):
    draw = np.random.default_rng(seed)
    values = draw.normal(shift, 1.0, (5, count))
    bids = draw.multinomial(STEPS, np.full(BID_LEVELS, 0.1), count).astype(float)
    return Metrics(bids, *values)


def test_deployments_play_each_episode_once():
    healthy, changed = made_up(6), made_up(4, shift=100.0)
    series = deployments(healthy, changed, onset=2)
    assert series.bid.shape == (ORDERS, 6) and series.bids.shape == (ORDERS, 6, BID_LEVELS)
    for row in series.bid:
        assert set(row[:2]) < set(healthy.bid)
        assert sorted(row[2:]) == sorted(changed.bid)
    staying = deployments(healthy, None, onset=2)
    assert all(sorted(row) == sorted(healthy.bid) for row in staying.bid)
    assert len(np.unique(staying.bid[:, 0])) == 6
    # All metrics of an episode stay together.
    first = staying.bid[0].tolist()
    np.testing.assert_array_equal(
        staying.profit[0], healthy.profit[[healthy.bid.tolist().index(b) for b in first]]
    )


def test_a_large_shift_is_found_at_once_and_none_is_not():
    expected, healthy = usual(made_up(400)), made_up(100, seed=1)
    series = deployments(healthy, made_up(60, shift=6.0, seed=2), onset=40)
    found = {key: delays(raised, 40) for key, raised in alarms(series, expected).items()}
    for chart in ("ewma", "cusum"):
        assert found["win_rate", chart].max() <= 3.0
    assert found["integrity", "any"].max() <= 3.0
    assert np.isinf(found["reward_and_profit", "misaligned"]).all()  # both went up
    bids = found["bids", "drift"]
    assert len(bids) and np.isinf(bids).mean() > 0.5  # their distribution did not change


def test_deployments_with_an_earlier_alarm_have_no_delay():
    raised = np.array([[True, False, True], [False, False, True], [False, False, False]])
    np.testing.assert_array_equal(delays(raised, 1), [2.0, np.inf])
    np.testing.assert_array_equal(delays(raised, 0), [1.0, 3.0, np.inf])


def test_what_never_varied_raises_the_alarm_at_any_change():
    steady = made_up(20)._replace(bid=np.full(20, 2.0))
    expected = usual(steady)
    same = deployments(steady, None, 0)
    assert not alarms(same, expected)["bid", "cusum"].any()
    other = deployments(steady._replace(bid=np.full(20, 2.1)), None, 0)
    assert alarms(other, expected)["bid", "cusum"][:, 0].all()
