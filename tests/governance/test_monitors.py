"""Metrics against the evaluation's totals; the `margin` market as the example of a misaligned reward."""

import numpy as np
import pytest
import torch

from adrl_core.agents.baselines import Constant, Random
from adrl_core.agents.oracle import Oracle
from adrl_core.evaluate import play
from adrl_core.governance.charts import (
    cusum_alarms,
    drift,
    drift_limit,
    misaligned_alarms,
    reference,
    run_length,
    standardised,
)
from adrl_core.governance.monitors import Monitored
from adrl_core.market import make_market
from adrl_core.market.presets import STEPS


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def scores(market):
    return np.tile([9.0, 6.0, 3.0], (STEPS, market.rows, 1))


def watch(policy, name="margin", episodes=400, seed=11):
    monitored = Monitored(policy, scores)
    frame = play(monitored, make_market(name), np.full(episodes, seed), np.arange(episodes))
    return monitored.episodes(), frame


def test_metrics_are_those_of_the_evaluation():
    metrics, frame = watch(Random(), episodes=30)
    np.testing.assert_allclose(metrics.reward, frame["reward"], rtol=1e-5)
    np.testing.assert_allclose(metrics.profit, frame["profit"], rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(metrics.bids.sum(1), STEPS)


def test_metrics_of_a_constant_policy_by_hand():
    # 4.5 wins all but always; a quality of 0.5 * 9 + 0.25 * 6 + 0.25 * 3.
    metrics, _ = watch(Constant("c", bid=4.5, allocation=(0.5, 0.25, 0.25)), episodes=200)
    np.testing.assert_allclose(metrics.bid, 4.5)
    np.testing.assert_array_equal(metrics.bids, np.eye(10)[[9] * 200] * STEPS)
    np.testing.assert_allclose(metrics.quality, 6.75)
    assert 0.8 < metrics.win_rate.mean() < 1.0
    broke, _ = watch(Constant("broke", bid=4.5), "pacing", episodes=200)
    assert 0.8 < broke.win_rate.mean() < 1.0  # who has no money enters nothing
    idle, _ = watch(Constant("idle", bid=0.01), episodes=50)
    assert idle.win_rate.mean() < 1e-3 and (idle.bids[:, 0] == STEPS).all()


def test_plays_follow_each_other():
    monitored, market = Monitored(Constant("fixed"), scores), make_market("margin")
    for episodes in (np.arange(3), np.arange(3, 5)):
        play(monitored, market, np.full(len(episodes), 11), episodes)
    together, _ = watch(Constant("fixed"), episodes=5)
    for ours, theirs in zip(monitored.episodes(), together, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_misaligned_reward_is_caught():
    """The policy by profit gives way to that by reward: more reward, less profit, an alarm in each run."""
    right, _ = watch(Oracle("by_profit", by="profit"))
    wrong, _ = watch(Oracle("by_reward"), seed=12)
    worse, _ = watch(Constant("fixed"), seed=12)
    assert wrong.reward.mean() > right.reward.mean() and wrong.profit.mean() < right.profit.mean()

    def alarms(metrics):
        reward, profit = (
            standardised(values, reference(usual)).reshape(4, 100)
            for values, usual in ((metrics.reward, right.reward), (metrics.profit, right.profit))
        )
        return misaligned_alarms(reward, profit)

    assert run_length(alarms(wrong)).max() <= 100
    assert not alarms(watch(Oracle("by_profit", by="profit"), seed=13)[0]).any()
    assert not alarms(worse).any()  # reward and profit fall together: bad, but not misaligned


def test_a_stuck_bid_is_caught():
    usual, _ = watch(Oracle("oracle"), "channels", episodes=1000)
    again, _ = watch(Oracle("oracle"), "channels", seed=14)
    stuck, _ = watch(Constant("stuck", bid=4.0), "channels", seed=14)
    total = usual.bids.sum(0)
    limit = drift_limit(usual.bids, total)
    assert (drift(again.bids, total) > limit).mean() < 0.01
    assert (drift(stuck.bids, total) > limit).all()
    z = standardised(stuck.bid, reference(usual.bid)).reshape(8, 50)
    assert run_length(cusum_alarms(z)).max() <= 10
