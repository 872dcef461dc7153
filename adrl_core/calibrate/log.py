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
    """Number of the episode, from 0; none is skipped where the log has a gap."""
    step: Integers | None = None
    """Number of the step within the episode, from 0; given with `episode` only."""

    left_out: int = 0
    """Rows of a last episode that was cut short."""
    beside_gaps: int = 0
    """Rows left out of episodes that were cut short by a gap."""
    skipped: int = 0
    """Episodes without auctions that a gap holds, which are not numbered."""

    def whole(self) -> Self:
        """The log without its last episode if that lacks its last step and is not the only one."""
        if self.episode is None or self.step is None or not len(self):
            return self
        last = self.episode == self.episode.max()
        if last.all() or self.step[last].max() == STEPS - 1:
            return self
        return replace(self.only(~last), left_out=int(last.sum()))

    def only(self, rows: Flags) -> Self:
        """Some of the log's rows."""
        arrays: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        kept: dict[str, Any] = {
            n: value[rows] for n, value in arrays.items() if isinstance(value, np.ndarray)
        }
        return replace(self, **kept)

    def __len__(self) -> int:
        return len(self.price)

    @property
    def rows(self) -> int:
        """Rows of the file, those left out among them."""
        return len(self) + self.left_out + self.beside_gaps

    @property
    def is_won(self) -> Flags:
        """Won auctions, shape (n,)."""
        return np.ones(len(self), bool) if self.won is None else self.won
