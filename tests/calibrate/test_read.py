"""Logs in their several forms, time cut into episodes and steps, and one clear error for each fault."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from adrl_core.calibrate.read import read_auctions
from adrl_core.config import ConfigurationError


def frame(**columns: Any) -> pd.DataFrame:
    """Four auctions."""
    given: dict[str, Any] = {"click": [0, 1, 0, 1], "price": [1.5, 2.0, 0.0, 4.25]}
    return pd.DataFrame(given | columns)


def read(folder: Path, table: pd.DataFrame, **options: Any):
    """Write a log as CSV and read it."""
    table.to_csv(folder / "log.csv", index=False)
    return read_auctions(folder / "log.csv", **options)


def test_the_least(tmp_path) -> None:
    log = read(tmp_path, frame(other="ignored"))
    assert log.price.tolist() == [1.5, 2.0, 0.0, 4.25]
    assert log.click.tolist() == [False, True, False, True]
    assert (log.predicted, log.bid, log.won, log.channel, log.episode, log.step) == (None,) * 6
    assert log.is_won.all()


def test_all_forms_hold_the_same(tmp_path) -> None:
    table = frame(price=[1, 2, 0, 4], ctr=[0.1, 0.2, 0.3, 0.4])
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.txt").write_text("0 1 0.1\n1 2 0.2\n0 0 0.3\n1 4 0.4\n")
    for name in ("a.csv", "a.parquet", "a.txt"):
        log = read_auctions(tmp_path / name)
        assert log.price.tolist() == [1.0, 2.0, 0.0, 4.0]
        assert log.predicted is not None
        assert log.predicted.tolist() == [0.1, 0.2, 0.3, 0.4]


def test_lost_auctions_need_no_price(tmp_path) -> None:
    log = read(
        tmp_path,
        frame(price=[1.5, np.nan, np.nan, 4.25], click=[0, 0, 0, 1], bid=[2, 2, 2, 5], won=[1, 0, 0, 1]),
    )
    assert log.is_won.tolist() == [True, False, False, True]


def test_bids_tell_who_won(tmp_path) -> None:
    log = read(tmp_path, frame(bid=[1.0, 2.0, 1.0, 5.0]))
    assert log.is_won.tolist() == [False, True, True, True]


def test_own_names(tmp_path) -> None:
    table = frame(gone=[1, 0, 0, 1]).rename(columns={"price": "paid"})
    log = read(tmp_path, table.assign(ctr=0.5), names={"price": "paid", "ctr": "ctr"})
    assert log.price.tolist() == [1.5, 2.0, 0.0, 4.25]
    assert log.predicted is not None


def test_channels(tmp_path) -> None:
    log = read(tmp_path, frame(channel=["video", "search", "display", "video"]))
    assert log.channel is not None
    assert log.channel.tolist() == [2, 0, 1, 2]
    log = read(tmp_path, frame(channel=[7, 9, 7, 9]), channels={"search": "9", "video": "7"})
    assert log.channel is not None
    assert log.channel.tolist() == [2, 0, 2, 0]


def times(log) -> list[tuple[int, int]]:
    """Episode and step of each auction."""
    assert log.episode is not None
    assert log.step is not None
    return list(zip(log.episode.tolist(), log.step.tolist(), strict=True))


def test_episodes_and_steps_as_they_stand(tmp_path) -> None:
    log = read(tmp_path, frame(episode=["mon", "mon", "tue", "tue"], step=[0, 99, 0, 7]))
    assert times(log) == [(0, 0), (0, 99), (1, 0), (1, 7)]


def test_episodes_are_cut_into_equal_steps(tmp_path) -> None:
    assert times(read(tmp_path, frame(episode=[5, 5, 6, 6]))) == [(0, 0), (0, 50), (1, 0), (1, 50)]


@pytest.mark.parametrize(
    "given",
    [
        [0, 12 * 3600, 86399, 86400 + 43200],
        ["2026-01-01 06:00:00", "2026-01-01 18:00:00", "2026-01-02 05:59:59", "2026-01-02 18:00:00"],
    ],
)
def test_times_are_cut_into_episodes_and_an_unfinished_one_is_left_out(tmp_path, given) -> None:
    log = read(tmp_path, frame(time=given))
    assert times(log) == [(0, 0), (0, 50), (0, 99)]
    assert log.left_out == 1
    assert times(read(tmp_path, frame(time=given), episode_hours=240))[-1] == (0, 15)


def test_so_many_auctions_a_step(tmp_path) -> None:
    table = pd.DataFrame({"click": np.zeros(450, int), "price": np.ones(450)})
    log = read(tmp_path, table, step_auctions=2)
    assert (len(log), log.left_out) == (400, 50)
    assert times(log)[:3] == [(0, 0), (0, 0), (0, 1)]
    assert times(log)[-1] == (1, 99)


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"price": [1, -2, 3, 4]}, {}, "auction 2: price = -2: expected a number of at least 0"),
        ({"price": [1, None, 3, 4]}, {}, "auction 2: price = nan: expected a number"),
        ({"click": [0, 1, 2, 0]}, {}, "auction 3: click = 2: expected 0 or 1"),
        ({"ctr": [0.1, 0.0, 1, 1]}, {}, "auction 2: ctr = 0.0: expected a number above 0 and at most 1"),
        ({"bid": [1, 1, 0, 1]}, {}, "auction 3: bid = 0: expected a number above 0"),
        ({"step": [0, 1, 100, 2], "episode": 0}, {}, "auction 3: step = 100: expected a whole number from 0"),
        ({"step": 0}, {}, "has step but no episode"),
        ({"time": [1, 2, 1, 4]}, {}, "auction 3: time = 1: expected a time, and none before the last"),
        ({"won": [1, 0, 1, 1], "bid": 9}, {}, "auction 2: click = 1 in an auction that was lost"),
        ({"won": 1, "bid": [2, 1, 1, 5]}, {}, "auction 2: price above the bid in an auction that was won"),
        ({"won": [0, 1, 1, 1]}, {}, "auction 1: lost, but the log has no bids"),
        ({"conversion": [1, 1, 0, 0]}, {}, "auction 1: conversion = 1 without a click"),
        ({"channel": ["a", "b", "a", "b"]}, {}, "channel = a: stands for no channel .*the column holds a, b"),
        ({"channel": "a"}, {"channels": {"radio": "a"}}, "channel = 'radio': unknown; allowed: search"),
        ({}, {"names": {"cost": "price"}}, "column = 'cost': unknown; allowed: click, price"),
        ({}, {"names": {"bid": "offer"}}, "lacks the column offer"),
        ({"at": ["x", "y", "z", "w"]}, {"names": {"time": "at"}}, "auction 1: at = x: expected a time"),
    ],
)
def test_faults(tmp_path, columns, options, message) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        read(tmp_path, frame(**columns), **options)
    assert "\n" not in str(caught.value)


def test_no_such_log(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match="not found"):
        read_auctions(tmp_path / "log.csv")
    (tmp_path / "log.csv").write_text("click,price\n")
    with pytest.raises(ConfigurationError, match="holds no auctions"):
        read_auctions(tmp_path / "log.csv")
