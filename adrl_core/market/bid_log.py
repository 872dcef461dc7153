"""Logs of second-price auctions, read in chunks and validated: who clicked, at what price, how likely."""

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrl_core.config import ConfigurationError

COLUMNS = ("click", "price", "ctr")
"""What a log must hold, in the order of the text form."""
TIME = "time"
"""A further column, only checked: auctions stand in the order in which they were held."""
CHUNK = 1_000_000
"""Auctions held in memory at once."""

Rule = tuple[str, Callable[[NDArray[np.float64]], NDArray[np.bool_]]]
"""What a column allows, in words and as a test; a value that is not finite is never allowed."""
FLAG: Rule = ("0 or 1", lambda x: (x == 0) | (x == 1))
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "click": FLAG,
        "price": ("a whole number of at least 0", lambda x: (x >= 0) & (x == np.floor(x))),
        "ctr": ("a number between 0 and 1", lambda x: (x >= 0) & (x <= 1)),
    }
)
"""What each of the COLUMNS allows."""


class Records(NamedTuple):
    """Auctions in the order in which they were held, each array of shape (n,)."""

    click: NDArray[np.bool_]
    """Whether the impression was clicked, for whoever won it."""
    price: NDArray[np.int64]
    """The winning price, the highest bid of the others, in the log's smallest unit per thousand."""
    ctr: NDArray[np.float64]
    """The click rate that was predicted for the impression."""


def read_log(path: Path, chunk: int = CHUNK) -> Iterator[Records]:
    """The auctions of a log, in chunks, so that a log may be larger than memory.

    `.csv` and `.parquet` hold the named COLUMNS, and may hold TIME and others; `.txt` has a line
    `click price ctr` for each auction.

    Args:
        path: the log.
        chunk: auctions in a chunk; the last may be shorter.

    Raises:
        ConfigurationError: the file is missing, empty, damaged or of an unknown kind, lacks a column, or has
            a value that is not allowed; the message names the file, the auction, the column and the value.
    """
    for first, frame in read_frames(path, COLUMNS, COLUMNS, chunk):
        click, price, ctr = (numbers(path, frame[name], first, RULES[name]) for name in COLUMNS)
        yield Records(click == 1, price.astype(np.int64), ctr)


def read_frames(
    path: Path, wanted: Collection[str], needed: Collection[str], chunk: int = CHUNK, time: str = TIME
) -> Iterator[tuple[int, pd.DataFrame]]:
    """Columns of a log as they stand, in chunks, each with the number of its first auction, from 1.

    Args:
        path: the log.
        wanted: the columns to read where there are such.
        needed: those without which there is no point.
        chunk: auctions in a chunk.
        time: a column that is read besides, and its order checked.

    Raises:
        ConfigurationError: as `read_log`, but for the values of other columns than time.
    """
    reader = READERS.get(path.suffix)
    if reader is None:
        raise ConfigurationError(f"log = {path}: unknown ending; allowed: {', '.join(READERS)}")
    if not path.is_file():
        raise ConfigurationError(f"log = {path}: not found")
    first, latest = 1, -np.inf
    try:
        for frame in reader(path, chunk, {*wanted, time}):
            missing = [name for name in needed if name not in frame]
            if missing:
                raise ConfigurationError(f"log = {path}: lacks the column {', '.join(missing)}")
            if time in frame:
                latest = _in_order(path, frame[time], first, latest)
            if len(frame):
                yield first, frame
            first += len(frame)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"log = {path}: empty or damaged ({reason})") from None
    if first == 1:
        raise ConfigurationError(f"log = {path}: holds no auctions")


def _text(path: Path, chunk: int, wanted: Collection[str]) -> Iterator[pd.DataFrame]:
    with pd.read_csv(path, sep=r"\s+", header=None, chunksize=chunk) as frames:
        for frame in frames:
            if frame.shape[1] != len(COLUMNS):
                raise ConfigurationError(
                    f"log = {path}: {frame.shape[1]} columns; expected {len(COLUMNS)}, {' '.join(COLUMNS)}"
                )
            yield frame.set_axis(list(COLUMNS), axis=1)


def _csv(path: Path, chunk: int, wanted: Collection[str]) -> Iterator[pd.DataFrame]:
    with pd.read_csv(path, usecols=lambda name: name in wanted, chunksize=chunk) as frames:
        yield from frames


def _parquet(path: Path, chunk: int, wanted: Collection[str]) -> Iterator[pd.DataFrame]:
    with pq.ParquetFile(path) as file:
        names = [name for name in file.schema_arrow.names if name in wanted]
        yield pd.DataFrame(columns=names)
        for batch in file.iter_batches(batch_size=chunk, columns=names):
            yield batch.to_pandas()


READERS: Mapping[str, Callable[[Path, int, Collection[str]], Iterator[pd.DataFrame]]] = MappingProxyType(
    {".csv": _csv, ".parquet": _parquet, ".txt": _text}
)
"""How each kind of file is read, by its ending; `files.LOG_ENDINGS` are the same."""


def numbers(path: Path, given: pd.Series, first: int, rule: Rule) -> NDArray[np.float64]:
    """A column as numbers, all of them allowed.

    Args:
        path: the log, for messages.
        given: the column of a chunk.
        first: number of the chunk's first auction.
        rule: what is allowed.

    Raises:
        ConfigurationError: a value is not; the message names file, auction, column and value.
    """
    words, allowed = rule
    values = pd.to_numeric(given, errors="coerce").to_numpy(float)
    wrong = ~(np.isfinite(values) & allowed(values))
    if wrong.any():
        row = int(wrong.argmax())
        raise ConfigurationError(
            f"log = {path}: auction {first + row}: {given.name} = {given.iloc[row]}: expected {words}"
        )
    return values


def _in_order(path: Path, given: pd.Series, first: int, latest: float) -> float:
    """The last time of a chunk, all of which come in order and none before `latest`."""
    values, unknown = given, given.isna()
    if not pd.api.types.is_numeric_dtype(given):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that each time is read by itself, in which form
            moments = pd.to_datetime(given, errors="coerce").astype("datetime64[ns]")
        values, unknown = moments.astype("int64"), moments.isna()
    times = values.to_numpy(float)
    wrong = ~(np.diff(times, prepend=latest) >= 0) | ~np.isfinite(times) | unknown.to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise ConfigurationError(
            f"log = {path}: auction {first + row}: {given.name} = {given.iloc[row]}: "
            "expected a time, and none before the last"
        )
    return float(times[-1]) if len(times) else latest
