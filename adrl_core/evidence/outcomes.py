"""Facts of the evaluation: what policies earn and do on the bank, and how teams compare with the others."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from adrl_core.evidence.ablation import COMPARED
from adrl_core.evidence.intervals import bootstrap_interval, mean_interval, without_rounding
from adrl_core.evidence.paired import paired_facts
from adrl_core.evidence.quantities import (
    BOOTSTRAP,
    EPISODES,
    METRICS,
    RUNS,
    Facts,
    Origin,
    counted,
    estimated,
)
from adrl_core.evidence.reliable import iqm
from adrl_core.evidence.tests import one_sample_t
from adrl_core.market import presets
from adrl_core.report.facts import P_VALUE, Fact

BID = ("currency units", ".2f")
THIRDS = ("first", "middle", "last")
"""Parts of an episode."""


def _ratio_of_sums(frame: pd.DataFrame) -> float:
    spend = float(frame["spend"].sum())
    return float(frame["profit"].sum()) / spend if spend else 0.0


def _spread_facts(prefix: str, frame: pd.DataFrame, origin: Origin) -> Iterator[tuple[str, Fact]]:
    """What is told of single episodes: the standard deviation, and ROI as a ratio of sums."""
    for metric, (unit, form) in METRICS.items():
        sd = float(frame[metric].std())
        yield (
            f"{prefix}.{metric}.sd",
            Fact(value=sd, unit=unit, format=form, n=len(frame), unit_of_analysis="episodes", **origin),
        )
    ratio = _ratio_of_sums(frame)
    yield f"{prefix}.roi.ratio_of_sums", Fact(value=ratio, unit="profit / spend", format=".2f", **origin)


def baseline_facts(market: str, policy: str, frame: pd.DataFrame, stage: str) -> Facts:
    """A policy that does not learn, over the episodes of the bank."""
    origin = {"source": f"{stage}/evaluation.parquet", "row": f"policy = {policy}", "stage": stage}
    prefix = f"{market}.{policy}"
    facts = dict(_spread_facts(prefix, frame, origin))
    for metric, (unit, form) in METRICS.items():
        estimate = mean_interval(frame[metric])
        facts[f"{prefix}.{metric}.mean"] = estimated(estimate, unit, form, EPISODES, **origin)
    return facts


def team_facts(market: str, variant: str, frame: pd.DataFrame, stage: str) -> Facts:
    """A trained team, over its runs, each averaged over the bank."""
    origin: Origin = {
        "source": f"{stage}/evaluation.parquet",
        "row": "mean over the bank of each run",
        "stage": stage,
    }
    prefix = f"{market}.{variant}"
    facts = dict(_spread_facts(prefix, frame, origin | {"row": "all runs and episodes"}))
    runs = frame.groupby("seed")[list(METRICS)].mean()
    middle = bootstrap_interval(runs["reward"], iqm)
    facts[f"{prefix}.reward.iqm"] = estimated(middle, *METRICS["reward"], RUNS, BOOTSTRAP, **origin)
    for metric, (unit, form) in METRICS.items():
        facts[f"{prefix}.{metric}.mean"] = estimated(mean_interval(runs[metric]), unit, form, RUNS, **origin)
        for name, value in (
            ("run_sd", runs[metric].std()),
            ("worst_run", runs[metric].min()),
            ("best_run", runs[metric].max()),
        ):
            facts[f"{prefix}.{metric}.{name}"] = Fact(
                value=float(value), unit=unit, format=form, n=len(runs), unit_of_analysis=RUNS, **origin
            )
    return facts


def action_facts(market: str, steps: pd.DataFrame, stage: str) -> Facts:
    """Mean bid, allocation and agents asked on the bank, of every policy in a table of steps."""
    facts: Facts = {}
    columns = {f"allocation_{name}": ("of the budget", ".1%") for name in presets.CHANNEL_NAMES}
    columns |= {"bid": BID, "asked": ("agents a step", ".2f")}
    for policy, rows in steps.groupby("policy", sort=False):
        runs = rows.groupby("seed")[list(columns)].mean()
        origin: Origin = {"source": f"{stage}/steps.parquet", "row": f"policy = {policy}", "stage": stage}
        for column, (unit, form) in columns.items():
            facts[f"{market}.{policy}.{column}.mean"] = _over_runs(runs[column], unit, form, **origin)
    return facts


def bid_facts(market: str, tuned: pd.DataFrame, full: pd.DataFrame) -> Facts:
    """How the tuned team's mean bid differs from the published settings', `<market>.tuned.minus.full.bid.*`.

    Args:
        market: name of the market.
        tuned, full: the tables of mean actions of both teams on the bank.
    """
    ours, theirs = (steps.groupby("seed")["bid"].mean() for steps in (tuned, full))
    stage = f"{market}/tuned/evaluate"
    origin: Origin = {"source": f"{stage}/steps.parquet", "row": "runs against those of full", "stage": stage}
    return paired_facts(f"{market}.tuned.minus.full.bid", ours, theirs, *BID, origin)


def _over_runs(values: pd.Series, unit: str, form: str, **origin: Any) -> Fact:
    """The mean over runs with its interval, or the only value of a policy that does not learn."""
    if len(values) > 1:
        return estimated(mean_interval(values), unit, form, RUNS, **origin)
    return Fact(value=float(values.iloc[0]), unit=unit, format=form, **origin)


def misplaced_facts(market: str, steps: pd.DataFrame, oracle: pd.DataFrame, stage: str) -> Facts:
    """How much of the budget lies elsewhere than the oracle's, `<market>.<policy>.misplaced.<part>.mean`.

    At each step, the share that would have to move to make the mean allocation the oracle's (total variation
    distance), averaged over each third of the episode, on the bank.

    Args:
        steps: mean actions of the policies compared.
        oracle: those of the oracle, a row a step; none where the market has no oracle, and then no facts.
    """
    if oracle.empty:
        return {}
    columns = [f"allocation_{name}" for name in presets.CHANNEL_NAMES]
    wanted = oracle.set_index("step")[columns].loc[steps["step"]].to_numpy()
    distance = np.abs(steps[columns].to_numpy() - wanted).sum(1) / 2.0
    part = np.asarray(THIRDS)[steps["step"] * len(THIRDS) // len(oracle)]
    facts: Facts = {}
    for (policy, third), rows in steps.assign(distance=distance, part=part).groupby(["policy", "part"]):
        runs = rows.groupby("seed")["distance"].mean()
        origin: Origin = {"source": f"{stage}/steps.parquet", "row": f"policy = {policy}", "stage": stage}
        key = f"{market}.{policy}.misplaced.{third}.mean"
        facts[key] = _over_runs(runs, "of the budget", ".0%", **origin)
    return facts


def reference_facts(
    market: str, variant: str, frame: pd.DataFrame, reference: pd.DataFrame, stage: str
) -> Facts:
    """Each run's mean against each reference policy's, on the same episodes."""
    facts: Facts = {}
    runs = frame.groupby("seed")[list(COMPARED)].mean()
    for policy, rows in reference.groupby("policy", sort=False):
        origin: Origin = {
            "source": f"{stage}/evaluation.parquet",
            "row": f"runs against policy = {policy} on the same episodes",
            "stage": stage,
        }
        for metric in COMPARED:
            unit, form = METRICS[metric]
            other = float(rows[metric].mean())
            ours = without_rounding(runs[metric], other)
            difference = mean_interval(ours - other)
            key = f"{market}.{variant}.{{}}.{policy}.{metric}"
            facts[key.format("minus") + ".mean"] = estimated(difference, unit, form, RUNS, **origin)
            p = one_sample_t(ours, other).p
            facts[key.format("minus") + ".p"] = counted(p, difference.n, form=P_VALUE, **origin)
            facts[key.format("versus") + ".word"] = Fact(
                value=difference.word, n=difference.n, unit_of_analysis=RUNS, **origin
            )
            if other > 0.0:
                ratio = mean_interval(ours / other)
                facts[key.format("over") + ".ratio"] = estimated(ratio, "", ".1%", RUNS, **origin)
    return facts


def gap_facts(market: str, variant: str, frame: pd.DataFrame, reference: pd.DataFrame, stage: str) -> Facts:
    """How far each run has come on the way from the best constant policy to the oracle, in reward.

    `<market>.<variant>.gap_closed`: none of the way is 0 and all of it 1.
    """
    level = reference.groupby("policy")["reward"].mean()
    if not {"best_constant", "oracle"} <= set(level.index):
        return {}
    runs = frame.groupby("seed")["reward"].mean()
    way = (runs - level["best_constant"]) / (level["oracle"] - level["best_constant"])
    origin: Origin = {
        "source": f"{stage}/evaluation.parquet",
        "row": "mean over the bank of each run, between policy = best_constant and policy = oracle",
        "stage": stage,
    }
    return {f"{market}.{variant}.gap_closed": estimated(mean_interval(way), "", ".0%", RUNS, **origin)}
