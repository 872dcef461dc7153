"""What it takes to play a market: a policy maps the visible state of many episodes to their actions."""

from typing import NamedTuple, Protocol

from torch import Tensor

from adrl_core.market import Market, Step


class Action(NamedTuple):
    """Bids (rows,) in currency units, allocations (rows, CHANNELS), number of agents asked (rows,)."""

    bid: Tensor
    allocation: Tensor
    asked: Tensor | None = None


class Policy(Protocol):
    """Plays all rows of a market together."""

    name: str

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to."""

    def act(self, state: Tensor) -> Action:
        """Choose the actions of the current step from states (rows, STATE_SIZE)."""

    def observe(self, step: Step) -> None:
        """See what the last action brought."""
