"""The figures of a study: drawn from its tables, each with caption and alternative text beside it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.summary import band, window_means
from adrl_core.files import replacing, write_text
from adrl_core.market.channels import (
    base_click_rate,
    click_rate,
    conversion_rate,
    log_median_price,
    price_log_sd,
    price_moments,
)
from adrl_core.market.presets import CHANNEL_NAMES, CHANNELS_BIDS, PRESETS, STEPS

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, which colour-blind readers can tell apart."""

LABELS: Mapping[str, str] = {
    "full": "team, published settings",
    "tuned": "team, tuned",
    "random": "Random",
    "fixed": "Fixed",
    "greedy_carried": "Greedy, carried over",
    "greedy_reset": "Greedy, reset",
    "constant_max": "constant maximum bid",
    "max_uniform": "constant maximum bid",
    "best_constant": "best constant",
    "oracle": "state oracle",
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
SMOOTHING_SHARE = 0.025
"""Window of the running mean on learning curves, as a share of the training."""


def label(policy: str) -> str:
    """A policy's name for readers."""
    return LABELS.get(policy, policy.replace("_", " "))


def draw(results: Path) -> None:
    """Draw every figure of the study whose stages lie below `results`, into results/figures."""
    folder = results / "figures"
    folder.mkdir(exist_ok=True)
    with mpl.rc_context(STYLE):
        for baselines in sorted(results.glob("*/baselines/evaluation.parquet")):
            market = baselines.parts[-3]
            reference = pd.read_parquet(baselines)
            teams = {
                path.parts[-3]: pd.read_parquet(path)
                for path in sorted(results.glob(f"{market}/*/evaluate/evaluation.parquet"))
            }
            training = {v: pd.read_parquet(results / market / v / "train/episodes.parquet") for v in teams}
            _save(folder / f"learning-{market}", *learning_curves(market, training, reference))
            _save(folder / f"evaluation-{market}", *evaluation_boxes(market, teams, reference))
            _save(folder / f"modes-{market}", *mode_curves(market, training))
        _save(folder / "channels-economics", *channel_economics())


def _save(path: Path, figure: Figure, title: str, caption: str, alt: str) -> None:
    with replacing(path.with_suffix(".svg")) as partial:
        figure.savefig(partial, metadata={"Date": None, "Title": title}, bbox_inches="tight")
    write_text(
        path.with_suffix(".json"), json.dumps({"title": title, "caption": caption, "alt": alt}, indent=1)
    )


Drawn = tuple[Figure, str, str, str]


def learning_curves(market: str, training: Mapping[str, pd.DataFrame], reference: pd.DataFrame) -> Drawn:
    """Training reward of every variant, smoothed, with the reference policies as lines."""
    figure, axes = _figure(1, width=7.2, height=4.2)
    window = 1
    for colour, (variant, frame) in zip(PALETTE, training.items(), strict=False):
        window = max(1, round(SMOOTHING_SHARE * frame["episode"].nunique()))
        _band(axes[0], window_means(frame, "reward", window), colour, label(variant))
    # Levels that nearly coincide share one label, or their names would overprint.
    levels = reference.groupby("policy", sort=False)["reward"].mean().sort_values()
    low, high = axes[0].get_ylim()
    span = max(high, float(levels.max()) * 1.04) - min(low, 0.0)
    groups: list[tuple[float, list[str]]] = []
    for policy, level in levels.items():
        axes[0].axhline(level, color="#666666", linewidth=0.8, linestyle=(0, (4, 3)))
        if groups and level - groups[-1][0] < 0.045 * span:
            groups[-1][1].append(label(str(policy)))
        else:
            groups.append((float(level), [label(str(policy))]))
    for level, names in groups:
        axes[0].annotate(
            ", ".join(names),
            (1.01, level),
            xycoords=("axes fraction", "data"),
            fontsize=8,
            va="center",
            color="#444444",
        )
    axes[0].set(
        xlabel="training episode", ylabel="reward of the episode", ylim=(min(low, 0.0), min(low, 0.0) + span)
    )
    axes[0].legend(loc="lower right")
    return (
        figure,
        f"Learning curves on {market}",
        f"Reward while training on `{market}`: mean over {{fact}}`study.seeds` runs (line) and its 95 % "
        f"t interval (band), each run smoothed by a running mean over {window} episodes. Dashed: reference "
        "policies on the held-out episodes. Training episodes include exploration, which the evaluation does "
        "without.",
        f"Line chart of reward against training episode on the {market} market, one line with a band for "
        "each team configuration and a dashed level for each reference policy.",
    )


def evaluation_boxes(market: str, teams: Mapping[str, pd.DataFrame], reference: pd.DataFrame) -> Drawn:
    """Left, means with single runs; right, the spread of single episodes."""
    order = list(reference.groupby("policy")["reward"].mean().sort_values().index)
    frames = {str(p): reference[reference["policy"] == p] for p in order} | dict(teams)
    names = list(frames)
    figure, (means, spread) = _figure(2, width=7.8, height=0.42 * len(names) + 1.3)
    for y, name in enumerate(names):
        frame, team = frames[name], name in teams
        colour = PALETTE[list(teams).index(name)] if team else "#666666"
        values = frame.groupby("seed")["reward"].mean() if team else frame["reward"]
        estimate = mean_interval(values)
        bounds = [[estimate.mean - estimate.low], [estimate.high - estimate.mean]]
        if team:
            jitter = np.linspace(-0.22, 0.22, len(values))
            means.plot(values, y + jitter, ".", color=colour, markersize=4, alpha=0.55)
        means.errorbar(estimate.mean, y, xerr=bounds, fmt="o", color=colour, markersize=5, capsize=3)
        spread.boxplot(
            frame["reward"],
            positions=[y],
            orientation="horizontal",
            widths=0.6,
            showfliers=False,
            whis=(5, 95),
            medianprops={"color": colour, "linewidth": 1.6},
            boxprops={"color": colour},
            whiskerprops={"color": colour},
            capprops={"color": colour},
        )
        shown = frame["reward"].iloc[:: max(1, len(frame) // 60)]
        offsets = np.linspace(-0.2, 0.2, len(shown))
        spread.plot(shown, y + offsets, ".", color=colour, markersize=2, alpha=0.35)
    means.set(yticks=range(len(names)), yticklabels=[label(n) for n in names], xlabel="mean reward")
    spread.set(yticks=range(len(names)), yticklabels=[], xlabel="reward of single episodes")
    for axes in (means, spread):
        axes.set_ylim(-0.6, len(names) - 0.4)
    return (
        figure,
        f"Evaluation on {market}",
        f"Held-out episodes of `{market}`. Left: mean reward with 95 % t interval; for the teams over "
        "{fact}`study.seeds` training runs, each a small point, for the others over the "
        "{fact}`study.evaluation_episodes` episodes of the bank. Right: single episodes (points, a sample), "
        "their quartiles (boxes) and their 5th and 95th percentiles (whiskers).",
        f"Two panels for the {market} market: mean reward with interval of every policy, and box plots of "
        "the rewards of single episodes.",
    )


def mode_curves(market: str, training: Mapping[str, pd.DataFrame]) -> Drawn:
    """Share of steps in each Controller mode over the training, a panel a variant."""
    figure, panels = _figure(max(1, len(training)), width=7.2, height=2.9)
    names = {"share_bidding_only": "bidding only", "share_budget_only": "budget only", "share_both": "both"}
    for panel, (variant, frame) in zip(panels, training.items(), strict=False):
        window = max(1, round(SMOOTHING_SHARE * frame["episode"].nunique()))
        for colour, (column, name) in zip(PALETTE, names.items(), strict=False):
            _band(panel, window_means(frame, column, window), colour, name)
        panel.set(title=label(variant), xlabel="training episode", ylim=(0, 1))
    panels[0].set_ylabel("share of steps")
    panels[-1].legend(loc="best")
    return (
        figure,
        f"Whom the Controller asks on {market}",
        f"Share of steps in each mode while training on `{market}`: mean over {{fact}}`study.seeds` runs "
        "with 95 % t interval.",
        f"Line charts of the shares of the three Controller modes against training episode on the {market} "
        "market, one panel for each team configuration.",
    )


def channel_economics() -> Drawn:
    """Expected profit of a step in each channel, over the episode and over the bid, at the typical market."""
    constants = PRESETS["channels"]
    time = torch.arange(STEPS, dtype=torch.float64)
    figure, (by_time, by_bid) = _figure(2, width=7.4, height=2.9)
    top = torch.full_like(time, CHANNELS_BIDS[-1])
    bids = torch.linspace(CHANNELS_BIDS[0], CHANNELS_BIDS[-1], 100, dtype=torch.float64)
    middle = torch.full_like(bids, STEPS / 2)
    for axes, x, t, bid in ((by_time, time, time, top), (by_bid, bids, middle, bids)):
        cost = torch.full_like(x, 2.0)
        level = torch.full_like(x, 0.65)
        sd = price_log_sd(torch.full_like(x, 0.2))[:, None]
        median = log_median_price(constants, cost, level)
        log_bid = bid.log()[:, None]
        z = (log_bid - median) / sd
        clicks = (
            constants.auctions
            * torch.special.ndtr(z)
            * click_rate(constants, base_click_rate(constants, t), log_bid, median)
        )
        price, _ = price_moments(median, sd, z)
        profit = clicks * (50.0 * conversion_rate(constants, t, level) - price)
        for c, name in enumerate(CHANNEL_NAMES):
            axes.plot(x, profit[:, c], color=PALETTE[c], label=name, linestyle=("-", "--", ":")[c])
    by_time.set(xlabel="step", ylabel="expected profit a step", title="at the top bid")
    by_bid.set(xlabel="bid", title="in the middle of the episode")
    by_time.legend(loc="best")
    return (
        figure,
        "Profit of the three channels",
        "Expected profit a step if a channel got the whole budget, in the typical market of `channels` (cost "
        "per click 2, competition 0.65, volatility 0.2): over the episode at the top bid (left), and against "
        "the bid half-way through (right). From the market's equations, not from a simulation.",
        "Two line charts of expected profit of search, display and video: against the step, where the best "
        "channel changes with the season, and against the bid.",
    )


def _figure(panels: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    return figure, list(axes)


def _band(axes: Axes, table: pd.DataFrame, colour: str, name: str) -> None:
    mean, low, high = band(table)
    axes.plot(table.index, mean, color=colour, label=name, linewidth=1.4)
    axes.fill_between(table.index, low, high, color=colour, alpha=0.2, linewidth=0)
