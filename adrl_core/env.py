"""The same world for other people's learners: Gymnasium `Env` and `VectorEnv`, PettingZoo `ParallelEnv`.

Importing this module registers `adrl/Published-v1`, `adrl/Channels-v1`, `adrl/Margin-v1`, `adrl/Pacing-v1`
and `adrl/Shift-v1`; `gymnasium.make("adrl_core.env:adrl/Channels-v1")` imports it by itself.

An episode has 100 steps and ends by termination: the time remaining is part of the state. `reset(seed=s)`
opens the market of training seed s, episode 0; each further `reset()` opens the next episode of that seed.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from pettingzoo import ParallelEnv
from torch import Tensor

from adrl_core.agents.team import BOTH, MODES, asks_bidding, asks_budget, combine
from adrl_core.config import MARKET_NAMES, ConfigurationError, MarketName, RewardName, Study
from adrl_core.market import make_market
from adrl_core.market.presets import BID_LEVELS, CHANNELS, PRESETS, STATE_SIZE, STEPS

ActionFace = Literal["dict", "discrete"]
Array = NDArray[Any]

ALLOCATIONS = np.array(
    [
        (1.0, 0.0, 0.0),
        (0.0, 1.0, 0.0),
        (0.0, 0.0, 1.0),
        (0.5, 0.5, 0.0),
        (0.5, 0.0, 0.5),
        (0.0, 0.5, 0.5),
        (1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0),
    ]
)
"""The allocations that the discrete face can choose: corners, pairs and the uniform one."""


def observation_space(market: MarketName) -> spaces.Box:
    """The ten state features, with bounds as finite as the market makes them."""
    low = np.zeros(STATE_SIZE, np.float32)
    high = np.full(STATE_SIZE, np.inf, np.float32)
    # A published click may cost less than nothing, so that the money left may exceed the budget.
    high[0] = np.inf if market == "published" else 1.0
    high[1:4] = 2.0, 1.0, 1.0
    low[7], high[7] = (0.1, 0.3) if market == "published" else PRESETS[market].volatility
    low[8] = -1.0
    return spaces.Box(low, high)


def action_space(face: ActionFace) -> spaces.Space[Any]:
    """The joint action of the team.

    `dict`: the Controller's mode, the bid level, and weights of the channels, of which the allocation is the
    share (uniform if all are 0). `discrete`: one number, bid level x allocation (ALLOCATIONS), asking both.
    """
    if face == "discrete":
        return spaces.Discrete(BID_LEVELS * len(ALLOCATIONS))
    if face == "dict":
        return spaces.Dict(
            mode=spaces.Discrete(MODES), level=spaces.Discrete(BID_LEVELS), allocation=_weights_space()
        )
    raise ConfigurationError(f"action = {face!r}: unknown; allowed: {', '.join(get_args(ActionFace))}")


def _weights_space() -> spaces.Box:
    return spaces.Box(0.0, 1.0, (CHANNELS,), np.float64)


def _shares(weights: Tensor) -> Tensor:
    total = weights.sum(1, keepdim=True)
    return torch.where(total > 0.0, weights / total.clamp_min(1e-30), 1.0 / CHANNELS)


class _World:
    """A market whose rows walk through the episodes of their seeds."""

    def __init__(self, market: MarketName, reward: RewardName, fee: float) -> None:
        Study.validated(market=market, variant=f"full+reward={reward}", fee=fee)
        self.market = make_market(market, reward=reward, fee=fee)
        self.over = True

    def reset(self, seeds: Array) -> Array:
        """Open the first episode of the seeds (rows,); returns the states."""
        if (seeds < 0).any():
            raise ValueError(f"seed = {int(seeds.min())}: expected 0 or more")
        self.seeds, self.episode = seeds, -1
        return self.advance()

    def advance(self) -> Array:
        """Open the next episode of every row; returns the states."""
        self.episode += 1
        self.over = False
        return self.market.reset(self.seeds, np.full(len(self.seeds), self.episode)).numpy()

    def step(self, mode: Array, level: Array, weights: Array) -> tuple[Array, Array, dict[str, Array]]:
        """Play one step in every row; returns states, rewards and what the auctions brought."""
        if self.over:
            raise ValueError("step: no episode is open; call reset first")
        _, bid, allocation, asked = combine(
            torch.as_tensor(mode, dtype=torch.int64),
            torch.as_tensor(level, dtype=torch.int64),
            _shares(torch.as_tensor(weights, dtype=torch.float32)),
            self.market.bids,
        )
        step = self.market.step(bid, allocation, asked)
        self.over = self.market.t == STEPS
        info = {name: value.numpy() for name, value in vars(step.auctions).items()}
        info |= {"profit": step.profit.numpy(), "shaped": step.shaped.numpy(), "bid": bid.numpy()}
        return step.state.numpy(), step.reward.numpy().astype(np.float64), info

    def step_face(self, face: ActionFace, action: Any) -> tuple[Array, Array, dict[str, Array]]:
        """Play a batched action of the given face."""
        if face == "dict":
            return self.step(action["mode"], action["level"], action["allocation"])
        level, choice = np.divmod(action, len(ALLOCATIONS))
        return self.step(np.full_like(level, BOTH), level, ALLOCATIONS[choice])


def _check(action: Any, space: spaces.Space[Any]) -> None:
    if not space.contains(action):
        raise ValueError(f"action = {action!r}: not in {space}")


class AuctionEnv(gymnasium.Env[Array, Any]):
    """One episode at a time.

    Args:
        market: name of the market.
        reward: the published shaped reward, or profit / 10.
        fee: reward subtracted for each agent asked in a step.
        action: the face of the action space, see `action_space`.

    Raises:
        ConfigurationError: an unknown name, or a negative fee.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 # the type Gymnasium declares

    def __init__(
        self,
        market: MarketName = "channels",
        reward: RewardName = "shaped",
        fee: float = 0.0,
        action: ActionFace = "dict",
    ) -> None:
        self.action_space = action_space(action)
        self.world, self.face = _World(market, reward, fee), action
        self.observation_space = observation_space(market)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Open the first episode of a seed, or without one the next episode."""
        super().reset(seed=seed)
        return _restart(self.world, seed)[0], {}

    def step(self, action: Any) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Play one step; `info` holds what the auctions brought.

        Raises:
            ValueError: the action lies outside its space, or no episode is open.
        """
        _check(action, self.action_space)
        batch = {k: np.asarray(v)[None] for k, v in action.items()} if self.face == "dict" else [action]
        state, reward, info = self.world.step_face(self.face, batch)
        return state[0], float(reward[0]), self.world.over, False, _first(info)


def _first(info: dict[str, Array]) -> dict[str, float]:
    return {name: float(value[0]) for name, value in info.items()}


def _restart(world: _World, seed: int | None) -> Array:
    """States after a reset of a world of one row; without any seed yet, one is drawn."""
    if seed is None and hasattr(world, "seeds"):
        return world.advance()
    return world.reset(np.array([_random_seed() if seed is None else seed]))


def _random_seed() -> int:
    return int(np.random.default_rng().integers(2**31))


class AuctionVectorEnv(VectorEnv[Array, Any, Array]):
    """Many episodes in step, as one tensor program; the arguments are those of `AuctionEnv`.

    All rows end together; the step after that opens the next episodes, ignoring its action, as Gymnasium's
    next-step autoreset has it. `reset(seed=s)` gives row i the seed s + i.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int = 1,
        market: MarketName = "channels",
        reward: RewardName = "shaped",
        fee: float = 0.0,
        action: ActionFace = "dict",
    ) -> None:
        self.num_envs, self.face = num_envs, action
        self.single_action_space = action_space(action)
        self.world = _World(market, reward, fee)
        self.single_observation_space = observation_space(market)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Open the first episodes of the seeds, or without seeds the next episodes."""
        if seed is None and hasattr(self.world, "seeds"):
            return self.world.advance(), {}
        first = _random_seed() if seed is None else seed
        chosen = range(first, first + self.num_envs) if isinstance(first, int) else first
        if len(chosen) != self.num_envs:
            raise ValueError(f"seed = {seed!r}: expected {self.num_envs} seeds, one a row")
        seeds = np.array([_random_seed() if one is None else one for one in chosen])
        return self.world.reset(seeds), {}

    def step(self, actions: Any) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Play one step in every row; `info` holds what the auctions brought, an array a quantity.

        Raises:
            ValueError: the actions lie outside their space, or `reset` was never called.
        """
        never = np.zeros(self.num_envs, np.bool_)
        if self.world.over and hasattr(self.world, "seeds"):
            return self.world.advance(), np.zeros(self.num_envs), never, never.copy(), {}
        _check(actions, self.action_space)
        state, reward, info = self.world.step_face(self.face, actions)
        present = {f"_{name}": ~never for name in info}
        return state, reward, np.full(self.num_envs, self.world.over), never, info | present


class AuctionParallelEnv(ParallelEnv[str, Array, Any]):
    """The three agents as PettingZoo has them; the arguments are those of `AuctionEnv`.

    All agents see the state and share the reward. The Controller's mode decides whose action counts: who is
    not asked is replaced by its default, and its info says so under `asked`.
    """

    metadata = {"name": "adrl_v1", "render_modes": [], "is_parallelizable": True}  # noqa: RUF012

    def __init__(
        self, market: MarketName = "channels", reward: RewardName = "shaped", fee: float = 0.0
    ) -> None:
        self.world = _World(market, reward, fee)
        self.possible_agents = ["controller", "bidding", "budget"]
        self.agents: list[str] = []
        self.observation_spaces = {agent: observation_space(market) for agent in self.possible_agents}
        self.action_spaces: dict[str, spaces.Space[Any]] = {
            "controller": spaces.Discrete(MODES),
            "bidding": spaces.Discrete(BID_LEVELS),
            "budget": _weights_space(),
        }

    def observation_space(self, agent: str) -> spaces.Space[Array]:
        """The state's space, the same for every agent."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Modes, bid levels, or weights of the channels."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Array], dict[str, dict[str, Any]]]:
        """Open the first episode of a seed, or without one the next episode."""
        self._state = _restart(self.world, seed)[0]
        self.agents = list(self.possible_agents)
        return self._observations(), {agent: {} for agent in self.agents}

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[
        dict[str, Array], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]
    ]:
        """Play one step.

        Raises:
            ValueError: an action is missing or lies outside its space, or no episode is open.
        """
        for agent in self.possible_agents:
            if agent not in actions:
                raise ValueError(f"actions = {actions!r}: the action of {agent!r} is missing")
            _check(actions[agent], self.action_spaces[agent])
        mode, level, weights = (np.asarray(actions[agent])[None] for agent in self.possible_agents)
        states, rewards, info = self.world.step(mode, level, weights)
        self._state = states[0]
        chosen = torch.as_tensor(mode)
        asked = {
            "controller": True,
            "bidding": bool(asks_bidding(chosen)),
            "budget": bool(asks_budget(chosen)),
        }
        infos = {agent: _first(info) | {"asked": asked[agent]} for agent in self.possible_agents}
        over, reward = self.world.over, float(rewards[0])
        each = self.possible_agents
        self.agents = [] if over else list(each)
        return (
            self._observations(),
            dict.fromkeys(each, reward),
            dict.fromkeys(each, over),
            dict.fromkeys(each, False),
            infos,
        )

    def state(self) -> Array:
        """The state that every agent sees."""
        return self._state

    def _observations(self) -> dict[str, Array]:
        return {agent: self._state.copy() for agent in self.possible_agents}

    def close(self) -> None:
        """Nothing is held open."""


for _name in MARKET_NAMES:
    gymnasium.register(
        id=f"adrl/{_name.capitalize()}-v1",
        entry_point="adrl_core.env:AuctionEnv",
        vector_entry_point="adrl_core.env:AuctionVectorEnv",
        kwargs={"market": _name},
    )
