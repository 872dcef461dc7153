"""A log of auctions as arrays, and what they are worth in the market's terms."""

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from adrl_core.market.presets import STEPS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class AuctionLog:
    """Auctions, a row each; every array has shape (n,). What a log does not have is None."""

    price: Floats
    """Highest rival bid, which a winner pays, in the log's money; ignored where the auction was lost."""
    click: Flags
    """Whether the impression was clicked; false where the auction was lost."""
    conversion: Flags | None = None
    """Whether the click converted."""
    predicted: Floats | None = None
    """Click rate that was predicted for the impression."""
    bid: Floats | None = None
    """What was bid, in the log's money."""
    won: Flags | None = None
    """Whether the auction was won; all were if there is no such column."""
    channel: Integers | None = None
    """Index into the market's channels."""
    episode: Integers | None = None
    """Number of the episode, from 0."""
    step: Integers | None = None
    """Number of the step within the episode, from 0; given with `episode` only."""

    left_out: int = 0
    """Rows of a last episode that was cut short."""

    def whole(self) -> Self:
        """The log without its last episode if that lacks its last step and is not the only one."""
        if self.episode is None or self.step is None or not len(self):
            return self
        last = self.episode == self.episode.max()
        if last.all() or self.step[last].max() == STEPS - 1:
            return self
        arrays: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        kept = {name: value[~last] for name, value in arrays.items() if isinstance(value, np.ndarray)}
        return replace(self, **kept, left_out=int(last.sum()))

    def __len__(self) -> int:
        return len(self.price)

    @property
    def is_won(self) -> Flags:
        """Won auctions, shape (n,)."""
        return np.ones(len(self), bool) if self.won is None else self.won
