"""The faces of the world: contracts of Gymnasium and PettingZoo, determinism of whole episodes, equality."""

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test

from adrl_core.agents.team import BIDDING_ONLY, BOTH, BUDGET_ONLY
from adrl_core.config import MARKET_NAMES, ConfigurationError
from adrl_core.env import ALLOCATIONS, AuctionEnv, AuctionParallelEnv, AuctionVectorEnv
from adrl_core.market import make_market
from adrl_core.market.presets import CHANNELS, DEFAULT_LEVEL, STEPS

MARKETS = MARKET_NAMES
DISTINCT = ("published", "pacing", "shift")
"""Markets that between them run all code: the other two are presets of the same equations."""
UNIFORM = np.full(CHANNELS, 1.0 / CHANNELS)


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("face", ["dict", "discrete"])
def test_gymnasium_contract(market: str, face: str) -> None:
    env = gymnasium.make(f"adrl_core.env:adrl/{market.capitalize()}-v1", action=face)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped, skip_render_check=True)
    # Counts and returns have no upper bound, and we say so; nothing else may be warned of.
    assert all("maximum value is infinity" in str(w.message) for w in caught), [
        str(w.message) for w in caught
    ]


@pytest.mark.parametrize("market", MARKETS)
def test_pettingzoo_contract(market: str, capsys: pytest.CaptureFixture[str]) -> None:
    parallel_api_test(AuctionParallelEnv(market), num_cycles=2 * STEPS + 5)
    assert "Passed" in capsys.readouterr().out


def gymnasium_trace(market: str, face: str, seed: int) -> list[Any]:
    """Observations, rewards and infos of two episodes under actions drawn with the same seed."""
    env = AuctionEnv(market, action=face)
    env.action_space.seed(seed)
    trace: list[Any] = []
    for key in (seed, None):
        trace.append(env.reset(seed=key))
        over = False
        while not over:
            *outcome, over, truncated, info = env.step(env.action_space.sample())
            assert not truncated
            trace.append((*outcome, info))
    assert len(trace) == 2 * (STEPS + 1)
    return trace


def vector_trace(market: str, face: str, seed: int) -> list[Any]:
    """The same of a vector environment, with both episodes in one go."""
    env = AuctionVectorEnv(3, market, action=face)
    env.action_space.seed(seed)
    return [env.reset(seed=seed), *(env.step(env.action_space.sample()) for _ in range(2 * STEPS + 1))]


def pettingzoo_trace(market: str, face: str, seed: int) -> list[Any]:
    """The same of the parallel environment."""
    env = AuctionParallelEnv(market)
    for agent in env.possible_agents:
        env.action_space(agent).seed(seed)
    trace: list[Any] = []
    for key in (seed, None):
        trace.append(env.reset(seed=key))
        while env.agents:
            trace.append(env.step({agent: env.action_space(agent).sample() for agent in env.agents}))
    assert len(trace) == 2 * (STEPS + 1)
    return trace


@pytest.mark.parametrize("market", DISTINCT)
@pytest.mark.parametrize(
    ("trace", "face"),
    [
        (gymnasium_trace, "dict"),
        (gymnasium_trace, "discrete"),
        (vector_trace, "dict"),
        (vector_trace, "discrete"),
        (pettingzoo_trace, ""),
    ],
)
def test_whole_episodes_are_determined_by_the_seed(trace: Any, face: str, market: str) -> None:
    first, second, other = (trace(market, face, seed) for seed in (5, 5, 6))
    np.testing.assert_equal(first, second)
    with pytest.raises(AssertionError):
        np.testing.assert_equal(first, other)


@pytest.mark.parametrize("market", DISTINCT)
def test_vector_rows_equal_single_environments(market: str) -> None:
    rows = 4
    vector = AuctionVectorEnv(rows, market, fee=0.5)
    singles = [AuctionEnv(market, fee=0.5) for _ in range(rows)]
    vector.action_space.seed(1)
    states, _ = vector.reset(seed=10)
    np.testing.assert_array_equal(states, [env.reset(seed=10 + i)[0] for i, env in enumerate(singles)])
    for _ in range(2):
        for _ in range(STEPS):
            actions = vector.action_space.sample()
            states, rewards, ended, truncated, info = vector.step(actions)
            for i, env in enumerate(singles):
                state, reward, over, _, single_info = env.step({k: v[i] for k, v in actions.items()})
                np.testing.assert_array_equal(states[i], state)
                assert (rewards[i], ended[i], truncated[i]) == (reward, over, False)
                assert {k: v[i] for k, v in info.items() if not k.startswith("_")} == single_info
        # The step after the end resets, whatever its action.
        assert ended.all()
        states, rewards, ended, _, info = vector.step(vector.action_space.sample())
        np.testing.assert_array_equal(states, [env.reset()[0] for env in singles])
        assert not rewards.any() and not ended.any() and info == {}


def test_faces_show_the_market_itself() -> None:
    """Seed s and the n-th reset open the market keyed (s, n)."""
    env = AuctionEnv("channels", action="discrete")
    env.reset(seed=7)
    state, _ = env.reset()
    market = make_market("channels")
    np.testing.assert_array_equal(market.reset([7], [1]).numpy()[0], state)
    level, choice = 8, 4
    state, reward, *_, info = env.step(level * len(ALLOCATIONS) + choice)
    step = market.step(market.bids[[level]], torch.tensor(ALLOCATIONS[[choice]], dtype=torch.float32))
    np.testing.assert_array_equal(step.state.numpy()[0], state)
    assert reward == float(step.reward[0]) and info["bid"] == float(market.bids[level])
    np.testing.assert_allclose(ALLOCATIONS.sum(1), 1.0)


@pytest.mark.parametrize(
    ("mode", "level", "weights"),
    [
        (BIDDING_ONLY, 9, UNIFORM),
        (BUDGET_ONLY, DEFAULT_LEVEL, np.array([1.0, 0.0, 0.0])),
        (BOTH, 9, np.array([1.0, 0.0, 0.0])),
    ],
)
def test_who_is_not_asked_contributes_the_default(mode: int, level: int, weights: np.ndarray) -> None:
    fee = 2.0
    asked = AuctionParallelEnv("channels", fee=fee)
    plain = AuctionEnv("channels")
    asked.reset(seed=1), plain.reset(seed=1)
    for _ in range(STEPS):
        states, rewards, *_, infos = asked.step(
            {"controller": mode, "bidding": 9, "budget": np.array([0.4, 0.0, 0.0])}
        )
        state, reward, *_ = plain.step({"mode": BOTH, "level": level, "allocation": weights})
        assert rewards["budget"] == pytest.approx(reward - fee * (1 + (mode == BOTH)), abs=1e-5)
        np.testing.assert_array_equal(states["bidding"], state)
    flags = {agent: info["asked"] for agent, info in infos.items()}
    assert flags == {"controller": True, "bidding": mode != BUDGET_ONLY, "budget": mode != BIDDING_ONLY}


def test_profit_reward_and_zero_weights() -> None:
    env = AuctionEnv("channels", reward="profit")
    env.reset(seed=3)
    action = {"mode": BOTH, "level": 9, "allocation": np.zeros(CHANNELS)}
    outcomes = [env.step(action) for _ in range(STEPS)]
    assert [reward for _, reward, *_ in outcomes] == pytest.approx([o[-1]["profit"] / 10 for o in outcomes])
    uniform = AuctionEnv("channels", reward="profit")
    uniform.reset(seed=3)
    assert uniform.step(action | {"allocation": UNIFORM})[1] == outcomes[0][1]


def test_made_by_id_one_by_one_and_as_a_batch() -> None:
    vector = gymnasium.make_vec(
        "adrl/Pacing-v1", num_envs=5, vectorization_mode="vector_entry_point", action="discrete"
    )
    assert isinstance(vector, AuctionVectorEnv)
    assert vector.reset(seed=[1, 2, 3, 4, None])[0].shape == (5, 10)
    single = gymnasium.make("adrl/Pacing-v1", action="discrete")
    np.testing.assert_array_equal(single.reset(seed=4)[0], vector.reset(seed=[0, 1, 2, 3, 4])[0][4])


@pytest.mark.parametrize("make", [AuctionEnv, AuctionParallelEnv, lambda **kw: AuctionVectorEnv(2, **kw)])
@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"market": "moon"}, "market = 'moon': unknown; allowed: published"),
        ({"reward": "fame"}, "reward = 'fame': .*'shaped' or 'profit'"),
        ({"fee": -1.0}, "fee = -1.0: .*greater than or equal to 0"),
    ],
)
def test_bad_arguments(make: Any, argument: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make(**argument)


def test_bad_actions_and_seeds() -> None:
    with pytest.raises(ConfigurationError, match="action = 'box': unknown; allowed: dict, discrete"):
        AuctionEnv(action="box")
    env, vector, agents = (
        AuctionEnv(action="discrete"),
        AuctionVectorEnv(2, action="discrete"),
        AuctionParallelEnv(),
    )
    with pytest.raises(ValueError, match="no episode is open; call reset first"):
        env.step(0)
    with pytest.raises(ValueError, match="no episode is open; call reset first"):
        vector.step(np.zeros(2, int))
    env.reset(seed=0), vector.reset(seed=0), agents.reset(seed=0)
    with pytest.raises(ValueError, match=r"action = 70: not in Discrete\(70\)"):
        env.step(70)
    with pytest.raises(ValueError, match="not in MultiDiscrete"):
        vector.step(np.array([0, 70]))
    with pytest.raises(ValueError, match="the action of 'budget' is missing"):
        agents.step({"controller": 0, "bidding": 0})
    with pytest.raises(ValueError, match=r"action = 3: not in Discrete\(3\)"):
        agents.step({"controller": 3, "bidding": 0, "budget": UNIFORM})
    with pytest.raises(ValueError, match=r"seed = \[1\]: expected 2 seeds"):
        vector.reset(seed=[1])
    for face in (vector, agents):
        with pytest.raises(ValueError, match="seed = -1: expected 0 or more"):
            face.reset(seed=-1)


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["DQN", "PPO"])
def test_stable_baselines_learns_on_the_discrete_face(algorithm: str) -> None:
    stable_baselines3 = pytest.importorskip("stable_baselines3")
    torch.set_num_threads(1)
    settings: dict[str, Any] = {
        "DQN": {"learning_starts": 300, "exploration_fraction": 0.4, "gamma": 0.0, "learning_rate": 1e-3},
        "PPO": {"n_steps": 512, "gamma": 0.0, "gae_lambda": 0.0, "learning_rate": 1e-3},
    }[algorithm]
    env = gymnasium.make("adrl/Channels-v1", action="discrete")
    model = getattr(stable_baselines3, algorithm)("MlpPolicy", env, seed=1, device="cpu", **settings)
    model.learn(5_120)

    def mean_return(policy: Any, episodes: int = 20) -> float:
        rows = AuctionVectorEnv(episodes, "channels", action="discrete")
        rows.action_space.seed(0)
        states, _ = rows.reset(seed=2**31)
        total = np.zeros(episodes)
        for _ in range(STEPS):
            states, rewards, *_ = rows.step(policy(states, rows.action_space))
            total += rewards
        return float(total.mean())

    random = mean_return(lambda states, space: space.sample())
    assert mean_return(lambda states, space: model.predict(states, deterministic=True)[0]) > 1.3 * random
