"""Reading bid logs: the three forms give the same, in chunks, and each fault gets one clear error."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adrl_core.config import ConfigurationError
from adrl_core.files import LOG_ENDINGS
from adrl_core.market.bid_log import READERS, Records, read_log
from adrl_core.market.simulated import synthetic_log

GOOD = {"click": [0, 1, 0], "price": [0, 70, 6], "ctr": [0.002, 0.5, 0.0], "time": [1, 1, 5]}


def write(folder: Path, ending: str, frame: pd.DataFrame) -> Path:
    """A log of that form."""
    path = folder / f"log{ending}"
    if ending == ".txt":
        frame[["click", "price", "ctr"]].to_csv(path, sep=" ", header=False, index=False)
    elif ending == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("ending", [".txt", ".csv", ".parquet"])
@pytest.mark.parametrize("chunk", [997, 1_000_000])
def test_all_forms_give_the_log_in_chunks(tmp_path: Path, ending: str, chunk: int) -> None:
    log = synthetic_log()[1]
    frame = pd.DataFrame(log._asdict()).astype({"click": int}).assign(other="ignored", time=0)
    chunks = list(read_log(write(tmp_path, ending, frame[::-1].iloc[::-1]), chunk))
    assert [len(c.price) for c in chunks[:-1]] == [chunk] * (len(chunks) - 1)
    for column, expected in zip(zip(*chunks, strict=True), log, strict=True):
        np.testing.assert_array_equal(np.concatenate(column), expected)


def test_logs_are_sought_with_all_endings() -> None:
    assert tuple(READERS) == LOG_ENDINGS


def test_a_log_has_clicks_prices_and_rates(tmp_path: Path) -> None:
    (records,) = read_log(write(tmp_path, ".csv", pd.DataFrame(GOOD)))
    expected = Records(np.array([False, True, False]), np.array([0, 70, 6]), np.array([0.002, 0.5, 0.0]))
    for found, wanted in zip(records, expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == wanted.dtype


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"click": [0, 2, 1]}, "auction 2: click = 2: expected 0 or 1"),
        ({"price": [0, 1, -3]}, "auction 3: price = -3: expected a whole number of at least 0"),
        ({"price": [0.5, 1.0, 3.0]}, "auction 1: price = 0.5: expected a whole number"),
        ({"ctr": [0.1, 1.5, 0.1]}, "auction 2: ctr = 1.5: expected a number between 0 and 1"),
        ({"ctr": [0.1, np.inf, 0.1]}, "auction 2: ctr = inf: expected"),
        ({"ctr": [0.1, 0.1, np.nan]}, "auction 3: ctr = nan: expected"),
        ({"ctr": ["0.1", "x", "0.1"]}, "auction 2: ctr = x: expected"),
        ({"time": [1, 3, 2]}, "auction 3: time = 2: expected a time, and none before the last"),
        ({"time": ["2013-06-06T10:00", "2013-06-06T09:59", "2013-06-07T00:00"]}, "auction 2: time = 2013"),
        ({"time": ["2013-06-06", "x", "2013-06-07"]}, "auction 2: time = x"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 10])
def test_a_wrong_value_is_named(
    tmp_path: Path, ending: str, change: dict[str, list[object]], message: str, chunk: int
) -> None:
    path = write(tmp_path, ending, pd.DataFrame(GOOD | change))
    with pytest.raises(ConfigurationError) as caught:
        list(read_log(path, chunk))
    assert str(caught.value).startswith(f"log = {path}: {message}")


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_missing_column_is_named(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path, ending, pd.DataFrame(GOOD).drop(columns=["price", "ctr"]))
    with pytest.raises(ConfigurationError, match="lacks the column price, ctr"):
        list(read_log(path))


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_no_auctions(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path, ending, pd.DataFrame(GOOD)[:0])
    with pytest.raises(ConfigurationError, match="holds no auctions"):
        list(read_log(path))


@pytest.mark.parametrize("name", ["log.csv", "log.txt", "log.parquet"])
def test_an_empty_or_damaged_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ConfigurationError, match="empty or damaged"):
        list(read_log(tmp_path / name))


def test_files_that_cannot_be_logs(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"unknown ending; allowed: \.csv, \.parquet, \.txt"):
        list(read_log(tmp_path / "log.xlsx"))
    with pytest.raises(ConfigurationError, match="not found"):
        list(read_log(tmp_path / "log.csv"))
    (tmp_path / "log.txt").write_text("0 1 0.1 7\n")
    with pytest.raises(ConfigurationError, match="4 columns; expected 3, click price ctr"):
        list(read_log(tmp_path / "log.txt"))
    (tmp_path / "log.txt").write_text("0 1 0.1\n0 1\n")
    with pytest.raises(ConfigurationError, match="auction 2: ctr = nan"):
        list(read_log(tmp_path / "log.txt"))
    (tmp_path / "log.txt").write_text("0 1 0.1\n0 1 0.1 7\n")
    with pytest.raises(ConfigurationError, match="line 2, saw 4"):
        list(read_log(tmp_path / "log.txt"))
