"""The constants of the markets; equations live in `published` and `channels`.

Besides the built-in presets there are those of preset files (`config_markets`).
"""

from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from adrl_core.config_markets import own_preset

STEPS = 100
STATE_SIZE = 10
CHANNEL_NAMES = ("search", "display", "video")
CHANNELS = len(CHANNEL_NAMES)
BID_LEVELS = 10
DEFAULT_LEVEL = 4
STATE_NAMES = (
    "remaining budget",
    "cost per click",
    "competition",
    "time remaining",
    "conversions",
    "clicks",
    "impressions",
    "volatility",
    "ROI mean",
    "ROI sd",
)

PUBLISHED_BIDS = tuple(float(b) for b in np.linspace(0.5, 5.0, BID_LEVELS))
CHANNELS_BIDS = tuple(float(b) for b in np.linspace(0.5, 4.5, BID_LEVELS))

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class ChannelConstants:
    """Constants of the channels family; triples are in the order search, display, video."""

    budget: float
    """Money for an episode."""
    auctions: float
    """Mean auctions a step in each channel at full allocation."""
    price_level: Triple
    """Median rival price of a channel relative to the market's cost per click (m)."""
    price_slope: Triple
    """Rise of the log median price with competition (g)."""
    click_rate: Triple
    """Clicks per win before season and position."""
    conversion_rate: Triple
    """Conversions per click before season and competition."""
    click_season: float
    """Amplitude of the season in the click rate (Ac)."""
    conversion_season: float
    """Amplitude of the season in the conversion rate (Aq)."""
    position_exponent: float
    """Exponent of bid over median price in the click rate (eta)."""
    position_cap: float
    """Largest factor of the position effect; its inverse is the smallest."""
    competition_effect: float
    """Fall of the conversion rate with competition (chi)."""
    reach_curvature: float
    """Curvature of the reach of an allocation share (kappa)."""
    price_spread: float
    """Standard deviation of the log of the first cost per click (s0)."""
    price_reversion: float
    """Pull of the log cost per click towards log 2 in a step (kc)."""
    price_noise: Triple = (0.1, 0.1, 0.1)
    """Standard deviation of a channel's log rival price beyond the volatility."""
    volatility: tuple[float, float] = (0.1, 0.3)
    """Range of the volatility (v)."""
    competition_start: tuple[float, float] = (0.3, 1.0)
    """Range of the first competition level (h0)."""
    competition_mean: float = 0.65
    """Level that competition is pulled to."""
    overlay: bool = False
    """Whether the regime shifts once in an episode."""


_CHANNELS = ChannelConstants(
    budget=10_000.0,
    auctions=20.0,
    price_level=(1.7, 1.0, 2.1),
    price_slope=(1.2, 0.4, 0.8),
    click_rate=(0.054, 0.024, 0.048),
    conversion_rate=(0.29, 0.08, 0.40),
    click_season=0.65,
    conversion_season=0.5,
    position_exponent=0.5,
    position_cap=1.5,
    competition_effect=0.0,
    reach_curvature=1.0,
    price_spread=0.4,
    price_reversion=0.03,
)
_MARGIN = ChannelConstants(
    budget=10_000.0,
    auctions=80.0,
    price_level=(1.2, 0.6, 0.95),
    price_slope=(1.2, 0.4, 0.8),
    click_rate=(0.10, 0.07, 0.09),
    conversion_rate=(0.044, 0.018, 0.036),
    click_season=0.4,
    conversion_season=0.4,
    position_exponent=0.25,
    position_cap=1.3,
    competition_effect=0.5,
    reach_curvature=1.3,
    price_spread=0.3,
    price_reversion=0.05,
)


class _Presets(dict[str, ChannelConstants]):
    """The built-in presets; any other name is looked up among the preset files, afresh each time."""

    def __missing__(self, name: str) -> ChannelConstants:
        return ChannelConstants(**own_preset(name).constants.model_dump())


PRESETS = MappingProxyType(
    _Presets(
        channels=_CHANNELS,
        margin=_MARGIN,
        pacing=replace(_MARGIN, budget=600.0),
        shift=replace(
            _CHANNELS,
            click_season=0.3,
            conversion_season=0.2,
            competition_start=(0.3, 0.6),
            competition_mean=0.45,
            overlay=True,
        ),
    )
)
"""Named presets of the channels family; those built in when iterated."""
