"""Figures of the trial of explanations."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from adrl_core.evidence.figures.style import INTERVAL, PALETTE, Drawn, new_figure
from adrl_core.evidence.governance.common import Trial, trials
from adrl_core.evidence.governance.explanations import ranking
from adrl_core.evidence.intervals import mean_interval
from adrl_core.governance.trials.explanations import AXES
from adrl_core.market.presets import CHANNELS_BIDS

CHOICES = {
    "bid": "bid, currency units",
    "asks both": "chance to ask both",
    "share of search": "share of search",
}
BOUNDARY = 0.5
"""Where a share or a chance changes sides."""


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """What matters, where choices change, and what the bid levels are worth."""
    for trial in trials(results, "explanations"):
        yield "explanations-importance", importances(trial)
        yield "explanations-landscape", landscapes(trial)


def importances(trial: Trial) -> Drawn:
    """Mean absolute Shapley value and permutation importance of every feature, for each choice."""
    frame = trial.table("importance")
    figure, panels = new_figure(len(CHOICES), width=9.4, height=3.4)
    for axes, (choice, title) in zip(panels, CHOICES.items(), strict=True):
        rows, order = frame[frame["choice"] == choice], ranking(frame, choice)[::-1]
        for offset, (method, name) in enumerate(
            {"shapley": "Shapley value", "permutation": "shuffled feature"}.items()
        ):
            for y, feature in enumerate(order):
                estimate = mean_interval(rows.loc[rows["feature"] == feature, method])
                at = y + 0.15 - 0.3 * offset
                axes.plot([estimate.low, estimate.high], [at, at], color=PALETTE[offset], linewidth=1.2)
                axes.plot(
                    estimate.mean,
                    at,
                    ("o", "s")[offset],
                    color=PALETTE[offset],
                    markersize=4,
                    label=name if y == 0 else None,
                )
        axes.set(
            yticks=range(len(order)),
            yticklabels=order,
            title=title,
            xlabel="mean absolute change",
            xlim=(0, None),
        )
    panels[0].legend(loc="lower right", fontsize=8)
    return (
        figure,
        "What the teams' choices hang on",
        "How much each feature moves the bid, the Controller's chance of asking both specialists, and the "
        f"share of search, by two methods, with {INTERVAL} over training runs. The Shapley value shares out "
        "each choice's distance from the mean choice; the other method shuffles one feature over the visited "
        "states.",
        "Three panels, for the bid, the Controller's chance of asking both specialists and the share of "
        "search: a row a feature, with its mean absolute Shapley value and the mean change when it is "
        "shuffled.",
    )


def landscapes(trial: Trial) -> Drawn:
    """Choices over two features, with their boundaries, and what each bid level falls short of over time."""
    figure, panels = new_figure(4, width=7.8, height=5.8, rows=2)
    frame = trial.table("landscape")
    columns = {"bid": "bid", "asks_both": "asks both specialists", "allocation_search": "share of search"}
    for axes, (column, title) in zip(panels, columns.items(), strict=False):
        table = _map(axes, frame, AXES[0], AXES[1], column)
        axes.set(title=title, xlabel=AXES[0], ylabel=AXES[1])
        level = sum(CHANNELS_BIDS[-2:]) / 2.0 if column == "bid" else BOUNDARY
        if table.min() < level < table.max():
            axes.contour(
                *np.meshgrid(np.unique(frame[AXES[0]]), np.unique(frame[AXES[1]])),
                table,
                [level],
                colors="white",
                linewidths=1.2,
            )
    values = panels[-1]
    _map(values, trial.table("values"), "step", "bid", "shortfall")
    values.set(title="short of the best level", xlabel="step", ylabel="bid")
    return (
        figure,
        "Where choices change",
        "Mean bid, share of the runs that ask both specialists, and mean share of search of the tuned teams "
        "over competition and time remaining, all other features at their median. White lines are boundaries "
        "of decisions, where there are any: the mean bid is half-way between the two highest levels, half of "
        "the runs ask both, half of the budget goes to search. Below on the right: by how much reward a bid "
        "level falls short of the best one, by the Bidding agents' own Q values, over the episode.",
        "Four maps: bid, share of runs that ask both specialists, and share of search, each over competition "
        "and time remaining and with a line at its boundary; and the shortfall of each bid level over the "
        "steps of the episode.",
    )


def _map(axes: Axes, frame: pd.DataFrame, x: str, y: str, column: str) -> NDArray[np.float64]:
    """Draw a map of a column and return it, (values of y, values of x)."""
    table = frame.pivot_table(column, y, x)
    image = axes.pcolormesh(table.columns, table.index, table.to_numpy(), cmap="viridis", rasterized=True)
    axes.figure.colorbar(image, ax=axes, shrink=0.9)
    axes.grid(visible=False)
    return table.to_numpy()
