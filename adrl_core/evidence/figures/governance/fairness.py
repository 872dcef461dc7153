"""Figures of the trial of fairness."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.ticker import MaxNLocator

from adrl_core.evidence.figures.style import GREY, INTERVAL, PALETTE, Drawn, label, new_figure
from adrl_core.evidence.governance.common import Trial, trials
from adrl_core.evidence.governance.fairness import exposure_table
from adrl_core.evidence.intervals import mean_interval
from adrl_core.governance.fairness import FOUR_FIFTHS, GROUP_NAMES

MARKERS = ("o", "s", "^")


MEASURES = {"exposure": "exposure", "opportunity": "opportunity", "conversion": "conversions"}
"""What panels call the measures."""


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """Who is reached, and what it costs to reach all alike."""
    for trial in trials(results, "fairness"):
        yield "fairness-rates", rates(trial)
        yield "fairness-parity", price(trial)


def _by_reward(trial: Trial) -> pd.DataFrame:
    """Mean ratio of exposure and reward of each policy, the lowest reward first."""
    return exposure_table(trial).groupby("policy")[["ratio", "reward"]].mean().sort_values("reward")


def rates(trial: Trial) -> Drawn:
    """Rates of the groups under each policy, a panel a measure, with intervals for the teams."""
    frame, order = trial.table("rates"), list(_by_reward(trial).index)
    figure, panels = new_figure(len(MEASURES), width=9.0, height=0.36 * len(order) + 1.2)
    for axes, (measure, title) in zip(panels, MEASURES.items(), strict=True):
        rows = frame[frame["measure"] == measure]
        for g, group in enumerate(GROUP_NAMES):
            of_group = rows[rows["group"] == group].groupby("policy")["rate"]
            for y, policy in enumerate(order):
                runs, at = of_group.get_group(policy), y + 0.2 * (1 - g)
                name = group if y == 0 else None
                axes.plot(runs.mean(), at, MARKERS[g], color=PALETTE[g], markersize=4, label=name)
                if len(runs) > 1:
                    interval = mean_interval(runs)
                    axes.plot([interval.low, interval.high], [at, at], color=PALETTE[g], linewidth=1.2)
        axes.set(yticks=range(len(order)), title=title, xlabel="share of the group", xlim=(0, None))
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.set_yticklabels([label(str(policy)) for policy in order] if axes is panels[0] else [])
    panels[0].legend(title="age", loc="lower right", fontsize=8)
    return (
        figure,
        "Who is reached",
        "Rates by age group in the simulated audience of `channels`: who sees the ad, who does among "
        f"those who would click and buy, and who does buy. Lines are {INTERVAL} over training runs; policies "
        "that do not learn have one run and no line.",
        "Three panels, for exposure, opportunity and conversions: a row a policy with a mark for each of "
        "three age groups.",
    )


def price(trial: Trial) -> Drawn:
    """Lowest over highest exposure of a policy, against its reward."""
    figure, (axes,) = new_figure(1, width=5.6, height=3.6)
    for policy, row in _by_reward(trial).iterrows():
        team = str(policy).startswith(("full", "tuned"))
        axes.plot(row["ratio"], row["reward"], "o", color=PALETTE[1] if team else GREY, markersize=5)
        axes.annotate(
            label(str(policy)), (row["ratio"], row["reward"]), (3, 3), textcoords="offset points", fontsize=7
        )
    axes.axvline(FOUR_FIFTHS, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set(xlabel="lowest over highest exposure", ylabel="reward")
    axes.margins(x=0.2)
    return (
        figure,
        "Parity and reward",
        "Lowest over highest exposure of an age group, against the reward, for each policy; the dashed line "
        "is the four-fifths rule. Trained teams are coloured.",
        "Reward of each policy against the ratio of lowest to highest exposure, with the four-fifths rule as "
        "a line.",
    )
