"""The reward of several objectives, step by step by hand."""

import numpy as np
import pytest
import torch

from adrl_core.agents.baselines import Constant
from adrl_core.agents.team import TeamLearner
from adrl_core.config import Team
from adrl_core.evaluate import play
from adrl_core.governance.objectives import Objectives, ObjectivesMarket
from adrl_core.governance.quality import QualityModel, quality_paths
from adrl_core.market import make_market
from adrl_core.market.presets import STEPS

KEYS = ([7, 7, 8], [0, 1, 0])


def test_reward_by_hand():
    weights = Objectives(profit=2.0, conversions=3.0, violation=0.5, quality_floor=7.8)
    market = ObjectivesMarket(make_market("margin"), weights)
    market.reset(*KEYS)
    scores = quality_paths(QualityModel(), *KEYS)
    bid, shares = torch.full((3,), 4.0), torch.tensor([0.5, 0.3, 0.2])
    violation, value = np.zeros(3), np.zeros(3)
    for t in range(STEPS):
        step = market.step(bid, shares.expand(3, 3))
        for row in range(3):
            spend = float(step.auctions.spend[row])
            low = sum(float(shares[c]) for c in range(3) if scores[t, row, c] < 7.8)
            reward = (
                2.0 * float(step.profit[row]) / 10.0
                + 3.0 * float(step.auctions.conversions[row])
                - 0.5 * spend * low
            )
            assert float(step.reward[row]) == pytest.approx(reward, rel=1e-4, abs=1e-3)
            violation[row] += spend * low
            value[row] += reward
    np.testing.assert_allclose(market.violation, violation, rtol=1e-4)
    np.testing.assert_allclose(market.value, value, rtol=1e-3, atol=0.05)
    assert (violation > 0.0).all()


def test_all_else_is_the_markets():
    plain, wrapped = make_market("margin"), ObjectivesMarket(make_market("margin"))
    rows = np.arange(4)
    first = play(Constant("c", bid=3.0), plain, np.zeros(4, int), rows)
    second = play(Constant("c", bid=3.0), wrapped, np.zeros(4, int), rows)
    assert first.equals(second)
    assert wrapped.budget == plain.budget and torch.equal(wrapped.bids, plain.bids)


def test_profit_alone_is_the_reward_by_profit():
    alone = Objectives(conversions=0.0, violation=0.0)
    market, other = ObjectivesMarket(make_market("margin"), alone), make_market("margin", reward="profit")
    bid, shares = torch.full((3,), 3.0), torch.full((3, 3), 1.0 / 3.0)
    market.reset(*KEYS)
    other.reset(*KEYS)
    for _ in range(STEPS):
        torch.testing.assert_close(market.step(bid, shares).reward, other.step(bid, shares).reward)


def test_a_team_learns_from_it():
    learner = TeamLearner(Team(), [0])
    market = ObjectivesMarket(make_market("margin"))
    episode = learner.play_episode(market, 0)
    assert float(episode.reward.sum()) == pytest.approx(float(market.value[0]), rel=1e-4)
    assert not torch.equal(episode.reward[0], torch.stack([step.shaped[0] for step in episode.steps]))
