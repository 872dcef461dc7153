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
        return _kept(path, key)
    tables = run()
    content = {name: frame.to_dict("list") for name, frame in tables.items()}
    with replacing(path) as partial:
        torch.save({"key": dict(key), "tables": content}, partial)
    return tables


def _kept(path: Path, key: Mapping[str, Any]) -> Frames:
    try:
        content = torch.load(path, weights_only=True)
    except Exception as error:  # torch raises many kinds for damaged archives
        raise ConfigurationError(f"resume = {path}: damaged ({type(error).__name__}); delete it") from None
    if content["key"] != key:
        raise ConfigurationError(f"resume = {path}: left by another study; delete it to start anew")
    return {name: pd.DataFrame(columns) for name, columns in content["tables"].items()}
