"""Files written whole or not at all, their digests, locks that die with their holder; where bid logs lie."""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import pandas as pd

LOGS = "ADRL_LOGS"
"""Environment variable with the folder of real bid logs, which the repository may not hold."""
LOG_ENDINGS = (".csv", ".parquet", ".txt")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path, which takes the place of `path` only if the block succeeds.

    It lies in a folder of its own, so that two writers do not meet, and is always called the same, as torch
    writes the name of a file into it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=f"{path.stem}.", suffix=".partial") as folder:
        partial = Path(folder) / f"{path.stem}.partial{path.suffix}"
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def exclusive(path: Path, patience: float) -> Iterator[IO[bytes]]:
    """Hold the lock on `path` (created if absent); the kernel releases it when the holder dies.

    Raises:
        BlockingIOError: another process still holds it after `patience` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    give_up = time.monotonic() + patience
    with path.open("ab") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise BlockingIOError(f"{path.parent}: another process works in this folder") from None
                time.sleep(0.2)
        yield handle


def save_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet, whole or not at all, small: single precision, split by byte, compressed."""
    floats = [str(name) for name in frame.select_dtypes("float")]
    with replacing(path) as partial:
        frame.astype(dict.fromkeys(floats, "float32")).to_parquet(
            partial,
            index=False,
            compression="zstd",
            use_dictionary=[str(name) for name in frame if name not in floats],
            use_byte_stream_split=floats,
        )


def log_files(name: str) -> tuple[Path, Path] | None:
    """Landscape `<name>.json` and log `<name>-auctions.csv` (.parquet, .txt); None if either is missing.

    They are sought in the folder that ADRL_LOGS names, or else in shared/data/ipinyou beside the repository.
    """
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "ipinyou"
    folder = Path(os.environ.get(LOGS) or beside)
    landscape, logs = folder / f"{name}.json", [folder / f"{name}-auctions{end}" for end in LOG_ENDINGS]
    log = next((path for path in logs if path.is_file()), None)
    return (landscape, log) if log and landscape.is_file() else None
