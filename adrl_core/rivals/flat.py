"""Stable-Baselines3 on the joint action of the team: environment, training of one seed, and the policy."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from adrl_core.agents.policy import Action
from adrl_core.agents.team import ROI_FEATURES
from adrl_core.config import MarketName
from adrl_core.env import observation_space
from adrl_core.market import Market, Step
from adrl_core.market.presets import BID_LEVELS, STATE_SIZE, STEPS
from adrl_core.rivals.actions import FlatActions
from adrl_core.rivals.settings import DQNSettings, FlatSettings, PPOSettings

Array = NDArray[Any]


class Face:
    """What a learner sees and does: states with the ROI features scaled, and its actions in the market.

    PPO chooses level and allocation each by a distribution of its own, DQN one number for both.
    """

    def __init__(self, settings: FlatSettings) -> None:
        self.actions = FlatActions(settings.parts)
        self.joint = isinstance(settings, DQNSettings)
        self.scale = torch.ones(STATE_SIZE)
        self.scale[ROI_FEATURES] = settings.roi_scale

    @property
    def space(self) -> spaces.Space[Any]:
        """The action space."""
        if self.joint:
            return spaces.Discrete(len(self.actions))
        return spaces.MultiDiscrete([BID_LEVELS, len(self.actions.allocations)])

    def observed(self, state: Tensor) -> Array:
        """States as the learner sees them, (rows, STATE_SIZE)."""
        return (state * self.scale).numpy()

    def played(self, chosen: Array, bids: Tensor) -> Action:
        """The market's actions for those that the learner chose, (rows,) or (rows, 2)."""
        index = torch.as_tensor(chosen)
        level, choice = self.actions.split(index) if self.joint else index.unbind(1)
        return self.actions.action(level, choice, bids)


class FlatVecEnv(VecEnv):
    """The training episodes of one seed, in order and some side by side, as a vectorised environment.

    Row i plays the market of (seed, i), then that of (seed, rows + i), and so on; all rows end together, by
    termination, since the time left is part of the state. `reset` goes back to the first episodes.

    Args:
        market: is played.
        name: of the market.
        settings: scales, and the grid of allocations.
        seed: of the training run.
        rows: episodes side by side.
    """

    def __init__(
        self, market: Market, name: MarketName, settings: FlatSettings, seed: int, rows: int
    ) -> None:
        self.market, self.settings, self.training_seed, self.face = market, settings, seed, Face(settings)
        self.rewards: list[Array] = []
        """Shaped reward of the finished episodes, in their order, an array of (rows,) a round."""
        super().__init__(rows, observation_space(name), self.face.space)

    def reset(self) -> Array:
        """Open the first episodes; returns the states."""
        self.rewards.clear()
        return self._open()

    def step_async(self, actions: Array) -> None:
        """Take the actions of the next step."""
        self.chosen = actions

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        """Play the step; at an episode's end the states are those of the next one's start."""
        step = self.market.step(*self.face.played(self.chosen, self.market.bids))
        self.total += step.shaped
        states, over = self.face.observed(step.state), self.market.t == STEPS
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if over:
            for info, last in zip(infos, states, strict=True):
                info["terminal_observation"] = last
            self.rewards.append(self.total.numpy())
            states = self._open()
        return (
            states,
            (step.reward * self.settings.reward_scale).numpy(),
            np.full(self.num_envs, over),
            infos,
        )

    def _open(self) -> Array:
        self.total = torch.zeros(self.num_envs, dtype=torch.float64)
        episodes = len(self.rewards) * self.num_envs + np.arange(self.num_envs)
        return self.face.observed(self.market.reset(np.full(self.num_envs, self.training_seed), episodes))

    def close(self) -> None:
        """Nothing is held open."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The same for every row."""
        return [getattr(self, attr_name, None)] * len(self._rows(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """The rows have no attributes of their own."""
        raise AttributeError(attr_name)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """The rows have no methods of their own."""
        raise AttributeError(method_name)

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """No row is wrapped."""
        return [False] * len(self._rows(indices))

    def _rows(self, indices: Any) -> Sequence[int]:
        return list(self._get_indices(indices))


def side_by_side(episodes: int, most: int) -> int:
    """The largest number of rows, up to `most`, in which so many episodes can be played in whole rounds."""
    return max(rows for rows in range(1, most + 1) if episodes % rows == 0)


def train_flat(
    market: Market, name: MarketName, settings: PPOSettings | DQNSettings, seed: int, episodes: int
) -> tuple["FlatPolicy", Array]:
    """Train one run for exactly `episodes` episodes; networks are the library's default ones.

    The result depends on nothing but the arguments: the library's generators are seeded with the run's seed,
    and the markets are keyed by seed and episode as the team's are. The library seeds the process's global
    generators, which nothing else in this package uses.

    Returns:
        The trained policy, and the shaped reward of the training episodes, (episodes,).
    """
    environment = FlatVecEnv(market, name, settings, seed, side_by_side(episodes, settings.rows))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*mini-batch.*")
        model = _learner(environment, settings, seed, episodes)
    model.learn(episodes * STEPS)
    return FlatPolicy(model, environment.face), np.concatenate(environment.rewards)


def _learner(
    environment: FlatVecEnv, settings: PPOSettings | DQNSettings, seed: int, episodes: int
) -> BaseAlgorithm:
    common: dict[str, Any] = {
        "learning_rate": settings.learning_rate,
        "gamma": settings.discount,
        "batch_size": settings.batch_size,
        "seed": seed,
        "device": "cpu",
    }
    if isinstance(settings, PPOSettings):
        return PPO(
            "MlpPolicy",
            environment,
            n_steps=STEPS,
            n_epochs=settings.epochs,
            ent_coef=settings.entropy_weight,
            **common,
        )
    return DQN(
        "MlpPolicy",
        environment,
        buffer_size=episodes * STEPS,
        train_freq=1,
        gradient_steps=settings.gradient_steps,
        exploration_fraction=settings.exploration_share,
        exploration_final_eps=settings.exploration_end,
        **common,
    )


class FlatPolicy:
    """A trained learner of the library, acting greedily."""

    def __init__(self, model: BaseAlgorithm, face: Face) -> None:
        self.name, self.model, self.face = type(model).__name__.lower(), model, face

    def reset(self, market: Market) -> None:
        """Take the bid levels of the market."""
        self.bids = market.bids

    def act(self, state: Tensor) -> Action:
        """The learner's choice in states (rows, STATE_SIZE)."""
        chosen, _ = self.model.predict(self.face.observed(state), deterministic=True)
        return self.face.played(chosen, self.bids)

    def observe(self, step: Step) -> None:
        """Nothing is learned while playing."""
