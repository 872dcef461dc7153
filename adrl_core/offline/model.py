"""The planning team's model, fitted on the log alone: no episode of its own."""

import torch

from adrl_core.agents.outcomes import context
from adrl_core.agents.planner import PlanningTeam
from adrl_core.market import Market
from adrl_core.market.presets import STEPS
from adrl_core.offline.behaviour import Log


def fit_planner(team: PlanningTeam, log: Log, market: Market) -> None:
    """Let the team read the log episode by episode, learning after each as if it had played it itself.

    What it sees are sums over channels only, as in its own training, and the rule's bids and allocations.
    """
    columns = (log.level, log.allocation, log.clicks, log.conversions, log.spend, log.solvent)
    rows = [context(log.state), *(c if c.dim() == 3 else c[..., None] for c in columns)]
    steps = torch.cat([row.to(team.memory.dtype) for row in rows], 2)
    team.bids = market.bids
    episodes = steps.shape[1] // STEPS
    for number, episode in enumerate(steps.split(STEPS, 1)):
        slots = torch.arange(team.stored, team.stored + STEPS, device=team.device) % team.planning.memory
        team.memory[:, slots] = episode
        team.stored += STEPS
        team.learn(number, episodes)
