"""Proximal policy optimisation on a leading axis of runs (Schulman et al. 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor

from adrl_core.agents import distributions as dist
from adrl_core.agents.networks import ActorCritic
from adrl_core.agents.population import clip_gradients, initialise, ordered_mean
from adrl_core.config import PPO
from adrl_core.market.presets import STATE_SIZE


def generalised_advantages(rewards: Tensor, values: Tensor, discount: float, trace: float) -> Tensor:
    """Advantages of a whole episode, sum over l of (discount trace)^l delta_{t+l} (Schulman et al. 2016).

    Args:
        rewards: (..., T).
        values: (..., T), of the states acted in; the state after the last step is terminal and worth 0.
    """
    after = torch.cat((values[..., 1:], torch.zeros_like(values[..., :1])), -1)
    delta_t = rewards + discount * after - values
    advantage = torch.zeros_like(rewards[..., 0])
    advantages = torch.empty_like(rewards)
    for t in range(rewards.shape[-1] - 1, -1, -1):
        advantage = delta_t[..., t] + discount * trace * advantage
        advantages[..., t] = advantage
    return advantages


def clipped_surrogate(ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """min(r A, clip(r, 1 - clip, 1 + clip) A), elementwise; to be maximised."""
    return torch.minimum(ratio * advantage, ratio.clamp(1.0 - clip, 1.0 + clip) * advantage)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean over the last axis where the mask is 1; 0 where it is empty."""
    return (x * mask).sum(-1) / mask.sum(-1).clamp_min(1.0)


def standardise(x: Tensor, mask: Tensor) -> Tensor:
    """Shift and scale each row to mean 0 and standard deviation 1 over its masked entries."""
    centred = x - masked_mean(x, mask)[..., None]
    return centred / (masked_mean(centred.square(), mask).sqrt()[..., None] + 1e-8)


@dataclass
class Rollout:
    """Steps of one or more episodes; every tensor is (runs, steps, ...)."""

    state: Tensor
    action: Tensor
    log_prob: Tensor
    mask: Tensor | None
    """Dropout masks under which the actions were chosen."""
    asked: Tensor
    """1 where the agent decided, 0 where its default stood in."""
    reward: Tensor


@dataclass
class PPOAgent:
    """One PPO learner a run; `outputs` modes (categorical), or logits of shares (Gaussian)."""

    config: PPO
    seeds: Sequence[int]
    number: int
    outputs: int
    gaussian: bool
    device: torch.device | str = "cpu"
    rollouts: list[Rollout] = field(default_factory=list)
    """Episodes collected since the last update."""

    def __post_init__(self) -> None:
        runs = len(self.seeds)
        log_sd = self.config.initial_log_sd if self.gaussian else None
        network = ActorCritic(runs, STATE_SIZE, self.outputs, self.config.hidden, log_sd)
        initialise(network, self.seeds, self.number)
        self.network = network.to(self.device)
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), lr=self.config.learning_rate, eps=1e-5, fused=True
        )

    def sample(self, state: Tensor, noise: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Actions and their log-probabilities (runs, batch, ...) drawn with the given noise."""
        logits = self.network.policy(state, mask)
        if self.network.log_sd is not None:
            action = dist.gaussian_sample(logits, self.network.log_sd(), noise)
        else:
            action = dist.categorical_sample(logits, noise)
        return action, self._log_prob(logits, action)

    def greedy(self, state: Tensor) -> Tensor:
        """The most probable actions: modes (runs, batch), or mean logits (runs, batch, outputs)."""
        logits = self.network.policy(state)
        return logits if self.gaussian else logits.argmax(-1)

    def _log_prob(self, logits: Tensor, action: Tensor) -> Tensor:
        if self.network.log_sd is not None:
            return dist.gaussian_log_prob(logits, self.network.log_sd(), action)
        return dist.categorical_log_prob(logits, action)

    def _entropy(self, logits: Tensor) -> Tensor:
        if self.network.log_sd is not None:
            return dist.gaussian_entropy(self.network.log_sd()).expand(logits.shape[:2])
        return dist.categorical_entropy(logits)

    def shuffles(self, steps: int) -> int:
        """Uniforms a run that `learn` needs for a rollout of that many steps."""
        return self.config.epochs * steps

    def learn(self, uniforms: Tensor) -> dict[str, Tensor]:
        """Update from the collected rollouts and forget them.

        Minimises -L_clip + value_weight L_vf - entropy_weight H: advantages over the full timeline, the
        policy terms over the agent's own decisions.

        Args:
            uniforms: (runs, epochs * steps), which order the minibatches.

        Returns:
            Means over the minibatches, one value a run: policy_loss, value_loss, entropy, clipped,
            ratio_error, gradient_norm.
        """
        config = self.config
        with torch.no_grad():
            values = [self.network.value(rollout.state) for rollout in self.rollouts]
            advantages = [
                generalised_advantages(rollout.reward, value, config.discount, config.gae_lambda)
                for rollout, value in zip(self.rollouts, values, strict=True)
            ]
            advantage = torch.cat(advantages, 1)
            target = advantage + torch.cat(values, 1)
            data = _concatenate(self.rollouts)
            advantage = standardise(advantage, data.asked)
        steps = advantage.shape[1]
        runs = torch.arange(advantage.shape[0], device=advantage.device)[:, None]
        orders = uniforms.reshape(-1, config.epochs, steps).argsort(2)
        records: list[Tensor] = []
        for order in orders.unbind(1):
            for batch in order.split(config.batch_size, 1):
                at = (runs, batch)
                logits, value = self.network(data.state[at], None if data.mask is None else data.mask[at])
                asked = data.asked[at]
                log_ratio = self._log_prob(logits, data.action[at]) - data.log_prob[at]
                ratio = log_ratio.exp()
                policy_loss = -masked_mean(clipped_surrogate(ratio, advantage[at], config.clip), asked)
                value_loss = (value - target[at]).square().mean(1)
                entropy = masked_mean(self._entropy(logits), asked)
                loss = policy_loss + config.value_weight * value_loss - config.entropy_weight * entropy
                self.optimiser.zero_grad(set_to_none=True)
                loss.sum().backward()
                norm = clip_gradients(self.network.parameters(), config.gradient_norm)
                self.optimiser.step()
                error = (ratio - 1.0).abs().detach()
                clipped = masked_mean((error > config.clip).to(error.dtype), asked)
                largest = (error * asked).amax(1)
                records.append(
                    torch.stack((policy_loss, value_loss, entropy, clipped, largest, norm)).detach()
                )
        self.rollouts = []
        names = ("policy_loss", "value_loss", "entropy", "clipped", "ratio_error", "gradient_norm")
        return dict(zip(names, ordered_mean(records), strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Everything that learning goes on from."""
        rollouts = [{f.name: getattr(r, f.name) for f in fields(Rollout)} for r in self.rollouts]
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "rollouts": rollouts,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.rollouts = [Rollout(**rollout) for rollout in state["rollouts"]]


def _concatenate(rollouts: list[Rollout]) -> Rollout:
    joined: dict[str, Any] = {}
    for f in fields(Rollout):
        parts = [getattr(rollout, f.name) for rollout in rollouts]
        joined[f.name] = None if parts[0] is None else torch.cat(parts, 1)
    return Rollout(**joined)
