"""Figure of the trial from logs to online learning: what each start brings, and what going online costs."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from adrl_core.evidence.figures.style import DASHES, GREY, INTERVAL, PALETTE, Drawn, draw_band, new_figure
from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.offline import PREFIX
from adrl_core.evidence.offline_tables import BEST, RULE, Trial, load
from adrl_core.offline.trial import ARMS, PLANNER

LABELS = {
    "scratch": "from scratch",
    "memory": "log in memory only",
    "cloned": "cloned",
    "conservative": "conservative",
    PLANNER: "planning team, offline",
}
LEVELS = {BEST: "oracle", "best_constant": "best constant", RULE: "house rule"}
STRETCHES = 12
"""Means of online reward that are drawn."""


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """The figure, if the trial has run."""
    trial = load(results)
    if trial is not None:
        yield PREFIX, learning_online(trial)


def learning_online(trial: Trial) -> Drawn:
    """Left, held-out reward by online episodes; right, reward while exploring less that of the rule."""
    figure, (held_out, exploring) = new_figure(2, width=7.8, height=3.6)
    rule = trial.met(RULE)
    for place, arm in enumerate(ARMS):
        look = PALETTE[place], LABELS[arm], DASHES[place % len(DASHES)]
        draw_band(held_out, trial.curve(arm), *look)
        draw_band(exploring, _stretches(trial.met(arm) - rule), *look)
    _draw_planner(held_out, trial)
    _draw_levels(held_out, trial)
    held_out.set(xlabel="online episodes so far", ylabel="held-out reward")
    held_out.legend(fontsize=7.5, loc="lower right")
    exploring.axhline(0.0, color=GREY, linewidth=1.0)
    exploring.set(xlabel="online episode", ylabel="reward online, less the house rule's")
    return (
        figure,
        "From logs to online learning",
        f"Going online from different starts, with {INTERVAL} over training runs. Left: reward on held-out "
        f"episodes, without exploring, by the number of online episodes so far; {_levels_in_words(trial)}. "
        "Right: reward of the online episodes themselves, exploration included, less what the house rule "
        "would have earned on the same markets.",
        "Two panels of learning curves for four starts: from scratch, with the log in memory, cloned, and "
        "conservative. On the left, the level of the planning team that read the log only.",
    )


def _stretches(table: pd.DataFrame) -> pd.DataFrame:
    """Means over at most STRETCHES stretches of episodes, at their middles."""
    length = -(-len(table) // STRETCHES)
    means = table.groupby(table.index // length).mean()
    means.index = means.index * length + (length - 1) / 2.0
    return means


def _draw_planner(axes: Axes, trial: Trial) -> None:
    mean, low, high, _ = mean_interval(trial.curve(PLANNER).iloc[0])
    colour = PALETTE[len(ARMS)]
    axes.errorbar(0, mean, yerr=[[mean - low], [high - mean]], fmt="o", color=colour, capsize=3)
    axes.axhline(mean, color=colour, linewidth=1.0, linestyle="-.", label=LABELS[PLANNER])


def _draw_levels(axes: Axes, trial: Trial) -> None:
    for policy, level in _levels(trial).items():
        axes.axhline(level, color=GREY, linewidth=0.9, linestyle=":")
        axes.annotate(
            LEVELS[policy],
            (1.0, level),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 2),
            textcoords="offset points",
            ha="right",
            fontsize=7.5,
            color=GREY,
        )


def _levels(trial: Trial) -> dict[str, float]:
    """Mean reward of the policies that do not learn, on the episodes of the curves."""
    rows = trial.references[trial.references["episode"] < trial.curve_episodes]
    means = rows.groupby("policy")["reward"].mean()
    return {policy: float(means[policy]) for policy in LEVELS if policy in means}


def _levels_in_words(trial: Trial) -> str:
    return "dotted lines are policies that do not learn: " + ", ".join(LEVELS[p] for p in _levels(trial))
