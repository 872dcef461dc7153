"""Figure of the calibration's trial: every constant that came back, beside the truth."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from adrl_core.evidence.calibration import STAGE
from adrl_core.evidence.figures.style import GREY, PALETTE, Drawn, new_figure

LOGS = {
    "full": "all prices, with time",
    "lost": "prices of won auctions, with time",
    "still": "all prices, no time",
}
"""How the figure calls the logs."""
MARKERS = ("o", "s", "^")


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """The figure, where the trial has run."""
    path = results / STAGE / "recovery.parquet"
    if path.exists():
        yield "calibration-recovery", recovered(pd.read_parquet(path))


def recovered(frame: pd.DataFrame) -> Drawn:
    """Estimates and intervals relative to the truth, a row a constant."""
    constants = list(dict.fromkeys(frame["constant"]))
    figure, (axes,) = new_figure(1, width=7.0, height=0.27 * len(constants) + 1.0)
    for index, (log, label) in enumerate(LOGS.items()):
        rows = frame[frame["log"] == log]
        place = np.array([constants.index(name) for name in rows["constant"]]) + 0.24 * (index - 1)
        truth = rows["truth"].to_numpy(float)
        value, low, high = (rows[part].to_numpy(float) / truth for part in ("value", "low", "high"))
        axes.errorbar(
            value,
            place,
            xerr=(value - low, high - value),
            fmt=MARKERS[index],
            color=PALETTE[index],
            label=label,
            markersize=3.5,
            linewidth=1.0,
        )
    axes.axvline(1.0, color=GREY, linewidth=0.8)
    axes.set(yticks=np.arange(len(constants)), xlabel="estimate over truth")
    axes.set_yticklabels([name.replace("_", " ").replace(".", ", ") for name in constants])
    axes.invert_yaxis()
    axes.legend(loc="lower right", fontsize=8)
    return (
        figure,
        "Known constants, recovered",
        "What calibration finds in three simulated logs of one market, as a ratio to the truth, with its "
        "intervals.",
        "A row for each constant of the market, with the estimates from three logs and their intervals about "
        "the vertical line at which estimate and truth agree.",
    )
