"""The tables of a study as arrays with one row a unit of analysis, and what is measured on them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from adrl_core.agents.baselines import CHAIN_LENGTH
from adrl_core.evidence import arrivals, generalists
from adrl_core.evidence.ablation import WINDOW, episodes_to, threshold
from adrl_core.evidence.claims.entry import Untestable
from adrl_core.evidence.governance import governance_facts
from adrl_core.evidence.quantities import EPISODES, RUNS, Facts
from adrl_core.report.facts import Fact

CHAINS = f"chains of {CHAIN_LENGTH} episodes"
CONVERGENCE = 500
"""Fewest training episodes on which convergence is judged."""

Rows = np.ndarray
"""One row a unit of analysis: (n,), or (n, k) where k numbers belong together."""


class Evidence:
    """The results of one study; anything that it lacks raises Untestable saying what."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self._tables: dict[str, pd.DataFrame] = {}

    def table(self, name: str) -> pd.DataFrame:
        """A table by its path below the results, such as published/full/train/episodes.parquet."""
        if name not in self._tables:
            path = self.results / name
            if not path.exists():
                market, variant, *_ = name.split("/")
                raise Untestable(f"not run in profile {self.results.name}: {variant} on {market}")
            self._tables[name] = pd.read_parquet(path)
        return self._tables[name]

    def trial(self, fact: str) -> Fact:
        """What a trial of governance, or of generalists, measured, by its key."""
        if fact not in self._trials:
            raise Untestable(f"not tried in profile {self.results.name}: {fact}")
        return self._trials[fact]

    @cached_property
    def _trials(self) -> Facts:
        found = governance_facts(self.results) | generalists.facts(self.results)
        return found | arrivals.facts(self.results)

    def log(self, column: str, variant: str = "full", market: str = "published") -> Rows:
        """A column of the training log, (runs, episodes), in the order of the seeds."""
        frame = self.table(f"{market}/{variant}/train/episodes.parquet")
        return frame.pivot(index="seed", columns="episode", values=column).to_numpy(float)

    def update(self, column: str, agent: str) -> Rows:
        """A column of the published team's log of updates, (runs, updates)."""
        frame = self.table("published/full/train/updates.parquet")
        frame = frame[frame["agent"] == agent]
        return frame.pivot(index="seed", columns="episode", values=column).to_numpy(float)

    def bank(self, column: str, variant: str = "full", market: str = "published") -> Rows:
        """A column of the evaluation on the bank, (runs, episodes)."""
        frame = self.table(f"{market}/{variant}/evaluate/evaluation.parquet")
        return frame.pivot(index="seed", columns="episode", values=column).to_numpy(float)

    def reference(self, policy: str, column: str) -> Rows:
        """A policy that does not learn on the bank of `published`, (episodes,)."""
        frame = self.table("published/baselines/evaluation.parquet")
        frame = frame[frame["policy"] == policy].sort_values("episode")
        if frame.empty:
            raise Untestable(f"not played in profile {self.results.name}: {policy}")
        return frame[column].to_numpy(float)

    def level(self, policy: str, column: str) -> float:
        """Mean of a policy that does not learn."""
        return float(self.reference(policy, column).mean())

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """Every decision of the published team's first and last training episode."""
        return self.table("published/full/train/decisions.parquet")

    def settling(self, variant: str = "full") -> Rows:
        """Training episodes until each run's running mean first reaches the threshold of `published`.

        A run that never does counts with the length of the training.
        """
        frame = self.table(f"published/{variant}/train/episodes.parquet")
        window(self.log("reward", variant), 0, None, CONVERGENCE)
        level = threshold(self.table("published/baselines/evaluation.parquet"))
        return episodes_to(frame, level).episodes.astype(float)


def window(log: Rows, start: int, stop: int | None, needed: int | None = None) -> Rows:
    """Episodes start to stop of a training log (runs, episodes)."""
    least = needed or stop or 0
    if log.shape[1] < least:
        raise Untestable(f"needs {least} training episodes, the study has {log.shape[1]}")
    return log[:, start:stop]


def running_mean(log: Rows) -> Rows:
    """Means over every window of WINDOW consecutive episodes, (runs, episodes - WINDOW + 1)."""
    window(log, 0, WINDOW)
    return np.lib.stride_tricks.sliding_window_view(log, WINDOW, axis=1).mean(2)


def in_chains(values: Rows) -> Rows:
    """Episodes of a carried policy as (chains, CHAIN_LENGTH); an unfinished chain is left out."""
    whole = len(values) // CHAIN_LENGTH
    return values[: whole * CHAIN_LENGTH].reshape(whole, CHAIN_LENGTH)


@dataclass(frozen=True)
class Measure:
    """Something measured, with one row a unit of analysis."""

    words: str
    """What it is, as a noun phrase."""
    stage: str
    """Stage whose table it is read from."""
    read: Callable[[Evidence], Rows]
    counted: str = RUNS
    """Unit of analysis."""

    @property
    def least(self) -> int:
        """Units below which no printed value could be refuted."""
        return 100 if self.counted == EPISODES else 5

    @property
    def market(self) -> str:
        """Market of the stage."""
        return self.stage.partition("/")[0]

    @property
    def variant(self) -> str:
        """Variant or group of policies of the stage."""
        return self.stage.split("/")[1]


def per_run_mean(rows: Rows) -> Rows:
    """Mean of each row."""
    return rows.mean(1)


def per_run_sd(rows: Rows) -> Rows:
    """Standard deviation within each row."""
    return rows.std(1, ddof=1)


Summary = Callable[[Rows], Rows]


def on_log(
    words: str,
    column: str,
    summary: Summary = per_run_mean,
    start: int = 0,
    stop: int | None = None,
    needed: int = 0,
) -> Measure:
    """A summary of each run's training episodes start to stop."""

    def read(evidence: Evidence) -> Rows:
        return summary(window(evidence.log(column), start, stop, needed))

    return Measure(words, "published/full/train", read)


def on_bank(
    words: str,
    column: str,
    summary: Summary = per_run_mean,
    variant: str = "full",
    market: str = "published",
) -> Measure:
    """A summary of each run's evaluation on the bank."""
    return Measure(
        words,
        f"{market}/{variant}/evaluate",
        lambda evidence: summary(evidence.bank(column, variant, market)),
    )


def of_policy(words: str, policy: str, *columns: str) -> Measure:
    """Single episodes of a policy that does not learn; several columns side by side."""

    def read(evidence: Evidence) -> Rows:
        rows = [evidence.reference(policy, column) for column in columns]
        return rows[0] if len(rows) == 1 else np.stack(rows, 1)

    return Measure(words, "published/baselines", read, EPISODES)


def of_chains(words: str, column: str, summary: Summary = per_run_mean) -> Measure:
    """A summary of each chain of the Greedy policy whose state is carried over."""
    return Measure(
        words,
        "published/baselines",
        lambda evidence: summary(in_chains(evidence.reference("greedy_carried", column))),
        CHAINS,
    )
