"""A user's log as arrays: columns by their own names, time cut into episodes and steps."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from adrl_core.calibrate.gaps import without_gaps
from adrl_core.calibrate.log import AuctionLog, Floats, Integers
from adrl_core.config import ConfigurationError
from adrl_core.market.bid_log import FLAG, RULES, TIME, Rule, numbers, read_frames
from adrl_core.market.presets import CHANNEL_NAMES, STEPS

ALLOWED: Mapping[str, Rule] = MappingProxyType(
    {
        "click": FLAG,
        "price": ("a number of at least 0", lambda x: x >= 0),
        "ctr": ("a number above 0 and at most 1", lambda x: (x > 0) & (x <= 1)),
        "conversion": FLAG,
        "bid": ("a number above 0", lambda x: x > 0),
        "won": FLAG,
        "step": (f"a whole number from 0 to {STEPS - 1}", lambda x: (x >= 0) & (x < STEPS) & (x % 1 == 0)),
    }
)
"""Columns of numbers that a calibration reads, and what each allows."""
LABELS = ("channel", "episode")
"""Columns of any values that are told apart."""
NEEDED = ("click", "price")
KNOWN = (*ALLOWED, *LABELS, TIME)
HOUR = 3600.0
assert set(RULES) <= set(ALLOWED)


def read_auctions(
    path: Path,
    names: Mapping[str, str] | None = None,
    channels: Mapping[str, str] | None = None,
    episode_hours: float = 24.0,
    step_auctions: int = 0,
) -> AuctionLog:
    """The auctions of a log.

    Time is told by the first of these that is there: `step_auctions`; columns `episode` and `step`; a column
    `episode`, each cut into equal steps; a column `time` (timestamps, or seconds), cut into episodes. Left
    out are a last episode that was cut short, and the gaps of a log with times: see `gaps`.

    Args:
        path: CSV or Parquet with named columns, or lines `click price ctr`.
        names: the log's own name of a column of KNOWN, where it has another.
        channels: for a channel of the market, the value of the channel column that stands for it; the
            market's own names if omitted.
        episode_hours: length of an episode where the log has times only.
        step_auctions: take so many consecutive auctions as a step, whatever else the log says of time.

    Raises:
        ConfigurationError: a column is missing, a value not allowed, or two of them contradict each other;
            the message names file, auction, column and value.
    """
    names = dict(names or {})
    for name in names.keys() - set(KNOWN):
        raise ConfigurationError(f"column = {name!r}: unknown; allowed: {', '.join(KNOWN)}")
    own = {name: names.get(name, name) for name in KNOWN}
    parts: dict[str, list[pd.Series]] = {}
    needed = [own[name] for name in dict.fromkeys((*NEEDED, *names))]
    for first, frame in read_frames(path, list(own.values()), needed, time=own[TIME]):
        renamed = frame.rename(columns={theirs: name for name, theirs in own.items()})
        lost = _lost(path, renamed, first)
        for name in [name for name in KNOWN if name in renamed]:
            column = renamed[name]
            if name == "price" and lost is not None:
                column = column.where(~lost, 0.0)
            if name in ALLOWED:
                column = pd.Series(numbers(path, column.rename(own[name]), first, ALLOWED[name]))
            parts.setdefault(name, []).append(column)
    columns = {name: pd.concat(series, ignore_index=True) for name, series in parts.items()}
    log = _assemble(path, columns, own, channels or {}, episode_hours, step_auctions)
    _check(path, log)
    return without_gaps(log).whole() if step_auctions or "episode" not in columns else log


def _lost(path: Path, frame: pd.DataFrame, first: int) -> pd.Series | None:
    """Rows of lost auctions, whose price is not read."""
    if "won" not in frame:
        return None
    return pd.Series(numbers(path, frame["won"], first, FLAG) == 0, index=frame.index)


def _assemble(
    path: Path,
    columns: Mapping[str, pd.Series],
    own: Mapping[str, str],
    channels: Mapping[str, str],
    episode_hours: float,
    step_auctions: int,
) -> AuctionLog:
    def values(name: str) -> Floats | None:
        return columns[name].to_numpy(float) if name in columns else None

    price, bid, won = columns["price"].to_numpy(float), values("bid"), values("won")
    conversion = values("conversion")
    # A log with bids and no word on who won has the rival's price either way.
    is_won = won == 1 if won is not None else (None if bid is None else price <= bid)
    episode, step = _cut(path, columns, own, episode_hours, step_auctions)
    return AuctionLog(
        price=price,
        click=columns["click"].to_numpy() == 1,
        conversion=None if conversion is None else conversion == 1,
        predicted=values("ctr"),
        bid=bid,
        won=is_won,
        channel=_channels(path, columns["channel"], own["channel"], channels)
        if "channel" in columns
        else None,
        episode=episode,
        step=step,
    )


def _channels(path: Path, given: pd.Series, column: str, channels: Mapping[str, str]) -> Integers:
    for name in channels.keys() - set(CHANNEL_NAMES):
        raise ConfigurationError(f"channel = {name!r}: unknown; allowed: {', '.join(CHANNEL_NAMES)}")
    index = {
        channels.get(name, name): number
        for number, name in enumerate(CHANNEL_NAMES)
        if not channels or name in channels
    }
    text = given.astype(str)
    found = text.map(index)
    if found.isna().any():
        stray, there = text[found.isna()].iloc[0], ", ".join(sorted(text.unique())[:10])
        raise ConfigurationError(
            f"log = {path}: {column} = {stray}: stands for no channel of the market; say which with "
            f"--channel {CHANNEL_NAMES[0]}=VALUE (the column holds {there})"
        )
    return found.to_numpy().astype(np.int64)


def _cut(
    path: Path,
    columns: Mapping[str, pd.Series],
    own: Mapping[str, str],
    episode_hours: float,
    step_auctions: int,
) -> tuple[Integers | None, Integers | None]:
    """Episode and step of each auction, or nothing if the log has no time."""
    rows = np.arange(len(columns["price"]))
    if step_auctions:
        return rows // (step_auctions * STEPS), rows // step_auctions % STEPS
    if "episode" in columns:
        episode = pd.factorize(columns["episode"])[0].astype(np.int64)
        if "step" in columns:
            return episode, columns["step"].to_numpy(np.int64)
        place = columns["price"].groupby(episode).cumcount().to_numpy()
        return episode, place * STEPS // np.bincount(episode)[episode]
    if "step" in columns:
        raise ConfigurationError(f"log = {path}: has {own['step']} but no {own['episode']}; both are needed")
    if TIME not in columns:
        return None, None
    seconds = _seconds(columns[TIME])
    position = (seconds - seconds[0]) / (episode_hours * HOUR)
    episode = position.astype(np.int64)
    return episode, np.minimum((position - episode) * STEPS, STEPS - 1).astype(np.int64)


def _seconds(given: pd.Series) -> Floats:
    if pd.api.types.is_numeric_dtype(given):
        return given.to_numpy(float)
    return pd.to_datetime(given).astype("datetime64[ns]").astype("int64").to_numpy() / 1e9


def _check(path: Path, log: AuctionLog) -> None:
    """Columns that contradict each other."""
    faults = [("click = 1 in an auction that was lost", log.click & ~log.is_won)]
    if log.bid is not None:
        faults.append(("price above the bid in an auction that was won", log.is_won & (log.price > log.bid)))
    if log.conversion is not None:
        faults.append(("conversion = 1 without a click", log.conversion & ~log.click))
    if log.won is not None and log.bid is None and not log.won.all():
        faults.append(("lost, but the log has no bids, without which lost auctions tell nothing", ~log.won))
    for words, where in faults:
        if where.any():
            raise ConfigurationError(f"log = {path}: auction {int(where.argmax()) + 1}: {words}")
