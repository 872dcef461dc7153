"""Names of markets, and preset files: markets of the channels family with constants of one's own.

A preset is `<name>.json` in the folder that ADRL_PRESETS names, or in presets/ of the repository. `adrl
calibrate` writes one from a log of auctions; a file made by hand needs its `constants` only.
"""

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from adrl_core.config_base import ConfigurationError, Count, Finite, Frozen, Positive, Share, validate

MarketName = str
MARKET_NAMES = ("published", "channels", "margin", "pacing", "shift")
"""The markets that need no preset file."""

NAME = re.compile(r"[a-z][a-z0-9_]*")
RESERVED = frozenset(
    {
        "all",
        "auctions",
        "calibration",
        "claim",
        "commentary",
        "config",
        "constant",
        "contested",
        "custom",
        "figures",
        "generalists",
        "governance",
        "harder",
        "ledger",
        "offline",
        "recomputed",
        "rivals",
        "study",
        "summary",
    }
)
"""Names that folders of results or keys of facts have for something else."""

Triple = tuple[Positive, Positive, Positive]
Rates = tuple[Share, Share, Share]
Swing = Annotated[float, Field(ge=0, lt=1)]
Pull = Annotated[float, Field(ge=0, lt=1)]
NotNegative = Annotated[float, Field(ge=0)]
Level = Annotated[float, Field(ge=0.3, le=1)]
"""Of competition, which the market keeps within these bounds."""


class Constants(Finite):
    """Constants of the channels family and their ranges; `market.presets.ChannelConstants` explains each."""

    budget: Positive
    auctions: Positive
    price_level: Triple
    price_slope: tuple[float, float, float]
    click_rate: Rates
    conversion_rate: Rates
    click_season: Swing
    conversion_season: Swing
    position_exponent: NotNegative
    position_cap: Annotated[float, Field(ge=1)]
    competition_effect: NotNegative
    reach_curvature: Positive
    price_spread: NotNegative
    price_reversion: Pull
    price_noise: Triple = (0.1, 0.1, 0.1)
    volatility: tuple[NotNegative, NotNegative] = (0.1, 0.3)
    competition_start: tuple[Level, Level] = (0.3, 1.0)
    competition_mean: Level = 0.65

    @model_validator(mode="after")
    def _ranges_rise(self) -> Self:
        for name in ("volatility", "competition_start"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: the lower end {low:g} lies above the upper end {high:g}")
        return self


class Estimated(Frozen):
    """A constant found in the log, with its standard error and 95 % interval."""

    value: float
    error: NotNegative
    low: float
    high: float
    n: Count
    """What it rests on, counted in `unit`."""
    unit: str
    """What n counts: auctions, clicks, episodes."""


class Match(Frozen):
    """How well a log-normal describes the prices of one channel, and how well the fitted market does."""

    auctions: Count
    log_mean: float
    """Mean log price per click, in the market's money, of the fitted log-normal."""
    log_sd: NotNegative
    distance: Share
    """Kolmogorov-Smirnov distance of the log's prices from that log-normal."""
    critical: NotNegative
    """What the distance would exceed by chance once in twenty such logs, if prices were independent."""
    market_distance: Share
    """The same for the prices of the fitted market: the largest error of its win rate at any bid."""
    fits: bool
    """Whether the market's win rate is close enough at every bid; the code says how close that is."""


class Calibration(Frozen):
    """Where the constants come from."""

    base: str
    """Built-in preset that gave what the log could not."""
    log: str
    """File name of the log."""
    sha256: str
    rows: Count
    used: Count
    """Rows with a price that the fit could use."""
    price_per: str
    """What the log's prices are paid for: a click, an impression or a thousand impressions."""
    unit: Positive
    """How much of the log's money is one unit of the market's."""
    observed: str
    """What the log shows of prices: all of them, those up to the bid, or those of won auctions."""
    estimates: dict[str, Estimated]
    """By constant, or constant.channel."""
    assumed: dict[str, str]
    """Constant -> why it is not from the log, and where it comes from."""
    match: dict[str, Match]
    """By channel, or `all` where the log tells none."""
    win_rates: dict[str, dict[str, tuple[Share, Share]]]
    """By channel and bid: win rate in the log and in the fitted market."""
    notes: tuple[str, ...]
    """What a user should know before trusting it."""


class Preset(Frozen):
    """Content of a preset file."""

    constants: Constants
    calibration: Calibration | None = None
    """Absent where the file was made by hand."""


def presets_folder() -> Path:
    """Folder of the preset files: ADRL_PRESETS, or presets/ in the repository."""
    return Path(os.environ.get("ADRL_PRESETS") or Path(__file__).parents[1] / "presets").absolute()


def own_markets() -> list[str]:
    """Names of the preset files that are there, sorted."""
    return sorted(path.stem for path in presets_folder().glob("*.json") if NAME.fullmatch(path.stem))


def own_preset(name: MarketName) -> Preset:
    """The content of a preset file.

    Raises:
        ConfigurationError: there is none of that name, it is no JSON, or a field is unknown, missing or out
            of range.
    """
    path = presets_folder() / f"{name}.json"
    if name not in own_markets():
        own = ", ".join(own_markets()) or "none"
        raise ConfigurationError(
            f"market = {name!r}: unknown; allowed: {', '.join(MARKET_NAMES)}, or a preset file "
            f"(in {presets_folder()}: {own})"
        )
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"preset {path}: not JSON ({error})") from None
    try:
        return validate(Preset, content)
    except ConfigurationError as error:
        raise ConfigurationError(f"preset {path}: {error}") from None


def known_market(name: str) -> str:
    """The name itself if there is such a market, built in or with a sound preset file.

    Raises:
        ConfigurationError: there is not, or its file has a fault.
    """
    if name not in MARKET_NAMES:
        own_preset(name)
    return name


def new_market_name(name: str) -> str:
    """The name itself if a preset file may have it.

    Raises:
        ConfigurationError: it is taken, or would not do as the name of a folder and of facts.
    """
    if name in MARKET_NAMES or name in RESERVED or not NAME.fullmatch(name):
        raise ConfigurationError(
            f"name = {name!r}: allowed are small letters, digits and _, beginning with a letter, but not "
            f"{', '.join(sorted({*MARKET_NAMES, *RESERVED}))}"
        )
    return name
