"""What a calibration collects on its way: constants, estimates, reasons, notes."""

from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from adrl_core.calibrate.blocks import interval
from adrl_core.calibrate.log import AuctionLog, Floats, Integers
from adrl_core.config_markets import Estimated
from adrl_core.market.presets import CHANNEL_NAMES, CHANNELS, PRESETS, ChannelConstants

TOGETHER = "all"
"""What the only channel of a log is called that tells none."""
UNKNOWN = {
    "price_slope": "competition is not in a log",
    "competition_effect": "competition is not in a log",
    "competition_start": "competition is not in a log",
    "competition_mean": "competition is not in a log",
    "position_exponent": "positions are not in a log",
    "position_cap": "positions are not in a log",
    "reach_curvature": "allocations are not in a log",
}
"""Constants that no log of auctions tells, and why."""


class View(NamedTuple):
    """Which channels of the market a log stands for."""

    names: list[str]
    """The log's channels by name, or TOGETHER alone."""
    channel: Integers
    """The market's channels that they stand for: all, if the log tells none; shape (shown,)."""
    of: Integers
    """Which of the log's channels stands for each of those, shape (shown,)."""
    group: Integers
    """The log's channel of each row, shape (n,)."""

    @property
    def together(self) -> bool:
        """Whether the log tells no channels."""
        return self.names == [TOGETHER]

    def slope(self, base: ChannelConstants) -> Floats:
        """g of each of the log's channels: the base's, or its mean."""
        slope = np.array(base.price_slope)
        return slope.mean(keepdims=True) if self.together else slope[self.channel]


def view(log: AuctionLog) -> View:
    """The channels of a log."""
    if log.channel is None:
        return View([TOGETHER], np.arange(CHANNELS), np.zeros(CHANNELS, int), np.zeros(len(log), int))
    channel, group = np.unique(log.channel, return_inverse=True)
    return View([CHANNEL_NAMES[c] for c in channel], channel, np.arange(len(channel)), group)


class Workings:
    """Constants so far, those of the base to begin with, and where each comes from.

    Args:
        base: name of the base.
        view: the channels that the log stands for.
        block: of each row of the log; errors are worked out over blocks.
    """

    def __init__(self, base: str, view: View, block: Integers) -> None:
        self.base, self.view, self.blocks = base, view, int(block.max(initial=0)) + 1
        self.blocks_of = np.array([len(np.unique(block[view.group == c])) for c in range(len(view.names))])
        """Blocks in which each of the log's channels occurs."""
        self.constants: dict[str, Any] = asdict(PRESETS[base])
        del self.constants["overlay"]
        self.estimates: dict[str, Estimated] = {}
        self.assumed = {name: self.from_base(reason) for name, reason in UNKNOWN.items()}
        self.notes: list[str] = []

    def from_base(self, reason: str) -> str:
        """Why a constant is the base's."""
        return f"{reason}; from {self.base}"

    def put(self, name: str, value: float, lowest: float, highest: float = np.inf) -> None:
        """Set a constant, within what the market allows."""
        self.constants[name] = self._within(name, value, lowest, highest)

    def put_channels(self, name: str, values: Floats, lowest: float, highest: float = np.inf) -> None:
        """Set a constant of the channels that the log stands for, shape (shown,); others stay the base's."""
        triple = list(self.constants[name])
        for channel, value in zip(self.view.channel, values, strict=True):
            place = f"{name}.{CHANNEL_NAMES[channel]}"
            triple[channel] = self._within(place, float(value), lowest, highest)
        self.constants[name] = tuple(triple)
        if missing := [c for i, c in enumerate(CHANNEL_NAMES) if i not in self.view.channel]:
            self.assumed |= {f"{name}.{c}": self.from_base("the log has no such channel") for c in missing}

    def _within(self, name: str, value: float, lowest: float, highest: float) -> float:
        kept = min(max(float(value), lowest), highest)
        if kept != value:
            self.notes.append(f"{name}: the log says {value:.3g}; the market takes {kept:.3g}")
        return kept

    def estimate(
        self,
        name: str,
        value: float,
        error: float,
        n: float,
        unit: str,
        log_scale: bool = False,
        blocks: int | None = None,
    ) -> None:
        """Note an estimate; on the log scale, value and error are of its logarithm.

        Its error comes from so many blocks, or from all.
        """
        low, high = interval(value, error, blocks or self.blocks)
        if log_scale:
            value, low, high = (float(np.exp(x)) for x in (value, low, high))
            error *= value
        self.estimates[name] = Estimated(
            value=float(value), error=float(error), low=low, high=high, n=max(1, round(n)), unit=unit
        )

    def estimate_channels(
        self, name: str, values: Floats, errors: Floats, n: Floats, unit: str, log_scale: bool = False
    ) -> None:
        """Note estimates of the channels that the log stands for; each array has shape (shown,)."""
        blocks = self.blocks_of[self.view.of]
        for channel, told, *parts in zip(self.view.channel, blocks, values, errors, n, strict=True):
            value, error, count = (float(part) for part in parts)
            place = f"{name}.{CHANNEL_NAMES[channel]}"
            self.estimate(place, value, error, count, unit, log_scale, int(told))
