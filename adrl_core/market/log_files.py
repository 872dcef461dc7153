"""Where real bid logs lie: outside the repository, which may not hold them."""

import os
from pathlib import Path

from adrl_core.market.bid_log import READERS

VARIABLE = "ADRL_LOGS"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data" / "ipinyou"
"""Looked into where the variable is not set: a folder beside the repository's."""


def log_folder() -> Path:
    """Folder of the logs: what the environment variable ADRL_LOGS names, or `shared/data/ipinyou` beside."""
    return Path(os.environ.get(VARIABLE) or BESIDE)


def log_files(name: str) -> tuple[Path, Path] | None:
    """Landscape `<name>.json` and log `<name>-auctions.csv` (.parquet, .txt); None if either is missing."""
    landscape = log_folder() / f"{name}.json"
    logs = [log_folder() / f"{name}-auctions{ending}" for ending in READERS]
    log = next((path for path in logs if path.is_file()), None)
    return (landscape, log) if log and landscape.is_file() else None
