"""Facts of the harder markets: what every policy earns there, and how near the teams come to the best rule.

Keys are those of the other markets below `harder`, such as `harder.pacing.planner.reward.mean`; in names, `+`
and `=` become underscores.
"""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from adrl_core.evidence.ablation import COMPARED
from adrl_core.evidence.governance.common import constant
from adrl_core.evidence.outcomes import action_facts, baseline_facts, reference_facts, team_facts
from adrl_core.evidence.paired import paired_facts
from adrl_core.evidence.quantities import METRICS, Facts
from adrl_core.evidence.tables import evaluation, harder_markets, trained_variants
from adrl_core.market import make_market
from adrl_core.report.facts import Fact
from adrl_core.report.jobs import parse_market

PREFIX = "harder"


class Goal(NamedTuple):
    """What the teams of a market are measured by."""

    market: str
    metric: str
    rule: str
    """The reference policy that stands for what can be had."""
    share: float
    """Share of what that policy brings that the teams should come to."""


GOALS = (
    Goal("channels", "reward", "oracle", 0.95),
    Goal("margin", "profit", "oracle_profit", 0.95),
    Goal("pacing", "reward", "lookahead", 0.95),
    Goal("shift", "reward", "oracle_threshold", 0.95),
    Goal("channels+fee=2", "reward", "oracle", 1.0),
)
"""The goals set before any team had been trained on these markets, in the order of the chapter."""


def key_of(name: str) -> str:
    """A market or variant as fact keys call it."""
    return name.replace("+", "_").replace("=", "_")


def harder_facts(results: Path) -> Facts:
    """All facts of the harder markets that have been evaluated, and the goals."""
    facts: Facts = {}
    for market in harder_markets(results):
        facts |= _market_facts(results, market)
    for goal in GOALS:
        facts[f"{PREFIX}.{key_of(goal.market)}.goal"] = constant(goal.share, "", ".0%")
    for goal in GOALS[1:]:
        name, study = parse_market(goal.market)
        prefix = f"{PREFIX}.{key_of(goal.market)}"
        budget = make_market(name).budget
        facts[f"{prefix}.budget"] = constant(budget, "currency units", ",.0f")
        if "fee" in study:
            facts[f"{prefix}.fee"] = constant(float(study["fee"]), "reward", "g")
    return facts


def _market_facts(results: Path, market: str) -> Facts:
    prefix, stage = f"{PREFIX}.{key_of(market)}", f"{market}/baselines"
    reference = pd.read_parquet(results / stage / "evaluation.parquet")
    facts = action_facts(prefix, pd.read_parquet(results / stage / "steps.parquet"), stage)
    for policy, frame in reference.groupby("policy", sort=False):
        facts |= baseline_facts(prefix, str(policy), frame, stage)
    runs = {}
    for variant in trained_variants(results, market):
        stage, key = f"{market}/{variant}/evaluate", key_of(variant)
        frame = evaluation(results, market, variant)
        actions = pd.read_parquet(results / stage / "steps.parquet").assign(policy=key)
        facts |= team_facts(prefix, key, frame, stage) | action_facts(prefix, actions, stage)
        facts |= reference_facts(prefix, key, frame, reference, stage)
        runs[variant] = frame.groupby("seed")[list(COMPARED)].mean()
    return facts | dict(_pairs(market, runs))


def _pairs(market: str, runs: dict[str, pd.DataFrame]) -> Iterator[tuple[str, Fact]]:
    """Each variant against every other before it, run by run."""
    for other, variant in combinations(runs, 2):
        origin = {
            "source": f"{market}/{variant}/evaluate/evaluation.parquet",
            "row": f"runs against those of {other}, on the same episodes",
            "stage": f"{market}/{variant}/evaluate",
        }
        for metric in COMPARED:
            prefix = f"{PREFIX}.{key_of(market)}.{key_of(variant)}.minus.{key_of(other)}.{metric}"
            yield from paired_facts(
                prefix, runs[variant][metric], runs[other][metric], *METRICS[metric], origin
            ).items()
