"""The trial of one market from training to tables, taken up where it stopped; and the search's bounds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from adrl_core import held_out
from adrl_core.agents.baselines import Constant
from adrl_core.config import TUNING, ConfigurationError, Study
from adrl_core.evaluate import BANK_SEED, play
from adrl_core.market import make_market
from adrl_core.rivals import trial
from adrl_core.rivals.settings import CANDIDATES, CHOSEN, chosen
from adrl_core.rivals.trial import Tables, compete, learning_curves, play_runs
from adrl_core.rivals.tuning import MARKETS, TABLE, search

STUDY = Study.validated(market="channels", seeds=2, episodes=2, evaluation_episodes=3)
TIMED = ["seconds", "steps_per_second"]


def assert_same(one: Tables, other: Tables) -> None:
    """Equal but for the time that was taken."""
    for left, right in zip(one, other, strict=True):
        assert_frame_equal(
            left.drop(columns=TIMED, errors="ignore"), right.drop(columns=TIMED, errors="ignore")
        )


@pytest.mark.slow
def test_a_trial_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = compete(STUDY, tmp_path / "whole")
    assert whole.rivals.groupby("rival", sort=False).size().to_dict() == dict.fromkeys(CHOSEN, 2)
    assert len(whole.trainings) == len(whole.rivals) == 2 * len(CHOSEN)
    assert len(whole.curves) == len(whole.rivals) * STUDY.episodes
    for name, frame in whole._asdict().items():
        stored = pd.read_parquet(tmp_path / "whole" / f"{name}.parquet")
        assert_frame_equal(stored, frame, check_dtype=False, rtol=1e-6)
    assert not list((tmp_path / "whole").glob("*.resume.pt"))

    finish, done = trial._finished, []

    def finish_three(*arguments: object) -> Tables:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(arguments)
        return finish(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(trial, "_finished", finish_three)
    with pytest.raises(KeyboardInterrupt):
        compete(STUDY, tmp_path / "cut")
    assert len(list((tmp_path / "cut").glob("*.resume.pt"))) == 3
    other = Study.validated(market="channels", seeds=2, episodes=3, evaluation_episodes=3)
    with pytest.raises(ConfigurationError, match=r"ppo-shaped-0.resume.pt: left by another study"):
        compete(other, tmp_path / "cut")
    done.clear()
    assert_same(compete(STUDY, tmp_path / "cut"), whole)
    assert len(done) == 3, "six trainings, three of which were there"


def test_damaged_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "ppo-shaped-0.resume.pt").write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match=r"ppo-shaped-0.resume.pt: damaged"):
        compete(STUDY, tmp_path)


def test_runs_are_played_on_the_bank_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "TOGETHER", 2)
    found = play_runs(Constant("c", 3.0), "channels", [4, 9], BANK_SEED, episodes=5)
    expected = play(Constant("c", 3.0), make_market("channels"), np.full(5, BANK_SEED), np.arange(5))
    assert found["seed"].tolist() == [4, 9]
    for column in ("reward", "profit", "roi"):
        np.testing.assert_allclose(found[column], expected[column].mean(), rtol=1e-9)


def test_learning_curves_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "STRETCHES", 2)
    curves = learning_curves([3, 8], np.array([[1.0, 3.0, 5.0], [2.0, 2.0, 8.0]]))
    assert curves.to_dict("list") == {
        "episode": [0, 2, 0, 2],
        "seed": [3, 3, 8, 8],
        "reward": [2.0, 5.0, 2.0, 8.0],
    }


def test_the_best_candidates_were_chosen_within_the_teams_budget() -> None:
    table = pd.read_csv(TABLE)
    for rival, candidates in CANDIDATES.items():
        rows = table[table["rival"] == rival]
        assert rows["candidate"].tolist() == list(candidates)
        assert len(rows) <= TUNING["configurations"]
        assert rows.loc[rows["reward"].idxmax(), "candidate"] == CHOSEN[rival]
        assert set(rows["market"]) == {MARKETS[rival]}
    for column in ("runs", "episodes", "evaluation_episodes"):
        assert table[column].max() <= TUNING[column]


def test_a_horizon_where_the_budget_binds() -> None:
    assert [chosen("dqn", market).discount for market in ("channels", "pacing")] == [0.0, 0.99]
    assert chosen("bandit", "pacing") == chosen("bandit", "channels")


def test_a_search_beyond_the_budget_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="runs = 7: expected 1 to 6"):
        next(search(runs=7))
