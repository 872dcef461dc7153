"""Training the team, many runs at once, beside Stable-Baselines3 doing the same work one run at a time.

A run-step is one environment step of one run, with its share of learning: after each episode of 100 steps
25 updates of the Q-network and, for both PPO agents, four epochs of two minibatches.
"""

import os
import time
import warnings
from multiprocessing.synchronize import Barrier
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces

from adrl_core.agents.team import MODES, TeamLearner
from adrl_core.config import MarketName, Team
from adrl_core.env import AuctionEnv, observation_space
from adrl_core.market import make_market
from adrl_core.market.presets import BID_LEVELS, CHANNELS, STEPS
from benchmarks.matmul import count_products, time_products
from benchmarks.measure import Measurement, side_by_side, synchronise

MARKET: MarketName = "channels"
WARM_UP = 2
GROWTH = (1, 10, 50)
"""Multiples of the runs on a GPU, whose time is that of starting small kernels, hardly that of their work."""


def ours(start: Barrier, seeds: list[int], episodes: int, device: str) -> tuple[float, float]:
    """Run-steps a second of a team with these seeds, and the seconds that its matrix products alone take.

    The products are those of one episode, timed under the same load as the training, scaled to a share of
    the training's time.
    """
    learner, market = TeamLearner(Team(), seeds, device), make_market(MARKET, device=device)

    def play(number: int) -> None:
        learner.play_episode(market, number)
        learner.learn(number, WARM_UP + episodes)

    for number in range(WARM_UP):
        play(number)
    synchronise(device)
    start.wait()
    clock = time.perf_counter()
    for number in range(WARM_UP, WARM_UP + episodes):
        play(number)
    synchronise(device)
    seconds = time.perf_counter() - clock
    share = 0.0
    if device == "cpu":
        share = time_products(count_products(lambda: play(WARM_UP))) * episodes / seconds
    return len(seeds) * episodes * STEPS / seconds, share


class LevelEnv(gymnasium.ActionWrapper):
    """The market with the bid level as the only choice, and a uniform allocation."""

    def __init__(self) -> None:
        super().__init__(AuctionEnv(MARKET))
        self.action_space = spaces.Discrete(BID_LEVELS)

    def action(self, action: Any) -> dict[str, Any]:
        """The team's action in which only the Bidding agent is asked."""
        return {"mode": 0, "level": int(action), "allocation": np.zeros(CHANNELS)}


class RecordedEnv(gymnasium.Env):
    """Steps that cost next to nothing, so that the world is simulated once a run and not once an agent."""

    observation_space = observation_space(MARKET)

    def __init__(self, action_space: spaces.Space[Any]) -> None:
        self.action_space = action_space
        rng = np.random.default_rng(0)
        self.states = rng.random((STEPS + 1, self.observation_space.shape[0]), np.float32)
        self.rewards = rng.normal(size=STEPS).tolist()

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        """The first recorded state."""
        self.t = 0
        return self.states[0], {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """The next recorded state and reward, whatever the action."""
        self.t += 1
        return self.states[self.t], self.rewards[self.t - 1], self.t == STEPS, False, {}


def peers(start: Barrier, seed: int, episodes: int) -> float:
    """Run-steps a second of a DQN and two PPO learners of Stable-Baselines3 on one run.

    Layers as wide as ours; no prioritised replay, double targets, dueling streams, layer norm or dropout,
    all of which the team has: what is left out is in the peer's favour.
    """
    from stable_baselines3 import DQN, PPO

    warnings.filterwarnings("ignore", message=".*mini-batch.*|.*truncated.*")
    config = Team()
    width, value = config.controller.hidden, config.bidding
    common: dict[str, Any] = {"seed": seed, "device": "cpu"}
    dqn = DQN(
        "MlpPolicy",
        LevelEnv(),
        learning_starts=0,
        batch_size=value.batch_size,
        buffer_size=value.replay_capacity,
        train_freq=(1, "episode"),
        gradient_steps=value.updates_per_episode,
        target_update_interval=value.target_period,
        policy_kwargs={"net_arch": [value.hidden] * 3},
        **common,
    )
    ppos = [
        PPO(
            "MlpPolicy",
            RecordedEnv(space),
            n_steps=STEPS,
            batch_size=config.controller.batch_size,
            n_epochs=config.controller.epochs,
            policy_kwargs={"net_arch": {"pi": [width] * 2, "vf": [width] * 2}},
            **common,
        )
        for space in (spaces.Discrete(MODES), spaces.Box(-5.0, 5.0, (CHANNELS,)))
    ]
    learners = [dqn, *ppos]
    for learner in learners:
        learner.learn(WARM_UP * STEPS)
    before = [learner._n_updates for learner in learners]
    start.wait()
    clock = time.perf_counter()
    for learner in learners:
        learner.learn(episodes * STEPS, reset_num_timesteps=False)
    seconds = time.perf_counter() - clock
    done = [learner._n_updates - count for learner, count in zip(learners, before, strict=True)]
    expected = [value.updates_per_episode * episodes, *[config.controller.epochs * episodes] * 2]
    if done != expected:
        raise RuntimeError(f"Stable-Baselines3 made {done} updates (DQN steps, PPO epochs), not {expected}")
    return episodes * STEPS / seconds


def shares(runs: int, cores: int) -> list[list[int]]:
    """The seeds of so many runs, dealt out to the cores; none of these goes without."""
    processes = min(runs, cores)
    return [list(range(first, runs, processes)) for first in range(processes)]


def training(repeats: int, device: str, runs: int, episodes: int) -> list[Measurement]:
    """Run-steps a second, measured by turns: ours and the peer on all cores, ours in one process.

    With fewer runs than cores, all cores means as many as there are runs.
    On a device other than the CPU, ours there with more and more runs.
    """
    torch.set_num_threads(1)
    split = [(seeds, episodes, "cpu") for seeds in shares(runs, len(os.sched_getaffinity(0)))]
    cores = len(split)
    many = Measurement(f"team, {runs} runs in {cores} processes", "run-steps/s")
    one = Measurement(f"team, {runs} runs in one process", "run-steps/s")
    peer = Measurement(f"Stable-Baselines3, a run in each of {cores} processes", "run-steps/s")
    ratio = Measurement("team / Stable-Baselines3, all cores", "")
    limit = Measurement("matrix products' share of the team's time", "")
    measurements = [many, one, peer, ratio, limit]
    for _ in range(repeats):
        answers = side_by_side(ours, split)
        many.values.append(sum(rate for rate, _ in answers))
        limit.values.append(sum(share for _, share in answers) / cores)
        peer.values.append(sum(side_by_side(peers, [(seed, episodes) for seed in range(cores)])))
        ratio.values.append(many.values[-1] / peer.values[-1])
        one.values += [rate for rate, _ in side_by_side(ours, [(list(range(runs)), episodes, "cpu")])]
    for times in GROWTH if device != "cpu" else ():
        elsewhere = Measurement(f"team, {times * runs:,} runs on {device}", "run-steps/s")
        for _ in range(repeats):
            answers = side_by_side(ours, [(list(range(times * runs)), episodes, device)])
            elsewhere.values += [rate for rate, _ in answers]
        measurements.append(elsewhere)
    return measurements
