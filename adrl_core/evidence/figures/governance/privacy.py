"""Figures of the trial of privacy."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from adrl_core.evidence.figures.style import GREY, INTERVAL, PALETTE, Drawn, draw_band, new_figure
from adrl_core.evidence.governance.common import Trial, trials
from adrl_core.evidence.governance.privacy import best_constant
from adrl_core.governance.trials.privacy import BUDGET

TEAMS = {"without": "trained without noise", "with": "trained with noise"}


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """Reward against epsilon, and noise against spread."""
    for trial in trials(results, "privacy"):
        yield "privacy-reward", reward_against_epsilon(trial)


def reward_against_epsilon(trial: Trial) -> Drawn:
    """Left, what privacy costs; right, what the noise of the published budget leaves of each feature."""
    frame, features = trial.table("privacy"), trial.table("features")
    figure, (cost, noise) = new_figure(2, width=7.8, height=3.2)
    finite = sorted(e for e in frame["epsilon"].unique() if math.isfinite(e))
    without_noise = finite[-1] * 10.0
    for index, (team, name) in enumerate(TEAMS.items()):
        rows = frame[frame["team"] == team].replace({"epsilon": {math.inf: without_noise}})
        table = rows.pivot(index="epsilon", columns="seed", values="reward")
        draw_band(cost, table, PALETTE[index], name, ("-", "--")[index])
    blind = best_constant(trial, trial.episodes)
    cost.axhline(blind, color=GREY, linewidth=1.0, linestyle=":", label="best constant, sees nothing")
    cost.axvline(BUDGET, color=GREY, linewidth=0.8)
    cost.set(xscale="log", xlabel="epsilon of an episode", ylabel="reward")
    cost.set_xticks([0.1, 1.0, 10.0, 100.0, 1000.0, without_noise])
    cost.set_xticklabels(["0.1", "1", "10", "100", "1000", "no noise"], rotation=30)
    cost.minorticks_off()
    cost.legend(loc="best", fontsize=8)
    y = np.arange(len(features))
    noise.barh(y - 0.2, features["spread"], 0.38, color=PALETTE[0], label="the feature varies")
    noise.barh(y + 0.2, features["noise"], 0.38, color=PALETTE[1], label="the noise varies")
    noise.set(xscale="log", yticks=y, yticklabels=list(features["feature"]), xlabel="standard deviation")
    noise.invert_yaxis()
    noise.legend(loc="upper right", fontsize=8)
    return (
        figure,
        "What privacy costs",
        "Left: mean reward on held-out episodes of `channels` against the budget of an episode, "
        f"with {INTERVAL} over training runs; the vertical line is the published budget. Right: standard "
        "deviation of the sensitive features over visited states, and of the noise that it asks for.",
        "Two panels: reward against epsilon for teams trained without and with noise, with the best constant "
        "policy for comparison; and bars of the spread of each sensitive feature beside that of its noise.",
    )
