"""Figures of the trial of fairness."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from adrl_core.evidence.figures.style import GREY, PALETTE, Drawn, label, new_figure
from adrl_core.evidence.governance.common import Trial, trials
from adrl_core.evidence.governance.fairness import exposure_table
from adrl_core.governance.fairness import FOUR_FIFTHS, GROUP_NAMES

MARKERS = ("o", "s", "^")


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """Who is reached, and what it costs to reach all alike."""
    for trial in trials(results, "fairness"):
        yield "fairness-parity", exposure_and_price(trial)


def exposure_and_price(trial: Trial) -> Drawn:
    """Left, exposure of the groups under each policy; right, its lowest over highest against the reward."""
    rates, parity = trial.table("rates"), exposure_table(trial)
    exposure = rates[rates["measure"] == "exposure"].groupby(["policy", "group"])["rate"].mean().unstack()
    means = parity.groupby("policy")[["ratio", "reward"]].mean().sort_values("reward")
    figure, (groups, price) = new_figure(2, width=7.8, height=0.3 * len(means) + 1.3)
    y = np.arange(len(means))
    for g, group in enumerate(GROUP_NAMES):
        groups.plot(
            exposure.loc[means.index, group], y, MARKERS[g], color=PALETTE[g], label=group, markersize=5
        )
    groups.set(yticks=y, yticklabels=[label(str(p)) for p in means.index], xlabel="share of a group exposed")
    groups.legend(title="age", loc="lower right", fontsize=8)
    for policy, row in means.iterrows():
        team = str(policy).startswith(("full", "tuned"))
        price.plot(row["ratio"], row["reward"], "o", color=PALETTE[1] if team else GREY, markersize=5)
        price.annotate(
            label(str(policy)), (row["ratio"], row["reward"]), (3, 3), textcoords="offset points", fontsize=7
        )
    price.axvline(FOUR_FIFTHS, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    price.set(xlabel="lowest over highest exposure", ylabel="reward")
    price.margins(x=0.2)
    return (
        figure,
        "Who is reached, and at what price",
        "Left: share of each age group in the simulated audience of `channels` that a policy exposes to the "
        "ad. Right: the lowest of these shares over the highest, against the reward; the dashed line is the "
        "four-fifths rule. Trained teams are coloured.",
        "Two panels: exposure of three age groups under each policy, and reward against the ratio of lowest "
        "to highest exposure, with the four-fifths rule as a line.",
    )
