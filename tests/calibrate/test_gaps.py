"""Gaps in a log: closed, episodes that they cut short left out, known constants found as without the gap."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from adrl_core.calibrate.fit import Calibrated, calibrate
from adrl_core.calibrate.gaps import close_gaps
from adrl_core.calibrate.log import AuctionLog
from adrl_core.calibrate.money import Terms
from adrl_core.calibrate.read import read_auctions
from adrl_core.market.presets import CHANNEL_NAMES, PRESETS
from tests.calibrate.simulator import STEPS, drawn_log

CONSTANTS = replace(PRESETS["channels"], auctions=6.0)
DAY = 86400.0


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer paths of the market than a user gets."""
    for module in ("levels", "goodness"):
        monkeypatch.setattr(f"adrl_core.calibrate.{module}.PATHS", 512)


def days(*there: tuple[int, int, int], each: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Episode and step of a log with auctions in steps first to last, both included, of some episodes."""
    place = np.concatenate([np.arange(first, last + 1) + STEPS * day for day, first, last in there])
    return np.divmod(np.repeat(place, each), STEPS)


def whole(*there: int) -> list[tuple[int, int, int]]:
    """Episodes with auctions in all steps."""
    return [(day, 0, STEPS - 1) for day in there]


def test_a_log_without_gaps_stays() -> None:
    episode, step = days(*whole(0, 1), (2, 0, 30))
    found = close_gaps(episode, step)
    assert found.episode.tolist() == episode.tolist()
    assert (found.cut_short.any(), found.skipped) == (False, 0)


def test_episodes_within_gaps_are_not_numbered() -> None:
    found = close_gaps(*days(*whole(0, 1, 4, 5, 90)))
    assert np.unique(found.episode, return_counts=True)[1].tolist() == [500] * 5
    assert found.episode.max() == 4
    assert (found.cut_short.any(), found.skipped) == (False, 2 + 84)


@pytest.mark.parametrize(
    ("before", "after", "skipped"), [((2, 0, 49), (9, 70, 99), 6), ((2, 0, 49), (3, 60, 99), 0)]
)
def test_episodes_that_a_gap_cuts_short_are_left_out(before, after, skipped) -> None:
    last = after[0] + 1
    episode, step = days(*whole(0, 1), before, after, *whole(last, last + 1))
    found = close_gaps(episode, step)
    assert found.skipped == skipped
    assert np.unique(episode[found.cut_short]).tolist() == [before[0], after[0]]
    assert np.unique(found.episode[~found.cut_short]).tolist() == [0, 1, 2, 3]


def test_quiet_nights_do_not_cut_an_episode_short() -> None:
    weeks = [(7 * week + day, 0, 40) for week in range(3) for day in range(5)]
    found = close_gaps(*days(*weeks))
    assert (found.cut_short.any(), found.skipped, found.episode.max()) == (False, 4, 14)
    alone = close_gaps(*days(*[(2 * day, 0, 40) for day in range(5)]))
    assert (alone.cut_short.any(), alone.skipped, alone.episode.max()) == (False, 4, 4)


def test_episodes_that_are_empty_by_chance_count() -> None:
    rng = np.random.default_rng(0)
    place = np.unique(rng.integers(0, 400 * STEPS, 800))
    episode, step = np.divmod(place - place[0], STEPS)
    found = close_gaps(episode, step)
    assert len(np.unique(episode)) < 370
    assert found.episode.tolist() == episode.tolist()


def timed(log: AuctionLog) -> pd.DataFrame:
    """A log with times in seconds from the first midnight, an episode a day."""
    assert log.episode is not None
    assert log.step is not None
    assert log.conversion is not None
    assert log.channel is not None
    time = log.episode * DAY + (log.step + 0.5) * DAY / STEPS
    return pd.DataFrame(
        {
            "time": time * (np.arange(len(log)) > 0),
            "price": log.price,
            "click": log.click.astype(int),
            "conversion": log.conversion.astype(int),
            "channel": np.array(CHANNEL_NAMES)[log.channel],
        }
    )


def found_in(frame: pd.DataFrame, folder) -> tuple[Calibrated, AuctionLog]:
    """What a calibration finds in a log on disk."""
    frame.to_csv(folder / "log.csv", index=False)
    log = read_auctions(folder / "log.csv")
    return calibrate(log, Terms(price_per="click", unit=1.0)), log


def test_a_gap_of_whole_days_changes_nothing_but_is_told(tmp_path) -> None:
    frame = timed(drawn_log(CONSTANTS, 0, 20))
    gap = frame.assign(time=frame["time"] + np.where(frame["time"] < 10 * DAY, 0, 50 * DAY))
    (without, _), (found, _) = (found_in(one, tmp_path) for one in (frame, gap))
    assert found.estimates == without.estimates
    assert found.constants == without.constants
    assert found.estimates["auctions"].low < CONSTANTS.auctions < found.estimates["auctions"].high
    assert set(found.notes) - set(without.notes) == {
        "left out, as gaps of the log: 50 episodes without auctions; those around a gap are counted as "
        "neighbours"
    }


def test_constants_come_back_from_a_log_with_a_gap_within_days(tmp_path) -> None:
    frame = timed(drawn_log(CONSTANTS, 3, 24))
    there = ~frame["time"].between(6.4 * DAY, 9.7 * DAY)
    found, log = found_in(frame[there], tmp_path)
    assert (log.skipped, log.rows) == (2, there.sum())
    assert log.beside_gaps > 0
    one = found.estimates["auctions"]
    assert one.value == pytest.approx(CONSTANTS.auctions, rel=0.05)
    assert one.low < CONSTANTS.auctions < one.high
    assert any(f"cut their episodes short: {log.beside_gaps:,} auctions" in note for note in found.notes)
    demand = next(note for note in found.notes if "demand differs" in note)
    assert float(demand.split("by ")[1].split("%")[0]) < 20
    for name in ("price_spread", "price_reversion", "click_season"):
        estimate = found.estimates[name]
        assert abs(estimate.value - getattr(CONSTANTS, name)) < 4 * estimate.error
