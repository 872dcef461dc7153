"""Facts of the evaluation: what policies earn and do on the bank, and how teams compare with the others."""

from collections.abc import Iterator

import pandas as pd

from adrl_core.evidence.ablation import COMPARED
from adrl_core.evidence.intervals import bootstrap_interval, mean_interval
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
    columns |= {"bid": ("currency units", ".2f"), "asked": ("agents a step", ".2f")}
    for policy, rows in steps.groupby("policy", sort=False):
        runs = rows.groupby("seed")[list(columns)].mean()
        origin: Origin = {"source": f"{stage}/steps.parquet", "row": f"policy = {policy}", "stage": stage}
        for column, (unit, form) in columns.items():
            key = f"{market}.{policy}.{column}.mean"
            if len(runs) > 1:
                facts[key] = estimated(mean_interval(runs[column]), unit, form, RUNS, **origin)
            else:
                facts[key] = Fact(value=float(runs[column].iloc[0]), unit=unit, format=form, **origin)
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
            difference = mean_interval(runs[metric] - other)
            key = f"{market}.{variant}.{{}}.{policy}.{metric}"
            facts[key.format("minus") + ".mean"] = estimated(difference, unit, form, RUNS, **origin)
            p = one_sample_t(runs[metric], other).p
            facts[key.format("minus") + ".p"] = counted(p, difference.n, form=P_VALUE, **origin)
            facts[key.format("versus") + ".word"] = Fact(
                value=difference.word, n=difference.n, unit_of_analysis=RUNS, **origin
            )
            if other > 0.0:
                ratio = mean_interval(runs[metric] / other)
                facts[key.format("over") + ".ratio"] = estimated(ratio, "", ".1%", RUNS, **origin)
    return facts
