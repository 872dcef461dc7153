"""How figures look: colours, names of policies, bands, and the way a figure is saved with its texts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.training import smoothing
from adrl_core.files import replacing, write_text

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31", "#7F7F7F")
"""Okabe and Ito's colours, which colour-blind readers can tell apart, and two more for long legends."""
DASHES = ("-", "--", ":", "-.")
"""Line styles, so that colour is never the only difference."""
GREY = "#666666"

LABELS: Mapping[str, str] = {
    "full": "team, published settings",
    "tuned": "team, tuned",
    "planner": "planning team",
    "no_controller": "no Controller",
    "no_bidding": "no Bidding agent",
    "no_budget": "no Budget agent",
    "uniform_replay": "uniform replay",
    "plain_head": "plain head",
    "single_q": "single Q",
    "profit_reward": "profit as reward",
    "no_entropy": "no entropy bonus",
    "random": "Random",
    "fixed": "Fixed",
    "greedy_carried": "Greedy, carried over",
    "greedy_reset": "Greedy, reset",
    "constant_max": "constant maximum bid",
    "max_uniform": "constant maximum bid",
    "best_constant": "best constant",
    "oracle": "state oracle",
    "oracle_profit": "state oracle, by profit",
    "oracle_stale": "oracle, blind to the shift",
    "oracle_threshold": "oracle with a threshold",
    "oracle_known": "oracle that knows the shift",
    "oracle_asking": "oracle that chooses whom to ask",
    "best_constant_profit": "best constant, by profit",
    "lookahead_profit": "lookahead, by profit",
}
"""How figures and tables call the policies."""

STYLE: Any = {
    "svg.hashsalt": "adrl",
    "svg.fonttype": "none",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
}

POINTS = 200
"""Points on a curve; more would not show and only make files larger."""

Drawn = tuple[Figure, str, str, str]
"""A figure with its title, caption and text alternative; texts may hold roles."""
INTERVAL = "{fact}`study.level` % t interval"
"""How captions call the usual interval."""


def label(policy: str) -> str:
    """A policy's name for readers; a variant's own reward comes after it."""
    name, changed, reward = policy.partition("+reward=")
    words = LABELS.get(name, name.replace("_", " "))
    return f"{words}, on {reward}" if changed else words


def new_figure(panels: int, width: float, height: float, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, filled row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, -(-panels // rows), squeeze=False)
    return figure, list(axes.flat)


def save(path: Path, figure: Figure, title: str, caption: str, alt: str) -> None:
    """Write a figure as SVG, without a date, and its texts beside it as JSON."""
    with replacing(path.with_suffix(".svg")) as partial:
        figure.savefig(partial, metadata={"Date": None, "Title": title}, bbox_inches="tight")
    write_text(
        path.with_suffix(".json"), json.dumps({"title": title, "caption": caption, "alt": alt}, indent=1)
    )


def running_means(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Running mean of a training column: a column a run, a row an episode, thinned to what can be seen."""
    table = frame.pivot(index="episode", columns="seed", values=column)
    smooth = table.rolling(smoothing(len(table)), min_periods=1).mean()
    return smooth.iloc[:: max(1, len(smooth) // POINTS)]


def band(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and t interval over the runs (columns) of each row, of those that have a value there.

    Rows with fewer than two values give NaN.
    """
    known = [row[np.isfinite(row)] for row in table.to_numpy()]
    bounds = [mean_interval(row)[:3] if len(row) > 1 else (np.nan,) * 3 for row in known]
    mean, low, high = np.array(bounds).T
    return mean, low, high


def draw_band(axes: Axes, table: pd.DataFrame, colour: str, name: str, dashes: str = "-") -> None:
    """A line with a band: the mean over the runs (columns) along the index, and its interval."""
    mean, low, high = band(table)
    axes.plot(table.index, mean, color=colour, label=name, linewidth=1.4, linestyle=dashes)
    axes.fill_between(table.index, low, high, color=colour, alpha=0.2, linewidth=0)
