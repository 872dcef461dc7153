"""A long trial in parts: finished ones are kept beside its outputs until all are; it goes on from them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch

from adrl_core.config import ConfigurationError
from adrl_core.files import replacing, save_table

log = logging.getLogger(__name__)

Frames = Mapping[str, pd.DataFrame]


class Part(NamedTuple):
    """A part of a trial."""

    name: str
    run: Callable[[], Frames]
    """Does the work; returns rows of some of the trial's tables."""
    key: Mapping[str, Any]
    """What the part belongs to: plain values."""


def finish(title: str, parts: Sequence[Part], directory: Path) -> dict[str, pd.DataFrame]:
    """Run the parts that are not finished yet, join the tables of all, and write a parquet file a table.

    Finished parts are kept in files ending in resume.pt until all are.

    Args:
        title: what the log calls the trial.
        parts: in the order of their rows.
        directory: of the files.

    Raises:
        ConfigurationError: such a file is damaged or belongs to something else.
    """
    found = []
    for number, part in enumerate(parts, 1):
        found.append(_once(part, directory / f"{part.name}.resume.pt"))
        log.info("%s: %s, %d of %d done", title, part.name, number, len(parts))
    names = dict.fromkeys(name for part in found for name in part)
    tables = {name: joined([part[name] for part in found if name in part]) for name in names}
    for name, table in tables.items():
        save_table(table, directory / f"{name}.parquet")
    for path in directory.glob("*.resume.pt"):
        path.unlink()
    return tables


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All rows of those that have some."""
    found = [frame for frame in frames if len(frame)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _once(part: Part, path: Path) -> Frames:
    if path.exists():
        return {name: pd.DataFrame(columns) for name, columns in kept(path, part.key).items()}
    tables = part.run()
    keep(path, part.key, {name: frame.to_dict("list") for name, frame in tables.items()})
    return tables


def keep(path: Path, key: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Write tensors and plain values, with what they belong to."""
    with replacing(path) as partial:
        torch.save({"key": dict(key), "content": dict(content)}, partial)


def kept(path: Path, key: Mapping[str, Any]) -> dict[str, Any]:
    """What was kept.

    Raises:
        ConfigurationError: the file is damaged or belongs to something else.
    """
    try:
        found = torch.load(path, weights_only=True)
    except Exception as error:  # torch raises many kinds for damaged archives
        raise ConfigurationError(f"resume = {path}: damaged ({type(error).__name__}); delete it") from None
    if found.get("key") != key:
        raise ConfigurationError(f"resume = {path}: left by another study; delete it to start anew")
    content: dict[str, Any] = found["content"]
    return content
