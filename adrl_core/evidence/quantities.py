"""The measured quantities: their units and display formats, and how an estimate becomes a fact."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from adrl_core.evidence.intervals import LEVEL, Estimate
from adrl_core.report.facts import Fact

Facts = dict[str, Fact]
Origin = dict[str, Any]
"""Source, row and stage of a fact."""

METRICS: Mapping[str, tuple[str, str]] = {
    "reward": ("reward", ".1f"),
    "conversions": ("conversions", ".2f"),
    "clicks": ("clicks", ".1f"),
    "impressions": ("impressions", ".0f"),
    "spend": ("currency units", ".1f"),
    "profit": ("currency units", ".1f"),
    "roi": ("profit / spend", ".2f"),
}
"""Columns of the evaluation tables: unit and display format."""

TYPICAL: Mapping[str, float] = {"cost": 2.0, "competition": 0.65, "volatility": 0.2}
"""Cost per click, competition and volatility of the `channels` market that is drawn as an example."""

INTERVAL = f"{LEVEL:.0%} t interval".replace("%", " %")
BOOTSTRAP = f"{LEVEL:.0%} bootstrap interval".replace("%", " %")
EPISODES, RUNS = "held-out episodes", "training runs"


def estimated(
    estimate: Estimate, unit: str, form: str, counted: str, interval: str = INTERVAL, **origin: Any
) -> Fact:
    """An estimate with its interval as a fact."""
    return Fact(
        value=estimate.mean,
        unit=unit,
        format=form,
        low=estimate.low,
        high=estimate.high,
        interval=interval,
        n=estimate.n,
        unit_of_analysis=counted,
        **origin,
    )


def effect(key: str, estimate: Estimate, **origin: Any) -> Facts:
    """A standardised effect as a fact, or none where runs without spread leave it undefined."""
    if not all(map(math.isfinite, estimate)):
        return {}
    return {key: estimated(estimate, "", ".2f", RUNS, **origin)}


def counted(
    value: float | str, n: int, unit: str = "", form: str = "", unit_of_analysis: str = RUNS, **origin: Any
) -> Fact:
    """A number without an interval, or a word, that rests on n units of analysis."""
    return Fact(value=value, unit=unit, format=form, n=n, unit_of_analysis=unit_of_analysis, **origin)


def listed(names: Sequence[str]) -> str:
    """Names as prose lists them; "none of them" if there are none."""
    if len(names) < 2:
        return names[0] if names else "none of them"
    return f"{', '.join(names[:-1])} and {names[-1]}"
