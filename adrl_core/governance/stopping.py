"""Early stopping: a stated rule of convergence, and a look-on that keeps each run's networks where it stops.

The training is looked at each half window. A look finds it at rest if the mean reward of the last window is
less than `gain` above that of the window before; a run stops at the second look in a row that does. Both
windows must lie after `settled`, the episode from which the training is its final self.

The rule was fixed before it was tried. The mean of a window of w independent episodes has the standard error
sd / sqrt(w), the difference of two such means sqrt(2) times that; `noise` says what it comes to. Where that
is more than the gain looked for, a look is largely chance, and two looks in a row, whose windows overlap,
are little better: such a rule needs longer windows than a training has.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adrl_core.agents.team import TeamLearner
from adrl_core.config import Frozen, Positive, Team

WINDOW_SHARE = 0.1
"""Length of a window, as a share of the training planned."""


class StoppingRule(Frozen):
    """When a training has converged."""

    window: int
    """Episodes in a window, an even number."""
    settled: int = 0
    """First episode that a window may hold."""
    gain: Positive = 0.02
    """Relative gain between two windows below which a look finds the training at rest."""
    looks: int = 2
    """Looks in a row that must."""


def planned_rule(team: Team, episodes: int) -> StoppingRule:
    """The rule for a training of a planned length: it is settled once the Controller decides."""
    window = 2 * max(1, round(WINDOW_SHARE * episodes / 2.0))
    return StoppingRule(window=window, settled=episodes // 2 if team.ask == "both_first" else 0)


def gains(rewards: NDArray[np.float64], rule: StoppingRule) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What each look sees.

    Args:
        rewards: of the episodes so far, (episodes, runs).
        rule: the rule.

    Returns:
        Episodes played at each look, (looks,), and the relative gains between windows, (looks, runs).
    """
    window = rule.window
    played = np.arange(rule.settled + 2 * window, len(rewards) + 1, window // 2)
    total = np.concatenate((np.zeros((1, rewards.shape[1])), rewards.cumsum(0)))
    last = total[played] - total[played - window]
    before = total[played - window] - total[played - 2 * window]
    return played, (last - before) / np.abs(before)


def stops(rewards: NDArray[np.float64], rule: StoppingRule) -> NDArray[np.int64]:
    """Episodes after which each run stops, (runs,), of rewards (episodes, runs); all where it never does."""
    played, gain = gains(rewards, rule)
    found = np.full(rewards.shape[1], len(rewards))
    at_rest = np.zeros(rewards.shape[1], dtype=int)
    for after, resting in zip(played, gain < rule.gain, strict=True):
        at_rest = np.where(resting, at_rest + 1, 0)
        found = np.where(at_rest >= rule.looks, np.minimum(found, after), found)
    return found


def noise(rewards: NDArray[np.float64], rule: StoppingRule) -> NDArray[np.float64]:
    """Standard error of a look's relative gain, (runs,), from the last window of rewards (episodes, runs)."""
    last = rewards[-rule.window :]
    return last.std(0, ddof=1) * (2.0 / rule.window) ** 0.5 / np.abs(last.mean(0))


class EarlyStopping:
    """Keeps the networks of each run as they are when the rule stops it, and lets the training go on.

    Args:
        rule: the rule.
    """

    def __init__(self, rule: StoppingRule) -> None:
        self.rule = rule
        self.rewards: list[list[float]] = []
        self.networks: dict[str, dict[str, Tensor]] = {}

    def watch(self, number: int, rewards: NDArray, learner: TeamLearner) -> None:
        """See an episode's rewards (runs,), and keep the networks of runs that had not stopped before it."""
        self.rewards.append(rewards.tolist())
        learning = torch.from_numpy(stops(np.array(self.rewards), self.rule) == len(self.rewards))
        if not self.networks:
            self.networks = {
                agent: {key: value.clone() for key, value in weights.items()}
                for agent, weights in learner.networks().items()
            }
        for agent, weights in learner.networks().items():
            for key, value in weights.items():
                self.networks[agent][key][learning] = value[learning]

    def state_dict(self) -> dict[str, Any]:
        """Rewards and networks."""
        return {"rewards": self.rewards, "networks": self.networks}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.rewards, self.networks = state["rewards"], state["networks"]
