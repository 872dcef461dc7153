"""The team: the Controller asks the specialists, the answers are combined, all learn from one reward."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adrl_core.agents.ddqn import DDQNAgent, exploration_rate
from adrl_core.agents.networks import dropout_mask
from adrl_core.agents.policy import Action
from adrl_core.agents.ppo import PPOAgent, Rollout
from adrl_core.agents.replay import Transitions
from adrl_core.config import Team
from adrl_core.market import Market, Step
from adrl_core.market.noise import Purpose, draw
from adrl_core.market.presets import CHANNELS, DEFAULT_LEVEL, STATE_SIZE, STEPS

BIDDING_ONLY, BUDGET_ONLY, BOTH = range(3)
MODES = 3
ROI_FEATURES = [8, 9]
FIXED_MODE = {"bidding": BIDDING_ONLY, "budget": BUDGET_ONLY, "both": BOTH}


@dataclass(frozen=True)
class Episode:
    """What happened in one training episode; every tensor is (runs, STEPS, ...)."""

    state: Tensor
    """As the networks saw it, with the ROI features scaled."""
    mode: Tensor
    level: Tensor
    allocation: Tensor
    reward: Tensor
    """Reward learned from, before scaling."""
    steps: list[Step]


def fixed_mode_of(config: Team, number: int, episodes: int) -> int | None:
    """The mode of a training episode that the Controller does not decide, or None where it decides."""
    if config.ask == "both_first" and number < episodes // 2:
        return BOTH
    return FIXED_MODE.get(config.ask)


def asks_bidding(mode: Tensor) -> Tensor:
    """Whether the Bidding agent is asked in a mode."""
    return mode != BUDGET_ONLY


def asks_budget(mode: Tensor) -> Tensor:
    """Whether the Budget agent is asked in a mode."""
    return mode != BIDDING_ONLY


def combine(
    mode: Tensor, level: Tensor, allocation: Tensor, bids: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Join the proposals: who was not asked contributes its default, middle bid or uniform allocation.

    Args:
        mode, level: (rows,); allocation: (rows, CHANNELS); bids: the bid of each level.

    Returns:
        Level, bid, allocation and number of agents asked, of each row.
    """
    level = torch.where(asks_bidding(mode), level, DEFAULT_LEVEL)
    allocation = torch.where(asks_budget(mode)[:, None], allocation, 1.0 / CHANNELS)
    return level, bids[level], allocation, 1.0 + (mode == BOTH)


class TeamLearner:
    """The three agents of every run, learning together.

    Args:
        config: the team's configuration.
        seeds: one training seed a run.
        device: where networks and memories live.
    """

    def __init__(self, config: Team, seeds: Sequence[int], device: torch.device | str = "cpu") -> None:
        self.config, self.seeds, self.device = config, list(seeds), torch.device(device)
        self.scale = torch.ones(STATE_SIZE, device=device)
        self.scale[ROI_FEATURES] = config.roi_scale
        self.controller = PPOAgent(config.controller, self.seeds, 0, MODES, gaussian=False, device=device)
        self.bidding = DDQNAgent(config.bidding, self.seeds, 1, device)
        self.budget = PPOAgent(config.budget, self.seeds, 2, CHANNELS, gaussian=True, device=device)
        self.agents: dict[str, PPOAgent | DDQNAgent] = {
            "controller": self.controller,
            "bidding": self.bidding,
            "budget": self.budget,
        }

    def exploration(self, number: int, episodes: int) -> float:
        """Share of random bids in training episode `number` of `episodes`."""
        return exploration_rate(self.config.bidding, number)

    def policy(self) -> "TeamPolicy":
        """The teams as they act without exploring."""
        return TeamPolicy(self)

    @torch.no_grad()
    def play_episode(self, market: Market, number: int, episodes: int = 1) -> Episode:
        """Play training episode `number` of `episodes` in every run, exploring, and store the decisions."""
        fixed_mode = fixed_mode_of(self.config, number, episodes)
        explore, normal, masks = self._exploration(number)
        epsilon = self.exploration(number, episodes)
        state = market.reset(self.seeds, [number] * len(self.seeds)) * self.scale
        records: list[tuple[Tensor, ...]] = []
        steps = []
        for t in range(STEPS):
            row = state[:, None]
            controller_mask, budget_mask = (m if m is None else m[:, t, None] for m in masks)
            if fixed_mode is None:
                mode, mode_log_prob = self.controller.sample(row, explore[:, t, None, 0], controller_mask)
                mode, mode_log_prob = mode[:, 0], mode_log_prob[:, 0]
            else:
                mode = torch.full((len(self.seeds),), fixed_mode, device=self.device)
                mode_log_prob = torch.zeros_like(state[:, 0])
            level = self.bidding.sample(row, explore[:, t, None, 1], explore[:, t, None, 2], epsilon)[:, 0]
            logits, logits_log_prob = self.budget.sample(row, normal[t], budget_mask)
            logits, logits_log_prob = logits[:, 0], logits_log_prob[:, 0]
            level, bid, allocation, asked = combine(mode, level, logits.softmax(1), market.bids)
            step = market.step(bid, allocation, asked)
            after = step.state * self.scale
            records.append(
                (state, mode, mode_log_prob, level, logits, logits_log_prob, allocation, step.reward, after)
            )
            steps.append(step)
            state = after
        stacked = (torch.stack(column, 1) for column in zip(*records, strict=True))
        state, mode, mode_log_prob, level, logits, logits_log_prob, allocation, reward, after = stacked
        scaled = reward * self.config.reward_scale
        always = torch.ones_like(scaled)
        if fixed_mode is None:
            self.controller.rollouts.append(Rollout(state, mode, mode_log_prob, masks[0], always, scaled))
        if fixed_mode != BIDDING_ONLY:
            asked = asks_budget(mode).to(scaled.dtype)
            self.budget.rollouts.append(Rollout(state, logits, logits_log_prob, masks[1], asked, scaled))
        if fixed_mode != BUDGET_ONLY:
            continues = always.clone()
            continues[:, -1] = 0.0
            self.bidding.replay.add(Transitions(state, level, scaled, after, continues), asks_bidding(mode))
        return Episode(state, mode, level, allocation, reward, steps)

    def learn(self, number: int, episodes: int) -> dict[str, dict[str, Tensor]]:
        """Let each agent learn after episode `number` of `episodes`; returns metrics (runs,) by agent."""
        config = self.config.bidding
        learners = [
            agent
            for agent in (self.controller, self.budget)
            if len(agent.rollouts) >= agent.config.rollout_episodes
        ]
        sizes = [agent.shuffles(STEPS * agent.config.rollout_episodes) for agent in learners]
        draws = config.updates_per_episode * config.batch_size if self.config.ask != "budget" else 0
        uniforms, _ = draw(self.seeds, [number] * len(self.seeds), Purpose.LEARNING, sum(sizes) + draws, 0)
        *shuffles, sampling = torch.from_numpy(uniforms).to(self.device).split([*sizes, draws], 1)
        metrics = {}
        for agent, shuffle in zip(learners, shuffles, strict=True):
            metrics["controller" if agent is self.controller else "budget"] = agent.learn(shuffle)
        if draws:
            shape = (len(self.seeds), config.updates_per_episode, config.batch_size)
            metrics["bidding"] = self.bidding.learn(sampling.reshape(shape), number, episodes)
        return metrics

    def _exploration(self, number: int) -> tuple[Tensor, Tensor, tuple[Tensor | None, Tensor | None]]:
        """Exploration noise (runs, STEPS, 3) uniform, (STEPS, runs, 1, CHANNELS) normal, dropout masks."""
        widths = [
            agent.config.hidden if agent.config.dropout else 0 for agent in (self.controller, self.budget)
        ]
        sizes = [3 * STEPS, *(width * STEPS for width in widths)]
        episodes = [number] * len(self.seeds)
        noise = draw(self.seeds, episodes, Purpose.EXPLORATION, sum(sizes), CHANNELS * STEPS)
        uniform, normal = (torch.from_numpy(a).to(self.device) for a in noise)
        explore, *rest = uniform.split(sizes, 1)
        masks = [
            dropout_mask(part.reshape(-1, STEPS, width), agent.config.dropout) if width else None
            for part, width, agent in zip(rest, widths, (self.controller, self.budget), strict=True)
        ]
        explore = explore.reshape(-1, STEPS, 3)
        normal = normal.reshape(-1, STEPS, 1, CHANNELS).transpose(0, 1).contiguous()
        return explore, normal, (masks[0], masks[1])

    def state_dict(self) -> dict[str, Any]:
        """Everything that learning goes on from, by agent."""
        return {name: agent.state_dict() for name, agent in self.agents.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        for name, agent in self.agents.items():
            agent.load_state_dict(state[name])

    def networks(self) -> dict[str, dict[str, Tensor]]:
        """The weights that act, by agent, on the CPU."""
        networks = {
            "controller": self.controller.network,
            "bidding": self.bidding.online,
            "budget": self.budget.network,
        }
        return {
            name: {key: value.detach().cpu() for key, value in network.state_dict().items()}
            for name, network in networks.items()
        }

    def load_networks(self, networks: dict[str, dict[str, Tensor]]) -> None:
        """Take up the weights that act."""
        self.controller.network.load_state_dict(networks["controller"])
        self.bidding.online.load_state_dict(networks["bidding"])
        self.budget.network.load_state_dict(networks["budget"])


class TeamPolicy:
    """The trained teams acting greedily, with dropout and exploration off.

    Rows are ordered run by run: all episodes of the first run, then of the second, and so on.
    """

    name = "team"

    def __init__(self, learner: TeamLearner) -> None:
        self.learner, self.runs = learner, len(learner.seeds)

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to."""
        self.bids = market.bids

    def act(self, state: Tensor) -> Action:
        """Greedy actions in states (rows, STATE_SIZE)."""
        learner = self.learner
        by_run = (state * learner.scale).reshape(self.runs, -1, STATE_SIZE)
        fixed_mode = FIXED_MODE.get(learner.config.ask)
        if fixed_mode is None:
            self.mode = learner.controller.greedy(by_run).reshape(-1)
        else:
            self.mode = torch.full_like(state[:, 0], fixed_mode, dtype=torch.int64)
        level = learner.bidding.greedy(by_run).reshape(-1)
        allocation = learner.budget.greedy(by_run).reshape(-1, CHANNELS).softmax(1)
        self.level, bid, allocation, asked = combine(self.mode, level, allocation, self.bids)
        return Action(bid, allocation, asked)

    def observe(self, step: Step) -> None:
        """Nothing is learned while evaluating."""


def mode_shares(mode: Tensor) -> np.ndarray:
    """Share of steps in each mode, (runs, MODES), of modes (runs, STEPS)."""
    return torch.nn.functional.one_hot(mode, MODES).double().mean(1).cpu().numpy()
