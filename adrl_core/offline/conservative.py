"""Conservative offline learning, from the clone: to do better than the log without leaving it far behind.

The Bidding agent learns by conservative Q-learning (Kumar et al. 2020), Budget agent and Controller by
advantage-weighted regression (Peng et al. 2019; Nair et al. 2020). The tuned team has no horizon: the target
of an action value is the logged reward, and an advantage is the reward less the value of its state.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from adrl_core.agents.ppo import PPOAgent, masked_mean
from adrl_core.agents.team import TeamLearner
from adrl_core.config import Frozen, Positive
from adrl_core.offline.behaviour import Log
from adrl_core.offline.cloning import negative_log_likelihood, share_logits
from adrl_core.offline.fitting import Batch, Phase, batches, descend

BATCH = 64
UPDATES_AN_EPISODE = 5
"""Gradient steps for each logged episode."""
LARGEST_WEIGHT = 20.0
"""Bound on the weight of a step, as of Peng et al."""


class Conservatism(Frozen):
    """How closely the offline learners stay with the log."""

    penalty: Annotated[float, Field(ge=0)]
    """Weight of the conservative penalty beside the squared error of the action values."""
    temperature: Positive
    """Scaled reward by which an advantage makes a step count e times as much."""


CHOSEN = Conservatism(penalty=0.02, temperature=0.3)
"""The best of the search (search.csv)."""


def conservative_penalty(values: Tensor, level: Tensor) -> Tensor:
    """log sum_a exp Q(s, a) - Q(s, logged), equation 4 of Kumar et al. (2020) without its weight.

    Args:
        values: (..., levels).
        level: logged levels (...).

    Returns:
        (...), never below zero; its gradient lowers all values but for the logged one's, which it raises.
    """
    return values.logsumexp(-1) - values.gather(-1, level[..., None]).squeeze(-1)


def advantage_weights(reward: Tensor, value: Tensor, temperature: float) -> Tensor:
    """exp((r - V(s)) / temperature), at most LARGEST_WEIGHT; all (...)."""
    return ((reward - value) / temperature).exp().clamp_max(LARGEST_WEIGHT)


def improve(team: TeamLearner, log: Log, updates: int, settings: Conservatism = CHOSEN) -> None:
    """Let all networks of the team learn from the log's rewards, from wherever they are."""
    for batch in batches(team, log, Phase.CONSERVATIVE, updates, BATCH):
        improve_bidding(team, batch, settings.penalty)
        everyone = torch.ones_like(batch.reward)
        improve_policy(team.controller, batch, batch.mode, everyone, settings.temperature)
        action = share_logits(batch.allocation)
        improve_policy(team.budget, batch, action, batch.split_chosen, settings.temperature)
    team.bidding.target.load_state_dict(team.bidding.online.state_dict())


def improve_bidding(team: TeamLearner, batch: Batch, penalty: float) -> None:
    """A step of conservative Q-learning on the Bidding agent's own choices."""
    agent = team.bidding
    values = agent.online(batch.state)
    error = values.gather(2, batch.level[..., None]).squeeze(2) - batch.reward
    losses = error.square() + penalty * conservative_penalty(values, batch.level)
    descend(agent.online, agent.optimiser, masked_mean(losses, batch.bid_chosen), agent.config.gradient_norm)


def improve_policy(agent: PPOAgent, batch: Batch, action: Tensor, chosen: Tensor, temperature: float) -> None:
    """A step of advantage-weighted regression on the `chosen` decisions (runs, n), and of the value head."""
    logits, value = agent.network(batch.state)
    weight = advantage_weights(batch.reward, value.detach(), temperature)
    loss = masked_mean(weight * negative_log_likelihood(agent.network, logits, action), chosen)
    loss = loss + agent.config.value_weight * (value - batch.reward).square().mean(1)
    descend(agent.network, agent.optimiser, loss, agent.config.gradient_norm)
