"""One policy for several markets: planning teams trained on all of them in turn, or on all but one.

Training episode n of every run is on market n modulo their number, so that a generalist meets each of m
markets in one of m episodes, in all of them no more than a specialist meets its own (domain randomisation,
Tobin et al. 2017, over as many domains as there are presets). A run's episode n on a market is the episode
that a specialist of that market meets with the same seed.
"""

import logging
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from adrl_core.agents.learner import Learner, make_learner
from adrl_core.config import Study, parse_variant
from adrl_core.evaluate import BANK_SEED, play
from adrl_core.files import save_table
from adrl_core.finished import once
from adrl_core.market import make_market

log = logging.getLogger(__name__)

FAMILY = ("channels", "margin", "pacing", "shift")
"""The markets that one policy is asked to serve."""
PLAIN, RECALLING = "planner", "planner+planning.recall=0.95"
"""Variants of the team: without memory, and with it."""
BANK = 300
"""Held-out episodes of each market that a run plays, at most."""
KEY = ("seeds", "episodes", "evaluation_episodes")
"""Fields of the study that decide the outcome."""


class Course(NamedTuple):
    """One training, and where the trained teams are then played."""

    name: str
    variant: str
    trained_on: tuple[str, ...]
    played_on: tuple[str, ...]
    share: float = 1.0
    """Training episodes as a share of the study's."""


def courses() -> list[Course]:
    """On all markets without and with memory; with memory on all but one, and on `shift` alone.

    Those on all but one train on fewer episodes, to cost less.
    """
    unseen = [
        Course(f"without_{left_out}", RECALLING, tuple(m for m in FAMILY if m != left_out), (left_out,), 0.5)
        for left_out in FAMILY
    ]
    return [
        Course("all", PLAIN, FAMILY, FAMILY),
        Course("all_recall", RECALLING, FAMILY, FAMILY),
        Course("shift_recall", RECALLING, ("shift",), ("shift",)),
        *unseen,
    ]


class Tables(NamedTuple):
    """What the courses came to; both tables name the course."""

    generalists: pd.DataFrame
    """A row a course, market played and run: means over the held-out episodes of the columns of `play`."""
    trainings: pd.DataFrame
    """A row a course: variant, training episodes and seconds of processor time that they took."""


def study_generalists(study: Study, directory: Path) -> Tables:
    """Train and play every course and write a parquet file a table.

    Courses that are finished are kept in files ending in resume.pt until all are; a trial that finds some
    goes on from them.

    Raises:
        ConfigurationError: such a file is damaged or belongs to another study.
    """
    # As teams are trained elsewhere: more threads would split sums differently.
    torch.set_num_threads(1)
    found, todo = [], courses()
    for number, course in enumerate(todo, 1):
        path = directory / f"{course.name}.resume.pt"
        key = {"settings": study.settings(KEY), "course": list(course)}
        found.append(once(path, key, partial(_finished, study, course)))
        log.info("%s: %d of %d done", course.name, number, len(todo))
    tables = Tables(
        **{name: pd.concat([part[name] for part in found], ignore_index=True) for name in Tables._fields}
    )
    for name, frame in tables._asdict().items():
        save_table(frame, directory / f"{name}.parquet")
    for path in directory.glob("*.resume.pt"):
        path.unlink()
    return tables


def _finished(study: Study, course: Course) -> dict[str, pd.DataFrame]:
    episodes = max(1, round(course.share * study.episodes))
    clock = time.process_time()
    learner = trained(course.variant, course.trained_on, range(study.seeds), episodes, study.checkpoint_every)
    seconds = time.process_time() - clock
    bank = np.arange(min(BANK, study.evaluation_episodes))
    frames = [played(learner, market, BANK_SEED, bank) for market in course.played_on]
    generalists = pd.concat(frames, ignore_index=True)
    trainings = pd.DataFrame({"variant": [course.variant], "episodes": episodes, "seconds": seconds})
    tables = {"generalists": generalists, "trainings": trainings}
    for frame in tables.values():
        frame.insert(0, "course", course.name)
    return tables


def trained(
    variant: str, markets: Sequence[str], seeds: Sequence[int], episodes: int, report_every: int = 50
) -> Learner:
    """Teams of a variant, one a seed, trained on the markets in turn for so many episodes in all."""
    learner = make_learner(parse_variant(variant), seeds)
    worlds = [make_market(market) for market in markets]
    for number in range(episodes):
        learner.play_episode(worlds[number % len(worlds)], number, episodes)
        learner.learn(number, episodes)
        if (number + 1) % report_every == 0:
            log.info("%s on %s: episode %d of %d", variant, ", ".join(markets), number + 1, episodes)
    return learner


def played(learner: Learner, market: str, bank: int, episodes: np.ndarray) -> pd.DataFrame:
    """Let every run play episodes of a bank; a row a run: market, seed and means of `play`'s columns."""
    numbers = np.tile(episodes, len(learner.seeds))
    frame = play(learner.policy(), make_market(market), np.full(len(numbers), bank), numbers)
    frame["seed"] = np.repeat(learner.seeds, len(episodes))
    means = frame.drop(columns="episode").groupby("seed", as_index=False).mean()
    means.insert(0, "market", market)
    return means
