"""Figures of the generalists: what they earn on each market, and how they arrive on a new one."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from adrl_core.evidence.arrivals import LEVEL, shares_by_episode
from adrl_core.evidence.figures.style import (
    DASHES,
    GREY,
    INTERVAL,
    PALETTE,
    Drawn,
    draw_band,
    new_figure,
)
from adrl_core.evidence.generalists import STAGE, policies, rule_reward, shares, stage_ran
from adrl_core.evidence.intervals import mean_interval
from adrl_core.generalists import FAMILY, FRESH, MET_OTHERS

LABELS = {
    "all": "all markets",
    "all_recall": "all markets, with memory",
    "unseen": "the other markets, with memory",
    "specialist_recall": "specialist with memory",
}
STARTS = {MET_OTHERS: "has met the others", FRESH: "starts from nothing"}
MARKERS = {"all": "o", "all_recall": "s", "unseen": "^", "specialist_recall": "D"}


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """Both figures, if the stage has run and there is a specialist to compare with."""
    if stage_ran(results) and any("specialist" in policies(results, market) for market in FAMILY):
        yield STAGE, beside_the_specialists(results)
    curves = {market: found for market in FAMILY if (found := shares_by_episode(results, market))}
    if curves:
        yield f"{STAGE}-arrivals", arrivals(curves)


def beside_the_specialists(results: Path) -> Drawn:
    """A row a market and policy: reward as a share of the specialist's, every run and the mean."""
    figure, (axes,) = new_figure(1, width=7.4, height=4.2)
    rows: list[tuple[float, str]] = []
    labelled: set[str] = set()
    y = 0.0
    for market in FAMILY:
        runs = policies(results, market)
        specialist = runs.pop("specialist", None)
        if specialist is None:
            continue
        top = y
        for name, means in runs.items():
            share = shares(means, specialist).to_numpy()
            colour = PALETTE[list(LABELS).index(name)]
            spread = np.linspace(-0.2, 0.2, len(share))
            axes.plot(share, y + spread, ".", color=colour, alpha=0.35, markersize=4)
            mean, low, high, _ = mean_interval(share)
            axes.errorbar(
                mean,
                y,
                xerr=[[mean - low], [high - mean]],
                fmt=MARKERS[name],
                color=colour,
                capsize=3,
                label=None if name in labelled else LABELS[name],
            )
            labelled.add(name)
            y += 1.0
        rule = rule_reward(results, market)
        if rule is not None:
            level = rule / float(specialist["reward"].mean())
            axes.plot([level, level], [top - 0.4, y - 0.6], ":", color=GREY, linewidth=1.5)
        rows.append(((top + y - 1.0) / 2.0, market))
        y += 0.6
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set(yticks=[at for at, _ in rows], yticklabels=[market for _, market in rows])
    axes.set_xlabel("held-out reward as a share of the specialist's")
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=8)
    return (
        figure,
        "One policy for all markets beside the specialists",
        "Reward on held-out episodes as a share of what the specialist of the market earns with the same "
        f"seed (solid line), a small dot a run, with mean and {INTERVAL}. Dotted: the best policy that knows "
        "the equations.",
        "For each of the markets, rows of dots with mean and interval: the policy trained on all markets "
        "without and with memory, the one that has never met this market, and on shift the specialist with "
        "memory, relative to the specialist.",
    )


def arrivals(curves: Mapping[str, Mapping[str, pd.DataFrame]]) -> Drawn:
    """A panel a market: shares of the specialist's reward along the training there, for both starts."""
    rows = -(-len(curves) // 2)
    figure, panels = new_figure(len(curves), width=7.4, height=0.6 + 2.2 * rows, rows=rows)
    for axes, (market, starts) in zip(panels, curves.items(), strict=False):
        for (start, words), colour, dashes in zip(STARTS.items(), PALETTE, DASHES, strict=False):
            draw_band(axes, starts[start], colour, words, dashes)
        axes.axhline(LEVEL, color=GREY, linewidth=1.0, linestyle=":")
        axes.set(title=market, xlabel="training episodes on this market")
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    panels[0].set_ylabel("share of the specialist's reward")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=8)
    return (
        figure,
        "Arriving on a new market",
        "Reward on held-out episodes as a share of what the specialist of the market earns with the same "
        f"seed, after so many training episodes there: mean over runs, with {INTERVAL}. Dotted: the level at "
        "which a team is said to have arrived.",
        "A panel a market, each with two curves: the team that was trained on the other markets, from before "
        "its first episode here, and the team that starts from nothing.",
    )
