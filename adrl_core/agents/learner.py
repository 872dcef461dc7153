"""What training and evaluation need of a learner, and which one a configuration asks for."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from adrl_core.agents.planner import PlanningTeam
from adrl_core.agents.policy import Policy
from adrl_core.agents.team import Episode, TeamLearner
from adrl_core.config import Team
from adrl_core.market import Market


class Learner(Protocol):
    """A team of every run, that plays, learns, is saved, and acts."""

    seeds: list[int]
    device: torch.device

    def play_episode(self, market: Market, number: int, episodes: int) -> Episode:
        """Play training episode `number` of `episodes` in every run, exploring, and remember it."""

    def learn(self, number: int, episodes: int) -> dict[str, dict[str, Tensor]]:
        """Learn after that episode; returns metrics (runs,) by agent."""

    def exploration(self, number: int, episodes: int) -> float:
        """Share of random choices in that episode."""

    def policy(self) -> Policy:
        """The teams as they act without exploring; rows are ordered run by run."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that learning goes on from."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""

    def networks(self) -> dict[str, dict[str, Tensor]]:
        """The weights that act, by agent, on the CPU."""

    def load_networks(self, networks: dict[str, dict[str, Tensor]]) -> None:
        """Take up the weights that act."""


def make_learner(config: Team, seeds: Sequence[int], device: torch.device | str = "cpu") -> Learner:
    """The planning team where the configuration has one, else the team of three networks."""
    return (PlanningTeam if config.planning else TeamLearner)(config, seeds, device)
