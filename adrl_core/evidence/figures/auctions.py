"""Figures of bidding on a log of single auctions."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from adrl_core.auctions import SHARES
from adrl_core.evidence.auctions import AGENT, PLAN, RIVAL, STAGE, by_run, total_difference
from adrl_core.evidence.figures.style import DASHES, GREY, PALETTE, Drawn, new_figure

NAMES = {
    "mcpc": "MCPC",
    "lin": "Lin",
    "ss_mdp": "SS-MDP",
    RIVAL: "RLB",
    PLAN: "plan",
    AGENT: "agent",
}
"""How the figures call the bidders; the plan is the paced bid relative to click rates as seen."""
MARKERS = ("v", "^", "s", "o", "D", "*")


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """How much of what could be had each bidder won, and what the market of the log was like."""
    if (results / STAGE / "manifest.json").is_file():
        tables = [pd.read_parquet(results / STAGE / f"{name}.parquet") for name in ("log", "episodes")]
        yield "auctions-clicks", shares_and_differences(*tables)
        yield "auctions-drift", drift(tables[1], pd.read_parquet(results / STAGE / "setting.parquet"))


def shares_and_differences(log: pd.DataFrame, episodes: pd.DataFrame) -> Drawn:
    """Left, expected clicks as a share of the bound; right, clicks beyond those of RLB."""
    figure, (shares, differences) = new_figure(2, width=7.8, height=3.4)
    bound = episodes.groupby("share")["hindsight"].sum()
    x = np.arange(len(SHARES))
    sums = log.groupby(["bidder", "share", "seed"])[["clicks", "expected"]].sum()
    for index, (bidder, name) in enumerate(NAMES.items()):
        mean = sums["expected"].loc[bidder].groupby("share").mean() / bound
        style: dict[str, Any] = {
            "color": PALETTE[index],
            "marker": MARKERS[index],
            "markersize": 5,
            "linewidth": 1.2,
        }
        shares.plot(x, 100.0 * mean, label=name, linestyle=DASHES[index % len(DASHES)], **style)
    compared = ("ss_mdp", PLAN, AGENT)
    for offset, bidder in zip((-0.2, 0.0, 0.2), compared, strict=True):
        index = list(NAMES).index(bidder)
        for place, share in zip(x, SHARES, strict=True):
            table = by_run(log[log["share"] == share], "clicks")
            found = total_difference(table[bidder], table[RIVAL])
            differences.plot([place + offset] * 2, [found.low, found.high], color=PALETTE[index])
            label = NAMES[bidder] if place == 0 else None
            marker: dict[str, Any] = {"color": PALETTE[index], "markersize": 6, "label": label}
            differences.plot(place + offset, found.mean, MARKERS[index], **marker)
    differences.axhline(0.0, color=GREY, linewidth=0.8)
    shares.set(ylabel="% of the bound of hindsight")
    differences.set(ylabel="clicks minus those of RLB")
    for panel in (shares, differences):
        panel.set_xticks(x, [str(Fraction(share)) for share in SHARES])
        panel.set_xlabel("budget, share of the cost of all auctions")
    shares.legend(fontsize=8)
    differences.legend(fontsize=8)
    return (
        figure,
        "What was won",
        "Left: clicks to be expected of the impressions won, by their predicted click rates, as a share of "
        "the most that anyone could expect who knew all prices. Right: clicks really won on the log minus "
        "those of RLB, with {fact}`study.level` % bootstrap intervals over the log's episodes and, of the "
        "agent, its training runs; its points are means over {fact}`auctions.runs` of them. The plan is the "
        "paced bid on click rates as seen.",
        "Two panels by budget: lines with the share of the bound that each of six bidders expects, and "
        "points with intervals for the difference in clicks of SS-MDP, the plan and the agent from RLB.",
    )


def drift(episodes: pd.DataFrame, setting: pd.DataFrame) -> Drawn:
    """Mean price and click rate of each episode over those in training, and what the agent made of it."""
    figure, (market, played) = new_figure(2, width=7.8, height=3.0)
    row = setting.iloc[0]
    held = episodes[episodes["share"] == SHARES[0]].set_index("episode")
    price = held["price"] / (row["training_cost"] / row["training_auctions"])
    rate = held["ctr"] / (row["training_clicks"] / row["training_auctions"])
    market.plot(price, color=PALETTE[0], label="winning price", linewidth=1.2)
    market.plot(rate, color=PALETTE[1], label="predicted click rate", linewidth=1.2, linestyle="--")
    market.set_ylabel("mean over that in training")
    for index, share in enumerate((SHARES[0], SHARES[-1])):
        own = episodes[episodes["share"] == share].set_index("episode")["multiple"]
        name = f"budget {Fraction(share)}"
        played.plot(own, color=PALETTE[2 + index], label=name, linewidth=1.2, linestyle=DASHES[index])
    played.set_ylabel("agent's bid over the plan's")
    for panel in (market, played):
        _finish(panel)
    return (
        figure,
        "The market of the log, and what the agent made of it",
        "Left: mean winning price and mean predicted click rate of each episode of the log, over their means "
        "in the training log. Right: geometric mean of the multiples by which the agents departed from the "
        "plan.",
        "Two panels along the episodes of the log: price and click rate relative to training, and the "
        "agent's mean multiple with the smallest and the largest budget.",
    )


def _finish(panel: Axes) -> None:
    panel.axhline(1.0, color=GREY, linewidth=0.8)
    panel.set_xlabel("episode of the log")
    panel.legend(fontsize=8)
