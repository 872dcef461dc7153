"""Trainings of the trials: the study's own learning, resumable, with a watcher that looks on."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from pandas.testing import assert_frame_equal

from adrl_core.agents.team import TeamLearner
from adrl_core.config import ConfigurationError, Study
from adrl_core.governance.learning import learn
from adrl_core.market import make_market
from adrl_core.train import load_team, train

STUDY = Study(market="channels", variant="tuned", seeds=2, episodes=4)


class Diary:
    """Remembers the rewards that it saw; breaks off at an episode if told to."""

    def __init__(self, break_off_at: int = -1) -> None:
        self.seen: dict[int, list[float]] = {}
        self.break_off_at = break_off_at

    def watch(self, number: int, rewards: NDArray, learner: TeamLearner) -> None:
        if number == self.break_off_at:
            raise KeyboardInterrupt
        self.seen[number] = rewards.tolist()

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seen = state["seen"]


def learned(resume: Path, watcher: Diary | None = None) -> tuple[pd.DataFrame, TeamLearner]:
    """The whole training of the study, saved after every episode."""
    learner = TeamLearner(STUDY.team, range(STUDY.seeds))
    frame = learn(
        learner,
        make_market(STUDY.market),
        range(4),
        4,
        resume,
        save_every=1,
        watchers=(watcher,) if watcher else (),
    )
    return frame, learner


def test_learns_like_the_study(tmp_path: Path) -> None:
    """The same episodes and networks as the study's own training."""
    train(STUDY, tmp_path)
    frame, learner = learned(tmp_path / "again.resume.pt")
    own = pd.read_parquet(tmp_path / "episodes.parquet")
    frame = frame.sort_values(["seed", "episode"], ignore_index=True)
    for column in ("seed", "episode", "reward", "conversions", "clicks", "spend", "profit"):
        np.testing.assert_array_equal(frame[column].astype(own[column].dtype), own[column])
    trained = load_team(STUDY, tmp_path / "checkpoint.pt").networks()
    for agent, network in learner.networks().items():
        for name, weights in network.items():
            assert torch.equal(weights, trained[agent][name])


def test_interrupted_and_resumed(tmp_path: Path) -> None:
    """A training that breaks off goes on where it was, watcher included, to the same end."""
    whole, _ = learned(tmp_path / "whole.resume.pt")
    resume = tmp_path / "broken.resume.pt"
    with pytest.raises(KeyboardInterrupt):
        learned(resume, Diary(break_off_at=2))
    assert resume.exists()
    diary = Diary()
    frame, _ = learned(resume, diary)
    assert_frame_equal(frame, whole, check_exact=True)
    assert diary.seen == {n: rows["reward"].tolist() for n, rows in whole.groupby("episode")}
    assert not resume.exists()


def test_state_of_another_training(tmp_path: Path) -> None:
    resume = tmp_path / "a.resume.pt"
    with pytest.raises(KeyboardInterrupt):
        learned(resume, Diary(break_off_at=1))
    other = TeamLearner(STUDY.team, range(3))
    with pytest.raises(ConfigurationError, match="left by another training"):
        learn(other, make_market(STUDY.market), range(4), 4, resume)
