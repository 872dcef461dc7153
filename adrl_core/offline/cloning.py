"""Behaviour cloning: the team's networks learn to decide as the log does, and what that is worth.

The policies are fitted by maximum likelihood; the value heads, and the level of the action values, by
regression on the logged reward. The tuned team has no horizon, so that the value of a state is the reward
of its step.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from adrl_core.agents import distributions as dist
from adrl_core.agents.networks import ActorCritic
from adrl_core.agents.ppo import PPOAgent, masked_mean
from adrl_core.agents.team import TeamLearner
from adrl_core.offline.behaviour import Log
from adrl_core.offline.fitting import Batch, Phase, batches, descend

BATCH = 64
UPDATES_AN_EPISODE = 2
"""Gradient steps for each logged episode."""
TEMPERATURE = 0.1
"""Scaled reward by which action values differ where one action is chosen e times as often as another."""
SMALLEST_SHARE = 1e-3
"""Shares of the budget below it count as so much, since a share of nothing has no logit."""


def share_logits(allocation: Tensor) -> Tensor:
    """The logits of sum 0 whose softmax is the allocation, (..., CHANNELS): its centred log-ratios.

    A whole line of logits stands for one allocation; the one of sum zero is where the line meets the origin's
    plane (Aitchison 1982).
    """
    logs = allocation.clamp_min(SMALLEST_SHARE).log()
    return logs - logs.mean(-1, keepdim=True)


def bid_cloning_loss(values: Tensor, level: Tensor, temperature: float) -> Tensor:
    """-log softmax(Q / temperature) of the logged level, (...); values (..., levels), level (...)."""
    logits = values / temperature
    return F.cross_entropy(logits.flatten(0, -2), level.flatten(), reduction="none").reshape(level.shape)


def cloned_value(values: Tensor, temperature: float) -> Tensor:
    """Value (...) of states under the cloned choice, the mean of Q (..., levels) by softmax(Q / temperature).

    The choice is held fixed: regressing it on a reward moves the level of Q and not the preferences.
    """
    chances = (values / temperature).softmax(-1).detach()
    return (chances * values).sum(-1)


def negative_log_likelihood(network: ActorCritic, logits: Tensor, action: Tensor) -> Tensor:
    """-log pi(action), (runs, n): of modes (runs, n), or of logits of shares (runs, n, CHANNELS)."""
    if network.log_sd is not None:
        return -dist.gaussian_log_prob(logits, network.log_sd(), action)
    return -dist.categorical_log_prob(logits, action)


def clone(team: TeamLearner, log: Log, updates: int) -> None:
    """Let all networks of the team imitate the log, from wherever they are."""
    for batch in batches(team, log, Phase.CLONING, updates, BATCH):
        clone_bidding(team, batch)
        everyone = torch.ones_like(batch.reward)
        clone_policy(team.controller, batch, batch.mode, everyone)
        clone_policy(team.budget, batch, share_logits(batch.allocation), batch.split_chosen)
    team.bidding.target.load_state_dict(team.bidding.online.state_dict())


def clone_bidding(team: TeamLearner, batch: Batch) -> None:
    """A step of the Bidding agent: likelihood of its own choices, and the reward of all steps."""
    agent = team.bidding
    values = agent.online(batch.state)
    likelihood = masked_mean(bid_cloning_loss(values, batch.level, TEMPERATURE), batch.bid_chosen)
    error = (cloned_value(values, TEMPERATURE) - batch.reward).square().mean(1)
    descend(agent.online, agent.optimiser, likelihood + error, agent.config.gradient_norm)


def clone_policy(agent: PPOAgent, batch: Batch, action: Tensor, chosen: Tensor) -> None:
    """A step of a policy and its value head, of which only the `chosen` decisions (runs, n) are its own."""
    logits, value = agent.network(batch.state)
    loss = masked_mean(negative_log_likelihood(agent.network, logits, action), chosen)
    loss = loss + agent.config.value_weight * (value - batch.reward).square().mean(1)
    descend(agent.network, agent.optimiser, loss, agent.config.gradient_norm)
