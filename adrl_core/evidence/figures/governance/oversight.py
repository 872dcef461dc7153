"""Figures of the trial of oversight and of the audit trail."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import ScalarFormatter

from adrl_core.evidence.figures.style import DASHES, GREY, PALETTE, Drawn, new_figure
from adrl_core.evidence.governance.common import Trial, trials
from adrl_core.evidence.governance.oversight import FALSE_ALARM, HEALTHY, LIMIT, PREFIX, delays
from adrl_core.governance.trials.trail import STACKS

LAYERS = ("team alone", "and supervision", "and safety layer", "and audit trail", "flushed to disk each time")
"""What each of STACKS adds."""
MARKERS = "os^D"


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """How soon faults are caught, and how long a decision takes."""
    if found := list(trials(results, "oversight")):
        yield "oversight-detection", detection(found)
        yield "oversight-latency", latency(found)


def detection(found: list[Trial]) -> Drawn:
    """Left, delays of each fault; right, simulated stops for losses of known size."""
    figure, (left, right) = new_figure(2, width=7.8, height=3.2)
    conditions = [c for c in found[0].table("detection")["condition"].unique() if c != HEALTHY]
    for index, trial in enumerate(found):
        frame = trial.table("detection")
        for row, condition in enumerate(conditions):
            late = np.sort(delays(frame[frame["condition"] == condition]))
            offset = row + 0.3 * (index - (len(found) - 1) / 2)
            spread = np.linspace(-0.1, 0.1, len(late))
            left.plot(late, offset + spread, MARKERS[index], color=PALETTE[index], markersize=3, alpha=0.6)
        left.plot([], [], MARKERS[index], color=PALETTE[index], label=trial.market)
    left.set_yticks(range(len(conditions)), conditions)
    left.set(xlabel="episodes until shut down", xlim=(0, None))
    left.invert_yaxis()
    left.legend(loc="best", fontsize=8)
    _simulated(right, found[0])
    return (
        figure,
        "How soon the performance bound stops a policy",
        "Left: episodes from the start of a fault to the shutdown, a mark a training run; runs never shut "
        "down have none. Right: share of simulated policies shut down by then, for losses of a known share "
        f"of the baseline's reward on `{found[0].market}`; the dotted line is the stated false-alarm rate.",
        "Two panels: delays by fault and market, and shares of simulated policies stopped against the "
        "number of episodes watched, a line a loss.",
    )


def _simulated(axes: Axes, trial: Trial) -> None:
    power = trial.table("power")
    for index, (loss, rows) in enumerate(power.groupby("loss")):
        share = rows["stopped"] / rows["deployments"]
        name = f"loses {100 * float(str(loss)):.0f} %" if index else "loses nothing"
        style = DASHES[index % len(DASHES)]
        axes.plot(rows["watched"], share, style, color=PALETTE[index], marker=".", label=name)
    axes.axhline(FALSE_ALARM, color=GREY, linewidth=1.0, linestyle=":")
    axes.set(xscale="log", xlabel="episodes watched", ylabel="share shut down", ylim=(-0.03, 1.03))
    ticks = sorted(power["watched"].unique())
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="upper left", fontsize=7)


def latency(found: list[Trial]) -> Drawn:
    """From the median to the 99th percentile of a decision's time, as layers are added, a panel a market."""
    figure, panels = new_figure(len(found), width=4.2 * len(found) + 1.0, height=2.8)
    for axes, trial in zip(panels, found, strict=True):
        _times(axes, trial)
    panels[0].set_yticks(range(len(STACKS)), LAYERS)
    panels[0].legend(loc="lower left", fontsize=8)
    busy = " and ".join(
        f"{{fact}}`{PREFIX}.{trial.market}.latency.beside` on `{trial.market}`" for trial in found
    )
    return (
        figure,
        "How long a decision takes",
        "Time of one decision for one campaign on one thread, from the median to the value that one in a "
        "hundred decisions exceeds, as the layers are added; the dotted line is the published limit. "
        f"Meanwhile the machine was at work on other stages, {busy}.",
        "A panel a market with five rows, from the team alone to the whole stack flushed to disk, each with "
        "the range of a decision's time by the clock and of the processor.",
    )


def _times(axes: Axes, trial: Trial) -> None:
    frame = trial.table("latency")
    for index, (column, name) in enumerate((("elapsed", "by the clock"), ("computing", "of the processor"))):
        for row, stack in enumerate(STACKS):
            low, high = np.quantile(frame.loc[frame["stack"] == stack, column], (0.5, 0.99))
            y = row + 0.3 * (index - 0.5)
            label = name if row == 0 else None
            axes.plot([low, high], [y, y], color=PALETTE[index], linewidth=2, marker="|", label=label)
    axes.axvline(LIMIT, color=GREY, linewidth=1.0, linestyle=":")
    axes.set_yticks(range(len(STACKS)), [""] * len(STACKS))
    axes.set(xscale="log", xlabel="milliseconds", title=trial.market)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.invert_yaxis()
