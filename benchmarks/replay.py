"""Replayed auctions a second on one thread, for a fixed bidder and with reading; and solving for RLB."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from adrl_core.agents.bidders import RLB, Lin
from adrl_core.agents.value_function import value_function
from adrl_core.market.bid_log import Records, read_log
from adrl_core.market.landscape import Landscape
from adrl_core.market.replay import Bidder, Episodes, episodes, play
from benchmarks.measure import Measurement

AUCTIONS, LENGTH, BASE = 1_000_000, 1000, 10
SHARE = 1 / 8


def replay(repeats: int) -> list[Measurement]:
    """Auctions a second on a log of a million, and seconds to solve the dynamic programme of RLB."""
    landscape, log = made_up()
    budget = landscape.budget(SHARE, LENGTH)
    (held,) = episodes([log], LENGTH)
    found = [
        rate("fixed linear bid, in memory", repeats, lambda: play_all([held], Lin(landscape, BASE), budget))
    ]
    solve = Measurement(f"RLB, solved for {LENGTH:,} auctions, budget {budget:,}", "s")
    for _ in range(repeats):
        clock = time.process_time()
        values = value_function(landscape, LENGTH, budget)
        solve.values.append(time.process_time() - clock)
    found.append(rate("RLB, in memory", repeats, lambda: play_all([held], RLB(landscape, values), budget)))
    with TemporaryDirectory() as folder:
        for path in write(log, Path(folder)):

            def whole(path: Path = path) -> None:
                play_all(episodes(read_log(path), LENGTH), Lin(landscape, BASE), budget)

            found.append(rate(f"fixed linear bid, read from {path.suffix}", repeats, whole))
    return [*found, solve]


def made_up() -> tuple[Landscape, Records]:
    """Prices up to 300 around 60, as in the published logs."""
    generator = np.random.default_rng(0)
    price = np.minimum(generator.lognormal(3.8, 0.9, AUCTIONS), 300).astype(np.int64)
    ctr = 0.004 * generator.lognormal(0.0, 0.5, AUCTIONS)
    click = generator.random(AUCTIONS) < ctr
    return Landscape(np.bincount(price, minlength=301), int(click.sum())), Records(click, price, ctr)


def write(log: Records, folder: Path) -> list[Path]:
    """The log in its three forms."""
    frame = pd.DataFrame(log._asdict()).astype({"click": int})
    text, csv, parquet = (folder / f"log{ending}" for ending in (".txt", ".csv", ".parquet"))
    frame.to_csv(text, sep=" ", header=False, index=False)
    frame.to_csv(csv, index=False)
    frame.to_parquet(parquet, index=False)
    return [text, csv, parquet]


def play_all(parts: Iterable[Episodes], bidder: Bidder, budget: int) -> None:
    """Play all parts of a log."""
    for part in parts:
        play(part, bidder, budget)


def rate(what: str, repeats: int, work: Callable[[], None]) -> Measurement:
    """Auctions a second of some work on all of the log; the first round warms up."""
    measurement = Measurement(what, "auctions/s")
    for repeat in range(repeats + 1):
        clock = time.process_time()
        work()
        if repeat:
            measurement.values.append(AUCTIONS / (time.process_time() - clock))
    return measurement
