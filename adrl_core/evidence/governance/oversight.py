"""Facts of the trial of oversight and of the audit trail."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from adrl_core.evidence.governance.common import EXACT, Trial, constant, mean_facts, share_interval, trials
from adrl_core.evidence.intervals import LEVEL, Estimate
from adrl_core.evidence.published import printed
from adrl_core.evidence.quantities import METRICS, RUNS, Facts, Origin, counted, estimated
from adrl_core.governance.sequential import PerformanceBound
from adrl_core.governance.trials.oversight import DEPLOYED_EPISODES, REVIEW_EVERY
from adrl_core.market.presets import STEPS
from adrl_core.report.facts import Fact

PREFIX = "governance.oversight"
HEALTHY = "healthy"
UNREMARKABLE = (HEALTHY, "changed world")
"""Deployments in which nothing is wrong with the policy or its inputs."""
FALSE_ALARM = float(PerformanceBound.model_fields["false_alarm"].default)
"""Largest chance of ever stopping a policy that is well, as the trial sets it."""
LIMIT = printed("C232").high
"""Milliseconds that a decision may take, as published."""
STACK = "recorded"
"""The stack that a decision in use passes through."""


def facts(results: Path) -> Facts:
    """Keys: `governance.oversight.<market>.<condition>.{caught,early,delay.median,delay.longest,before.mean,
    after.mean,instead.mean}`, `.caught` over all faults, `.healthy.{stopped,watched}`, `.alarm.<watched>` and
    `.loss_<percent>.<watched>` (shares of simulated deployments stopped), `.approval.refused`,
    `.kill.{throws,decisions}`, `.audit.<measure>`, `.tampering.<kind>.{tries,found,named,lost}`,
    `.latency.<stack>.{p50,p99,late}` and `.latency.beside`; `review.{every,enforced}` and constants of the
    bound.
    """
    found: Facts = {
        f"{PREFIX}.false_alarm": constant(FALSE_ALARM, "", ".0%"),
        f"{PREFIX}.review.every": constant(REVIEW_EVERY, "episodes"),
    }
    for trial in trials(results, "oversight"):
        for part in (_detection, _simulated, _switches, _audit, _tampering, _latency):
            found |= dict(part(trial))
    return found


def key(name: str) -> str:
    """How keys call a condition, drill or kind of tampering."""
    return name.replace(",", "").replace(" ", "_")


def proportion(
    hits: int, of: int, unit: str, unit_of_analysis: str, origin: Origin, form: str = ".0%"
) -> Fact:
    """A share with its exact interval (Clopper and Pearson)."""
    low, high = proportion_confint(hits, of, 1.0 - LEVEL, method="beta")
    return estimated(Estimate(hits / of, low, high, of), unit, form, unit_of_analysis, EXACT, **origin)


def rate_over_runs(rates: pd.Series, unit: str, origin: Origin, form: str = ".0%") -> Fact:
    """The mean of a share of each run, with an interval over runs."""
    estimate, interval = share_interval(rates)
    return estimated(estimate, unit, form, RUNS, interval, **origin)


def delays(rows: pd.DataFrame) -> pd.Series:
    """Episodes from the onset of a fault to the shutdown, of the runs shut down after it."""
    caught = rows[rows["stopped_after"] > rows["onset"]]
    return caught["stopped_after"] - caught["onset"]


def _detection(trial: Trial) -> Iterator[tuple[str, Fact]]:
    frame = trial.table("detection")
    prefix, (unit, form) = f"{PREFIX}.{trial.market}", METRICS["reward"]
    for condition, rows in frame.groupby("condition", sort=False):
        origin, name = (
            trial.origin("detection", f"condition = {condition}"),
            f"{prefix}.{key(str(condition))}",
        )
        late, n = delays(rows), len(rows)
        early = int((rows["stopped_after"].between(1, rows["onset"])).sum())
        yield f"{name}.caught", counted(len(late), n, "deployments", **origin)
        yield f"{name}.early", counted(early, n, "deployments", **origin)
        if len(late):
            yield f"{name}.delay.median", counted(float(late.median()), len(late), "episodes", "g", **origin)
            yield f"{name}.delay.longest", counted(int(late.max()), len(late), "episodes", **origin)
        for column in ("before", "after", "instead"):
            if rows[column].notna().sum() > 1:
                values = rows.set_index("seed")[column].dropna()
                yield from mean_facts(f"{name}.{column}", values, unit, form, origin).items()
    faulty = frame[~frame["condition"].isin(UNREMARKABLE)]
    origin = trial.origin("detection", "all faults, by run")
    caught = faulty.assign(caught=faulty["stopped_after"] > faulty["onset"]).groupby("seed")["caught"].mean()
    yield f"{prefix}.caught", rate_over_runs(caught, "of the faulty deployments", origin)
    yield f"{prefix}.faulty", Fact(value=len(faulty), unit="deployments", **origin)
    healthy = frame[frame["condition"] == HEALTHY]
    origin, stopped = (
        trial.origin("detection", f"condition = {HEALTHY}"),
        int((healthy["stopped_after"] > 0).sum()),
    )
    stop = proportion(stopped, len(healthy), "of the healthy deployments", "deployments", origin)
    yield f"{prefix}.healthy.stopped", stop
    length = int(trial.manifest["parameters"]["evaluation_episodes"]) // 2
    watched = Fact(value=min(DEPLOYED_EPISODES, length), unit="episodes", **origin)
    yield f"{prefix}.healthy.watched", watched
    origin = trial.origin("detection", "all conditions")
    early = int(frame["stopped_after"].between(1, frame["onset"]).sum())
    early += int((frame.loc[frame["condition"] == HEALTHY, "stopped_after"] > frame["onset"].iloc[0]).sum())
    yield f"{prefix}.false_alarms", Fact(value=early, unit="false alarms", **origin)
    yield f"{prefix}.onset", Fact(value=int(frame["onset"].iloc[0]), unit="episodes", **origin)


def _simulated(trial: Trial) -> Iterator[tuple[str, Fact]]:
    for row in trial.table("power").to_dict("records"):
        percent, watched = round(100 * row["loss"]), row["watched"]
        origin = trial.origin("power", f"loss = {percent} %, watched = {watched}")
        name, form = (f"loss_{percent}", ".0%") if percent else ("alarm", ".2%")
        counts = row["stopped"], row["deployments"]
        share = proportion(*counts, "of the deployments", "simulated deployments", origin, form)
        yield f"{PREFIX}.{trial.market}.{name}.{watched}", share


def _switches(trial: Trial) -> Iterator[tuple[str, Fact]]:
    frame, prefix = trial.table("switches"), f"{PREFIX}.{trial.market}"
    origin = trial.origin("switches")

    def held(drill: str) -> float:
        return float(frame.loc[frame["drill"] == drill, "held"].mean())

    refused = frame.loc[frame["drill"].isin(("no approval", "changed weight")), "held"]
    yield f"{prefix}.approval.refused", Fact(value=float(refused.mean()), format=".0%", **origin)
    yield f"{prefix}.approval.admitted", Fact(value=held("approval"), format=".0%", **origin)
    for name, drills in (
        ("kill", ("thrown within", "thrown by another process")),
        ("resume", ("taken back",)),
    ):
        rows = frame[frame["drill"].isin(drills)]
        yield f"{prefix}.{name}.throws", Fact(value=len(rows), unit="times", **origin)
        decisions = int(rows["decisions"].max())
        yield f"{prefix}.{name}.decisions", Fact(value=decisions, unit="decisions", **origin)
    outside = int((frame["drill"] == "thrown by another process").sum())
    yield f"{prefix}.kill.outside", Fact(value=outside, unit="times", **origin)
    due = frame.loc[frame["drill"] == "review due", "held"]
    share = proportion(int(due.sum()), len(due), "of the policies", RUNS, origin)
    yield f"{prefix}.review.enforced", share
    yield f"{PREFIX}.review.enforced", share


def _audit(trial: Trial) -> Iterator[tuple[str, Fact]]:
    frame, prefix = trial.table("trail").set_index("seed"), f"{PREFIX}.{trial.market}.audit"
    origin = trial.origin("trail")
    decisions, coverage = int(frame["decisions"].sum()), frame["on_record"] / frame["decisions"]
    yield f"{prefix}.decisions", Fact(value=decisions, unit="decisions", format=",d", **origin)
    yield f"{prefix}.coverage", rate_over_runs(coverage, "of the decisions", origin)
    size = frame["bytes"] / frame["decisions"]
    yield from mean_facts(f"{prefix}.bytes", size, "bytes a record", ",.0f", origin).items()
    episode = float(size.mean()) * STEPS / 1e3
    yield f"{prefix}.episode", Fact(value=episode, unit="kB an episode", format=".0f", **origin)
    for rate in ("append_rate", "safe_rate", "verify_rate"):
        yield from mean_facts(f"{prefix}.{rate}", frame[rate], "records a second", ",.0f", origin).items()


def _tampering(trial: Trial) -> Iterator[tuple[str, Fact]]:
    frame = trial.table("tampering")
    for kind, rows in frame.groupby("kind", sort=False):
        name, origin = (
            f"{PREFIX}.{trial.market}.tampering.{key(str(kind))}",
            trial.origin("tampering", str(kind)),
        )
        yield f"{name}.tries", Fact(value=len(rows), unit="tries", **origin)
        for column in ("found", "named"):
            yield f"{name}.{column}", Fact(value=int(rows[column].sum()), unit="tries", **origin)
        yield f"{name}.lost", Fact(value=int(rows["lost"].max()), unit="records at most", **origin)


def _latency(trial: Trial) -> Iterator[tuple[str, Fact]]:
    frame, prefix = trial.table("latency"), f"{PREFIX}.{trial.market}.latency"
    beside = Fact(value=len(trial.beside()), unit="stages", **trial.origin("latency"))
    yield f"{prefix}.beside", beside
    for stack, rows in frame.groupby("stack", sort=False):
        origin, n = trial.origin("latency", f"stack = {stack}"), len(rows)
        for column, infix in (("elapsed", ""), ("computing", "computing.")):
            for name, level in (("p50", 0.5), ("p99", 0.99)):
                value = float(np.quantile(rows[column], level))
                fact = counted(value, n, "ms", ".1f", "decisions", **origin)
                yield f"{prefix}.{stack}.{infix}{name}", fact
                if stack == STACK:
                    yield f"{prefix}.{infix}{name}", fact
        late = (rows["elapsed"] >= LIMIT).groupby(rows["seed"]).mean()
        yield f"{prefix}.{stack}.late", rate_over_runs(late, "of the decisions", origin, ".1%")
