"""Facts of the calibration's trial, and the constants of a study's markets of one's own."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from adrl_core.calibrate import goodness, trial
from adrl_core.config import MARKET_NAMES
from adrl_core.evidence.quantities import Facts, Origin, counted
from adrl_core.evidence.settings import setting
from adrl_core.evidence.tables import evaluated_markets
from adrl_core.report.facts import Fact

STAGE = "calibration"
CODE = "adrl_core"
INTERVAL = "95 % t interval over blocks of the log"


def facts(results: Path) -> Facts:
    """Keys: `calibration.<log>.<constant>` (with interval) and `.truth`, `.score` (errors from the truth);
    `calibration.<log>.{rows,constants,covered,worst}`; `calibration.<log>.<channel>.{distance,verdict}` and
    `.market_distance`; `calibration.coverage.{mean,least,least_of,most,logs}`; constants of the trial.
    """
    folder = results / STAGE
    if not (folder / "recovery.parquet").exists():
        return {}
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    episodes = trial.episodes_of(manifest["parameters"]["evaluation_episodes"])
    found = constants()
    found[f"{STAGE}.episodes"] = Fact(value=episodes, source=f"{STAGE}/manifest.json", stage=STAGE)
    found |= dict(_recovered(pd.read_parquet(folder / "recovery.parquet")))
    found |= dict(_matched(pd.read_parquet(folder / "match.parquet")))
    return found | dict(_coverage(pd.read_parquet(folder / "coverage.parquet")))


def constants() -> Facts:
    """What was chosen for the trial, and what counts as close."""
    values = {f"small.{key}": value for key, value in trial.SMALL.items()}
    found = {f"{STAGE}.{key}": Fact(value=value, format=",g", source=CODE) for key, value in values.items()}
    found[f"{STAGE}.market"] = Fact(value=trial.MARKET, source=CODE)
    found[f"{STAGE}.close"] = Fact(value=goodness.CLOSE, format=".0%", source=CODE)
    return found


def _recovered(frame: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    for row in _records(frame):
        origin: Origin = {
            "source": f"{STAGE}/recovery.parquet",
            "row": f"log = {row['log']}, constant = {row['constant']}",
            "stage": STAGE,
        }
        key = f"{STAGE}.{row['log']}.{row['constant']}"
        yield (
            key,
            Fact(
                value=row["value"],
                format=".3g",
                low=row["low"],
                high=row["high"],
                interval=INTERVAL,
                n=row["n"],
                unit_of_analysis=row["unit"],
                **origin,
            ),
        )
        yield f"{key}.truth", Fact(value=row["truth"], format=".3g", **origin)
        yield f"{key}.score", Fact(value=(row["value"] - row["truth"]) / row["error"], format=".1f", **origin)
    for log, rows in frame.groupby("log", sort=False):
        origin = {"source": f"{STAGE}/recovery.parquet", "row": f"log = {log}", "stage": STAGE}
        inside = (rows["low"] <= rows["truth"]) & (rows["truth"] <= rows["high"])
        worst = float(((rows["value"] - rows["truth"]) / rows["error"]).abs().max())
        yield f"{STAGE}.{log}.constants", Fact(value=len(rows), **origin)
        yield f"{STAGE}.{log}.covered", counted(int(inside.sum()), len(rows), "constants", **origin)
        yield f"{STAGE}.{log}.worst", Fact(value=worst, unit="standard errors", format=".1f", **origin)


def _matched(frame: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    for row in _records(frame):
        origin: Origin = {
            "source": f"{STAGE}/match.parquet",
            "row": f"log = {row['log']}, channel = {row['channel']}",
            "stage": STAGE,
        }
        key = f"{STAGE}.{row['log']}.{row['channel']}"
        yield f"{STAGE}.{row['log']}.rows", Fact(value=row["rows"], unit="auctions", format=",", **origin)
        for name in ("distance", "market_distance"):
            yield f"{key}.{name}", counted(row[name], row["auctions"], form=".1%", **origin)
        yield f"{key}.verdict", Fact(value="close" if row["fits"] else "not close", **origin)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as plain values."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _coverage(frame: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    inside = (frame["low"] <= frame["truth"]) & (frame["truth"] <= frame["high"])
    shares = inside.groupby(frame["constant"]).mean()
    logs = int(frame["log"].nunique())
    origin: Origin = {"source": f"{STAGE}/coverage.parquet", "stage": STAGE}
    yield f"{STAGE}.coverage.logs", Fact(value=logs, **origin)
    for name, value in (("mean", inside.mean()), ("least", shares.min()), ("most", shares.max())):
        fact = counted(float(value), logs, form=".1%", unit_of_analysis="logs", **origin)
        yield f"{STAGE}.coverage.{name}", fact
    yield f"{STAGE}.coverage.least_of", Fact(value=str(shares.idxmin()), **origin)


def _short(value: float) -> float:
    """A fitted constant to as many digits as anyone would read."""
    return float(f"{value:.4g}")


def own_market_facts(results: Path) -> Facts:
    """Constants of the markets of one's own that a study has evaluated, `constant.<market>.<field>`."""
    found: Facts = {}
    for market in evaluated_markets(results):
        if market in MARKET_NAMES:
            continue
        manifest = results / market / "baselines" / "manifest.json"
        preset = json.loads(manifest.read_text(encoding="utf-8"))["settings"]["preset"]
        for field, value in preset.items():
            fact = setting(tuple(map(_short, value)) if isinstance(value, list) else _short(value))
            source = f"{market}/baselines/manifest.json"
            found[f"constant.{market}.{field}"] = fact.model_copy(update={"source": source})
    return found
