"""Figures of the trial of explanations."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from adrl_core.evidence.figures.style import INTERVAL, PALETTE, Drawn, new_figure
from adrl_core.evidence.governance.common import Trial, trials
from adrl_core.evidence.governance.explanations import ranking
from adrl_core.evidence.intervals import mean_interval
from adrl_core.governance.trials.explanations import AXES

CHOICES = {"bid": "bid, currency units", "share of search": "share of search"}


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """What matters, where choices change, and what the bid levels are worth."""
    for trial in trials(results, "explanations"):
        yield "explanations-importance", importances(trial)
        yield "explanations-landscape", landscapes(trial)


def importances(trial: Trial) -> Drawn:
    """Mean absolute Shapley value and permutation importance of every feature, for two choices."""
    frame = trial.table("importance")
    figure, panels = new_figure(len(CHOICES), width=7.8, height=3.4)
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
        axes.set(yticks=range(len(order)), yticklabels=order, title=title, xlabel="mean absolute change")
    panels[0].legend(loc="lower right", fontsize=8)
    return (
        figure,
        "What the teams' choices hang on",
        f"How much each feature moves the bid and the share of search, by two methods, with {INTERVAL} over "
        "training runs. The Shapley value shares out each choice's distance from the mean choice; the other "
        "method shuffles one feature over the visited states.",
        "Two panels, for the bid and for the share of search: a row a feature, with its mean absolute "
        "Shapley value and the mean change when it is shuffled.",
    )


def landscapes(trial: Trial) -> Drawn:
    """Bid and share of search over two features, and what each bid level falls short of over the episode."""
    figure, (bid, share, values) = new_figure(3, width=8.6, height=3.0)
    frame = trial.table("landscape")
    for axes, column, title in ((bid, "bid", "bid"), (share, "allocation_search", "share of search")):
        _map(axes, frame, AXES[0], AXES[1], column)
        axes.set(title=title, xlabel=AXES[0])
    bid.set_ylabel(AXES[1])
    _map(values, trial.table("values"), "step", "bid", "shortfall")
    values.set(title="short of the best level", xlabel="step", ylabel="bid")
    return (
        figure,
        "Where choices change",
        "Left and middle: mean bid and mean share of search of the tuned teams over competition and time "
        "remaining, all other features at their median. Right: by how much reward a bid level falls short of "
        "the best one, by the Bidding agents' own values, over the episode.",
        "Three maps: bid over competition and time remaining, share of search over the same, and shortfall "
        "of each bid level over the steps of the episode.",
    )


def _map(axes: Axes, frame: pd.DataFrame, x: str, y: str, column: str) -> None:
    table = frame.pivot_table(column, y, x)
    image = axes.pcolormesh(table.columns, table.index, table.to_numpy(), cmap="viridis", rasterized=True)
    axes.figure.colorbar(image, ax=axes, shrink=0.9)
    axes.grid(visible=False)
