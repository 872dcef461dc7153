"""Figures of the contested markets: how the team recovers, and what prices its rivals make."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from adrl_core.contested import CALM, MEMORIES, TEAMS
from adrl_core.evidence.contested import PREFIX, STAGE, at_end, measure, recovery
from adrl_core.evidence.figures.style import (
    DASHES,
    GREY,
    INTERVAL,
    PALETTE,
    Drawn,
    band,
    draw_band,
    new_figure,
)
from adrl_core.market.contested import CONTESTS
from adrl_core.market.presets import CHANNEL_NAMES

NAMES = {"advertisers": "advertisers who pace", "shill": "a shill"}
LINES = {"calm": ("the team on the calm market", "-"), "best_constant": ("best constant", ":")}


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """The two figures, if the stage has run."""
    if (results / STAGE / "runs.parquet").exists():
        yield f"{PREFIX}-recovery", recoveries(results)
        yield f"{PREFIX}-prices", prices(results)


def recoveries(results: Path) -> Drawn:
    """A panel a market and contest: what the team earns by episodes since its rivals appeared."""
    runs, references = (
        pd.read_parquet(results / STAGE / f"{name}.parquet") for name in ("runs", "references")
    )
    figure, panels = new_figure(len(TEAMS) * len(CONTESTS), width=7.8, height=5.6, rows=len(TEAMS))
    for axes, (market, contest) in zip(panels, [(m, c) for m in TEAMS for c in CONTESTS], strict=True):
        metric, ours = measure(market), runs[runs["market"] == market]
        here = ours[ours["contest"] == contest]
        for place, memory in enumerate(MEMORIES):
            _draw_recovery(axes, recovery(here, memory, metric), place, f"memory {memory}")
        calm = at_end(ours[ours["contest"] == CALM], "unchanged")[metric].mean()
        constant = references.query("market == @market and contest == @contest and policy == 'best_constant'")
        for level, (name, dashes) in zip((calm, constant[metric].mean()), LINES.values(), strict=True):
            axes.axhline(level, color=GREY, linewidth=1.0, linestyle=dashes, label=name)
        times = sorted(here["episodes"].unique())
        axes.set_xscale("symlog", linthresh=float(times[1]))
        axes.set_xticks(times, [str(number) for number in times])
        axes.minorticks_off()
        axes.set(title=f"{market}, {NAMES[contest]}", xlabel="episodes since", ylabel=metric)
    panels[0].legend(fontsize=8)
    return (
        figure,
        "What the team wins back",
        "Held-out results of the planning team by episodes of training since its rivals appeared, with "
        f"{INTERVAL} over training runs: keeping the steps of the calm market in its memory, or starting "
        "with an empty one. Lines: the team before the rivals came, and the constant policy that is best "
        "against them.",
        "One panel for each market and kind of rival: reward or profit of the team over the episodes since "
        "the rivals appeared, one curve with the memory kept and one with it emptied, beside the level on "
        "the calm market and that of the best constant policy.",
    )


def _draw_recovery(axes: Axes, curves: pd.DataFrame, place: int, name: str) -> None:
    draw_band(axes, curves, PALETTE[place], name, DASHES[place])
    axes.plot(curves.index, band(curves)[0], ".", color=PALETTE[place], markersize=5)


def prices(results: Path) -> Drawn:
    """A panel a market: the advertisers' prices over an episode against the unchanged team."""
    table = pd.read_parquet(results / STAGE / "prices.parquet")
    figure, panels = new_figure(len(TEAMS), width=7.8, height=3.0)
    for axes, market in zip(panels, TEAMS, strict=True):
        met = table.query("market == @market and contest == 'advertisers' and memory == 'none'")
        for place, channel in enumerate(CHANNEL_NAMES):
            by_run = met[met["channel"] == channel].pivot(index="step", columns="seed", values="factor")
            draw_band(axes, by_run, PALETTE[place], channel, DASHES[place])
        axes.axhline(1.0, color=GREY, linewidth=0.8)
        axes.set(title=market, xlabel="step", ylabel="price over the calm one")
    panels[0].legend(fontsize=8)
    return (
        figure,
        "How advertisers answer",
        "Median price to beat as a multiple of the calm one, over an episode of the unchanged team, with "
        f"{INTERVAL} over training runs.",
        "One panel a market with a line for each channel: how far the advertiser there has raised or lowered "
        "the price, step by step.",
    )
