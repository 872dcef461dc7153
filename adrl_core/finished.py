"""Finished parts of a long trial, kept beside its outputs until all are there: it goes on from them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from adrl_core.config import ConfigurationError
from adrl_core.files import replacing

Frames = Mapping[str, pd.DataFrame]


def once(path: Path, key: Mapping[str, Any], run: Callable[[], Frames]) -> Frames:
    """The tables of a part: those kept at `path`, or else what `run` returns, which is then kept there.

    Args:
        path: the file; its name ends in resume.pt.
        key: what the part belongs to.
        run: does the work.

    Raises:
        ConfigurationError: the file is damaged or belongs to something else.
    """
    if path.exists():
        return {name: pd.DataFrame(columns) for name, columns in kept(path, key).items()}
    tables = run()
    keep(path, key, {name: frame.to_dict("list") for name, frame in tables.items()})
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
