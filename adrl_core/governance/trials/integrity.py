"""The trial of the monitors: what they find and when, and what three rewards make of a team."""

import logging
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from adrl_core.agents.policy import Policy
from adrl_core.agents.team import TeamLearner, TeamPolicy
from adrl_core.config import MarketName, Study
from adrl_core.evaluate import BANK_SEED, play
from adrl_core.governance.charts import misaligned_alarms, reference, run_length, standardised
from adrl_core.governance.manipulation import (
    MISALIGNED_LIMIT,
    MISALIGNED_SLACK,
    Inflated,
    Rotation,
    Usual,
    alarms,
    dearer_market,
    delays,
    deployments,
    usual,
)
from adrl_core.governance.monitors import Metrics, Monitored
from adrl_core.governance.objectives import ObjectivesMarket
from adrl_core.governance.quality import QualityModel, quality_paths
from adrl_core.governance.trials.bank import play_runs, trial_episodes
from adrl_core.market import Market, make_market
from adrl_core.train import load_team

log = logging.getLogger(__name__)

MONITORED_SEED = BANK_SEED + 2
"""Seed of the episodes that are monitored: held-out as the bank, but no two runs meet the same, so that an
unlucky reference is that of one run only."""
LARGEST_BLOCK = 250
"""Most episodes a run in a quarter of what is played: two in control, two to deploy on."""
INFLATION, SHILLING, OUTBIDDING = 1.25, 1.1, 1.5
"""Factors on our bids, and on the rivals' prices under shills and under a rival who outbids us."""
QUALITY_FALL = 0.5
"""Points that each channel's quality score falls by."""


def trained_on(study: Study, reward: str, markets: Path) -> TeamLearner:
    """The teams of the study, or of its variant by profit, below the market's folder."""
    variant = study.variant if reward == "shaped" else f"{study.variant}+reward={reward}"
    there = study.model_copy(update={"variant": variant})
    return load_team(there, markets / variant / "train" / "checkpoint.pt")


def watched(policy: Policy, market: Market, episodes: NDArray, quality: QualityModel) -> list[Metrics]:
    """Metrics of each run on its own episodes, (runs, episodes)."""
    monitored = Monitored(policy, lambda on: quality_paths(quality, on.seeds, on.episodes))
    play(monitored, market, np.full(episodes.size, MONITORED_SEED), episodes.ravel())
    by_run = [values.reshape(*episodes.shape, *values.shape[1:]) for values in monitored.episodes()]
    return [Metrics(*(values[run] for values in by_run)) for run in range(len(episodes))]


def detection(
    study: Study, team: TeamLearner, incumbent: TeamLearner
) -> tuple[pd.DataFrame, list[dict[str, Usual]]]:
    """Deploy the team, manipulate, and let the team replace an incumbent that was trained on profit.

    Returns:
        A row a team, condition, run, metric and chart: team deployed first, condition, seed, metric, chart,
        false (share of deployments with an alarm before the onset), alarmed (share of the others with one
        after it), episodes (mean from the onset to the alarm, or to the end) and horizon (the end). And what
        is usual, by run, for the `shaped` team and for `profit`, the incumbent.
    """
    block = min(LARGEST_BLOCK, study.evaluation_episodes // 4)
    onset, runs = block // 4, len(team.seeds)
    bank = np.arange(4 * block * runs).reshape(runs, 4 * block)
    plain, quality = partial(make_market, study.market), QualityModel()
    healthy = {
        name: watched(TeamPolicy(learner), plain(), bank, quality)
        for name, learner in (("shaped", team), ("profit", incumbent))
    }
    log.info("healthy deployments played")
    in_control = [
        {name: usual(_part(of[run], slice(2 * block))) for name, of in healthy.items()} for run in range(runs)
    ]
    last, rows = bank[:, 3 * block :], []

    def trial(name: str, condition: str, changed: list[Metrics] | None) -> None:
        for run, seed in enumerate(team.seeds):
            before = _part(healthy[name][run], slice(2 * block, None))
            series = deployments(before, changed[run] if changed else None, onset)
            for (metric, chart), raised in alarms(series, in_control[run][name]).items():
                delay, horizon = delays(raised, onset), raised.shape[1] - onset
                rows.append(
                    {
                        "team": name,
                        "condition": condition,
                        "seed": seed,
                        "metric": metric,
                        "chart": chart,
                        "false": 1.0 - len(delay) / len(raised),
                        "alarmed": _mean(np.isfinite(delay)),
                        "episodes": _mean(np.minimum(delay, horizon)),
                        "horizon": horizon,
                    }
                )
        log.info("%s, %s: done", name, condition)

    trial("shaped", "none", None)
    for condition, policy, market, scores in manipulations(study.market, team):
        trial("shaped", condition, watched(policy, market, last, scores))
    trial("profit", "none", None)
    trial("profit", "replaced", [_part(of, slice(3 * block, None)) for of in healthy["shaped"]])
    return pd.DataFrame(rows), in_control


def manipulations(name: MarketName, team: TeamLearner) -> Iterator[tuple[str, Policy, Market, QualityModel]]:
    """Each condition: what it is called, who plays, on which market, with which quality."""
    policy, quality = TeamPolicy(team), QualityModel()
    search, display, video = (level - QUALITY_FALL for level in quality.level)
    worse = QualityModel(level=(search, display, video))
    yield "suppression", Rotation(policy, 1, 1), make_market(name), quality
    yield "rotation", Rotation(policy, 1, 2), make_market(name), quality
    yield "rare_rotation", Rotation(policy, 1, 10), make_market(name), quality
    yield "inflated", Inflated(policy, INFLATION), make_market(name), quality
    yield "shills", policy, dearer_market(name, SHILLING), quality
    yield "outbid", policy, dearer_market(name, OUTBIDDING), quality
    yield "quality_fall", policy, make_market(name), worse


def compared_rewards(study: Study, teams: Mapping[str, TeamLearner]) -> pd.DataFrame:
    """What teams that learned from different rewards bring on the bank.

    Returns:
        A row an objective and run, means over the episodes: objective, seed, the columns of `play`, violation
        (spend where quality is below the floor, in currency units) and value (reward of several objectives).
    """
    frames = []
    for name, learner in teams.items():
        market = ObjectivesMarket(make_market(study.market))
        frame = play_runs(TeamPolicy(learner), market, learner, trial_episodes(study))  # type: ignore[arg-type]
        frame["violation"], frame["value"] = market.violation.double().numpy(), market.value.double().numpy()
        means = frame.drop(columns="episode").groupby("seed", as_index=False).mean()
        means.insert(0, "objective", name)
        frames.append(means)
    return pd.concat(frames, ignore_index=True)


def misaligned_trainings(
    folder: Path, variant: str, objectives: pd.DataFrame, expected: list[dict[str, Usual]]
) -> pd.DataFrame:
    """When the monitor of reward and profit raises the alarm while teams learn.

    In control is the incumbent, trained on profit and played on the bank; or, in the second trial, what the
    same training itself brought in its first tenth.

    Args:
        folder: of the market, below which the trainings lie.
        variant: the team trained on the shaped reward.
        objectives: the training on several objectives, as `learn` returns it.
        expected: what `detection` found to be usual.

    Returns:
        A row an objective, standard (incumbent or start) and run: objective, standard, seed, alarmed, and
        episodes until the alarm, or all.
    """
    trainings = {
        "shaped": pd.read_parquet(folder / variant / "train" / "episodes.parquet"),
        "profit": pd.read_parquet(folder / f"{variant}+reward=profit" / "train" / "episodes.parquet"),
        "objectives": objectives,
    }
    rows = []
    for objective, frame in trainings.items():
        by_run = frame.sort_values("episode").groupby("seed", sort=True)
        for run, (seed, curve) in enumerate(by_run):
            start = max(2, len(curve) // 10)
            own = {name: reference(curve[name].to_numpy()[:start]) for name in ("reward", "profit")}
            for standard, levels, first in (
                ("incumbent", expected[run]["profit"].levels, 0),
                ("start", own, start),
            ):
                reward, profit = (
                    standardised(curve[name].to_numpy()[None, first:], levels[name])
                    for name in ("reward", "profit")
                )
                raised = misaligned_alarms(reward, profit, MISALIGNED_SLACK, MISALIGNED_LIMIT)
                after = first + float(run_length(raised)[0])
                row = {"objective": objective, "standard": standard, "seed": seed}
                rows.append(row | {"alarmed": np.isfinite(after), "episodes": min(after, len(curve))})
    return pd.DataFrame(rows).astype({"alarmed": float})


def _part(metrics: Metrics, part: slice) -> Metrics:
    return Metrics(*(values[part] for values in metrics))


def _mean(values: NDArray) -> float:
    """Mean, or not a number where every deployment had a false alarm."""
    return float(values.mean()) if len(values) else float("nan")
