"""One policy for several markets: planning teams trained on all of them in turn, or on all but one.

Training episode n of every run is on market n modulo their number, so that a generalist meets each of m
markets in one of m episodes, in all of them no more than a specialist meets its own (domain randomisation,
Tobin et al. 2017, over as many domains as there are presets). A run's episode n on a market is the episode
that a specialist of that market meets with the same seed.

A team that has met all markets but one then arrives there: it goes on training for a few episodes, and is
played after more and more of them, beside a team that starts there from nothing.
"""

import logging
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch

from adrl_core.agents.learner import Learner, make_learner
from adrl_core.agents.planner import PlanningTeam
from adrl_core.config import Study, parse_variant
from adrl_core.evaluate import BANK_SEED
from adrl_core.finished import Part, finish, joined
from adrl_core.held_out import play_runs
from adrl_core.market import make_market

log = logging.getLogger(__name__)

FAMILY = ("channels", "margin", "pacing", "shift")
"""The markets that one policy is asked to serve."""
PLAIN, RECALLING = "planner", "planner+planning.recall=0.95"
"""Variants of the team: without memory, and with it."""
BANK = 300
"""Held-out episodes of each market that a run plays, at most."""
MET_OTHERS, FRESH = "met_others", "fresh"
"""How a team arrives on a market: trained on the others, or on none."""
POINTS = {MET_OTHERS: (0, 5, 10, 20, 35, 50), FRESH: (5, 10, 20, 35, 50, 75, 100, 150, 200)}
"""Training episodes on the market that it arrives on, after which it is played; it trains until the last."""
ARRIVAL_BANK = 50
"""Held-out episodes that a run plays each time, at most."""
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
    arrives_on: str = ""
    """Market that it goes on training on, if any."""


def courses() -> list[Course]:
    """On all markets without and with memory; with memory on `shift` alone, on all but one, and on none.

    Those on all but one train on fewer episodes, to cost less. They and those on none then arrive on one.
    """
    unseen = [
        Course(f"without_{new}", RECALLING, tuple(m for m in FAMILY if m != new), (new,), 0.5, new)
        for new in FAMILY
    ]
    fresh = [Course(f"fresh_{new}", RECALLING, (), (), 0.0, new) for new in FAMILY]
    return [
        Course("all", PLAIN, FAMILY, FAMILY),
        Course("all_recall", RECALLING, FAMILY, FAMILY),
        Course("shift_recall", RECALLING, ("shift",), ("shift",)),
        *unseen,
        *fresh,
    ]


class Tables(NamedTuple):
    """What the courses came to; all tables name the course."""

    generalists: pd.DataFrame
    """A row a course, market played and run: means over the held-out episodes of the columns of `play`."""
    trainings: pd.DataFrame
    """A row a course that trains before it is played: variant, training episodes, seconds of processor time
    that they took."""
    arrivals: pd.DataFrame
    """A row an arrival, number of training episodes on its market and run: start, episodes, market, seed, and
    means over the held-out episodes of the columns of `play`."""


def study_generalists(study: Study, directory: Path) -> Tables:
    """Train and play every course and write a parquet file a table.

    Courses that are finished are kept in files ending in resume.pt until all are; a trial that finds some
    goes on from them.

    Raises:
        ConfigurationError: such a file is damaged or belongs to another study.
    """
    # As teams are trained elsewhere: more threads would split sums differently.
    torch.set_num_threads(1)
    settings = study.settings(KEY)
    parts = [
        Part(course.name, partial(_finished, study, course), {"settings": settings, "course": list(course)})
        for course in courses()
    ]
    return Tables(**finish("generalists", parts, directory))


def _finished(study: Study, course: Course) -> dict[str, pd.DataFrame]:
    episodes = max(1, round(course.share * study.episodes)) if course.trained_on else 0
    clock = time.process_time()
    learner = trained(course.variant, course.trained_on, range(study.seeds), episodes, study.checkpoint_every)
    seconds = time.process_time() - clock
    bank = min(BANK, study.evaluation_episodes)
    generalists = [played(learner, market, BANK_SEED, bank) for market in course.played_on]
    trainings, arrivals = [], []
    if episodes:
        row = {"variant": [course.variant], "episodes": episodes, "seconds": seconds}
        trainings.append(pd.DataFrame(row))
    if course.arrives_on:
        start = MET_OTHERS if course.trained_on else FRESH
        most = [min(point, study.episodes) for point in POINTS[start]]
        came = arrived(learner, course.arrives_on, sorted(set(most)), episodes, min(bank, ARRIVAL_BANK))
        arrivals.append(came.assign(start=start))
    parts = zip(Tables._fields, (generalists, trainings, arrivals), strict=True)
    tables = {name: joined(frames) for name, frames in parts}
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


def arrived(learner: Learner, market: str, points: Sequence[int], before: int, bank: int) -> pd.DataFrame:
    """Let teams train on a market, and play held-out episodes there after so many episodes.

    They go on as if their training had been planned for so much longer: a team trained before explores little
    and learns with what is left of the learning rate. Steps remembered from elsewhere are forgotten, so that
    all that is learned from is the new market: in a small trial that cost reward at first and brought more of
    it by the end. Plans of spending are kept, since they count by how like their episodes were.

    Args:
        learner: the teams, changed in place.
        market: where they arrive.
        points: numbers of training episodes there after which they are played, ascending.
        before: training episodes that they have had elsewhere.
        bank: number of held-out episodes that they play each time.

    Returns:
        As `played`, for each point, with `episodes`.
    """
    if isinstance(learner, PlanningTeam):
        learner.stored = 0
    world, done, frames = make_market(market), 0, []
    for point in points:
        for number in range(before + done, before + point):
            learner.play_episode(world, number, before + points[-1])
            learner.learn(number, before + points[-1])
        done = point
        frames.append(played(learner, market, BANK_SEED, bank).assign(episodes=point))
        log.info("%s: played after %d of %d episodes there", market, point, points[-1])
    return pd.concat(frames, ignore_index=True)


def played(learner: Learner, market: str, bank: int, episodes: int) -> pd.DataFrame:
    """Let every run play the first episodes of a bank; a row a run: market, seed and means."""
    means = play_runs(learner.policy(), market, learner.seeds, bank, episodes)
    means.insert(0, "market", market)
    return means
