"""Facts of the generalists: what one policy for all markets earns on each, beside the market's specialist.

Keys are `generalists.<market>.<policy>.<quantity>`. A policy is `specialist`, the planning team of one market
alone; `specialist_recall`, the same with memory; `all` and `all_recall`, trained on all markets; `unseen`,
trained with memory on all others; or `rule`, the best policy that knows the equations. Runs are compared by
seed, on the episodes that all have played.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from adrl_core.agents.outcomes import OutcomeModel, number_of_terms
from adrl_core.agents.population import parameters_per_run
from adrl_core.agents.recall import (
    CLICK_RATE,
    CLICKS,
    CONVERSION_RATE,
    IMPRESSIONS,
    RECALLED,
    LikePlans,
)
from adrl_core.config import parse_variant
from adrl_core.evidence.governance.common import constant, mean_facts
from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.paired import paired_facts
from adrl_core.evidence.quantities import METRICS, RUNS, Facts, Origin, counted, estimated, listed
from adrl_core.evidence.rivals import REFERENCES
from adrl_core.generalists import BANK, FAMILY, PLAIN, RECALLING
from adrl_core.report.facts import Fact

PREFIX = STAGE = "generalists"
POLICIES = ("specialist", "specialist_recall", "all", "all_recall", "unseen")
"""Names of the policies in keys; in this order figures draw them."""
PAIRS = (
    ("all", "specialist"),
    ("all_recall", "specialist"),
    ("unseen", "specialist"),
    ("specialist_recall", "specialist"),
    ("all_recall", "all"),
    ("unseen", "all"),
    ("unseen", "all_recall"),
)
"""Policies whose rewards are compared run by run."""
QUOTED = ("reward", "conversions", "spend", "profit")
GENERALISTS = ("all", "all_recall", "unseen")
SPECIALIST = "{market}/" + PLAIN + "/evaluate"
STANDINGS = {"behind": "below", "level": "not distinguishable from", "ahead": "above"}
"""How a generalist may compare with the specialists: the part of a key, and the word of the difference."""


def facts(results: Path) -> Facts:
    """All facts of the generalists; of a stage that has not run, its constants only."""
    found: Facts = dict(_constants())
    if stage_ran(results):
        for market in FAMILY:
            found |= dict(market_facts(results, market))
        found |= dict(_training(results)) | dict(_standings(found))
    return found


def stage_ran(results: Path) -> bool:
    """Whether the stage has left its tables."""
    return (results / STAGE / "generalists.parquet").exists()


def policies(results: Path, market: str) -> dict[str, pd.DataFrame]:
    """Means over the episodes played on a market, by seed, of every policy that is there, in their order."""
    table = pd.read_parquet(results / STAGE / "generalists.parquet")
    here = table[table["market"] == market]
    names = {
        "all": "all",
        "all_recall": "all_recall",
        f"without_{market}": "unseen",
        f"{market}_recall": "specialist_recall",
    }
    found = {
        names[str(course)]: rows.set_index("seed")[list(METRICS)] for course, rows in here.groupby("course")
    }
    path = results / SPECIALIST.format(market=market) / "evaluation.parquet"
    if path.exists():
        episodes = pd.read_parquet(path)
        first = episodes[episodes["episode"] < BANK]
        found["specialist"] = first.groupby("seed")[list(METRICS)].mean()
    return {name: found[name] for name in POLICIES if name in found}


def rule_reward(results: Path, market: str) -> float | None:
    """Mean reward on the same episodes of the best policy that knows the equations, if it has been played."""
    path = results / market / "baselines" / "evaluation.parquet"
    if not path.exists():
        return None
    played = pd.read_parquet(path)
    rows = played[(played["policy"] == REFERENCES[market]) & (played["episode"] < BANK)]
    return float(rows["reward"].mean()) if len(rows) else None


def shares(means: pd.DataFrame, specialist: pd.DataFrame) -> pd.Series:
    """Reward of each run over that of the specialist's run of the same seed."""
    return (means["reward"] / specialist["reward"]).dropna()


def market_facts(results: Path, market: str) -> Iterator[tuple[str, Fact]]:
    """Facts of one market."""
    runs, rule = policies(results, market), rule_reward(results, market)
    prefix = f"{PREFIX}.{market}"
    if rule is not None:
        origin: Origin = {
            "source": f"{market}/baselines/evaluation.parquet",
            "row": f"policy = {REFERENCES[market]}, episode < {BANK}",
            "stage": f"{market}/baselines",
        }
        yield f"{prefix}.rule.reward.mean", Fact(value=rule, unit="reward", format=".1f", **origin)
    for name, means in runs.items():
        origin = _origin(market, name)
        for metric in QUOTED:
            yield from mean_facts(
                f"{prefix}.{name}.{metric}", means[metric], *METRICS[metric], origin
            ).items()
        if rule is not None:
            share = mean_interval(means["reward"] / rule)
            yield f"{prefix}.{name}.of_rule.mean", estimated(share, "", ".1%", RUNS, **origin)
        if "specialist" in runs:
            share = mean_interval(shares(means, runs["specialist"]))
            yield f"{prefix}.{name}.share.mean", estimated(share, "", ".1%", RUNS, **origin)
    for ours, theirs in PAIRS:
        if {ours, theirs} <= runs.keys():
            seeds = runs[ours].index.intersection(runs[theirs].index)
            yield from paired_facts(
                f"{prefix}.{ours}.minus.{theirs}.reward",
                runs[ours]["reward"].loc[seeds],
                runs[theirs]["reward"].loc[seeds],
                *METRICS["reward"],
                _origin(market, ours) | {"row": f"market = {market}, {ours} less {theirs}, run by run"},
            ).items()


def _training(results: Path) -> Iterator[tuple[str, Fact]]:
    origin: Origin = {"source": f"{STAGE}/trainings.parquet", "stage": STAGE}
    for row in pd.read_parquet(results / STAGE / "trainings.parquet").to_dict("records"):
        place = origin | {"row": f"course = {row['course']}"}
        prefix, unit = f"{PREFIX}.{row['course']}", "seconds of processor time, all runs"
        yield f"{prefix}.episodes", Fact(value=int(row["episodes"]), unit="episodes a run", **place)
        yield f"{prefix}.seconds", Fact(value=float(row["seconds"]), unit=unit, format=".0f", **place)
    # It is played where it was trained.
    played = pd.read_parquet(results / STAGE / "generalists.parquet").query("course == 'all'")["market"]
    place = {"source": f"{STAGE}/generalists.parquet", "row": "course = all", "stage": STAGE}
    yield f"{PREFIX}.all.markets", Fact(value=played.nunique(), unit="markets", **place)


def _standings(found: Facts) -> Iterator[tuple[str, Fact]]:
    """For each generalist: where it comes least near to the specialist, and where it falls behind it."""
    origin: Origin = {"source": f"{STAGE}/generalists.parquet", "row": "all markets", "stage": STAGE}
    for name in GENERALISTS:
        shares = {market: f"{PREFIX}.{market}.{name}.share.mean" for market in FAMILY}
        known = {market: found[key] for market, key in shares.items() if key in found}
        words = {m: found[f"{PREFIX}.{m}.{name}.minus.specialist.reward.word"].value for m in known}
        if not known:
            continue
        weakest = min(known, key=lambda market: float(known[market].value))
        n = known[weakest].n or 0
        yield f"{PREFIX}.{name}.weakest", counted(weakest, n, **origin)
        for key, word in STANDINGS.items():
            where = listed([market for market in known if words[market] == word])
            yield f"{PREFIX}.{name}.{key}", counted(where, n, **origin)


def _constants() -> Iterator[tuple[str, Fact]]:
    """What the memory is made of, and how much of the bank was played."""
    recall = parse_variant(RECALLING).planning.recall  # type: ignore[union-attr]
    values: dict[str, float] = {
        "markets": len(FAMILY),
        "bank": BANK,
        "recall": recall,
        "recall_steps": round(1.0 / (1.0 - recall)),
        "recalled": len(RECALLED),
        "terms": number_of_terms(len(RECALLED)),
        "parameters": parameters_per_run(OutcomeModel(1, len(RECALLED))),
        "plans": LikePlans.PLANS,
        "width": LikePlans.WIDTH,
        "click_rate": CLICK_RATE,
        "conversion_rate": CONVERSION_RATE,
        "impressions": IMPRESSIONS,
        "clicks": CLICKS,
    }
    for name, value in values.items():
        yield f"{PREFIX}.constant.{name}", constant(value, form="g")


def _origin(market: str, name: str) -> Origin:
    """Where the runs of a policy on a market come from."""
    if name == "specialist":
        stage, table, row = (
            SPECIALIST.format(market=market),
            "evaluation",
            f"episode < {BANK}, mean of each run",
        )
    else:
        stage, table, row = STAGE, "generalists", f"market = {market}, policy = {name}"
    return {"source": f"{stage}/{table}.parquet", "row": row, "stage": stage}
