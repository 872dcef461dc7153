"""Finished parts of a trial, kept until all are: tables in a file, and the key they belong to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from adrl_core.config import ConfigurationError
from adrl_core.files import replacing


def keep(path: Path, key: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> None:
    """Write the tables of a part, whole or not at all."""
    content = {name: frame.to_dict("list") for name, frame in tables.items()}
    with replacing(path) as partial:
        torch.save({"key": dict(key), "tables": content}, partial)


def kept(path: Path, key: Mapping[str, Any]) -> dict[str, pd.DataFrame] | None:
    """The tables of a part, or None if it is still to be done.

    Raises:
        ConfigurationError: the file is damaged or belongs to another study.
    """
    if not path.exists():
        return None
    try:
        content = torch.load(path, weights_only=True)
    except Exception as error:  # torch raises many kinds for damaged archives
        raise ConfigurationError(f"resume = {path}: damaged ({type(error).__name__}); delete it") from None
    if content["key"] != key:
        raise ConfigurationError(f"resume = {path}: left by another study; delete it to start anew")
    return {name: pd.DataFrame(columns) for name, columns in content["tables"].items()}
