"""Figures of the trial of the footprint."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrl_core.config import parse_variant
from adrl_core.evidence.figures.style import (
    DASHES,
    GREY,
    INTERVAL,
    PALETTE,
    Drawn,
    draw_band,
    new_figure,
    running_means,
)
from adrl_core.evidence.governance.footprint import KILOWATT_HOUR, STAGE, energy_rows
from adrl_core.evidence.published import printed
from adrl_core.governance.stopping import gains, planned_rule


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """Name and content of each figure; none where the trial has not run."""
    folder = results / STAGE
    if (folder / "stopping.parquet").exists():
        yield "footprint-energy", energy(energy_rows(pd.read_parquet(folder / "energy.parquet")))
        log = pd.read_parquet(folder.parent / "train" / "episodes.parquet")
        yield "footprint-stopping", stopping(log, pd.read_parquet(folder / "stopping.parquet"))
        yield "footprint-transfer", transfer(pd.read_parquet(folder / "transfer.parquet"))


def energy(table: dict[str, dict[str, Any]]) -> Drawn:
    """Energy of a decision, a run and all runs, with ranges, beside the published one."""
    figure, (axes,) = new_figure(1, width=7.0, height=2.2)
    training, decision = table["training"], table["decision"]
    shown = {
        "a decision": (decision, decision["units"]),
        "a training, one run": (training, training["units"]),
        "a training, all runs": (training, 1),
    }
    for height, (row, units) in enumerate(shown.values()):
        value, low, high = (float(row[name]) / units / KILOWATT_HOUR for name in ("energy", "low", "high"))
        axes.plot([low, high], [height, height], color=PALETTE[0], linewidth=5, alpha=0.35)
        axes.plot(value, height, "o", color=PALETTE[0])
    axes.plot(printed("C233").value, len(shown), "D", color=PALETTE[1])
    axes.set_yticks(range(len(shown) + 1), [*shown, "a training, published"])
    axes.set(xscale="log", xlabel="energy in kWh", ylim=(-0.5, len(shown) + 0.5))
    return (
        figure,
        "Energy of a training and of a decision",
        "Estimated energy (dots), with the range that assumptions about the load leave (bars), and the "
        "energy that the published report states (diamond).",
        "Horizontal bars on a logarithmic axis of kilowatt-hours for a decision, one run, all runs, and a "
        "diamond for the published value.",
    )


def stopping(log: pd.DataFrame, runs: pd.DataFrame) -> Drawn:
    """The learning curve with the stops, and what the rule saw at each look."""
    figure, (curve, looks) = new_figure(2, width=8.4, height=3.0)
    draw_band(curve, running_means(log, "reward"), PALETTE[0], "mean over runs")
    rewards = log.pivot(index="episode", columns="seed", values="reward").to_numpy(float)
    rule = planned_rule(parse_variant("tuned"), len(rewards))
    early = runs.loc[runs["stopped"] < runs["episodes"], "stopped"].to_numpy()
    low, high = curve.get_ylim()
    for stop, count in zip(*np.unique(early, return_counts=True), strict=True):
        length = (high - low) * count / len(runs)
        curve.plot([stop, stop], [low, low + length], color=PALETTE[1], linewidth=3)
    curve.set(xlabel="training episode", ylabel="training reward", title="stops", ylim=(low, high))
    played, gain = gains(rewards, rule)
    looks.plot(played, gain, ".", color=GREY, alpha=0.6)
    looks.plot(played, gain.mean(1), color=PALETTE[0], linewidth=1.4)
    looks.axhline(rule.gain, color=PALETTE[1], linestyle=DASHES[1])
    looks.axhline(0.0, color="black", linewidth=0.6)
    looks.set(xlabel="episodes played", ylabel="gain between windows", title="what each look saw")
    return (
        figure,
        "Where the rule stops the training",
        f"Left: training reward, running mean over the runs with {INTERVAL}; the height of a bar is the "
        "share of the runs that stop there. Right: relative gain between the last two windows at each look, "
        "a point a run and their mean; the dashed line is the gain below which a look finds it at rest.",
        "A learning curve with a band and bars at the episodes of the stops, and beside it points of "
        "relative gains at each look with their mean and a dashed limit.",
    )


def transfer(curves: pd.DataFrame) -> Drawn:
    """Learning curves in the other market, from a start elsewhere and from scratch."""
    figure, (axes,) = new_figure(1, width=7.0, height=3.2)
    names = {"scratch": "from scratch", "transferred": "trained on channels before"}
    for c, (start, name) in enumerate(names.items()):
        rows = curves[curves["start"] == start]
        episodes = curves.loc[curves["start"] == "scratch", "episode"].nunique()
        table = rows.pivot(index="episode", columns="seed", values="reward")
        smooth = table.rolling(max(1, round(0.025 * episodes)), min_periods=1).mean()
        draw_band(axes, smooth.iloc[:: max(1, len(smooth) // 200)], PALETTE[c], name, DASHES[c])
    axes.set(xlabel="training episode on shift", ylabel="training reward")
    axes.set_xlim(0, np.ceil(curves["episode"].max()))
    axes.legend(loc="lower right")
    return (
        figure,
        "Learning on another market",
        "Training reward on `shift` of teams that start from scratch and of teams that were trained on "
        f"`channels` before, running means over the runs with {INTERVAL}.",
        "Two learning curves with bands: one over the whole training from scratch, one over the shorter "
        "training after the transfer.",
    )
