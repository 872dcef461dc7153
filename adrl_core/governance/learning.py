"""Trainings that a trial needs besides the study's own: another market, another start, watched as they go."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from adrl_core.agents.team import Episode, TeamLearner
from adrl_core.config import ConfigurationError
from adrl_core.files import replacing
from adrl_core.market import Market

log = logging.getLogger(__name__)


class Watcher(Protocol):
    """Looks at a training after every episode and remembers what it needs, so that it can be resumed."""

    def watch(self, number: int, rewards: NDArray, learner: TeamLearner) -> None:
        """See the rewards (runs,) of an episode that the teams have just learned from."""

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, as tensors and plain values."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""


def learn(
    learner: TeamLearner,
    market: Market,
    numbers: range,
    schedule: int,
    resume: Path,
    save_every: int = 50,
    watchers: Sequence[Watcher] = (),
) -> pd.DataFrame:
    """Let teams learn from the given episodes, and return what each brought.

    Progress is saved to `resume`, which goes once the training is whole; a training that finds one goes on
    from it. Learning is the study's own: with its market and numbers, the same episodes come out.

    Args:
        learner: the teams; they have learned afterwards.
        market: where they learn.
        numbers: the training episodes, which are market keys as well.
        schedule: episodes that the schedules of exploration and replay are laid out for; learning may go on
            after it, at their ends.
        resume: where progress is saved.
        save_every: episodes between two saves.
        watchers: look on.

    Returns:
        A row an episode and run: seed, episode, reward (shaped), conversions, clicks, spend, profit.

    Raises:
        ConfigurationError: `resume` holds another training.
    """
    torch.set_num_threads(1)
    key = {"numbers": [numbers.start, numbers.stop], "schedule": schedule, "seeds": learner.seeds}
    key |= {"team": learner.config.model_dump()}
    first, rows = numbers.start, []
    if resume.exists():
        saved = torch.load(resume, weights_only=True)
        if saved["key"] != key:
            raise ConfigurationError(f"resume = {resume}: left by another training; delete it to start anew")
        first, rows = saved["next"], saved["rows"]
        learner.load_state_dict(saved["learner"])
        for watcher, state in zip(watchers, saved["watchers"], strict=True):
            watcher.load_state_dict(state)
        log.info("%s: resuming before episode %d", resume.stem, first)
    clock = time.monotonic()
    for number in range(first, numbers.stop):
        laid_out = max(schedule, number + 1)
        episode = learner.play_episode(market, number, laid_out)
        learner.learn(number, laid_out)
        rows.append(_totals(episode, learner.seeds, number))
        for watcher in watchers:
            watcher.watch(number, np.array(rows[-1]["reward"]), learner)
        done = number + 1
        if done % save_every == 0 and done < numbers.stop:
            content = {"key": key, "next": done, "rows": rows, "learner": learner.state_dict()}
            content["watchers"] = [watcher.state_dict() for watcher in watchers]
            with replacing(resume) as path:
                torch.save(content, path)
            left = (numbers.stop - done) * (time.monotonic() - clock) / (done - first)
            log.info("%s: episode %d of %d, %.0f s left", resume.stem, done, numbers.stop, left)
    resume.unlink(missing_ok=True)
    return pd.concat(map(pd.DataFrame, rows), ignore_index=True)


def _totals(episode: Episode, seeds: list[int], number: int) -> dict[str, Any]:
    columns = {
        "reward": [step.shaped for step in episode.steps],
        "conversions": [step.auctions.conversions for step in episode.steps],
        "clicks": [step.auctions.clicks for step in episode.steps],
        "spend": [step.auctions.spend for step in episode.steps],
        "profit": [step.profit for step in episode.steps],
    }
    totals = {name: torch.stack(column).double().sum(0).tolist() for name, column in columns.items()}
    return {"seed": seeds, "episode": [number] * len(seeds), **totals}
