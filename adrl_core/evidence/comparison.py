"""Two sets of results side by side: which evaluations and facts differ, and which by more than noise."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from adrl_core.evidence.intervals import LEVEL, ROUNDING, Estimate, mean_interval, without_rounding
from adrl_core.evidence.tests import holm, paired_t, welch_t
from adrl_core.report.facts import Fact

METRICS = ("reward", "profit", "conversions")
"""Columns of the evaluation tables that are compared."""
POWER = 0.8
"""Probability with which a detectable difference would be found."""


class Verdict(StrEnum):
    """What a comparison comes to."""

    IDENTICAL = "identical"
    """Every episode of every run has the same value, bit by bit."""
    NOISE = "within noise"
    """Not significant after Holm's correction over all comparisons."""
    CHANGED = "changed"
    """Significant after it."""
    UNTESTED = "too few to test"
    """A side has a single unit of analysis."""


class Case(NamedTuple):
    """One policy on one market."""

    market: str
    policy: str
    unit: Literal["seed", "episode"]
    """Unit of analysis: the training run (its seed) for a team, else the held-out episode."""


Evaluations = Mapping[Case, pd.DataFrame]
"""A table a case: index (seed, episode), sorted and without repetition; columns METRICS."""


@dataclass(frozen=True)
class Comparison:
    """One metric of one case in two sets, A and B."""

    case: Case
    metric: str
    values: pd.DataFrame
    """Columns a and b: a row a unit of analysis, a mean over its bank; NaN where a set has no such unit."""
    paired: bool
    """Whether units are compared one by one: both sets hold the same seeds and the same bank."""
    difference: Estimate
    """Mean of B minus mean of A with its 95 % interval; n counts pairs, or the units of both sets."""
    p: float
    """Two-sided p of the paired t test, or else of Welch's; NaN where nothing can be tested."""
    p_holm: float
    """The same after Holm's correction over all comparisons."""
    detectable: float
    """Smallest difference found with probability POWER, at the strictest level of the correction; NaN
    without any spread to find it in."""
    verdict: Verdict


def compare(a: Evaluations, b: Evaluations) -> list[Comparison]:
    """Compare every metric of every case that both sets hold; all of them are one family of tests."""
    found = [
        (case, metric, _measure(case, a[case][metric], b[case][metric]))
        for case in sorted(a.keys() & b.keys())
        for metric in METRICS
        if metric in a[case] and metric in b[case]
    ]
    p_values = np.array([measured.p for _, _, measured in found])
    corrected, tested = p_values.copy(), ~np.isnan(p_values)
    if tested.any():
        corrected[tested] = holm(p_values[tested])
    level = (1.0 - LEVEL) / max(1, tested.sum())
    return [
        Comparison(
            case=case,
            metric=metric,
            values=measured.values,
            paired=measured.paired,
            difference=measured.difference,
            p=measured.p,
            p_holm=float(p_holm),
            detectable=measured.error * noncentrality(measured.df, level) if measured.error else math.nan,
            verdict=_verdict(measured, p_holm),
        )
        for (case, metric, measured), p_holm in zip(found, corrected, strict=True)
    ]


class _Measured(NamedTuple):
    values: pd.DataFrame
    identical: bool
    paired: bool
    difference: Estimate
    p: float
    error: float
    """Standard error of the difference; 0 where there is no spread, or nothing can be tested."""
    df: float
    """Its degrees of freedom."""


def _measure(case: Case, a: pd.Series, b: pd.Series) -> _Measured:
    values = pd.concat([side.groupby(level=case.unit).mean() for side in (a, b)], axis=1, keys=["a", "b"])
    of_a, of_b = (values[side].dropna().to_numpy() for side in ("a", "b"))
    identical, paired = a.equals(b), a.index.equals(b.index)
    if min(len(of_a), len(of_b)) < 2:
        mean = float(of_b.mean() - of_a.mean())
        difference = Estimate(mean, math.nan, math.nan, len(values))
        return _Measured(values, identical, paired, difference, math.nan, 0.0, 0.0)
    return _Measured(values, identical, paired, *(_paired if paired else _welch)(of_a, of_b))


def _paired(a: NDArray, b: NDArray) -> tuple[Estimate, float, float, float]:
    b = without_rounding(b, a)
    return mean_interval(b - a), paired_t(b, a).p, float(stats.sem(b - a)), len(a) - 1.0


def _welch(a: NDArray, b: NDArray) -> tuple[Estimate, float, float, float]:
    test = welch_t(b, a)
    mean, error = float(b.mean() - a.mean()), math.hypot(stats.sem(a), stats.sem(b))
    df = test.df if isinstance(test.df, float) else len(a) + len(b) - 2.0  # neither side has any spread
    margin = float(stats.t.isf((1.0 - LEVEL) / 2.0, df)) * error
    return Estimate(mean, mean - margin, mean + margin, len(a) + len(b)), test.p, error, df


def _verdict(measured: _Measured, p_holm: float) -> Verdict:
    if measured.identical:
        return Verdict.IDENTICAL
    if math.isnan(p_holm):
        return Verdict.UNTESTED
    return Verdict.CHANGED if p_holm < 1.0 - LEVEL else Verdict.NOISE


@cache
def noncentrality(df: float, level: float) -> float:
    """True difference, in standard errors, that a two-sided t test finds with probability POWER.

    The chance of finding it with the wrong sign is left out, as is usual.

    Args:
        df: degrees of freedom.
        level: significance level of the test.
    """
    critical = float(stats.t.isf(level / 2.0, df))
    return float(
        optimize.brentq(
            lambda nc: stats.nct.sf(critical, df, nc) - POWER, critical / 2.0, 3.0 * critical + 3.0
        )
    )


class FactChange(NamedTuple):
    """A fact that differs between two sets."""

    key: str
    a: Fact
    b: Fact
    difference: float
    """B minus A; NaN for words."""
    ratio: float
    """|B minus A| over the half-widths of both intervals, added in quadrature; NaN without two intervals.
    Above 1 the difference exceeds what the intervals allow two independent sets."""


class FactChanges(NamedTuple):
    """Two stores of facts, key by key."""

    equal: int
    different: list[FactChange]
    only_a: list[str]
    only_b: list[str]


def compare_facts(a: Mapping[str, Fact], b: Mapping[str, Fact]) -> FactChanges:
    """Facts are equal if value, unit, interval and n are, up to rounding; where they come from may change."""
    shared = sorted(a.keys() & b.keys())
    different = [_fact_change(key, a[key], b[key]) for key in shared if not _equal(a[key], b[key])]
    return FactChanges(len(shared) - len(different), different, sorted(a.keys() - b), sorted(b.keys() - a))


def _equal(a: Fact, b: Fact) -> bool:
    numbers = ((a.value, b.value), (a.low, b.low), (a.high, b.high))
    return (a.unit, a.n) == (b.unit, b.n) and all(x == y or _close(x, y) for x, y in numbers)


def _close(a: object, b: object) -> bool:
    numbers = isinstance(a, int | float) and isinstance(b, int | float)
    return numbers and math.isclose(a, b, rel_tol=ROUNDING)  # type: ignore[arg-type]


def _fact_change(key: str, a: Fact, b: Fact) -> FactChange:
    if isinstance(a.value, str) or isinstance(b.value, str):
        return FactChange(key, a, b, math.nan, math.nan)
    difference = float(b.value - a.value)
    width = math.hypot(_half_width(a), _half_width(b))
    return FactChange(key, a, b, difference, abs(difference) / width if width else math.nan)


def _half_width(fact: Fact) -> float:
    return math.nan if fact.low is None or fact.high is None else (fact.high - fact.low) / 2.0
