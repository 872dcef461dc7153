"""The flat joint action, the environment of Stable-Baselines3, and its learners as policies."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from numpy.testing import assert_allclose, assert_array_equal

from adrl_core.agents.baselines import Constant
from adrl_core.agents.oracle import grid_allocations
from adrl_core.agents.team import BOTH
from adrl_core.config import MarketName
from adrl_core.env import AuctionEnv, observation_space
from adrl_core.evaluate import BANK_SEED, play
from adrl_core.market import make_market
from adrl_core.market.presets import BID_LEVELS, CHANNELS_BIDS, STATE_SIZE, STEPS
from adrl_core.rivals.actions import FlatActions, simplex_grid
from adrl_core.rivals.flat import FlatVecEnv, side_by_side, train_flat
from adrl_core.rivals.settings import DQNSettings, PPOSettings

HALVES = [(0, 0, 1), (0, 0.5, 0.5), (0, 1, 0), (0.5, 0, 0.5), (0.5, 0.5, 0), (1, 0, 0)]
ROWS, SEED = 3, 7
DQN_FACE = DQNSettings(reward_scale=0.1, roi_scale=0.05)
PPO_FACE = PPOSettings(reward_scale=0.1, roi_scale=0.05)


def environment(
    settings: DQNSettings | PPOSettings = DQN_FACE, name: MarketName = "pacing", reward: Any = "shaped"
) -> FlatVecEnv:
    """Three rows of a market."""
    return FlatVecEnv(make_market(name, reward=reward), name, settings, SEED, ROWS)


def test_grids_of_allocations() -> None:
    assert_array_equal(simplex_grid(2).numpy(), HALVES)
    assert_allclose(simplex_grid(10).numpy(), grid_allocations().numpy(), atol=1e-7)
    assert len(simplex_grid(5)) == 21
    with pytest.raises(ValueError, match="parts = 0: expected at least 1"):
        simplex_grid(0)


def test_flat_actions_against_a_table() -> None:
    """Every bid with every allocation, the allocation changing fastest."""
    actions, bids = FlatActions(2), torch.tensor(CHANNELS_BIDS)
    table = [(bid, *allocation) for bid in CHANNELS_BIDS for allocation in HALVES]
    assert len(actions) == len(table) == 60
    played = actions.action(*actions.split(torch.arange(60)), bids)
    assert_allclose(torch.column_stack((played.bid, played.allocation)).numpy(), table, rtol=1e-6)
    assert played.asked is not None
    assert set(played.asked.tolist()) == {2.0}


def test_spaces() -> None:
    joint, factored = environment(), environment(PPO_FACE)
    assert joint.action_space == spaces.Discrete(BID_LEVELS * 6)
    assert factored.action_space == spaces.MultiDiscrete([BID_LEVELS, 6])
    assert joint.observation_space == observation_space("pacing")
    states = joint.reset()
    assert states.shape == (ROWS, STATE_SIZE)
    assert all(joint.observation_space.contains(state) for state in states)


def test_episodes_follow_one_another_and_end_after_their_steps() -> None:
    """Row i meets the episodes i, rows + i ... of the seed, and all end by termination."""
    env, world = environment(), make_market("pacing")
    scale = np.array([1.0] * 8 + [0.05] * 2, np.float32)
    env.reset()
    for number in range(2):
        for t in range(1, STEPS + 1):
            states, rewards, over, infos = env.step(np.full(ROWS, 20))
            assert rewards.shape == (ROWS,)
            assert over.tolist() == [t == STEPS] * ROWS
            assert all(("terminal_observation" in info) == (t == STEPS) for info in infos)
            assert not any("TimeLimit.truncated" in info for info in infos)
        first = (number + 1) * ROWS
        opened = world.reset([SEED] * ROWS, [first, first + 1, first + 2]).numpy() * scale
        assert_array_equal(states, opened)
        assert [info["terminal_observation"][3] for info in infos] == [0.0] * ROWS
    assert_array_equal(env.reset(), world.reset([SEED] * ROWS, [0, 1, 2]).numpy() * scale)


@pytest.mark.parametrize("settings", [DQN_FACE, PPO_FACE])
def test_a_constant_action_earns_what_it_earns_in_play(settings: DQNSettings | PPOSettings) -> None:
    env, level, choice = environment(settings), 6, 3
    action = [level * 6 + choice] * ROWS if settings is DQN_FACE else [[level, choice]] * ROWS
    env.reset()
    total = sum(env.step(np.array(action))[1] for _ in range(STEPS))
    policy = Constant("c", CHANNELS_BIDS[level], HALVES[choice])
    played = play(policy, make_market("pacing"), np.full(ROWS, SEED), np.arange(ROWS))
    assert_allclose(env.rewards[0], played["reward"], rtol=1e-6)
    assert_allclose(total, 0.1 * played["reward"], rtol=1e-4)


def test_it_is_the_market_of_the_gymnasium_face() -> None:
    """State for state and reward for reward, for profit too."""
    env, single = environment(DQNSettings(), reward="profit"), AuctionEnv("pacing", reward="profit")
    generator = np.random.default_rng(0)
    assert_array_equal(env.reset()[0], single.reset(seed=SEED)[0])
    for _ in range(STEPS - 1):
        level, choice = int(generator.integers(BID_LEVELS)), int(generator.integers(6))
        action = {"mode": BOTH, "level": level, "allocation": np.array(HALVES[choice], float)}
        state, reward, *_ = single.step(action)
        states, rewards, *_ = env.step(np.full(ROWS, level * 6 + choice))
        assert_array_equal(states[0], state)
        assert rewards[0] == reward


def test_rows_fill_whole_rounds() -> None:
    assert [side_by_side(n, 10) for n in (1000, 6, 12, 7, 13)] == [10, 6, 6, 7, 1]


@pytest.mark.parametrize("settings", [DQNSettings(rows=2), PPOSettings(rows=2)])
def test_training_depends_on_the_seed_alone(settings: DQNSettings | PPOSettings) -> None:
    """Twice the same run, with other draws from the global generators in between, and another seed."""

    def trained(seed: int) -> tuple[np.ndarray, np.ndarray]:
        torch.rand(3), np.random.rand(3)
        policy, rewards = train_flat(make_market("channels"), "channels", settings, seed, episodes=4)
        held_out = play(policy, make_market("channels"), np.full(5, BANK_SEED), np.arange(5))
        return rewards, held_out["reward"].to_numpy()

    first, again, other = trained(3), trained(3), trained(4)
    assert len(first[0]) == 4
    assert_array_equal(first[0], again[0])
    assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).any()
