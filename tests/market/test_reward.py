"""Rewards by hand (check 10) and the fee."""

import numpy as np
import pytest
import torch

from adrl_core.market import make_market
from adrl_core.market.reward import learning_reward, profit, roi, shaped_reward


@pytest.mark.parametrize(
    ("conversions", "clicks", "spend", "expected"),
    [(1, 2, 3, 20.4), (0, 4, 10, 0), (0, 0, 0, 0), (0, 60, 500, -50), (12, 30, 40, 100)],
)
def test_shaped_reward_by_hand(conversions, clicks, spend, expected):
    counts = (torch.tensor([float(value)]) for value in (conversions, clicks, spend))
    assert shaped_reward(*counts).item() == pytest.approx(expected, abs=1e-5)


def test_profit_and_its_reward():
    conversions, clicks, spend = torch.tensor([2.0]), torch.tensor([9.0]), torch.tensor([30.0])
    assert profit(conversions, spend).item() == 70.0
    assert learning_reward("profit", conversions, clicks, spend).item() == pytest.approx(7.0)


def test_roi_is_a_ratio_and_zero_without_spend():
    assert roi(torch.tensor([70.0, 0.0]), torch.tensor([35.0, 0.0])).tolist() == [2.0, 0.0]


def test_fee_is_taken_for_each_agent_asked():
    rewards = []
    for fee in (0.0, 2.0):
        market = make_market("channels", fee=fee)
        market.reset(np.zeros(3, int), np.arange(3))
        step = market.step(torch.full((3,), 4.5), torch.full((3, 3), 1 / 3), torch.tensor([0.0, 1.0, 2.0]))
        rewards.append(step)
    torch.testing.assert_close(rewards[0].reward - rewards[1].reward, torch.tensor([0.0, 2.0, 4.0]))
    assert torch.equal(rewards[0].shaped, rewards[1].shaped)
