"""Facts of bidding on a log of single auctions."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from adrl_core.agents.bidders import CERTAINTY
from adrl_core.agents.replay_bidder import MULTIPLES
from adrl_core.agents.replay_training import BATCH, LEARNER
from adrl_core.auctions import AUCTIONS, PUBLISHED_BASE, SHARES
from adrl_core.evidence.intervals import Estimate, mean_interval
from adrl_core.evidence.quantities import BOOTSTRAP, RUNS, Facts, counted, estimated
from adrl_core.evidence.resampling import crossed_interval
from adrl_core.market.presets import STEPS
from adrl_core.market.simulated import TYPICAL_SPREAD, VARIED
from adrl_core.report.facts import Fact

STAGE, PREFIX = "auctions", "auctions"
AGENT, PLAN, RIVAL = "agent", "paced_as_seen", "rlb"
MEASURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "clicks": ("clicks", ",.0f"),
        "expected": ("expected clicks", ".1f"),
        "impressions": ("impressions", ",.0f"),
        "cost": ("currency units", ",.0f"),
    }
)
"""What is summed over the log: unit and display format."""
COMPARED = ("clicks", "expected")

REFERENCE: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        "ss_mdp": (19_420, 29, 153_198),
        "mcpc": (7_842, 23, 153_827),
        "lin_published": (13_145, 24, 82_187),
        "rlb": (18_334, 32, 151_210),
    }
)
"""Impressions, clicks and cost of the authors' programmes on REFERENCE_LOG with the smallest budget."""
REFERENCE_LOG = ("2997", 78_031)
"""The advertiser and the number of auctions that these figures are of."""


def facts(results: Path) -> Facts:
    """Keys, `<b>` being b32, b16, b8, b4 or b2 for budgets of 1/32 to 1/2:

    `auctions.<b>.<bidder>.<measure>`, with an interval over runs for the agent; `.of_hindsight` (share of the
    bound) and `.spent`; `.minus.<other>.<measure>` with a bootstrap interval over episodes, and where the
    agent is compared over its runs as well, and `.word`;
    `auctions.<b>.{budget,share,base,hindsight,multiple}`; `auctions.<b>.simulated.<bidder>.over.rlb`;
    `auctions.<pair>.<measure>.{above,below}`, the number of budgets; `auctions.{log,training,half.*}.*`; and
    constants `auctions.constant.*` and `auctions.reference.*`.
    """
    found = dict(_constants())
    if not (results / STAGE / "manifest.json").is_file():
        return found
    setting, log, episodes, simulated, training = (
        pd.read_parquet(results / STAGE / f"{name}.parquet")
        for name in ("setting", "log", "episodes", "simulated", "training")
    )
    found |= dict(_setting(setting.iloc[0], episodes)) | dict(_learning(training))
    for share in SHARES:
        held = episodes[episodes["share"] == share]
        played = log[log["share"] == share]
        found |= dict(_budget(share, held)) | dict(_totals(share, played, held))
        found |= dict(_differences(share, played))
        found |= dict(_simulated(share, simulated[simulated["share"] == share]))
    found |= dict(_counts(found))
    if (setting["log"][0], int(setting["auctions"][0])) == REFERENCE_LOG:
        matched = sum(found[f"{PREFIX}.b32.{name}.{m}"].value == value for name, m, value in _references())
        found[f"{PREFIX}.reference.matched"] = _fact("log", matched, "figures")
    return found


def key(share: float) -> str:
    """How keys call a budget: b32 for 1/32."""
    return f"b{Fraction(share).denominator}"


def by_run(played: pd.DataFrame, measure: str) -> dict[str, pd.DataFrame]:
    """A measure of each bidder, by run (rows; one where nothing is learned) and episode (columns)."""
    return {
        str(bidder): rows.pivot(index="seed", columns="episode", values=measure)
        for bidder, rows in played.groupby("bidder")
    }


def total_difference(ours: pd.DataFrame, theirs: pd.DataFrame) -> Estimate:
    """Difference of two sums over the same episodes, of the agent in the mean of its runs.

    Args:
        ours, theirs: a row a run, a column an episode.

    Returns:
        The difference with its bootstrap interval over episodes and runs.
    """
    episodes = ours.shape[1]
    return crossed_interval(ours, theirs, lambda first, second: episodes * (first - second))


def ratio_less_one(ours: pd.DataFrame, theirs: pd.DataFrame) -> Estimate:
    """By which share one mean exceeds another; arguments and interval as for `total_difference`."""
    return crossed_interval(ours, theirs, lambda first, second: first / second - 1.0)


def resampled(episodes: str, *sides: pd.DataFrame) -> str:
    """What an interval resamples, in words: episodes, and the runs of a side that has more than one."""
    runs = max(map(len, sides))
    return f"{episodes}, resampled with the {runs} {RUNS}" if runs > 1 else episodes


def _fact(table: str, value: float | str, unit: str = "", form: str = "", row: str = "") -> Fact:
    source = f"{STAGE}/{table}.parquet"
    return Fact(value=value, unit=unit, format=form, source=source, row=row, stage=STAGE)


def _constants() -> Iterator[tuple[str, Fact]]:
    constants: dict[str, tuple[float | str, str]] = {
        "auctions": (AUCTIONS, ""),
        "decisions": (STEPS, ""),
        "block": (AUCTIONS // STEPS, ""),
        "levels": (len(MULTIPLES), ""),
        "lowest_multiple": (float(MULTIPLES[0]), ".2f"),
        "highest_multiple": (float(MULTIPLES[-1]), ".2f"),
        "certainty": (CERTAINTY, ".0f"),
        "batch": (BATCH, ""),
        "updates": (LEARNER.updates_per_episode, ""),
        "hidden": (LEARNER.hidden, ""),
        "discount": (LEARNER.discount, "g"),
        "rivalry": (VARIED.rivalry, "g"),
        "level": (VARIED.level, "g"),
        "spread.low": (VARIED.spread[0], "g"),
        "spread.high": (VARIED.spread[1], "g"),
        "spread.typical": (TYPICAL_SPREAD, "g"),
        "published_base": (PUBLISHED_BASE, ""),
        "budgets": (len(SHARES), ""),
    }
    for name, (value, form) in constants.items():
        yield f"{PREFIX}.constant.{name}", Fact(value=value, format=form, source="adrl_core")
    for bidder, measure, value in _references():
        unit = MEASURES[measure][0]
        fact = Fact(value=value, unit=unit, format=",", source="rlb")
        yield f"{PREFIX}.reference.{bidder}.{measure}", fact
    yield f"{PREFIX}.reference.figures", Fact(value=len(list(_references())), source="adrl_core")


def _references() -> Iterator[tuple[str, str, int]]:
    for bidder, figures in REFERENCE.items():
        for measure, value in zip(("impressions", "clicks", "cost"), figures, strict=True):
            yield bidder, measure, value


def _setting(row: pd.Series, episodes: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    first = episodes[episodes["share"] == SHARES[0]]
    known = {
        "log.name": (str(row["log"]), "", ""),
        "log.auctions": (int(row["auctions"]), "auctions", ","),
        "log.episodes": (len(first), "episodes", ""),
        "log.clicks": (int(row["clicks"]), "clicks", ","),
        "log.price": (float(row["price"]), "currency units", ".1f"),
        "log.ctr": (float(row["ctr"]), "predicted clicks an impression", ".3%"),
        "log.click_rate": (float(row["clicks"] / row["auctions"]), "clicks an impression", ".3%"),
        "cap": (int(row["cap"]), "currency units", ""),
        "training.auctions": (int(row["training_auctions"]), "auctions", ","),
        "training.clicks": (int(row["training_clicks"]), "clicks", ","),
        "training.price": (row["training_cost"] / row["training_auctions"], "currency units", ".1f"),
        "training.ctr": (row["training_clicks"] / row["training_auctions"], "clicks an impression", ".3%"),
    }
    for name, (value, unit, form) in known.items():
        yield f"{PREFIX}.{name}", _fact("setting", value, unit, form)
    ordered, middle = first.sort_values("episode"), -(-len(first) // 2)
    for name, half in (("first", ordered[:middle]), ("second", ordered[middle:])):
        for measure, unit, form in (("price", "currency units", ".1f"), ("ctr", "predicted", ".3%")):
            mean = float(np.average(half[measure], weights=half["auctions"]))
            yield f"{PREFIX}.half.{name}.{measure}", _fact("episodes", mean, unit, form, f"{name} half")


def _learning(training: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    rounds = training["round"].nunique()
    yield f"{PREFIX}.runs", _fact("training", training["seed"].nunique(), RUNS)
    yield f"{PREFIX}.rounds", _fact("training", rounds, "rounds")
    yield f"{PREFIX}.training_episodes", _fact("training", rounds * BATCH, "episodes a run", ",")


def _budget(share: float, held: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    name = f"{PREFIX}.{key(share)}"
    row = f"share = {Fraction(share)}"
    yield f"{name}.share", _fact("episodes", str(Fraction(share)), row=row)
    yield f"{name}.budget", _fact("episodes", int(held["budget"].iloc[0]), "currency units", ",", row)
    yield f"{name}.base", _fact("episodes", int(held["base"].iloc[0]), "currency units", "", row)
    yield (
        f"{name}.hindsight",
        _fact("episodes", float(held["hindsight"].sum()), "expected clicks", ".1f", row),
    )
    mean = float(np.exp(np.log(held["multiple"]).mean()))
    yield f"{name}.multiple", _fact("episodes", mean, "times the plan's bid", ".2f", row)


def _totals(share: float, played: pd.DataFrame, held: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    """What each bidder won on the whole log; of the agent, mean over runs and its interval."""
    money = float(held["budget"].sum())
    bound = float(held["hindsight"].sum())
    for bidder, rows in played.groupby("bidder"):
        name, row = f"{PREFIX}.{key(share)}.{bidder}", f"share = {Fraction(share)}, bidder = {bidder}"
        sums = rows.groupby("seed")[list(MEASURES)].sum().astype(float)
        derived = {"of_hindsight": sums["expected"] / bound, "spent": sums["cost"] / money}
        columns = {m: (sums[m], *MEASURES[m]) for m in MEASURES}
        columns |= {m: (values, "", ".1%") for m, values in derived.items()}
        for measure, (values, unit, form) in columns.items():
            if len(values) > 1:
                origin = {"source": f"{STAGE}/log.parquet", "row": row, "stage": STAGE}
                shown = ",.1f" if measure == "clicks" else form
                yield f"{name}.{measure}", estimated(mean_interval(values), unit, shown, RUNS, **origin)
            else:
                value = values.iloc[0]
                whole = measure in MEASURES and measure != "expected"
                yield (
                    f"{name}.{measure}",
                    _fact("log", int(value) if whole else float(value), unit, form, row),
                )


def pairs(bidders: list[str]) -> list[tuple[str, str]]:
    """Which bidders are compared: each with RLB, and the agent with the plan that it departs from."""
    return [(bidder, RIVAL) for bidder in bidders if bidder != RIVAL] + [(AGENT, PLAN)]


def _differences(share: float, played: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    tables = {measure: by_run(played, measure) for measure in COMPARED}
    for ours, theirs in pairs(list(tables["clicks"])):
        origin: dict[str, Any] = {
            "source": f"{STAGE}/log.parquet",
            "row": f"share = {Fraction(share)}, {ours} minus {theirs}",
            "stage": STAGE,
        }
        for measure, table in tables.items():
            difference = total_difference(table[ours], table[theirs])
            name, unit = f"{PREFIX}.{key(share)}.{ours}.minus.{theirs}.{measure}", MEASURES[measure][0]
            counting = resampled("episodes of the log", table[ours], table[theirs])
            yield name, estimated(difference, unit, "+.1f", counting, BOOTSTRAP, **origin)
            word = counted(difference.word, difference.n, unit_of_analysis=counting, **origin)
            yield f"{name}.word", word


def _simulated(share: float, played: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    """Expected clicks over those of RLB in held-out simulated episodes; intervals over episodes and runs."""
    table = by_run(played, "expected")
    for ours, theirs in pairs(list(table)):
        origin = {
            "source": f"{STAGE}/simulated.parquet",
            "row": f"share = {Fraction(share)}, {ours} over {theirs}",
            "stage": STAGE,
        }
        gain = ratio_less_one(table[ours], table[theirs])
        name = f"{PREFIX}.{key(share)}.simulated.{ours}.over.{theirs}"
        counting = resampled("simulated episodes", table[ours], table[theirs])
        yield name, estimated(gain, "", "+.1%", counting, BOOTSTRAP, **origin)
        yield f"{name}.word", counted(gain.word, gain.n, unit_of_analysis=counting, **origin)


def _counts(found: Facts) -> Iterator[tuple[str, Fact]]:
    """In how many budgets a difference is above and below zero."""
    for ours, theirs in ((AGENT, RIVAL), (PLAN, RIVAL), (AGENT, PLAN)):
        for measure in COMPARED:
            name = f"{ours}.minus.{theirs}.{measure}"
            words = [found[f"{PREFIX}.{key(share)}.{name}.word"].value for share in SHARES]
            for word in ("above", "below"):
                yield f"{PREFIX}.{name}.{word}", _fact("log", words.count(word), "budgets")
