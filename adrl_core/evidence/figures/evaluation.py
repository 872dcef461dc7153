"""Figures of the evaluation: spread, contributions, profiles, actions, power."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from adrl_core.config import ABLATIONS, TEAMS
from adrl_core.evidence.ablation import POWER
from adrl_core.evidence.effects import probability_of_improvement
from adrl_core.evidence.figures.style import (
    DASHES,
    GREY,
    INTERVAL,
    PALETTE,
    Drawn,
    draw_band,
    label,
    new_figure,
)
from adrl_core.evidence.intervals import Estimate, mean_interval
from adrl_core.evidence.paired import paired
from adrl_core.evidence.reliable import profile_band
from adrl_core.evidence.tests import detectable_effect, power_paired_t
from adrl_core.market.presets import CHANNEL_NAMES

Teams = Mapping[str, pd.DataFrame]
"""Variant -> its table."""


def run_means(frame: pd.DataFrame, column: str = "reward") -> pd.Series:
    """Mean over the bank of each run."""
    return frame.groupby("seed")[column].mean()


def evaluation_boxes(market: str, teams: Teams, reference: pd.DataFrame) -> Drawn:
    """Left, means with single runs; right, the spread of single episodes."""
    order = list(reference.groupby("policy")["reward"].mean().sort_values().index)
    frames = {str(p): reference[reference["policy"] == p] for p in order} | dict(teams)
    names = list(frames)
    figure, (means, spread) = new_figure(2, width=7.8, height=0.42 * len(names) + 1.3)
    for y, name in enumerate(names):
        frame, team = frames[name], name in teams
        colour = PALETTE[list(teams).index(name)] if team else GREY
        values = run_means(frame) if team else frame["reward"]
        if team:
            _points(means, values, y, colour)
        _error_bar(means, mean_interval(values), y, colour)
        _box(spread, frame["reward"], y, colour, whiskers=(5, 95))
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
        f"Held-out episodes of `{market}`. Left: mean reward with {INTERVAL}; for the teams over "
        "{fact}`study.seeds` training runs, each a small point, for the others over the "
        "{fact}`study.evaluation_episodes` episodes of the bank. Right: single episodes (points, a sample), "
        "their quartiles (boxes), and whiskers that leave out the lowest and the highest twentieth.",
        f"Two panels for the {market} market: mean reward with interval of every policy, and box plots of "
        "the rewards of single episodes.",
    )


def variant_boxes(market: str, teams: Teams) -> Drawn:
    """Mean rewards of single runs, a box a variant."""
    names = list(teams)[::-1]
    figure, (axes,) = new_figure(1, width=7.0, height=0.36 * len(names) + 1.1)
    for y, name in enumerate(names):
        values = run_means(teams[name])
        colour = _team_colour(name)
        _box(axes, values, y, colour, whiskers=(0, 100))
        _points(axes, values, y, colour)
    axes.set(yticks=range(len(names)), yticklabels=[label(n) for n in names], ylim=(-0.6, len(names) - 0.4))
    axes.axvline(float(run_means(teams["full"]).median()), color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_xlabel("mean reward of a run on the held-out episodes")
    return (
        figure,
        f"All variants on {market}",
        f"Mean reward on the held-out episodes of `{market}` of each of {{fact}}`study.seeds` runs "
        "(points), their "
        "quartiles (boxes) and extremes (whiskers), for every variant. Dashed: median with the published "
        "settings.",
        f"Box plots with single points of the mean rewards of all runs on the {market} market, a row a "
        "variant.",
    )


def contributions(market: str, teams: Teams) -> Drawn:
    """What is lost without each part: paired differences, run by run."""
    names = [name for name in ABLATIONS if name in teams][::-1]
    figure, (axes,) = new_figure(1, width=7.0, height=0.4 * max(1, len(names)) + 1.2)
    whole = run_means(teams["full"])
    for y, name in enumerate(names):
        found = paired(whole, run_means(teams[name]))
        _points(axes, found.differences, y, PALETTE[0])
        _error_bar(axes, found.mean, y, PALETTE[1])
    axes.axvline(0.0, color=GREY, linewidth=1.0)
    axes.set(yticks=range(len(names)), yticklabels=[label(n) for n in names], ylim=(-0.6, len(names) - 0.4))
    axes.set_xlabel("reward lost without the part (negative: gained)")
    return (
        figure,
        f"What each part contributes on {market}",
        f"Reward on `{market}` with all parts minus reward without one, between runs of the same seed: "
        f"{{fact}}`study.seeds` differences (points), their mean and its {INTERVAL}, not yet corrected for "
        "their "
        "number.",
        f"Forest plot of the reward lost without each part on the {market} market, with single runs as "
        "points.",
    )


def improvement(teams_by_market: Mapping[str, Teams]) -> Drawn:
    """Probability that a run of a variant beats a run with the published settings."""
    markets = list(teams_by_market)
    shown = [name for name in next(iter(teams_by_market.values())) if name != "full"][::-1]
    figure, panels = new_figure(len(markets), width=7.8, height=0.36 * max(1, len(shown)) + 1.2)
    for panel, market in zip(panels, markets, strict=True):
        teams = teams_by_market[market]
        for y, name in enumerate(shown):
            if name in teams:
                found = probability_of_improvement(run_means(teams[name]), run_means(teams["full"]))
                _error_bar(panel, found, y, _team_colour(name))
        panel.axvline(0.5, color=GREY, linewidth=1.0)
        panel.set(title=market, xlim=(-0.03, 1.03), ylim=(-0.6, len(shown) - 0.4), xlabel="probability")
        panel.set(yticks=range(len(shown)), yticklabels=[])
    panels[0].set_yticklabels([label(n) for n in shown])
    return (
        figure,
        "Probability of improvement",
        "Probability that a run of a variant earns more on the held-out episodes than a run with the "
        "published "
        "settings, over all pairs of {fact}`study.seeds` runs each, with {fact}`study.level` % bootstrap "
        "interval. "
        "At the vertical line both are equally likely.",
        "For each market, the probability with interval that each variant beats the published settings.",
    )


def performance_profiles(scores: Mapping[str, np.ndarray]) -> Drawn:
    """Share of runs above each normalised score, over all markets."""
    figure, (axes,) = new_figure(1, width=7.4, height=3.8)
    low = min(float(values.min()) for values in scores.values())
    levels = np.linspace(max(0.0, low - 0.05), max(float(v.max()) for v in scores.values()) + 0.02, 120)
    for i, (variant, values) in enumerate(scores.items()):
        share, lower, upper = profile_band(values, levels)
        main = variant in TEAMS
        colour = PALETTE[i % len(PALETTE)]
        axes.plot(
            levels,
            share,
            color=colour,
            linestyle=DASHES[i % len(DASHES)],
            linewidth=2.0 if main else 1.0,
            label=label(variant),
        )
        if main:
            axes.fill_between(levels, lower, upper, color=colour, alpha=0.18, linewidth=0)
    axes.set(xlabel="reward as a share of the best reference's", ylabel="share of runs above", ylim=(0, 1.02))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    return (
        figure,
        "Performance profiles",
        "Share of runs whose reward on the held-out episodes, as a share of the best reference policy's, "
        "exceeds "
        "the score on the axis: {fact}`study.seeds` runs on each market, all markets together. Bands, for "
        "the two "
        "teams only: pointwise {fact}`study.level` % bootstrap, resampled within markets.",
        "Falling curves, one for each variant, of the share of runs above a normalised score.",
    )


def reward_against_profit(market: str, teams: Teams) -> Drawn:
    """Reward and profit of single held-out episodes."""
    figure, panels = new_figure(len(teams), width=7.2, height=3.1)
    for panel, colour, (variant, frame) in zip(panels, PALETTE, teams.items(), strict=False):
        shown = frame.iloc[:: max(1, len(frame) // 800)]
        panel.plot(shown["profit"], shown["reward"], ".", color=colour, markersize=2.5, alpha=0.5)
        panel.set(title=label(variant), xlabel="profit of an episode")
    panels[0].set_ylabel("reward of an episode")
    return (
        figure,
        f"Reward against profit on {market}",
        f"A sample of held-out episodes of `{market}`, from all {{fact}}`study.seeds` runs. Over the "
        "training "
        f"episodes of a run with the published settings the two correlate with "
        f"{{fact}}`{market}.full.training.reward_profit_correlation`; the published report prints "
        "{fact}`claim.C053`.",
        f"Scatter plots of reward against profit of single episodes on the {market} market, close to a line.",
    )


def action_curves(market: str, teams: Teams, reference: pd.DataFrame) -> Drawn:
    """Bid and allocation over the episode, beside those of the best reference policy.

    Args:
        market: name of the market.
        teams, reference: tables of mean actions a step, of the teams and of the policies that do not learn.
    """
    guide = "oracle" if "oracle" in set(reference["policy"]) else "constant_max"
    columns = {"bid": "bid"} | {f"allocation_{name}": f"share of {name}" for name in CHANNEL_NAMES}
    figure, panels = new_figure(4, width=8.2, height=2.7)
    ideal = reference[reference["policy"] == guide].set_index("step")
    for panel, (column, title) in zip(panels, columns.items(), strict=True):
        panel.plot(
            ideal.index, ideal[column], color="black", linewidth=1.2, linestyle=":", label=label(guide)
        )
        for colour, dashes, (variant, frame) in zip(PALETTE, DASHES, teams.items(), strict=False):
            table = frame.pivot(index="step", columns="seed", values=column)
            draw_band(panel, table, colour, label(variant), dashes)
        panel.set_title(title, fontsize=9.5)
        if column != "bid":
            panel.set_ylim(-0.03, 1.03)
    figure.supxlabel("step of the episode", fontsize=9.5)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=3, fontsize=8.5)
    return (
        figure,
        f"Bid and allocation over the episode on {market}",
        "Mean bid and mean share of the budget in each channel at every step of the held-out episodes of "
        f"`{market}`: "
        f"mean over {{fact}}`study.seeds` runs with {INTERVAL}, beside the {label(guide)} (dotted).",
        f"Four line charts against the step of the episode on the {market} market: bid and shares of the "
        "three "
        "channels, for the teams and a reference policy.",
    )


def power_curve(runs: int) -> Drawn:
    """Power of the paired comparison against the size of the effect, at several numbers of runs."""
    figure, (axes,) = new_figure(1, width=6.4, height=3.2)
    effects = np.linspace(0.0, 1.6, 81)
    sizes = sorted({5, 10, runs, 40} - {1})
    for colour, dashes, n in zip(PALETTE, (*DASHES, "-"), sizes, strict=False):
        power = [power_paired_t(float(effect), n) for effect in effects]
        width = 2.2 if n == runs else 1.1
        axes.plot(effects, power, color=colour, linestyle=dashes, linewidth=width, label=f"{n} runs")
    smallest = detectable_effect(runs, POWER)
    axes.plot([0, smallest, smallest], [POWER, POWER, 0], color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set(xlabel="standardised difference between two variants", ylabel="power", ylim=(0, 1.02))
    axes.set_xlim(0, float(effects[-1]))
    axes.legend(loc="lower right")
    return (
        figure,
        "Power",
        "Probability that the paired t test finds a difference, against the true mean difference in standard "
        "deviations of the differences between runs of the same seed. Dashed: with {fact}`study.seeds` runs "
        "a "
        "difference of {fact}`study.detectable_effect` is found with power {fact}`study.power`.",
        "Rising curves of power against effect size, one for each number of runs.",
    )


def _team_colour(name: str) -> str:
    return {"full": PALETTE[0], "tuned": PALETTE[1]}.get(name, PALETTE[2])


def _points(axes: Axes, values: pd.Series | np.ndarray, y: float, colour: str) -> None:
    jitter = np.linspace(-0.22, 0.22, len(values))
    axes.plot(values, y + jitter, ".", color=colour, markersize=4, alpha=0.55)


def _error_bar(axes: Axes, estimate: Estimate, y: float, colour: str) -> None:
    bounds = [[estimate.mean - estimate.low], [estimate.high - estimate.mean]]
    axes.errorbar(
        estimate.mean, y, xerr=np.maximum(bounds, 0.0), fmt="o", color=colour, markersize=5, capsize=3
    )


def _box(axes: Axes, values: pd.Series, y: float, colour: str, whiskers: tuple[float, float]) -> None:
    line = {"color": colour}
    axes.boxplot(
        values,
        positions=[y],
        orientation="horizontal",
        widths=0.6,
        showfliers=False,
        whis=whiskers,
        medianprops={"color": colour, "linewidth": 1.6},
        boxprops=line,
        whiskerprops=line,
        capprops=line,
    )
