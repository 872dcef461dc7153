"""Facts of arrivals: how soon a team is at work on a market that it has never met, beside one from nothing.

Keys are `generalists.<market>.arrival.<quantity>`, and over all markets `generalists.arrival.<quantity>`. A
team has arrived at the first of HOLD plays in a row whose held-out reward is LEVEL or more of what the
specialist of the market earns with the same seed on the same episodes: one rule for both starts, however
many plays follow. A run that has not arrived when its training ends is counted with the length of the longer
training, that from nothing. So means are restricted to one horizon for both, and of a run that has met other
markets and has not arrived in its shorter training the worst is assumed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from adrl_core.evidence.ablation import Reached
from adrl_core.evidence.generalists import PREFIX, SPECIALIST, STAGE
from adrl_core.evidence.governance.common import constant, mean_facts
from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.offline_tables import HOLD, reached
from adrl_core.evidence.paired import paired_facts
from adrl_core.evidence.quantities import BOOTSTRAP, RUNS, Facts, Origin, counted, estimated, listed
from adrl_core.evidence.resampling import ratio_of_means
from adrl_core.generalists import ARRIVAL_BANK, FAMILY, FRESH, MET_OTHERS
from adrl_core.report.facts import Fact

LEVEL = 0.95
"""Share of the specialist's reward at which a team is at work."""
SEARCH = {"runs": 6, "training": 150, "bank": 30}
"""What was spent to choose that old steps are forgotten: runs, episodes before arrival, episodes played."""
EPISODES = "training episodes there"
WORDS = {"quicker": "above", "no_quicker": "not distinguishable from", "slower": "below"}
"""How what is saved may compare with zero: the part of a key, and the word of the difference."""


def facts(results: Path) -> Facts:
    """All facts of arrivals; of a stage that has not run, its constants only."""
    found: Facts = {
        f"{PREFIX}.arrival.bank": constant(ARRIVAL_BANK),
        f"{PREFIX}.arrival.level": constant(LEVEL, form=".0%"),
        f"{PREFIX}.arrival.hold": constant(HOLD),
    }
    found |= {f"{PREFIX}.arrival.search.{name}": constant(value) for name, value in SEARCH.items()}
    curves = {market: curve for market in FAMILY if (curve := shares_by_episode(results, market))}
    if not curves:
        return found
    for market, starts in curves.items():
        found |= dict(_share_facts(market, starts)) | _time_facts(market, starts)
    return found | dict(_overall(found, curves))


def shares_by_episode(results: Path, market: str) -> dict[str, pd.DataFrame]:
    """By start, the reward of each play as a share of the specialist's.

    Returns:
        For each start a row a number of training episodes on the market, a column a seed; nothing if the
        stage has not run or there is no specialist.
    """
    plays = results / STAGE / "arrivals.parquet"
    specialist = results / SPECIALIST.format(market=market) / "evaluation.parquet"
    if not (plays.exists() and specialist.exists()):
        return {}
    table, episodes = pd.read_parquet(plays), pd.read_parquet(specialist)
    reward = episodes[episodes["episode"] < ARRIVAL_BANK].groupby("seed")["reward"].mean()
    return {
        str(start): (rows.pivot(index="episodes", columns="seed", values="reward") / reward).dropna(axis=1)
        for start, rows in table[table["market"] == market].groupby("start")
    }


def arrival_times(starts: Mapping[str, pd.DataFrame]) -> dict[str, Reached]:
    """By start, when each run has arrived; those that have not count as the end of training from nothing."""
    end = int(starts[FRESH].index[-1])
    return {start: reached(curve, LEVEL, end) for start, curve in starts.items()}


def _share_facts(market: str, starts: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, Fact]]:
    """What teams earn before and after their training on a market, in shares of the specialist's reward."""
    ours, fresh = starts[MET_OTHERS], starts[FRESH]
    last = ours.index[-1]
    plays = {
        "met_others.before": ours.iloc[0],
        "met_others.after": ours.iloc[-1],
        "met_others.lowest": ours.iloc[int(ours.mean(axis=1).argmin())],
        "fresh.same": fresh.loc[last],
        "fresh.end": fresh.iloc[-1],
    }
    prefix, origin = f"{PREFIX}.{market}.arrival", _origin(f"market = {market}, over the specialist's")
    for name, play in plays.items():
        yield from mean_facts(f"{prefix}.{name}.share", play, "", ".1%", origin).items()
    for name, theirs in (("met_others.before", ours.iloc[0]), ("fresh.same", fresh.loc[last])):
        key = f"{prefix}.after.minus.{name}"
        yield from paired_facts(key, ours.iloc[-1], theirs, "", ".1%", origin).items()


def _time_facts(market: str, starts: Mapping[str, pd.DataFrame]) -> Facts:
    """When teams have arrived on a market, and how many episodes those save that have met others."""
    prefix, times = f"{PREFIX}.{market}.arrival", arrival_times(starts)
    origin = _origin(f"market = {market}, first of {HOLD} plays in a row at {LEVEL:.0%} of the specialist's")
    found: Facts = {}
    for start, (episodes, ever) in times.items():
        n = len(episodes)
        found[f"{prefix}.{start}.reached"] = counted(int(ever.sum()), n, "runs", **origin)
        mean = mean_interval(episodes)
        found[f"{prefix}.{start}.episodes.mean"] = estimated(mean, EPISODES, ".0f", RUNS, **origin)
    fresh, ours = (_by_run({market: starts}, start) for start in (FRESH, MET_OTHERS))
    return found | _saved(prefix, fresh, ours, origin)


def _overall(found: Facts, curves: Mapping[str, Mapping[str, pd.DataFrame]]) -> Iterator[tuple[str, Fact]]:
    """The same over all markets that have a specialist, in means of each run over them."""
    prefix, origin = f"{PREFIX}.arrival", _origin("mean over markets, run by run")
    fresh, ours = (_by_run(curves, start) for start in (FRESH, MET_OTHERS))
    for name, episodes in (("episodes", ours), ("fresh_episodes", fresh)):
        mean = mean_interval(episodes.mean(axis=1))
        yield f"{prefix}.{name}", estimated(mean, EPISODES, ".0f", RUNS, **origin)
    yield from _saved(prefix, fresh, ours, origin).items()
    some = next(iter(curves.values()))
    ends = {"online": some[MET_OTHERS], "training": some[FRESH]}
    for name, curve in ends.items():
        yield f"{prefix}.{name}", Fact(value=int(curve.index[-1]), unit=EPISODES, **origin)
    yield f"{prefix}.markets", counted(len(curves), len(ours), **origin)
    for key, word in WORDS.items():
        where = [m for m in curves if found[f"{PREFIX}.{m}.arrival.saved.word"].value == word]
        yield f"{prefix}.{key}", counted(listed(where), len(ours), **origin)
    for start in (MET_OTHERS, FRESH):
        all_there = [m for m, starts in curves.items() if arrival_times(starts)[start].reached.all()]
        yield f"{prefix}.{start}.all_reached", counted(listed(all_there), len(ours), **origin)


def _by_run(curves: Mapping[str, Mapping[str, pd.DataFrame]], start: str) -> pd.DataFrame:
    """Episodes until a team has arrived: a row a seed that has played on all markets, a column each."""
    times = {
        market: pd.Series(arrival_times(starts)[start].episodes, starts[start].columns, dtype=float)
        for market, starts in curves.items()
    }
    return pd.DataFrame(times).dropna()


def _saved(prefix: str, fresh: pd.DataFrame, ours: pd.DataFrame, origin: Origin) -> Facts:
    """How many episodes are saved, and by which factor there are fewer.

    For the factor, an arrival at once counts as one episode, so that it is finite.
    """
    seeds = fresh.index.intersection(ours.index)
    fresh, ours = fresh.loc[seeds], ours.loc[seeds]
    theirs, mine = fresh.mean(axis=1), ours.mean(axis=1)
    found = paired_facts(f"{prefix}.saved", theirs, mine, EPISODES, ".0f", origin)
    factor = ratio_of_means(theirs, ours.clip(lower=1.0).mean(axis=1))
    return found | {f"{prefix}.speedup": estimated(factor, "times", ".1f", RUNS, BOOTSTRAP, **origin)}


def _origin(row: str) -> Origin:
    return {"source": f"{STAGE}/arrivals.parquet", "row": row, "stage": STAGE}
