"""Figures of the trial of the monitors."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

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
from adrl_core.evidence.governance.integrity import STAGE, TRAININGS
from adrl_core.evidence.intervals import mean_interval

CONDITIONS = {
    "suppression": "bids suppressed",
    "rotation": "rotation, every second step",
    "rare_rotation": "rotation, every tenth step",
    "inflated": "own bids inflated",
    "shills": "shills",
    "outbid": "outbid by a rival",
    "quality_fall": "quality falls",
    "none": "nothing happens",
}
SHOWN = {
    ("bids", "drift"): ("bids, drift", "s"),
    ("bid", "cusum"): ("mean bid, CUSUM", "o"),
    ("win_rate", "cusum"): ("win rate, CUSUM", "^"),
    ("quality", "cusum"): ("quality, CUSUM", "D"),
    ("integrity", "any"): ("any of them", "x"),
}
"""Charts that are drawn: name and marker."""
REWARDS = {"shaped": "published reward", "profit": "profit", "objectives": "several objectives"}


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """Name and content of each figure; none where the trial has not run."""
    folder = results / STAGE
    if (folder / "rewards.parquet").exists():
        yield "integrity-delays", delays(pd.read_parquet(folder / "detection.parquet"))
        curves = {
            name: pd.read_parquet(results / stage / "episodes.parquet") for name, stage in TRAININGS.items()
        }
        curves["objectives"] = pd.read_parquet(folder / "learning.parquet")
        yield "integrity-rewards", rewards(curves, pd.read_parquet(folder / "rewards.parquet"))


def delays(frame: pd.DataFrame) -> Drawn:
    """Episodes from the onset to the alarm, by manipulation and chart."""
    figure = Figure(figsize=(7.4, 4.0), layout="constrained")
    axes = figure.subplots()
    frame = frame[frame["team"] == "shaped"]
    for c, ((metric, chart), (name, marker)) in enumerate(SHOWN.items()):
        rows = frame[(frame["metric"] == metric) & (frame["chart"] == chart)].dropna(subset=["episodes"])
        axes.plot([], [], marker, color=PALETTE[c], label=name)
        for height, condition in enumerate(CONDITIONS):
            values = rows.loc[rows["condition"] == condition, "episodes"]
            if len(values) < 2:
                continue
            mean, low, high, _ = mean_interval(values)
            y = height + 0.14 * (c - (len(SHOWN) - 1) / 2.0)
            axes.plot([max(low, 1.0), high], [y, y], color=PALETTE[c], linewidth=1.2)
            axes.plot(mean, y, marker, color=PALETTE[c], markersize=5)
    axes.set(xscale="log", xlabel="episodes until the alarm, or until the end")
    axes.set_yticks(range(len(CONDITIONS)), list(CONDITIONS.values()))
    axes.invert_yaxis()
    axes.axhline(len(CONDITIONS) - 1.5, color=GREY, linewidth=0.8, linestyle=":")
    figure.legend(loc="outside lower center", ncols=len(SHOWN), handletextpad=0.2, columnspacing=1.2)
    return (
        figure,
        "How soon the charts raise the alarm",
        "Episodes from the onset of a manipulation to the alarm; a deployment without one counts with its "
        f"length. Mean over the training runs and {INTERVAL}. Below the dotted line nothing happens: an "
        "alarm there is false, and the later the better.",
        "Dots with intervals on a logarithmic axis of episodes: a group for each manipulation and one for "
        "none, a marker for each chart.",
    )


def rewards(curves: dict[str, pd.DataFrame], frame: pd.DataFrame) -> Drawn:
    """Reward and profit while three teams learn, and what each run brings afterwards."""
    figure, (by_reward, by_profit, held_out) = new_figure(3, width=9.2, height=3.1)
    for c, (name, words) in enumerate(REWARDS.items()):
        for axes, metric in ((by_reward, "reward"), (by_profit, "profit")):
            draw_band(axes, running_means(curves[name], metric), PALETTE[c], words, DASHES[c])
        rows = frame[frame["objective"] == name]
        held_out.plot(rows["reward"], rows["profit"], "o^s"[c], color=PALETTE[c], markersize=4, alpha=0.8)
    by_reward.set(xlabel="training episode", ylabel="published reward", title="reward while learning")
    by_profit.set(xlabel="training episode", ylabel="profit", title="profit while learning")
    held_out.set(xlabel="published reward", ylabel="profit", title="held-out, a point a run")
    handles, names = by_reward.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(REWARDS), title="trained on")
    return (
        figure,
        "What the team is paid for, and what it earns",
        "Teams on `margin` that learn from the published reward, from profit, and from several objectives: "
        f"published reward and profit of the training episodes, running means over the runs with {INTERVAL}, "
        "and of each run on the held-out episodes.",
        "Two line charts over training episodes, of reward and of profit, with a line and band for each of "
        "three teams, and a scatter chart of profit against reward with a point a run.",
    )
