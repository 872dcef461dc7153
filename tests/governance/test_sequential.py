"""The sequential test: its wealth by hand, its false alarms and delays by simulation."""

import math

import numpy as np
import pytest
import torch

from adrl_core.config import ConfigurationError, validate
from adrl_core.governance.sequential import (
    LARGEST_STAKE,
    START_VARIANCE,
    BettingTest,
    PerformanceBound,
    performance_bound,
    stake,
)

BOUND = PerformanceBound(reference=0.5, lowest=0.0, highest=1.0, false_alarm=0.05)


def alarms(bound: PerformanceBound, rewards: np.ndarray) -> np.ndarray:
    """Number of the episode of each row's first alarm, 0 if none, of rewards (episodes, rows)."""
    test = BettingTest(bound, rewards.shape[1])
    everywhere = torch.ones(rewards.shape[1], dtype=torch.bool)
    raised = np.stack([test.update(torch.from_numpy(row), everywhere).numpy() for row in rewards])
    return np.where(raised.any(0), raised.argmax(0) + 1, 0)


def test_wealth_by_hand() -> None:
    bound = PerformanceBound(reference=40.0, lowest=-10.0, highest=90.0, false_alarm=0.05, memory=0.2)
    rewards = [-10.0, 15.0, -400.0, math.nan, 90.0, 500.0]
    y = [0.0, 0.25, 0.0, 0.0, 1.0, 1.0]
    test = BettingTest(bound, 1)
    wealth, mean, variance = 1.0, 0.5, START_VARIANCE
    for reward, scaled in zip(rewards, y, strict=True):
        edge = max(0.5 - mean, 0.0)
        bet = min(edge / (variance + edge**2), LARGEST_STAKE / 0.5)
        wealth *= 1.0 + bet * (0.5 - scaled)
        off = scaled - mean
        mean, variance = mean + 0.2 * off, 0.8 * (variance + 0.2 * off**2)
        test.update(torch.tensor([reward]), torch.tensor([True]))
        assert test.log_wealth.exp().item() == pytest.approx(wealth, rel=1e-12)
    assert wealth != 1.0


@pytest.mark.parametrize("law", ["uniform", "skewed", "rare losses", "changing spread"])
def test_false_alarms_are_no_more_than_stated(law: str) -> None:
    """Rewards whose mean is exactly the reference, watched for 400 episodes: the hardest case under H0."""
    generator = np.random.default_rng(7)
    shape = (400, 2000)
    if law == "uniform":
        rewards = generator.random(shape)
    elif law == "skewed":
        rewards = generator.beta(0.5, 0.5, shape)
    elif law == "rare losses":
        rewards = np.where(generator.random(shape) < 0.1, 0.05, 0.55)
    else:
        widths = np.where(np.arange(400) // 20 % 2, 1.0, 0.1)[:, None]
        rewards = 0.5 + widths * (generator.random(shape) - 0.5)
    rate = (alarms(BOUND, rewards) > 0).mean()
    # Three standard errors above the stated rate; and far from a test that never speaks.
    assert 0.002 < rate <= 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / 2000)


def test_a_policy_that_is_better_is_stopped_less_often_than_stated() -> None:
    rewards = np.random.default_rng(8).beta(3.0, 2.0, (400, 1000))
    assert (alarms(BOUND, rewards) > 0).mean() <= 0.01


def test_a_shifted_mean_is_caught_and_a_long_good_time_does_not_delay_it() -> None:
    generator = np.random.default_rng(9)
    delays = []
    for well in (0, 300):
        good, bad = generator.beta(3.0, 2.0, (well, 500)), generator.beta(1.0, 5.0, (60, 500))
        first = alarms(BOUND, np.concatenate((good, bad)))
        late = first[first > well] - well
        assert len(late) >= 490
        delays.append(np.median(late))
    assert delays[0] <= 12 and delays[1] <= delays[0] + 6


def test_rows_that_are_not_observed_stand_still_and_rows_are_independent() -> None:
    generator = np.random.default_rng(10)
    rewards = torch.from_numpy(generator.random((50, 3)))
    together, alone = BettingTest(BOUND, 3), BettingTest(BOUND, 1)
    for t, row in enumerate(rewards):
        together.update(row, torch.tensor([True, False, t % 2 == 0]))
        if t % 2 == 0:
            alone.update(row[2:], torch.tensor([True]))
    assert together.log_wealth[1] == 0.0 and together.mean[1] == 0.5
    assert together.log_wealth[2] == alone.log_wealth[0] != 0.0


def test_stake_stays_in_its_range() -> None:
    mean = torch.tensor([0.9, 0.5, 0.49, 0.0], dtype=torch.float64)
    bets = stake(mean, torch.tensor([0.0, 0.1, 0.0, 0.0], dtype=torch.float64), 0.5)
    assert bets.tolist() == [0.0, 0.0, LARGEST_STAKE / 0.5, LARGEST_STAKE / 0.5]


def test_the_bound_of_a_baseline() -> None:
    rewards = np.arange(101.0)
    bound = performance_bound(rewards, margin=5.0, false_alarm=0.1)
    assert (bound.lowest, bound.highest, bound.false_alarm) == (0.0, 90.0, 0.1)
    assert bound.reference == pytest.approx((sum(range(91)) + 10 * 90) / 101 - 5.0)


def test_a_bound_that_no_reward_can_cross_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="reference"):
        performance_bound(np.ones(10))
    with pytest.raises(ConfigurationError, match="reference"):
        performance_bound(np.arange(10.0), margin=50.0)
    with pytest.raises(ConfigurationError, match="false_alarm"):
        validate(PerformanceBound, {**BOUND.model_dump(), "false_alarm": 0.0})
