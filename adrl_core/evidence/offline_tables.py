"""The tables of the trial from logs to online learning, and the levels to reach."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from adrl_core.evidence.ablation import Reached
from adrl_core.evidence.quantities import METRICS
from adrl_core.report.stages import OFFLINE

STAGE = f"{OFFLINE}/offline"
RULE, BEST = "house_rule_plain", "oracle"
SHARE = 0.9
"""Of the oracle's reward: one of the levels that teams are to reach."""
HOLD = 2
"""Held-out plays in a row for which a level must hold to count as reached."""
LAST = 3
"""Held-out plays at the end whose mean is the level that a team from scratch comes to."""
EARLY = 100
"""Online episodes over which what is lost is added up."""


class Trial(NamedTuple):
    """The tables of the trial."""

    log: pd.DataFrame
    curves: pd.DataFrame
    ends: pd.DataFrame
    online: pd.DataFrame
    references: pd.DataFrame

    @property
    def last(self) -> int:
        """Number of online episodes."""
        return int(self.curves["episode"].max())

    @property
    def early(self) -> int:
        """Online episodes over which what is lost is added up."""
        return min(EARLY, self.last)

    def curve(self, arm: str) -> pd.DataFrame:
        """Held-out reward, a row a play by online episodes before it, a column a run."""
        rows = self.curves[self.curves["arm"] == arm]
        return rows.pivot(index="episode", columns="seed", values="reward")

    def end(self, arm: str, episode: int) -> pd.DataFrame:
        """Means over the bank of an arm's runs, by seed, before the first or after the last episode."""
        rows = self.ends[(self.ends["arm"] == arm) & (self.ends["episode"] == episode)]
        return rows.set_index("seed")[[*METRICS, "spread"]]

    def met(self, arm: str) -> pd.DataFrame:
        """Reward of online episodes, a row an episode, a column a run."""
        rows = self.online[self.online["arm"] == arm]
        return rows.pivot(index="episode", columns="seed", values="reward")

    def level(self, name: str) -> float:
        """A held-out reward to reach, on the episodes of the curves."""
        if name == "scratch":
            return float(self.curve("scratch").iloc[-LAST:].to_numpy().mean())
        policy, share = (RULE, 1.0) if name == "rule" else (BEST, SHARE)
        rows = self.references[self.references["policy"] == policy]
        return share * float(rows["reward"].iloc[: self.curve_episodes].mean())

    @property
    def curve_episodes(self) -> int:
        """Held-out episodes of each point of a curve, the first of the bank."""
        return int(self.curves["held_out"].iloc[0])


def load(results: Path) -> Trial | None:
    """The trial of a study, if it has run."""
    folder = results / STAGE
    if not (folder / "curves.parquet").exists():
        return None
    return Trial(*(pd.read_parquet(folder / f"{name}.parquet") for name in Trial._fields))


def reached(curve: pd.DataFrame, level: float, end: int) -> Reached:
    """After how many episodes the held-out reward of each run reaches a level and holds it for HOLD plays.

    Args:
        curve: a row a play, by episodes before it; a column a run.
        level: the reward to reach.
        end: where runs are cut off that never do.
    """
    met = curve.to_numpy() >= level
    window = min(HOLD, len(met))
    held = np.lib.stride_tricks.sliding_window_view(met, window, axis=0).all(axis=-1)
    ever = np.any(held, axis=0)
    return Reached(np.where(ever, curve.index.to_numpy()[held.argmax(axis=0)], end), ever)
