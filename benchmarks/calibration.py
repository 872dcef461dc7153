"""Seconds to read a log of a million auctions and to calibrate a market to it, on one thread."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import torch

from adrl_core.calibrate.fit import calibrate
from adrl_core.calibrate.log import AuctionLog
from adrl_core.calibrate.money import Terms
from adrl_core.calibrate.read import read_auctions
from adrl_core.calibrate.simulate import simulate_log
from adrl_core.market.presets import CHANNEL_NAMES, CHANNELS_BIDS, PRESETS
from benchmarks.measure import Measurement

EPISODES = 167
"""Episodes of `channels` that hold about a million auctions."""
TERMS = Terms(price_per="click")


def calibration(repeats: int, episodes: int = EPISODES) -> list[Measurement]:
    """Seconds for each kind of log; nothing needs warming up but the files, which the first round does."""
    torch.set_num_threads(1)
    full = simulate_log(PRESETS["channels"], 0, episodes)
    lost = simulate_log(PRESETS["channels"], 0, episodes, CHANNELS_BIDS)
    with TemporaryDirectory() as folder:
        jobs: dict[str, Callable[[], Any]] = {}
        for ending in ("csv", "parquet"):
            path = Path(folder) / f"log.{ending}"
            frame = _table(full)
            frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
            jobs[f"read {ending}, {len(full):,} auctions"] = lambda path=path: read_auctions(path)
        jobs["calibrate, all prices, with time"] = lambda: calibrate(full, TERMS)
        jobs["calibrate, prices of won auctions, with time"] = lambda: calibrate(lost, TERMS)
        still = replace(full, episode=None, step=None)
        jobs["calibrate, all prices, no time"] = lambda: calibrate(still, TERMS)
        return [_timed(what, job, repeats) for what, job in jobs.items()]


def _timed(what: str, job: Callable[[], Any], repeats: int) -> Measurement:
    measurement = Measurement(what, "s")
    for repeat in range(repeats + 1):
        clock = time.perf_counter()
        job()
        if repeat:
            measurement.values.append(time.perf_counter() - clock)
    return measurement


def _table(log: AuctionLog) -> pd.DataFrame:
    names = pd.Categorical.from_codes(log.channel, categories=list(CHANNEL_NAMES))
    return pd.DataFrame(
        {
            "click": log.click.astype(int),
            "price": log.price,
            "channel": names.astype(str),
            "episode": log.episode,
            "step": log.step,
        }
    )
