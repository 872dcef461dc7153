"""Double deep Q-learning with dueling heads and prioritised replay, on a leading axis of runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from adrl_core.agents.networks import QNetwork
from adrl_core.agents.population import clip_gradients, initialise, ordered_mean
from adrl_core.agents.replay import PrioritisedReplay, Transitions, importance_weights
from adrl_core.config import DDQN
from adrl_core.market.presets import BID_LEVELS, STATE_SIZE, STEPS


def exploration_rate(config: DDQN, episode: int) -> float:
    """Epsilon of an episode: the start decayed `epsilon_decays_per_episode` times an episode, floored."""
    decays = config.epsilon_decays_per_episode * episode
    return max(config.epsilon_end, config.epsilon_start * config.epsilon_decay**decays)


def importance_exponent(config: DDQN, episode: int, episodes: int) -> float:
    """Beta of an episode, rising linearly from start to end over the training."""
    progress = episode / max(1, episodes - 1)
    return config.importance_start + progress * (config.importance_end - config.importance_start)


def q_target(
    reward: Tensor, continues: Tensor, online_next: Tensor, target_next: Tensor, discount: float, double: bool
) -> Tensor:
    """r + discount * Q_target(s', a'), with a' chosen by the online network if double, else by the target.

    Args:
        reward, continues: (runs, n).
        online_next, target_next: action values of the next states, (runs, n, actions).
    """
    chooser = online_next if double else target_next
    choice = chooser.argmax(2, keepdim=True)
    return reward + discount * continues * target_next.gather(2, choice).squeeze(2)


def target_is_due(config: DDQN, episode: int) -> bool:
    """Whether a multiple of the target period falls within the episode just played."""
    return (episode + 1) * STEPS // config.target_period > episode * STEPS // config.target_period


@dataclass
class DDQNAgent:
    """One Q-learner a run, over the bid levels."""

    config: DDQN
    seeds: Sequence[int]
    number: int
    device: torch.device | str = "cpu"

    def __post_init__(self) -> None:
        config, runs = self.config, len(self.seeds)
        shape = (runs, STATE_SIZE, BID_LEVELS, config.hidden, config.dueling)
        self.online, self.target = QNetwork(*shape), QNetwork(*shape)
        initialise(self.online, self.seeds, self.number)
        self.target.load_state_dict(self.online.state_dict())
        self.online, self.target = self.online.to(self.device), self.target.to(self.device)
        self.optimiser = torch.optim.Adam(
            self.online.parameters(), lr=config.learning_rate, eps=1e-5, fused=True
        )
        self.replay = PrioritisedReplay(runs, config.replay_capacity, config.priority_exponent, self.device)

    def greedy(self, state: Tensor) -> Tensor:
        """The bid levels of highest value (runs, batch) in states (runs, batch, STATE_SIZE)."""
        values: Tensor = self.online(state)
        return values.argmax(2)

    def sample(self, state: Tensor, explore: Tensor, level: Tensor, epsilon: float) -> Tensor:
        """Epsilon-greedy levels (runs, batch): uniforms `explore` below epsilon pick `level` at random."""
        random_level = (level * BID_LEVELS).long()
        return torch.where(explore < epsilon, random_level, self.greedy(state))

    def learn(self, uniforms: Tensor, episode: int, episodes: int) -> dict[str, Tensor]:
        """Update after an episode.

        Args:
            uniforms: (runs, updates_per_episode, batch_size), which draw the minibatches.
            episode, episodes: the training episode just played, and their number.

        Returns:
            Means over the updates, one value a run: td_loss, q_value, gradient_norm.
        """
        config = self.config
        if target_is_due(config, episode):
            self.target.load_state_dict(self.online.state_dict())
        beta = importance_exponent(config, episode, episodes)
        records = []
        for uniform in uniforms.unbind(1):
            slot, probability = self.replay.sample(uniform)
            batch = self.replay.take(slot)
            weight = importance_weights(probability, self.replay.size, beta).to(batch.reward.dtype)
            with torch.no_grad():
                target = self._target(batch)
            value = self.online(batch.state).gather(2, batch.action[..., None]).squeeze(2)
            error = target - value
            loss = (weight * error.square()).mean(1)
            self.optimiser.zero_grad(set_to_none=True)
            loss.sum().backward()
            norm = clip_gradients(self.online.parameters(), config.gradient_norm)
            self.optimiser.step()
            self.replay.reprioritise(slot, error.detach())
            records.append(torch.stack((loss, value.mean(1), norm)).detach())
        return dict(zip(("td_loss", "q_value", "gradient_norm"), ordered_mean(records), strict=True))

    def _target(self, batch: Transitions) -> Tensor:
        if self.config.discount == 0.0:
            return batch.reward
        online_next, target_next = self.online(batch.next_state), self.target(batch.next_state)
        return q_target(
            batch.reward, batch.continues, online_next, target_next, self.config.discount, self.config.double
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything that learning goes on from."""
        return {
            "network": self.online.state_dict(),
            "target": self.target.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "replay": self.replay.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.online.load_state_dict(state["network"])
        self.target.load_state_dict(state["target"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.replay.load_state_dict(state["replay"])
