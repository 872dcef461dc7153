"""Facts of the contested markets: what reacting rivals cost the planning team, and what it wins back.

Keys are `contested.<market>.<contest>.<who>.<quantity>`. Who is `unchanged` (as the calm training left the
team), `kept` or `emptied` (having gone on training, with or without its calm steps), or a policy that does
not learn (REFERENCES). `contested.<market>.calm.unchanged` is the team on the calm market.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from adrl_core.config import parse_variant
from adrl_core.contested import CALM, SHARE, TEAMS
from adrl_core.evidence.governance.common import constant, mean_facts
from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.paired import paired_facts
from adrl_core.evidence.quantities import BOOTSTRAP, METRICS, RUNS, Facts, Origin, counted, estimated
from adrl_core.evidence.resampling import ratio_of_means
from adrl_core.market.contested import CONTESTS, Advertisers, Shill
from adrl_core.report.facts import Fact

STAGE = PREFIX = "contested"
REFERENCES = ("calm_constant", "best_constant", "oracle", "informed")
"""The constant that is best without rivals, the one that is best with them, the state oracle, which knows the
calm equations, and the one that sees the rivals."""
COMPARED = {
    "unchanged": ("calm",),
    "kept": ("calm", "unchanged", "emptied"),
    "emptied": ("calm", "unchanged"),
}
"""The team in each of its states, and what it is compared with run by run; `calm` is the calm market."""
QUOTED: Mapping[str, tuple[str, str]] = {
    **{name: METRICS[name] for name in ("reward", "profit", "spend", "clicks", "conversions")},
    "paid": ("currency units a click", ".2f"),
}
SHARES: Mapping[str, float] = {"half": 0.5, "most": 0.9}
"""Parts of what is won back in the end, for which the episodes are told that they took."""


def measure(market: str) -> str:
    """What the team of a market learns from and is measured by."""
    return "profit" if parse_variant(TEAMS[market]).reward == "profit" else "reward"


def facts(results: Path) -> Facts:
    """All facts of the trial, and the constants of the rivals."""
    found: Facts = dict(_constants())
    if not (results / STAGE / "runs.parquet").exists():
        return found
    runs, references, prices = (
        pd.read_parquet(results / STAGE / f"{name}.parquet") for name in ("runs", "references", "prices")
    )
    runs, references = (
        table.assign(paid=table["spend"] / table["clicks"].clip(lower=1.0)) for table in (runs, references)
    )
    found |= dict(_sizes(runs))
    for market in TEAMS:
        ours = runs[runs["market"] == market]
        calm = ours[ours["contest"] == CALM].set_index("seed")
        for contest in (CALM, *CONTESTS):
            prefix, here = f"{PREFIX}.{market}.{contest}", ours[ours["contest"] == contest]
            against = references[(references["market"] == market) & (references["contest"] == contest)]
            table = against.set_index("policy")
            found |= dict(_references(prefix, table, market))
            found |= dict(_team(prefix, here, calm, table, market))
            met = prices[(prices["market"] == market) & (prices["contest"] == contest)]
            found |= dict(_prices(prefix, met))
    return found


def at_end(runs: pd.DataFrame, who: str, played: str = "contested") -> pd.DataFrame:
    """Rows by seed of one contest: the unchanged team, or the team after all its episodes there."""
    chosen = runs[(runs["memory"] == ("none" if who == "unchanged" else who)) & (runs["played"] == played)]
    return chosen[chosen["episodes"] == chosen["episodes"].max()].set_index("seed")


def recovery(runs: pd.DataFrame, memory: str, metric: str) -> pd.DataFrame:
    """The metric of one contest by episodes since the change (rows) and seed (columns), from none on."""
    chosen = runs[runs["memory"].isin(("none", memory)) & (runs["played"] == "contested")]
    return chosen.pivot(index="episodes", columns="seed", values=metric)


def episodes_to(curve: pd.Series, share: float) -> int:
    """First of the episodes (the index) after which that share of the gain at the end is reached."""
    gain = curve - curve.iloc[0]
    return int(curve.index[(gain >= share * gain.iloc[-1]).to_numpy().argmax()])


def _team(
    prefix: str, runs: pd.DataFrame, calm: pd.DataFrame, references: pd.DataFrame, market: str
) -> Iterator[tuple[str, Fact]]:
    metric = measure(market)
    unchanged = at_end(runs, "unchanged")
    loss = calm[metric] - unchanged[metric]
    for who, others_of in COMPARED.items():
        rows = at_end(runs, who)
        if rows.empty:
            continue
        key, origin = f"{prefix}.{who}", _origin("runs", f"memory of {who}, at the end")
        for name, (unit, form) in QUOTED.items():
            yield from mean_facts(f"{key}.{name}", rows[name], unit, form, origin).items()
        if calm[metric].mean() > 0.0:
            of_calm = ratio_of_means(rows[metric], calm[metric].loc[rows.index])
            yield f"{key}.of_calm.mean", estimated(of_calm, "", ".1%", RUNS, BOOTSTRAP, **origin)
        others = {"calm": calm} | {other: at_end(runs, other) for other in others_of if other != "calm"}
        yield from _differences(key, rows, others, metric, origin)
        for policy in references.index:
            level = float(references.loc[policy, metric])
            if level > 0.0:
                over = mean_interval(rows[metric] / level)
                yield f"{key}.over.{policy}.mean", estimated(over, "", ".1%", RUNS, **origin)
            word = mean_interval(rows[metric] - level).word
            yield f"{key}.versus.{policy}.word", counted(word, len(rows), **origin)
        if who != "unchanged":
            if mean_interval(loss).word == "above":
                recovered = ratio_of_means(rows[metric] - unchanged[metric], loss.loc[rows.index])
                yield f"{key}.recovered.mean", estimated(recovered, "", ".0%", RUNS, BOOTSTRAP, **origin)
            yield from _times(key, recovery(runs, who, metric), origin)
            back = at_end(runs, who, CALM)
            there = f"{key}.back"
            yield from mean_facts(f"{there}.{metric}", back[metric], *METRICS[metric], origin).items()
            yield from _differences(there, back, {"calm": calm}, metric, origin)


def _differences(
    key: str, rows: pd.DataFrame, others: Mapping[str, pd.DataFrame], metric: str, origin: Origin
) -> Iterator[tuple[str, Fact]]:
    for other, theirs in others.items():
        pair = paired_facts(
            f"{key}.minus.{other}.{metric}", rows[metric], theirs[metric], *METRICS[metric], origin
        )
        yield from pair.items()


def _times(key: str, curves: pd.DataFrame, origin: Origin) -> Iterator[tuple[str, Fact]]:
    """Episodes to parts of the gain, where the runs tell that there is one."""
    if mean_interval(curves.iloc[-1] - curves.iloc[0]).word == "above":
        for name, share in SHARES.items():
            took = episodes_to(curves.mean(axis=1), share)
            yield f"{key}.{name}", counted(took, curves.shape[1], "episodes", **origin)


def _references(prefix: str, table: pd.DataFrame, market: str) -> Iterator[tuple[str, Fact]]:
    metric = measure(market)
    for policy, row in table.iterrows():
        origin = _origin("references", f"policy = {policy}")
        for name, (unit, form) in QUOTED.items():
            fact = Fact(value=float(row[name]), unit=unit, format=form, **origin)
            yield f"{prefix}.{policy}.{name}.mean", fact
    best = table[metric].astype(float).idxmax()
    yield f"{prefix}.best", Fact(value=str(best), **_origin("references", f"the highest {metric}"))


def _prices(prefix: str, prices: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    """Median price to beat over the calm one, averaged over steps and runs."""
    for memory, rows in prices.groupby("memory"):
        who = "unchanged" if memory == "none" else str(memory)
        origin = _origin("prices", f"memory of {who}, mean over steps")
        for channel, values in rows.groupby("channel"):
            of_runs = values.groupby("seed")["factor"].mean()
            fact = estimated(mean_interval(of_runs), "of the calm price", ".2f", RUNS, **origin)
            yield f"{prefix}.{who}.price.{channel}", fact


def _sizes(runs: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    origin = _origin("runs", "")
    yield f"{PREFIX}.episodes", Fact(value=int(runs["episodes"].max()), **origin)
    yield f"{PREFIX}.runs", Fact(value=int(runs["seed"].nunique()), **origin)
    points = runs.loc[runs["episodes"] > 0, "episodes"]
    yield f"{PREFIX}.first", Fact(value=int(points.min()), **origin)


def _constants() -> Iterator[tuple[str, Fact]]:
    rivals, shill = Advertisers(), Shill()
    for name, value, form in (
        ("advertisers.rate", rivals.rate, "g"),
        ("advertisers.slack", rivals.slack, "g"),
        ("advertisers.rise", rivals.slack, ".0%"),
        ("advertisers.field", rivals.field, "g"),
        ("shill.share", shill.share, ".0%"),
        ("shill.chance", shill.chance, ".0%"),
        ("shill.rate", shill.rate, "g"),
        ("bank", 1.0 / SHARE, ".0%"),
    ):
        yield f"{PREFIX}.constant.{name}", constant(value, "", form)


def _origin(table: str, row: str) -> Origin:
    return {"source": f"{STAGE}/{table}.parquet", "row": row, "stage": STAGE}
