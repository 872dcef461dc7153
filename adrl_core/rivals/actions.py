"""The joint action as one flat choice: every bid level with every allocation of a grid."""

from functools import cache

import torch
from torch import Tensor

from adrl_core.agents.policy import Action
from adrl_core.market.presets import BID_LEVELS, CHANNELS

ASKED = 2.0
"""A rival chooses what both specialists of the team choose, and pays the fee for both."""


@cache
def simplex_grid(parts: int) -> Tensor:
    """All allocations made of shares of 1 / `parts`, shape ((parts + 1)(parts + 2) / 2, CHANNELS).

    Raises:
        ValueError: fewer than one part.
    """
    if parts < 1:
        raise ValueError(f"parts = {parts}: expected at least 1")
    shares = [(i, j, parts - i - j) for i in range(parts + 1) for j in range(parts + 1 - i)]
    return torch.tensor(shares, dtype=torch.float32) / parts


class FlatActions:
    """Bid level x allocation: action a bids level a // allocations and splits as a % allocations.

    Args:
        parts: of the grid of allocations, see `simplex_grid`.
    """

    def __init__(self, parts: int) -> None:
        self.allocations = simplex_grid(parts)

    def __len__(self) -> int:
        return BID_LEVELS * len(self.allocations)

    def split(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Levels and rows of `allocations` of flat actions (rows,), each (rows,)."""
        return index // len(self.allocations), index % len(self.allocations)

    def action(self, level: Tensor, choice: Tensor, bids: Tensor) -> Action:
        """What is played: levels (rows,), rows of `allocations` (rows,), the bid of each level."""
        allocation = self.allocations.to(bids)[choice]
        assert allocation.shape == (len(level), CHANNELS)
        return Action(bids[level], allocation, torch.full_like(bids[level], ASKED))
