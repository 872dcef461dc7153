"""What the facts of the trials share: where a trial left its tables, means over runs, and constants."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from adrl_core.evidence.intervals import LEVEL, Estimate, mean_interval
from adrl_core.evidence.quantities import INTERVAL, RUNS, Facts, Origin, estimated
from adrl_core.governance.trials.bank import EPISODES
from adrl_core.report.facts import Fact

CODE = "adrl_core"
EXACT = f"{LEVEL:.0%} exact interval".replace("%", " %")
MANIFEST = "manifest.json"


class Trial(NamedTuple):
    """One trial that has run."""

    results: Path
    stage: str
    """Its folder below the results, such as channels/tuned/privacy."""

    @property
    def market(self) -> str:
        """Market that it ran on."""
        return self.stage.partition("/")[0]

    @property
    def manifest(self) -> dict[str, Any]:
        """What it left in writing about its run."""
        return _manifest(self.results / self.stage / MANIFEST)

    @property
    def episodes(self) -> int:
        """Held-out episodes that each run played in it."""
        return min(EPISODES, int(self.manifest["parameters"]["evaluation_episodes"]))

    def beside(self) -> list[str]:
        """The other stages of the study that ran, in whole or in part, while this one did."""
        own, found = self.manifest, []
        for path in sorted(self.results.glob(f"*/**/{MANIFEST}")):
            stage, other = path.parent.relative_to(self.results).as_posix(), _manifest(path)
            # Times are ISO 8601 in UTC, which sort as texts.
            if stage != self.stage and other["started"] < own["ended"] and own["started"] < other["ended"]:
                found.append(stage)
        return found

    def table(self, name: str) -> pd.DataFrame:
        """One of its tables."""
        return pd.read_parquet(self.results / self.stage / f"{name}.parquet")

    def origin(self, table: str, row: str = "") -> Origin:
        """Where a fact of this trial comes from."""
        return {"source": f"{self.stage}/{table}.parquet", "row": row, "stage": self.stage}


def _manifest(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def trials(results: Path, kind: str) -> Iterator[Trial]:
    """The trials of one kind that have run, by market."""
    for path in sorted(results.glob(f"*/*/{kind}/{MANIFEST}")):
        yield Trial(results, path.parent.relative_to(results).as_posix())


def mean_facts(prefix: str, values: pd.Series, unit: str, form: str, origin: Origin) -> Facts:
    """The mean over runs with its interval, `<prefix>.mean`."""
    return {f"{prefix}.mean": estimated(mean_interval(values), unit, form, RUNS, **origin)}


def share_interval(shares: pd.Series) -> tuple[Estimate, str]:
    """Mean over runs of a share of each, with its interval and what that is called.

    A t interval, kept between none and all. Where all runs have one share their spread says nothing: then
    the exact interval (Clopper and Pearson) of as many trials as there are runs, such as 20 successes of 20.
    """
    if np.ptp(shares) > 0.0:
        mean, low, high, n = mean_interval(shares)
        return Estimate(mean, max(low, 0.0), min(high, 1.0), n), INTERVAL
    mean, n = float(shares.iloc[0]), len(shares)
    low, high = proportion_confint(mean * n, n, 1.0 - LEVEL, method="beta")
    return Estimate(mean, float(low), float(high), n), EXACT


def constant(value: float | str, unit: str = "", form: str = "") -> Fact:
    """A constant of the code as a fact."""
    return Fact(value=value, unit=unit, format=form, source=CODE)
