"""Figures of the trial of the safety layer."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.ticker import MaxNLocator

from adrl_core.evidence.figures.style import DASHES, GREY, INTERVAL, PALETTE, Drawn, draw_band, new_figure
from adrl_core.evidence.governance.common import Trial, trials
from adrl_core.evidence.governance.guardrails import by_condition
from adrl_core.evidence.intervals import mean_interval
from adrl_core.governance.trials.guardrails import PARTS, limits_of

WHOLE = {"enforced": "all of them"}


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """The price of each constraint, and of the cap on exposure."""
    if found := list(trials(results, "guardrails")):
        yield "guardrails-price", price_of_constraints(found)
        yield "guardrails-caps", price_of_caps(found)


def price_of_constraints(found: list[Trial]) -> Drawn:
    """A panel a market: what each constraint alone, and all of them, take off the reward."""
    figure, panels = new_figure(len(found), width=7.8, height=2.7)
    names = {f"only_{part.replace(' ', '_')}": part for part in PARTS} | WHOLE
    for panel, trial in zip(panels, found, strict=True):
        tables = by_condition(trial)
        free = tables["counted"]["reward"]
        for row, condition in enumerate(names):
            change = mean_interval(100.0 * (tables[condition]["reward"] / free - 1.0))
            colour = PALETTE[1] if condition in WHOLE else PALETTE[0]
            panel.barh(row, change.mean, 0.6, color=colour)
            panel.plot([change.low, change.high], [row, row], color="black", linewidth=1.2)
        panel.axvline(0.0, color=GREY, linewidth=0.8)
        labels = list(names.values()) if panel is panels[0] else []
        panel.set(xlabel="change in reward, %", title=trial.market)
        panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        panel.set_yticks(range(len(names)), labels or [""] * len(names))
        panel.invert_yaxis()
    return (
        figure,
        "The price of each constraint",
        "Change in the reward of the same tuned teams on the same episodes with one constraint in force, "
        f"and with all of them; the lines are {INTERVAL}s over training runs.",
        "A panel for each market, with a bar for each constraint of the safety layer and one for all.",
    )


def price_of_caps(found: list[Trial]) -> Drawn:
    """Reward against the largest share of a channel, a line a market."""
    figure, (axes,) = new_figure(1, width=4.8, height=3.0)
    for index, trial in enumerate(found):
        free = by_condition(trial)["counted"]["reward"]
        table = trial.table("caps").pivot(index="cap", columns="seed", values="reward")
        table = pd.concat((table, free.to_frame(1.0).T)).div(free)
        draw_band(axes, 100.0 * table, PALETTE[index], trial.market, DASHES[index])
    axes.axvline(limits_of("channels").largest_share[0], color=GREY, linewidth=0.8)
    axes.set(xlabel="largest share of a channel", ylabel="reward, % of that without a cap")
    axes.legend(loc="lower right")
    return (
        figure,
        "What a cap on exposure costs",
        "Reward of the tuned teams against the largest share of the allocation that one channel may get, "
        "with no other constraint, in percent of the reward without a cap; bands are "
        f"{INTERVAL}s over training runs. "
        "The vertical line is the cap of the safety layer.",
        "A line chart with one line for each market: reward against the largest share of a channel.",
    )
