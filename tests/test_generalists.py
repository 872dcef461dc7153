"""Courses of generalists: which markets they meet and when, and a trial taken up where it stopped."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from adrl_core import generalists
from adrl_core.agents.learner import make_learner
from adrl_core.config import ConfigurationError, Study, parse_variant
from adrl_core.evaluate import BANK_SEED, play
from adrl_core.generalists import (
    FAMILY,
    FRESH,
    MET_OTHERS,
    PLAIN,
    POINTS,
    RECALLING,
    Course,
    Tables,
    arrived,
    played,
    study_generalists,
    trained,
)
from adrl_core.market import Market, make_market

STUDY = Study.validated(seeds=2, episodes=4, evaluation_episodes=2)
SMALL = "planner+planning.memory=500+planning.updates_per_episode=1"


class Attendance:
    """A learner that only notes where it plays."""

    def __init__(self, *_: object) -> None:
        self.places: list[tuple[Market, int, int]] = []

    def play_episode(self, market: Market, number: int, episodes: int) -> None:
        """Note it."""
        self.places.append((market, number, episodes))

    def learn(self, number: int, episodes: int) -> None:
        """Note nothing."""


def test_markets_come_in_turn_and_share_the_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generalists, "make_learner", Attendance)
    learner = trained(PLAIN, FAMILY, range(2), episodes=12)
    places = learner.places  # type: ignore[attr-defined]
    assert [number for _, number, _ in places] == list(range(12))
    assert {episodes for *_, episodes in places} == {12}
    # pacing is margin with less money, so budgets and rates together tell the four apart.
    met = [(market.budget, market.constants.click_rate, market.constants.overlay) for market, *_ in places]
    assert met[:4] == met[4:8] == met[8:]
    assert set(Counter(met).values()) == {3}


def test_what_is_left_out_is_never_met() -> None:
    courses = {course.name: course for course in generalists.courses()}
    for market in FAMILY:
        course = courses[f"without_{market}"]
        assert course.played_on == (market,)
        assert set(course.trained_on) == set(FAMILY) - {market}
        assert course.arrives_on == courses[f"fresh_{market}"].arrives_on == market
        assert not courses[f"fresh_{market}"].trained_on
    assert parse_variant(courses["all"].variant).planning.recall == 0.0  # type: ignore[union-attr]
    assert parse_variant(RECALLING).planning.recall > 0.0  # type: ignore[union-attr]


def test_runs_play_the_bank_each_by_itself() -> None:
    learner = make_learner(parse_variant(SMALL), [4, 9])
    learner.play_episode(make_market("pacing"), 0, 1)
    found = played(learner, "pacing", BANK_SEED, 3)
    frame = play(learner.policy(), make_market("pacing"), np.full(6, BANK_SEED), np.tile(np.arange(3), 2))
    assert found["seed"].tolist() == [4, 9]
    assert set(found["market"]) == {"pacing"}
    np.testing.assert_allclose(found["reward"], frame["reward"].to_numpy().reshape(2, 3).mean(1))


@pytest.mark.parametrize(("before", "points"), [(0, (2, 3)), (10, (0, 1, 3))])
def test_arrivals_go_on_with_one_schedule_and_are_played_on_the_way(
    before: int, points: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = Attendance()
    at: list[int] = []

    def note(_: object, market: str, bank: int, episodes: int) -> pd.DataFrame:
        at.append(len(learner.places))
        assert (market, bank, episodes) == ("shift", BANK_SEED, 2)
        return pd.DataFrame({"seed": [0, 1], "reward": 1.0})

    monkeypatch.setattr(generalists, "played", note)
    found = arrived(learner, "shift", points, before, 2)  # type: ignore[arg-type]
    assert at == list(points)
    assert found["episodes"].tolist() == [point for point in points for _ in range(2)]
    assert [number for _, number, _ in learner.places] == list(range(before, before + 3))
    assert {episodes for *_, episodes in learner.places} == {before + 3}


def test_both_starts_are_played_after_the_same_episodes() -> None:
    assert set(POINTS[MET_OTHERS]) - {0} <= set(POINTS[FRESH])
    assert POINTS[MET_OTHERS][0] == 0
    assert all(list(points) == sorted(points) for points in POINTS.values())


def assert_same(one: Tables, other: Tables) -> None:
    """Equal but for the time that was taken."""
    for left, right in zip(one, other, strict=True):
        assert_frame_equal(
            left.drop(columns="seconds", errors="ignore"), right.drop(columns="seconds", errors="ignore")
        )


@pytest.mark.slow
def test_a_trial_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    courses = [
        Course("all", SMALL, FAMILY, ("channels", "pacing")),
        Course("all_recall", f"{SMALL}+planning.recall=0.9", FAMILY, ("pacing",)),
        Course("without_shift", SMALL, FAMILY[:3], ("shift",), 0.5, "shift"),
        Course("fresh_shift", SMALL, (), (), 0.0, "shift"),
    ]
    monkeypatch.setattr(generalists, "courses", lambda: courses)
    whole = study_generalists(STUDY, tmp_path / "whole")
    assert whole.generalists.groupby(["course", "market"], sort=False).size().tolist() == [2, 2, 2, 2]
    assert whole.trainings["episodes"].tolist() == [4, 4, 2]
    arrivals = whole.arrivals.groupby(["course", "start", "episodes"], sort=False).size()
    # No more episodes than the study has.
    met, fresh = ("without_shift", MET_OTHERS), ("fresh_shift", FRESH)
    assert dict(arrivals) == {(*met, 0): 2, (*met, 4): 2, (*fresh, 4): 2}
    for name, frame in whole._asdict().items():
        stored = pd.read_parquet(tmp_path / "whole" / f"{name}.parquet")
        assert_frame_equal(stored, frame, check_dtype=False, rtol=1e-6)
    assert not list((tmp_path / "whole").glob("*.resume.pt"))

    finish, done = generalists._finished, []

    def finish_two(study: Study, course: Course) -> dict[str, pd.DataFrame]:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(course)
        return finish(study, course)

    monkeypatch.setattr(generalists, "_finished", finish_two)
    with pytest.raises(KeyboardInterrupt):
        study_generalists(STUDY, tmp_path / "cut")
    assert len(list((tmp_path / "cut").glob("*.resume.pt"))) == 2
    other = Study.validated(seeds=2, episodes=5, evaluation_episodes=2)
    with pytest.raises(ConfigurationError, match=r"all.resume.pt: left by another study"):
        study_generalists(other, tmp_path / "cut")
    done.clear()
    assert_same(study_generalists(STUDY, tmp_path / "cut"), whole)
    assert [course.name for course in done] == ["without_shift", "fresh_shift"]


def test_damaged_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "all.resume.pt").write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match=r"all.resume.pt: damaged"):
        study_generalists(STUDY, tmp_path)
