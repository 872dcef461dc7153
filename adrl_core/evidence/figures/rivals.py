"""Figures of the rivals: how they learn, and what they earn on the bank, beside the teams."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from adrl_core.evidence.figures.style import DASHES, GREY, INTERVAL, PALETTE, Drawn, draw_band, new_figure
from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.rivals import PREFIX, REFERENCES, TEAMS, team_runs, variant

LABELS = {
    "team": "team, tuned",
    "planner": "team, planning",
    "ppo": "PPO",
    "dqn": "DQN",
    "bandit": "bandit",
    "online_lp": "online linear program",
}
REWARD = "shaped"
"""The reward that all of those drawn have learned from."""


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """A figure a market on which rivals were trained."""
    for path in sorted(results.glob(f"*/{PREFIX}/rivals.parquet")):
        market = path.parts[-3]
        yield f"{PREFIX}-{market}", beside_the_team(results, market)


def beside_the_team(results: Path, market: str) -> Drawn:
    """Left, training reward; right, held-out reward of each run with the mean and its interval."""
    folder = results / market / PREFIX
    curves, runs = (pd.read_parquet(folder / f"{name}.parquet") for name in ("curves", "rivals"))
    tables = {
        str(rival): rows.pivot(index="episode", columns="seed", values="reward")
        for rival, rows in curves[curves["reward_learned"] == REWARD].groupby("rival", sort=False)
    }
    held_out = {
        str(rival): rows["reward"]
        for rival, rows in runs[runs["reward_learned"] == REWARD].groupby("rival", sort=False)
    }
    logs = {team: results / market / variant(team, REWARD) / "train/episodes.parquet" for team in TEAMS}
    starts = next(iter(tables.values())).index
    tables = {team: _in_stretches(log, starts) for team, log in logs.items() if log.exists()} | tables
    held_out = {
        team: means["reward"] for team, means in team_runs(results, market, REWARD).items()
    } | held_out
    figure, (learning, earning) = new_figure(2, width=7.8, height=3.3)
    for name, table in tables.items():
        place = list(LABELS).index(name)
        draw_band(learning, table, PALETTE[place], LABELS[name], DASHES[place % len(DASHES)])
    learning.set(xlabel="training episode", ylabel="reward while learning")
    figure.legend(*learning.get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=8)
    _draw_runs(earning, held_out)
    _draw_reference(earning, results, market)
    return (
        figure,
        f"Rivals on {market}",
        f"Rivals on `{market}`, with {INTERVAL} over training runs. Left: reward of training episodes, "
        "exploration included. Right: reward on the held-out episodes, a dot a run; the line is the policy "
        "that knows the market's equations.",
        "Two panels for each learner: its reward while learning, and dots for the held-out reward of every "
        "run with mean and interval, beside the level of the reference policy.",
    )


def _in_stretches(log: Path, starts: pd.Index) -> pd.DataFrame:
    """Training reward of a team, a column a run, averaged over the stretches that begin at `starts`."""
    episodes = pd.read_parquet(log).pivot(index="episode", columns="seed", values="reward")
    stretch = starts[np.searchsorted(starts, episodes.index, side="right") - 1]
    return episodes.groupby(stretch).mean()


def _draw_runs(axes: Axes, held_out: dict[str, pd.Series]) -> None:
    names = list(held_out)
    for y, name in enumerate(names):
        colour, rewards = PALETTE[list(LABELS).index(name)], held_out[name].to_numpy()
        spread = np.linspace(-0.2, 0.2, len(rewards))
        axes.plot(rewards, y + spread, ".", color=colour, alpha=0.4, markersize=4)
        mean, low, high, _ = mean_interval(rewards)
        axes.errorbar(mean, y, xerr=[[mean - low], [high - mean]], fmt="o", color=colour, capsize=3)
    axes.set(yticks=range(len(names)), yticklabels=[LABELS[name] for name in names], xlabel="held-out reward")
    axes.invert_yaxis()


def _draw_reference(axes: Axes, results: Path, market: str) -> None:
    path = results / market / "baselines/evaluation.parquet"
    if not path.exists() or market not in REFERENCES:
        return
    frame = pd.read_parquet(path)
    level = frame.loc[frame["policy"] == REFERENCES[market], "reward"].mean()
    if np.isfinite(level):
        axes.axvline(level, color=GREY, linewidth=1.0, linestyle=":")
