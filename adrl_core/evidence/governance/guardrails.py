"""Facts of the trial of the safety layer."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from adrl_core.evidence.governance.common import Trial, constant, mean_facts, trials
from adrl_core.evidence.paired import paired_facts
from adrl_core.evidence.quantities import METRICS, RUNS, Facts, counted
from adrl_core.governance.faults import SlippedPoint
from adrl_core.governance.guardrails import KINDS
from adrl_core.governance.quality import QualityModel
from adrl_core.governance.trials.guardrails import LIMITS
from adrl_core.market.presets import CHANNEL_NAMES, PRESETS, STEPS
from adrl_core.report.facts import Fact

PREFIX = "governance.guardrails"
PAID = ("reward", "profit")
"""Metrics in which a constraint has its price."""
BROKEN = ("of the steps", ".1%")
"""Steps that break a limit: unit and display format."""
PARTLY = ("overridden", *(f"wanted_{kind}" for kind in KINDS))
"""Counts of steps that are told as shares of all steps."""


def facts(results: Path) -> Facts:
    """Keys: `governance.guardrails.<market>.<condition>.<metric>.mean`, conditions being `counted` (nothing
    enforced), `enforced`, `only_<part>` and `cap_0_8`, and the first two once more after `slipped`;
    `.overridden`, `.wanted_<kind>` and `.broken` as shares of steps; `.reached` and `.overspent`, numbers of
    steps of all runs; `.minus_counted.<metric>` (of `broken` too) and `.share`; `limit.<market>.<field>` and
    `quality.<channel>`.
    """
    found: Facts = {f"{PREFIX}.quality.{name}": _level(c) for c, name in enumerate(CHANNEL_NAMES)}
    found[f"{PREFIX}.quality.spread"] = constant(QualityModel().spread, "score", ".1f")
    for market, limits in LIMITS.items():
        name = f"{PREFIX}.limit.{market}"
        for field in ("lowest_bid", "highest_bid", "spend_per_step", "spend_per_episode"):
            found[f"{name}.{field}"] = constant(getattr(limits, field), "currency units", "g")
        found[f"{name}.largest_share"] = constant(limits.largest_share[0], "of the allocation", ".0%")
        found[f"{name}.quality_floor"] = constant(limits.quality_floor, "score", ".1f")
        found[f"{name}.budget"] = constant(PRESETS[market].budget, "currency units", ",g")
    for trial in trials(results, "guardrails"):
        found |= dict(_conditions(trial)) | dict(_caps(trial))
    return found


def _level(channel: int) -> Fact:
    return constant(QualityModel().level[channel], "score", ".1f")


def key(policy: str, condition: str) -> str:
    """How keys call a condition of a policy."""
    prefix = "slipped." if policy == SlippedPoint.kind else ""
    return prefix + condition.replace(" ", "_")


def cap_key(cap: float) -> str:
    """How keys call a largest share, such as cap_0_8."""
    return f"cap_{cap:.1f}".replace(".", "_")


def by_condition(trial: Trial) -> dict[str, pd.DataFrame]:
    """A row a run and a column a measure, by the condition's key."""
    groups = trial.table("guardrails").groupby(["policy", "condition"], sort=False)
    return {key(str(policy), str(condition)): rows.set_index("seed") for (policy, condition), rows in groups}


def _conditions(trial: Trial) -> Iterator[tuple[str, Fact]]:
    tables = by_condition(trial)
    for name, rows in tables.items():
        origin = trial.origin("guardrails", name)
        prefix = f"{PREFIX}.{trial.market}.{name}"
        for metric in (*PAID, "spend", "conversions"):
            yield from mean_facts(f"{prefix}.{metric}", rows[metric], *METRICS[metric], origin).items()
        for column in PARTLY:
            share = rows[column] / STEPS
            yield from mean_facts(f"{prefix}.{column}", share, "of the steps", ".1%", origin).items()
        yield from mean_facts(f"{prefix}.broken", rows["reached"] / STEPS, *BROKEN, origin).items()
        for column in ("reached", "overspent"):
            steps = round(float(rows[column].sum()) * trial.episodes)
            yield f"{prefix}.{column}", counted(steps, len(rows), "steps", ",d", **origin)
        yield (
            f"{prefix}.decisions",
            counted(len(rows) * trial.episodes * STEPS, len(rows), "decisions", ",d", **origin),
        )
        free = tables["slipped.counted" if name.startswith("slipped") else "counted"]
        if rows is not free:
            yield from _price(prefix, rows, free, trial)
    yield from _slip(trial, tables)


def _price(prefix: str, rows: pd.DataFrame, free: pd.DataFrame, trial: Trial) -> Iterator[tuple[str, Fact]]:
    """What a condition costs against the same runs without the layer."""
    origin = trial.origin("guardrails", "the same run with and without")
    for metric in PAID:
        name = f"{prefix}.minus_counted.{metric}"
        yield from paired_facts(name, rows[metric], free[metric], *METRICS[metric], origin).items()
    yield from mean_facts(f"{prefix}.share", rows["reward"] / free["reward"], "", ".1%", origin).items()
    ours, theirs = (table["reached"] / STEPS for table in (rows, free))
    yield from paired_facts(f"{prefix}.minus_counted.broken", ours, theirs, *BROKEN, origin).items()


def _slip(trial: Trial, tables: dict[str, pd.DataFrame]) -> Iterator[tuple[str, Fact]]:
    """What the slipped point changes without the layer."""
    slipped, origin = tables["slipped.counted"], trial.origin("guardrails", "slipped point against team")
    for metric in (*PAID, "spend"):
        name = f"{PREFIX}.{trial.market}.slipped.minus_team.{metric}"
        free = tables["counted"][metric]
        yield from paired_facts(name, slipped[metric], free, *METRICS[metric], origin).items()


def _caps(trial: Trial) -> Iterator[tuple[str, Fact]]:
    free = by_condition(trial)["counted"]
    for cap, rows in trial.table("caps").groupby("cap"):
        prefix = f"{PREFIX}.{trial.market}.{cap_key(float(str(cap)))}"
        origin, runs = trial.origin("caps", f"cap = {cap:.1f}"), rows.set_index("seed")
        yield from mean_facts(f"{prefix}.reward", runs["reward"], *METRICS["reward"], origin).items()
        yield from mean_facts(f"{prefix}.share", runs["reward"] / free["reward"], "", ".1%", origin).items()
        share = runs["overridden"] / STEPS
        yield from mean_facts(f"{prefix}.overridden", share, "of the steps", ".1%", origin).items()
    yield f"{PREFIX}.{trial.market}.runs", counted(len(free), len(free), RUNS, **trial.origin("guardrails"))
    yield (
        f"{PREFIX}.episodes",
        Fact(value=trial.episodes, unit="episodes a run", **trial.origin("guardrails")),
    )
