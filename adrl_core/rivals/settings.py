"""Settings of the rivals: the candidates that were tried, and the ones that play.

Every rival had at most the team's tuning budget (`config.TUNING`). `tuning.csv` holds what each candidate
earned on episodes kept for the search; `python -m adrl_core.rivals.tuning` writes it anew.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import Field

from adrl_core.config import Count, Frozen, Positive, Share

Rival = Literal["ppo", "dqn", "bandit", "online_lp"]


class RivalSettings(Frozen):
    """Base of all rivals' settings."""

    parts: Count
    """An allocation is made of shares of one over this."""

    def but(self, **changes: object) -> Self:
        """The same with some fields changed, validated."""
        return self.model_validate(self.model_dump() | changes)


class FlatSettings(RivalSettings):
    """What the two learners of Stable-Baselines3 have in common; defaults are that library's."""

    parts: Count = 2
    rows: Count = 10
    """Most episodes that a run plays side by side."""
    reward_scale: Positive = 1.0
    """Factor on the reward that is learned from."""
    roi_scale: Positive = 1.0
    """Factor on the two ROI features."""
    discount: Share = 0.99
    """Discount factor of the return."""


class PPOSettings(FlatSettings):
    """Proximal policy optimisation; a rollout is one episode of every row."""

    learning_rate: Positive = 3e-4
    """Adam learning rate."""
    batch_size: Count = 64
    """Steps in a minibatch."""
    epochs: Count = 10
    """Passes over each rollout."""
    entropy_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the entropy bonus."""


class DQNSettings(FlatSettings):
    """Deep Q-network."""

    learning_rate: Positive = 1e-4
    """Adam learning rate."""
    batch_size: Count = 32
    """Transitions in a gradient step."""
    gradient_steps: Count = 2
    """Gradient steps after each step of all rows."""
    exploration_share: Share = 0.1
    """Share of the training over which the exploration rate falls to its floor."""
    exploration_end: Share = 0.05
    """Floor of the exploration rate."""


class LinearSettings(RivalSettings):
    """A bidder that regresses outcomes on features of state and action."""

    parts: Count = 10
    harmonics: Count = 1
    """Waves of the season that the features hold."""
    ridge: Positive = 1.0
    """Precision of the prior on each weight, in units of the noise."""
    width: Annotated[float, Field(ge=0)] = 0.3
    """Factor on the posterior's standard deviation from which an episode's weights are drawn."""


class OnlineLPSettings(LinearSettings):
    """The same with a dual price on money."""

    price: Positive = 0.1
    """Reward that a unit of money must bring, at the start of the first episode."""
    gain: Positive = 4.0
    """How fast the price follows the money: it falls by this power of e when nothing is spent all episode."""
    rate: Positive = 0.2
    """How far an episode's first price moves towards the mean price of the one before, on the log scale."""


Settings = PPOSettings | DQNSettings | LinearSettings | OnlineLPSettings

_PPO = PPOSettings(rows=20)
_DQN = DQNSettings(rows=8)
_TEAM: dict[str, float] = {"reward_scale": 0.1, "roi_scale": 0.05}
"""The scales that the tuned team learns with."""
_PPO_MYOPIC = _PPO.but(**_TEAM, discount=0.0)
_DQN_MYOPIC = DQNSettings().but(**_TEAM, discount=0.0, learning_rate=1e-3, batch_size=128)
_BANDIT, _LP = LinearSettings(), OnlineLPSettings()
_LP_NARROW = _LP.but(width=0.1, ridge=10.0)

CANDIDATES: Mapping[Rival, Mapping[str, Settings]] = MappingProxyType(
    {
        "ppo": {
            "library defaults": _PPO,
            "scaled": _PPO.but(**_TEAM),
            "no horizon": _PPO_MYOPIC,
            "no horizon, faster": _PPO_MYOPIC.but(rows=10, learning_rate=1e-3),
            "no horizon, faster, entropy": _PPO_MYOPIC.but(rows=10, learning_rate=1e-3, entropy_weight=0.01),
            "no horizon, faster, finer": _PPO_MYOPIC.but(rows=10, learning_rate=1e-3, parts=5),
        },
        "dqn": {
            "library defaults": _DQN,
            "scaled": _DQN.but(**_TEAM),
            "no horizon": _DQN_MYOPIC,
            "no horizon, explores longer": _DQN_MYOPIC.but(exploration_share=0.5, exploration_end=0.01),
            "no horizon, slower": _DQN_MYOPIC.but(learning_rate=3e-4),
            "no horizon, finer": _DQN_MYOPIC.but(parts=5),
        },
        "bandit": {
            "wide": _BANDIT.but(width=1.0),
            "middle": _BANDIT,
            "narrow": _BANDIT.but(width=0.1),
            "middle, strong prior": _BANDIT.but(ridge=10.0),
            "narrow, strong prior": _BANDIT.but(width=0.1, ridge=10.0),
            "middle, two waves": _BANDIT.but(harmonics=2),
        },
        "online_lp": {
            "middle": _LP,
            "narrow": _LP.but(width=0.1),
            "narrow, strong prior": _LP_NARROW,
            "narrow, strong prior, slow price": _LP_NARROW.but(gain=2.0),
            "narrow, strong prior, fast price": _LP_NARROW.but(gain=8.0),
            "narrow, strong prior, two waves": _LP_NARROW.but(harmonics=2),
        },
    }
)
"""What was tried, as many for each as for the team; `parts` of 2 are halves, of 5 fifths."""
CHOSEN: Mapping[Rival, str] = MappingProxyType(
    {
        "ppo": "no horizon, faster",
        "dqn": "no horizon",
        "bandit": "wide",
        "online_lp": "narrow, strong prior",
    }
)
"""For each rival the candidate that earned most in the search."""
HORIZON = MappingProxyType({"pacing": 0.99})
"""Discount of PPO and DQN where money spent now is missed later: the default of their library."""


def chosen(rival: Rival, market: str) -> Settings:
    """The settings with which a rival plays a market."""
    settings = CANDIDATES[rival][CHOSEN[rival]]
    if isinstance(settings, FlatSettings) and market in HORIZON:
        return settings.but(discount=HORIZON[market])
    return settings
