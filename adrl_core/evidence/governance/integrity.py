"""Facts of the trial of the monitors: what they find, and what each reward makes of a team."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from adrl_core.evidence.governance.common import share_interval
from adrl_core.evidence.intervals import Estimate, mean_interval
from adrl_core.evidence.paired import paired_facts
from adrl_core.evidence.quantities import METRICS, RUNS, Facts, Origin, counted, estimated
from adrl_core.governance import charts, manipulation
from adrl_core.governance.objectives import Objectives
from adrl_core.governance.trials import integrity as trial
from adrl_core.report.facts import Fact

MARKET = "margin"
STAGE = f"{MARKET}/tuned/integrity"
PREFIX = "governance.integrity"
TRAININGS = {"shaped": f"{MARKET}/tuned/train", "profit": f"{MARKET}/tuned+reward=profit/train"}
"""Folders of the trainings on the two rewards."""
COMPARED = (("shaped", "profit"), ("objectives", "shaped"), ("objectives", "profit"))
"""Rewards whose teams are compared, the first less the second."""
BROUGHT = {
    **METRICS,
    "violation": ("currency units", ".1f"),
    "violation_share": ("of the spend", ".1%"),
    "value": ("reward of several objectives", ".1f"),
}
"""What teams are compared on: unit and display format."""
PER_EPISODES = 1000
"""Episodes that a rate of false alarms is given for."""
STRETCH_SHARE = 0.05
"""Length of a stretch of training, as a share of the whole, within which curves are averaged."""


def facts(results: Path) -> Facts:
    """All facts of the trial, `governance.integrity.*`; only its constants where it has not run."""
    folder, found = results / STAGE, constants()
    if not (folder / "rewards.parquet").exists():
        return found
    found |= dict(detection_facts(pd.read_parquet(folder / "detection.parquet")))
    found |= dict(reward_facts(pd.read_parquet(folder / "rewards.parquet")))
    found |= dict(alarm_facts(pd.read_parquet(folder / "trainings.parquet")))
    curves = {
        name: pd.read_parquet(results / stage / "episodes.parquet") for name, stage in TRAININGS.items()
    }
    return found | dict(divergence_facts(curves))


def constants() -> Facts:
    """What was chosen: limits of the charts, sizes of the manipulations, weights of the objectives."""
    objectives = Objectives()
    values: dict[str, tuple[float, str, str]] = {
        "ewma.weight": (charts.EWMA_WEIGHT, "", ""),
        "ewma.width": (charts.EWMA_WIDTH, "standard deviations", ""),
        "ewma.nominal": (PER_EPISODES / 500.0, f"per {PER_EPISODES} episodes", ".1f"),
        "cusum.slack": (charts.CUSUM_SLACK, "standard deviations", ""),
        "cusum.limit": (charts.CUSUM_LIMIT, "standard deviations", ""),
        "cusum.nominal": (PER_EPISODES / 465.0, f"per {PER_EPISODES} episodes", ".1f"),
        "misaligned.slack": (manipulation.MISALIGNED_SLACK, "standard deviations", ""),
        "misaligned.limit": (manipulation.MISALIGNED_LIMIT, "standard deviations", ""),
        "per_episodes": (PER_EPISODES, "episodes", ","),
        "block": (trial.LARGEST_BLOCK, "episodes", ""),
        "in_control": (2 * trial.LARGEST_BLOCK, "episodes", ""),
        "orders": (manipulation.ORDERS, "deployments", ""),
        "inflation": (trial.INFLATION - 1.0, "", ".0%"),
        "shilling": (trial.SHILLING - 1.0, "", ".0%"),
        "outbidding": (trial.OUTBIDDING - 1.0, "", ".0%"),
        "quality_fall": (trial.QUALITY_FALL, "points", ""),
        "quality_floor": (objectives.quality_floor, "points", ".1f"),
        "weight.profit": (objectives.profit, "", ""),
        "weight.conversions": (objectives.conversions, "", ""),
        "weight.violation": (objectives.violation, "", ""),
    }
    return {
        f"{PREFIX}.{name}": Fact(value=value, unit=unit, format=form, source="adrl_core")
        for name, (value, unit, form) in values.items()
    }


def detection_facts(frame: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    """By condition, metric and chart: share caught, delay, and false alarms where nothing happened.

    Runs all of whose deployments had a false alarm before the onset have no delay, and are left out of it.
    """
    for (team, condition, metric, chart), rows in frame.groupby(
        ["team", "condition", "metric", "chart"], sort=False
    ):
        origin: Origin = {
            "source": f"{STAGE}/detection.parquet",
            "row": f"team = {team}, condition = {condition}, metric = {metric}, chart = {chart}",
            "stage": STAGE,
        }
        runs, key = rows.dropna(subset=["episodes"]), f"{metric}.{chart}"
        if len(runs) < 2:
            continue
        if condition == "none":
            rate = mean_interval(PER_EPISODES * runs["alarmed"] / runs["episodes"])
            unit = f"per {PER_EPISODES} episodes"
            yield f"{PREFIX}.false_alarms.{team}.{key}", estimated(rate, unit, ".1f", RUNS, **origin)
            if metric == "integrity":
                between = counted(PER_EPISODES / rate.mean, rate.n, "episodes", ".0f", **origin)
                yield f"{PREFIX}.false_alarms.{team}.every", between
            if metric == "reward_and_profit":
                played = counted(int(rows["horizon"].sum()), len(rows), "episodes", ",", **origin)
                yield f"{PREFIX}.false_alarms.{team}.watched", played
        else:
            delay, (caught, interval) = mean_interval(runs["episodes"]), share_interval(runs["alarmed"])
            yield f"{PREFIX}.{condition}.{key}.delay", estimated(delay, "episodes", ".1f", RUNS, **origin)
            yield (
                f"{PREFIX}.{condition}.{key}.caught",
                estimated(caught, "of deployments", ".0%", RUNS, interval, **origin),
            )


def reward_facts(frame: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    """What each team brings on held-out episodes, and what one brings more than another, run by run."""
    frame = frame.assign(violation_share=frame["violation"] / frame["spend"])
    runs = {str(name): rows.set_index("seed") for name, rows in frame.groupby("objective")}
    origin: Origin = {"source": f"{STAGE}/rewards.parquet", "stage": STAGE}
    for name, rows in runs.items():
        row = {"row": f"objective = {name}"}
        for metric, (unit, form) in BROUGHT.items():
            estimate = mean_interval(rows[metric])
            yield f"{PREFIX}.{name}.{metric}.mean", estimated(estimate, unit, form, RUNS, **origin, **row)
    for first, second in COMPARED:
        row = {"row": f"objective = {first} less objective = {second}, run by run"}
        for metric, (unit, form) in BROUGHT.items():
            key, ours, theirs = f"{PREFIX}.{first}.minus.{second}.{metric}", runs[first], runs[second]
            yield from paired_facts(key, ours[metric], theirs[metric], unit, form, origin | row).items()


def alarm_facts(frame: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    """How many trainings the monitor of reward and profit finds misaligned, and after how many episodes."""
    for (objective, standard), rows in frame.groupby(["objective", "standard"], sort=False):
        origin: Origin = {
            "source": f"{STAGE}/trainings.parquet",
            "row": f"objective = {objective}, standard = {standard}",
            "stage": STAGE,
        }
        key, alarmed = f"{PREFIX}.trainings.{objective}.{standard}", rows[rows["alarmed"] > 0.0]
        yield f"{key}.alarmed", counted(len(alarmed), len(rows), "runs", **origin)
        yield f"{key}.alarmed_share", counted(len(alarmed) / len(rows), len(rows), "", ".0%", **origin)
        if len(alarmed):
            row = {"row": f"{origin['row']}, median over alarmed runs"}
            middle = float(alarmed["episodes"].median())
            fact = counted(middle, len(alarmed), "training episodes", ".0f", **origin | row)
            yield f"{key}.episodes", fact


def stretches(curves: dict[str, pd.DataFrame], metric: str) -> pd.DataFrame:
    """Shaped less profit, run by run: a row a stretch, by its first episode, and a column a run."""
    shaped, profit = (
        curves[name].pivot(index="episode", columns="seed", values=metric) for name in ("shaped", "profit")
    )
    length = max(1, round(STRETCH_SHARE * len(shaped)))
    return (shaped - profit).groupby(shaped.index // length * length).mean()


def divergence_facts(curves: dict[str, pd.DataFrame]) -> Iterator[tuple[str, Fact]]:
    """From which episode on the two trainings differ in every stretch, and by how much in the last."""
    origin: Origin = {"source": f"{TRAININGS['shaped']}/episodes.parquet", "stage": TRAININGS["shaped"]}
    length = 0
    for metric, wanted in (("reward", "above"), ("profit", "below")):
        table = stretches(curves, metric)
        length = round(len(curves["shaped"]["episode"].unique()) / len(table))
        estimates: list[Estimate] = [mean_interval(row) for row in table.to_numpy()]
        differs = np.array([estimate.word == wanted for estimate in estimates])
        row = {"row": f"less {TRAININGS['profit']}, run by run, in stretches of {length} episodes"}
        unit, form = METRICS[metric]
        key, n = f"{PREFIX}.diverged.{metric}", estimates[-1].n
        yield f"{key}.last", estimated(estimates[-1], unit, form, RUNS, **origin, **row)
        yield f"{key}.word", counted(estimates[-1].word, n, **origin, **row)
        lasting = len(differs) - int(np.logical_and.accumulate(differs[::-1]).sum())
        if lasting < len(differs):
            yield (
                f"{key}.from",
                counted(int(table.index[lasting]), n, "training episodes", "", **origin, **row),
            )
    yield f"{PREFIX}.diverged.stretch", counted(length, n, "training episodes", **origin)
