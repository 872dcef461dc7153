"""The figure of the harder markets: every policy as a share of the best rule."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from adrl_core.evidence.figures.style import GREY, INTERVAL, PALETTE, Drawn, label, new_figure
from adrl_core.evidence.harder import GOALS, Goal, key_of
from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.tables import evaluation, harder_markets, trained_variants

LEFT_OUT = ("greedy_carried", "greedy_reset", "max_uniform")
"""References that come to little everywhere; the tables have them."""


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """One figure a market of the goals that has teams and references."""
    evaluated = harder_markets(results)
    for goal in GOALS[1:]:
        if goal.market in evaluated and trained_variants(results, goal.market):
            yield f"harder-{key_of(goal.market)}", shares(results, goal)


def market_name(market: str) -> str:
    """A market as titles call it."""
    name, plus, _ = market.partition("+")
    return f"{name} with a fee" if plus else name


def shares(results: Path, goal: Goal) -> Drawn:
    """Means of all policies in the measure of the goal, as shares of the rule that the goal names."""
    reference = pd.read_parquet(results / goal.market / "baselines" / "evaluation.parquet")
    best = float(reference.loc[reference["policy"] == goal.rule, goal.metric].mean())
    means = {}
    for policy, frame in reference.groupby("policy"):
        if policy not in LEFT_OUT:
            means[str(policy)] = mean_interval(frame[goal.metric] / best)
    teams = trained_variants(results, goal.market)
    for variant in teams:
        runs = evaluation(results, goal.market, variant).groupby("seed")[goal.metric].mean()
        means[variant] = mean_interval(runs / best)
    names = sorted(means, key=lambda name: means[name].mean)
    figure, (axes,) = new_figure(1, width=7.0, height=0.3 * len(names) + 1.1)
    for y, name in enumerate(names):
        found, team = means[name], name in teams
        colour = PALETTE[0] if team else GREY
        axes.plot([found.low, found.high], [y, y], color=colour, linewidth=2.0 if team else 1.2)
        axes.plot(found.mean, y, "o" if team else "s", color=colour, markersize=5)
    axes.axvline(goal.share, color=PALETTE[1], linewidth=1.0, linestyle="--")
    axes.set(yticks=range(len(names)), yticklabels=[label(name) for name in names])
    axes.set_xlabel(f"{goal.metric} as a share of what the {label(goal.rule)} brings")
    return (
        figure,
        f"How far each policy comes on {market_name(goal.market)}",
        f"Mean {goal.metric} on the held-out episodes of `{goal.market}`, as a share of what the "
        f"{label(goal.rule)} brings, with {INTERVAL}: teams (round, blue) over training runs, references "
        "(square, grey) over episodes. Dashed: the goal that was set.",
        f"Dots with intervals, a row a policy, of mean {goal.metric} on {market_name(goal.market)} "
        f"relative to the {label(goal.rule)}; a dashed line marks the goal.",
    )
