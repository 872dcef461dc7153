"""Gradient steps on logged decisions: every run by its own minibatches, all runs as one program."""

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

import torch
from torch import Tensor, nn

from adrl_core.agents.population import clip_gradients
from adrl_core.agents.team import TeamLearner, asks_bidding, asks_budget
from adrl_core.market.noise import Purpose, draw
from adrl_core.offline.behaviour import Log, log_seeds


class Phase(IntEnum):
    """What minibatches are drawn for; a phase has a stream of its own."""

    CLONING = 0
    CONSERVATIVE = 1


class Batch(NamedTuple):
    """Logged steps as the team's networks see them; every tensor is (runs, n, ...)."""

    state: Tensor
    mode: Tensor
    level: Tensor
    allocation: Tensor
    reward: Tensor
    """As scaled for learning."""
    bid_chosen: Tensor
    """1 where the bid was decided, 0 where its default stood in."""
    split_chosen: Tensor
    """1 where the allocation was decided."""


def batches(
    team: TeamLearner, log: Log, phase: Phase, updates: int, size: int, block: int = 100
) -> Iterator[Batch]:
    """So many minibatches of `size` steps, drawn uniformly with replacement from each run's log."""
    stored = log.reward.shape[1]
    for first in range(0, updates, block):
        count = min(block, updates - first)
        number = [phase * 1_000_000 + first] * len(team.seeds)
        uniforms, _ = draw(log_seeds(team.seeds), number, Purpose.LEARNING, block * size, 0)
        slots = (torch.from_numpy(uniforms).to(team.device).double() * stored).long()
        for slot in slots.reshape(len(team.seeds), block, size).unbind(1)[:count]:
            yield seen(team, log.at(slot))


def seen(team: TeamLearner, steps: Log) -> Batch:
    """Logged steps as the team's networks see them."""
    reward = steps.reward * team.config.reward_scale
    return Batch(
        steps.state * team.scale,
        steps.mode,
        steps.level,
        steps.allocation,
        reward,
        asks_bidding(steps.mode).to(reward.dtype),
        asks_budget(steps.mode).to(reward.dtype),
    )


def descend(network: nn.Module, optimiser: torch.optim.Optimizer, loss: Tensor, gradient_norm: float) -> None:
    """One gradient step on losses (runs,), each run's gradient cut to the norm."""
    optimiser.zero_grad(set_to_none=True)
    loss.sum().backward()
    clip_gradients(network.parameters(), gradient_norm)
    optimiser.step()
