"""Training: its tables, and that killing and resuming leaves no trace."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from adrl_core.agents.ddqn import exploration_rate
from adrl_core.agents.team import TeamLearner
from adrl_core.config import ConfigurationError, Study
from adrl_core.market import make_market
from adrl_core.market.presets import STEPS
from adrl_core.train import MODE_NAMES, load_team, train

ROOT = Path(__file__).parents[1]
SMALL = (
    "full+controller.hidden=16+budget.hidden=16+bidding.hidden=16+controller.epochs=1+budget.epochs=1"
    "+bidding.updates_per_episode=3+bidding.replay_capacity=300"
)
STUDY: dict[str, Any] = {
    "market": "channels",
    "variant": SMALL,
    "seeds": 2,
    "episodes": 5,
    "evaluation_episodes": 2,
    "checkpoint_every": 2,
}
TABLES = ("episodes", "updates", "decisions")


def study(**changes: Any) -> Study:
    """A study of seconds."""
    return Study.validated(**(STUDY | changes))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted training."""
    folder = tmp_path_factory.mktemp("train")
    train(study(), folder)
    return folder


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of a training."""
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}


def assert_same(first: Path, second: Path) -> None:
    """Tables and weights of two trainings are equal to the last bit."""
    assert {f.name for f in first.iterdir()} == {f.name for f in second.iterdir()}
    for name, table in tables(first).items():
        pd.testing.assert_frame_equal(table, tables(second)[name], check_exact=True)
    contents = [torch.load(folder / "checkpoint.pt", weights_only=True) for folder in (first, second)]
    assert contents[0]["settings"] == contents[1]["settings"]
    for agent, network in contents[0]["networks"].items():
        for key, value in network.items():
            assert torch.equal(value, contents[1]["networks"][agent][key]), (agent, key)


def test_writes_its_tables_and_nothing_else(finished: Path) -> None:
    assert {f.name for f in finished.iterdir()} == {*(f"{t}.parquet" for t in TABLES), "checkpoint.pt"}
    content = tables(finished)
    keys = ["seed", "episode"]
    expected = [(seed, episode) for seed in range(2) for episode in range(5)]
    episodes, updates, decisions = (content[name] for name in TABLES)
    assert list(episodes[keys].itertuples(index=False, name=None)) == expected
    assert len(updates) == len(expected) * 3
    assert set(updates["agent"]) == {"controller", "budget", "bidding"}
    bidding = updates[updates["agent"] == "bidding"]
    assert bidding[["td_loss", "q_value", "gradient_norm"]].notna().all(axis=None)
    assert updates[updates["agent"] != "bidding"][["policy_loss", "entropy"]].notna().all(axis=None)
    # Every decision of the first and the last episode.
    expected = [(seed, episode, step) for seed in range(2) for episode in (0, 4) for step in range(STEPS)]
    assert list(decisions[[*keys, "step"]].itertuples(index=False, name=None)) == expected


def test_episodes_add_up(finished: Path) -> None:
    """Against the first episodes played again, step by step."""
    episodes, _, decisions = (tables(finished)[name] for name in TABLES)
    played = TeamLearner(study().team, [0, 1]).play_episode(make_market("channels"), 0)
    first = episodes[episodes["episode"] == 0]
    for column, of_step in {
        "reward": lambda step: step.shaped,
        "profit": lambda step: step.profit,
        "spend": lambda step: step.auctions.spend,
        "clicks": lambda step: step.auctions.clicks,
        "conversions": lambda step: step.auctions.conversions,
        "impressions": lambda step: step.auctions.impressions,
    }.items():
        expected = sum(of_step(step).double() for step in played.steps)
        np.testing.assert_allclose(first[column], expected, rtol=1e-6, err_msg=column)
    np.testing.assert_allclose(episodes["roi"], episodes["profit"] / episodes["spend"], rtol=1e-5)
    np.testing.assert_allclose(
        episodes["profit"], 50 * episodes["conversions"] - episodes["spend"], rtol=1e-4
    )
    np.testing.assert_allclose(episodes[[f"share_{mode}" for mode in MODE_NAMES]].sum(axis=1), 1.0, rtol=1e-6)
    rates = [exploration_rate(study().team.bidding, n) for n in episodes["episode"]]
    np.testing.assert_allclose(episodes["epsilon"], rates, rtol=1e-6)
    opening = decisions[decisions["episode"] == 0].groupby("seed")
    np.testing.assert_allclose(opening["reward"].sum(), first["reward"], rtol=1e-5)
    np.testing.assert_allclose(opening["level"].mean(), first["mean_level"], rtol=1e-6)
    asked_both = opening["mode"].agg(lambda mode: (mode == 2).mean())
    np.testing.assert_allclose(asked_both, first["share_both"], rtol=1e-6)
    shares = decisions[[column for column in decisions if column.startswith("allocation_")]]
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(decisions["time_remaining"], 1 - decisions["step"] / STEPS, rtol=1e-6)


def test_training_twice_is_the_same(finished: Path, tmp_path: Path) -> None:
    train(study(), tmp_path)
    assert_same(finished, tmp_path)


@pytest.mark.parametrize("stopped_in", [1, 3])
def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_in: int
) -> None:
    """Ctrl-C before the first save, and between two saves."""
    learn = TeamLearner.learn

    def interrupted(self: TeamLearner, number: int, episodes: int) -> Any:
        if number == stopped_in:
            raise KeyboardInterrupt
        return learn(self, number, episodes)

    with monkeypatch.context() as patch:
        patch.setattr(TeamLearner, "learn", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(study(), tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == (["resume.pt"] if stopped_in > 1 else [])
    train(study(), tmp_path)
    assert_same(finished, tmp_path)


@pytest.mark.slow
def test_a_training_killed_in_the_middle_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    long = study(episodes=30, checkpoint_every=1)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    program = (
        "import sys; from pathlib import Path; from adrl_core.config import Study; "
        "from adrl_core.train import train; "
        "train(Study.model_validate_json(sys.argv[1]), Path(sys.argv[2]))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, long.model_dump_json(), str(killed)], cwd=ROOT)
    deadline = time.monotonic() + 120
    while not (killed / "resume.pt").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (killed / "checkpoint.pt").exists() and not (killed / "episodes.parquet").exists()
    train(long, killed)
    train(long, whole)
    assert_same(whole, killed)


def test_some_runs_or_some_episodes_are_part_of_the_whole(finished: Path, tmp_path: Path) -> None:
    train(study(), tmp_path, runs=[1], stop_after=3)
    part, whole = tables(tmp_path)["episodes"], tables(finished)["episodes"]
    expected = whole[(whole["seed"] == 1) & (whole["episode"] < 3)].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, expected, check_exact=True)


def test_another_study_does_not_take_up_what_was_left(tmp_path: Path) -> None:
    (tmp_path / "resume.pt").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"resume.pt: damaged \(\w+\); delete it"):
        train(study(), tmp_path)
    torch.save({"key": {"study": "other", "seeds": [0, 1]}}, tmp_path / "resume.pt")
    with pytest.raises(
        ConfigurationError, match=r"resume.pt: left by another study; delete it to start anew"
    ):
        train(study(), tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == ["resume.pt"]


def test_the_saved_team_is_the_trained_one(finished: Path) -> None:
    saved = torch.load(finished / "checkpoint.pt", weights_only=True)["networks"]
    loaded = load_team(study(), finished / "checkpoint.pt").networks()
    assert all(
        torch.equal(loaded[agent][key], value) for agent, net in saved.items() for key, value in net.items()
    )


def test_bad_checkpoints(finished: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(ConfigurationError, match=r"checkpoint.pt: not found; train the study first"):
        load_team(study(), checkpoint)
    whole = (finished / "checkpoint.pt").read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"no archive at all"):
        checkpoint.write_bytes(damaged)
        with pytest.raises(ConfigurationError, match=r"checkpoint.pt: damaged \(\w+\); delete it"):
            load_team(study(), checkpoint)
    torch.save([1, 2], checkpoint)
    with pytest.raises(ConfigurationError, match=r"checkpoint.pt: not a checkpoint of this package"):
        load_team(study(), checkpoint)
    checkpoint.write_bytes(whole)
    with pytest.raises(
        ConfigurationError, match=r"not trained with the settings of this study; train it first"
    ) as caught:
        load_team(study(market="published"), checkpoint)
    assert "\n" not in str(caught.value)
