"""The trial from log to tables, taken up where it stopped."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from adrl_core.config import TUNING, ConfigurationError, Study, profile_study
from adrl_core.evaluate import BANK_SEED
from adrl_core.offline import search, trial
from adrl_core.offline.trial import ARMS, Tables, compare, sizes

STUDY = Study.validated(market="channels", seeds=2, episodes=6, evaluation_episodes=3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tables]:
    """A small trial without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, compare(STUDY, folder)


def test_sizes_follow_from_the_study() -> None:
    assert sizes(profile_study("paper", "channels", "full")) == (200, 300, 15, 100)
    small = sizes(STUDY)
    assert small == (2, 2, 1, 3)
    for profile in ("smoke", "quick", "paper"):
        found = sizes(profile_study(profile, "channels", "full"))
        assert found.online % found.every == 0 and found.online // found.every >= 2


@pytest.mark.slow
def test_tables_hold_what_they_say(whole: tuple[Path, Tables]) -> None:
    folder, tables = whole
    for name, frame in tables._asdict().items():
        stored = pd.read_parquet(folder / f"{name}.parquet")
        assert_frame_equal(stored, frame, check_dtype=False, rtol=1e-6)
    assert not list(folder.glob("*.resume.pt"))
    plays = tables.curves.groupby("arm")["episode"].unique()
    assert {arm: list(found) for arm, found in plays.items()} == {
        **{arm: [0, 1, 2] for arm in ARMS},
        "planner": [0],
    }
    # The bank is as small as the episodes of a curve, so that both hold the same plays.
    ends = tables.ends.set_index(["arm", "episode", "seed"])["reward"]
    curves = tables.curves.set_index(["arm", "episode", "seed"])["reward"]
    assert set(ends.index.get_level_values("arm")) == {*ARMS, "planner"}
    np.testing.assert_array_equal(ends, curves[ends.index])
    # All arms meet the same markets online, and nobody's is one of the bank.
    assert set(tables.online["arm"]) == {*ARMS, "oracle", "house_rule_plain"}
    assert BANK_SEED not in tables.online["seed"].to_numpy()
    scratch, memory = (tables.online[tables.online["arm"] == arm] for arm in ("scratch", "memory"))
    first = scratch["episode"] == 0
    np.testing.assert_array_equal(scratch["reward"][first], memory["reward"][(memory["episode"] == 0)])


@pytest.mark.slow
def test_a_trial_goes_on_where_it_stopped(
    whole: tuple[Path, Tables], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, done = trial.run_arm, []

    def run_two(*arguments: object) -> dict[str, pd.DataFrame]:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(arguments[1])
        return run(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(trial, "run_arm", run_two)
    with pytest.raises(KeyboardInterrupt):
        compare(STUDY, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*")) == ["memory.resume.pt", "scratch.resume.pt"]
    other = Study.validated(market="channels", seeds=2, episodes=9, evaluation_episodes=3)
    with pytest.raises(ConfigurationError, match=r"scratch.resume.pt: left by another study"):
        compare(other, tmp_path)
    done.clear()
    tables = compare(STUDY, tmp_path)
    assert done == ["cloned", "conservative"]
    for found, expected in zip(tables, whole[1], strict=True):
        assert_frame_equal(found, expected)


def test_damaged_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "scratch.resume.pt").write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match=r"scratch.resume.pt: damaged"):
        compare(STUDY, tmp_path)


def test_the_search_was_no_larger_than_the_teams() -> None:
    table = pd.read_csv(search.TABLE)
    assert len(table) <= TUNING["configurations"]
    for column in ("runs", "episodes", "evaluation_episodes"):
        assert table[column].max() <= TUNING[column]
