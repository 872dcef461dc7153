"""Facts of the trial of the footprint: energy, early stopping, transfer to another market."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adrl_core.config import parse_variant
from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.paired import paired, paired_facts
from adrl_core.evidence.published import printed
from adrl_core.evidence.quantities import BOOTSTRAP, METRICS, RUNS, Facts, Origin, counted, estimated
from adrl_core.evidence.resampling import ratio_of_means
from adrl_core.evidence.tables import trained_variants
from adrl_core.governance import energy, stopping
from adrl_core.governance.trials import footprint as trial
from adrl_core.market.presets import STEPS
from adrl_core.report.facts import Fact

STAGE = "channels/tuned/footprint"
PREFIX = "governance.footprint"
KILOWATT_HOUR = 3.6e6
"""In joules."""
ASSUMPTIONS = "range of load assumptions"
"""What the bounds of an energy are: not a confidence interval."""
REACHED_SHARE = 0.95
"""Share of the late level of the teams from scratch at which a training counts as arrived."""
REACHED_WINDOW = 0.05
"""Length of the running mean that has to arrive, as a share of the training from scratch."""
LATE_SHARE = 0.1
"""Last part of the training from scratch, whose mean is its late level."""
REWARD = METRICS["reward"]


def facts(results: Path) -> Facts:
    """All facts of the trial, `governance.footprint.*`; none where it has not run."""
    folder = results / STAGE
    if not (folder / "stopping.parquet").exists():
        return {}
    held_out = pd.read_parquet(folder / "heldout.parquet")
    runs = pd.read_parquet(folder / "stopping.parquet")
    found = constants(int(runs["episodes"].iloc[0]))
    found |= dict(energy_facts(energy_rows(pd.read_parquet(folder / "energy.parquet"))))
    found |= dict(stopping_facts(runs, held_out))
    found |= dict(elsewhere_facts(results))
    found |= dict(held_out_facts(held_out))
    return found | dict(transfer_facts(pd.read_parquet(folder / "transfer.parquet")))


def constants(episodes: int) -> Facts:
    """What was chosen: the rule of stopping for a training of that length, powers, sizes."""
    rule = stopping.planned_rule(parse_variant("tuned"), episodes)
    low, high = energy.CORE_POWER
    values: dict[str, tuple[float | str, str, str]] = {
        "rule.window": (rule.window, "episodes", ""),
        "rule.settled": (rule.settled, "episodes", ""),
        "rule.gain": (rule.gain, "", ".0%"),
        "rule.looks": (rule.looks, "looks", ""),
        "rule.earliest": (rule.settled + 2 * rule.window + rule.window // 2, "episodes", ""),
        "core_power.low": (low, "W", ".1f"),
        "core_power.high": (high, "W", ".0f"),
        "country": (energy.COUNTRY, "", ""),
        "transfer.episodes": (max(1, round(trial.TRANSFER_SHARE * episodes)), "episodes", ""),
        "reached.share": (REACHED_SHARE, "", ".0%"),
        "reached.window": (_window(episodes), "episodes", ""),
    }
    return {
        f"{PREFIX}.{name}": Fact(value=value, unit=unit, format=form, source="adrl_core")
        for name, (value, unit, form) in values.items()
    }


def energy_rows(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """What was metered, by its name: `training` and `decision`."""
    return {str(row["what"]): {str(key): row[key] for key in row} for row in table.to_dict("records")}


def energy_facts(table: dict[str, dict[str, Any]]) -> Iterator[tuple[str, Fact]]:
    """Energy of a run's training and of a decision, with the range that assumptions about the load leave."""
    origin: Origin = {"source": f"{STAGE}/energy.parquet", "stage": STAGE}

    def ranged(row: dict[str, Any], per: float, unit: str, form: str, what: str) -> Fact:
        value, low, high = (float(row[name]) / per for name in ("energy", "low", "high"))
        return Fact(
            value=value, unit=unit, format=form, low=low, high=high, interval=ASSUMPTIONS, row=what, **origin
        )

    whole, single = table["training"], table["decision"]
    runs, decisions = int(whole["units"]), int(single["units"])
    per_run, claimed = KILOWATT_HOUR * runs, printed("C233").value
    training: Origin = origin | {"row": "what = training"}
    yield f"{PREFIX}.training.energy", ranged(whole, per_run / 1000.0, "Wh", ".2f", "training, a run")
    yield f"{PREFIX}.training.kwh", ranged(whole, per_run, "kWh", ".5f", "training, a run")
    yield (
        f"{PREFIX}.training.share",
        ranged(whole, per_run * claimed, "of the published energy", ".2%", "training, a run"),
    )
    least = claimed * per_run / float(whole["high"])
    yield (
        f"{PREFIX}.training.times_at_least",
        Fact(value=least, unit="times", format=".0f", **training),
    )
    yield (
        f"{PREFIX}.training.all_runs",
        ranged(whole, KILOWATT_HOUR / 1000.0, "Wh", ".1f", "training, all runs"),
    )
    numbers: dict[str, tuple[float, str, str]] = {
        "minutes": (whole["seconds"] / 60.0, "minutes", ".0f"),
        "seconds_a_run": (whole["seconds"] / runs, "seconds", ".0f"),
        "busy": (whole["processor_seconds"] / whole["seconds"], "of the time", ".0%"),
        "power": (whole["energy"] / whole["seconds"], "W", ".1f"),
        "memory_share": (whole["memory"] / whole["energy"], "of the estimate", ".0%"),
        "design_power": (whole["design_power"], "W", ".0f"),
        "passes.acting": (whole["acting"], "passes", ",.0f"),
        "passes.learning": (whole["learning"], "passes", ",.0f"),
        "passes.all": (whole["acting"] + whole["learning"], "passes", ",.0f"),
        "steps": (whole["episodes"] * STEPS, "steps", ",.0f"),
    }
    for name, (value, unit, form) in numbers.items():
        fact = Fact(value=float(value), unit=unit, format=form, **training)
        yield f"{PREFIX}.training.{name}", fact
    yield (
        f"{PREFIX}.training.method",
        Fact(value=str(whole["method"]).replace("_", " "), **training),
    )
    yield (
        f"{PREFIX}.repeated.differing",
        counted(
            int(whole["differing"]),
            runs * int(whole["episodes"]),
            "episodes",
            "",
            "episodes",
            **training,
        ),
    )
    yield f"{PREFIX}.decision.energy", ranged(single, decisions / 1000.0, "mJ", ".1f", "what = decision")
    milliseconds = 1000.0 * float(single["seconds"]) / decisions
    yield (
        f"{PREFIX}.decision.milliseconds",
        counted(milliseconds, decisions, "ms", ".2f", "decisions", row="what = decision", **origin),
    )
    # The printed energy over the time that the printed passes take at the printed latency.
    seconds = printed("C231").value * printed("C232").value / 1000.0
    power = claimed * KILOWATT_HOUR / seconds / 1000.0
    yield f"{PREFIX}.published.power", Fact(value=power, unit="kW", format=".1f", source="report")


def stopping_facts(runs: pd.DataFrame, held_out: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    """Episodes that the rule saves in the metered training, and the reward that its teams give up."""
    origin: Origin = {"source": f"{STAGE}/stopping.parquet", "stage": STAGE}
    saved, key = 1.0 - runs["stopped"] / runs["episodes"], f"{PREFIX}.stopping"
    yield f"{key}.saved", estimated(mean_interval(saved), "of the episodes", ".1%", RUNS, **origin)
    early = int((runs["stopped"] < runs["episodes"]).sum())
    yield f"{key}.runs", counted(early, len(runs), "runs", **origin)
    yield f"{key}.runs_share", counted(early / len(runs), len(runs), "", ".0%", **origin)
    noise = mean_interval(runs["noise"])
    yield f"{key}.noise", estimated(noise, "of the reward", ".1%", RUNS, **origin)
    here = held_out[held_out["market"] == "channels"]
    yield from _difference(f"{key}.cost", here, "full_length", "stopped")


def _difference(key: str, held_out: pd.DataFrame, first: str, second: str) -> Iterator[tuple[str, Fact]]:
    """Reward of one policy less another's, run by run, and as a share of the first's."""
    ours, theirs = (
        held_out[held_out["policy"] == name].set_index("seed")["reward"] for name in (first, second)
    )
    origin: Origin = {
        "source": f"{STAGE}/heldout.parquet",
        "row": f"policy = {first} less policy = {second}, run by run",
        "stage": STAGE,
    }
    yield from paired_facts(key, ours, theirs, *REWARD, origin).items()
    found = paired(ours, theirs)
    share = ratio_of_means(found.differences, found.ours)
    yield f"{key}.share", estimated(share, "of the reward", ".1%", RUNS, BOOTSTRAP, **origin)


def elsewhere_facts(results: Path) -> Iterator[tuple[str, Fact]]:
    """Where the rule would have stopped each training of the study, and what it would have missed there.

    Missed is the mean training reward of the last window of all, less that of the last before the stop.
    """
    for market in ("published", "channels"):
        for variant in trained_variants(results, market):
            stage = f"{market}/{variant}/train"
            frame = pd.read_parquet(results / stage / "episodes.parquet")
            rewards = frame.pivot(index="episode", columns="seed", values="reward").to_numpy(float)
            rule = stopping.planned_rule(parse_variant(variant), len(rewards))
            stops = stopping.stops(rewards, rule)
            last = rewards[-rule.window :].mean(0)
            before = [rewards[stop - rule.window : stop, run].mean() for run, stop in enumerate(stops)]
            origin: Origin = {"source": f"{stage}/episodes.parquet", "stage": stage}
            key, share = f"{PREFIX}.elsewhere.{market}.{variant}", 1.0 - stops / len(rewards)
            saved, missed = mean_interval(share), ratio_of_means(last - before, last)
            yield f"{key}.saved", estimated(saved, "of the episodes", ".0%", RUNS, **origin)
            yield f"{key}.missed", estimated(missed, "of the late reward", ".1%", RUNS, BOOTSTRAP, **origin)
            yield f"{key}.missed.word", counted(mean_interval(last - before).word, missed.n, **origin)


def held_out_facts(frame: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    """Reward of every team on the held-out episodes, and how those that were moved compare."""
    for (market, policy), rows in frame.groupby(["market", "policy"], sort=False):
        origin: Origin = {
            "source": f"{STAGE}/heldout.parquet",
            "row": f"market = {market}, policy = {policy}",
            "stage": STAGE,
        }
        estimate = mean_interval(rows["reward"])
        yield f"{PREFIX}.{policy}.reward.mean", estimated(estimate, *REWARD, RUNS, **origin)
    moved = frame[frame["market"] == trial.TRANSFER_MARKET]
    for first, second in (("scratch", "zero_shot"), ("scratch", "transferred"), ("transferred", "zero_shot")):
        yield from _difference(f"{PREFIX}.{first}.minus.{second}", moved, first, second)


def _window(episodes: int) -> int:
    return max(1, round(REACHED_WINDOW * episodes))


def arrivals(curves: pd.DataFrame) -> pd.DataFrame:
    """Episodes until a run's running mean reaches REACHED_SHARE of its seed's late level from scratch.

    Args:
        curves: start, seed, episode and reward, as the trial leaves them.

    Returns:
        Index seed; columns transferred and scratch, NaN where a training ended before.
    """
    by_start = {
        str(start): rows.pivot(index="episode", columns="seed", values="reward")
        for start, rows in curves.groupby("start")
    }
    scratch = by_start["scratch"]
    level = REACHED_SHARE * scratch.iloc[-max(1, round(LATE_SHARE * len(scratch))) :].mean()
    found = {}
    for start in ("transferred", "scratch"):
        reached = by_start[start].rolling(_window(len(scratch))).mean() >= level
        found[start] = (reached.to_numpy().argmax(0) + 1.0) * np.where(reached.any(), 1.0, np.nan)
    return pd.DataFrame(found, index=scratch.columns)


def transfer_facts(curves: pd.DataFrame) -> Iterator[tuple[str, Fact]]:
    """How soon both kinds of start arrive, and what the first episodes bring."""
    origin: Origin = {"source": f"{STAGE}/transfer.parquet", "stage": STAGE}
    reached, first = arrivals(curves), {}
    episodes = curves.loc[curves["start"] == "scratch", "episode"].nunique()
    for start in ("transferred", "scratch"):
        row: Origin = origin | {"row": f"start = {start}"}
        there = reached[start].dropna()
        yield f"{PREFIX}.reached.{start}.runs", counted(len(there), len(reached), "runs", **row)
        if len(there):
            middle = counted(float(there.median()), len(there), "episodes, median", ".0f", **row)
            yield f"{PREFIX}.reached.{start}.episodes", middle
        rows = curves[(curves["start"] == start) & (curves["episode"] < _window(episodes))]
        first[start] = rows.groupby("seed")["reward"].mean()
        yield (
            f"{PREFIX}.first.{start}.reward",
            estimated(mean_interval(first[start]), *REWARD, RUNS, **row),
        )
    ahead = mean_interval(first["transferred"] - first["scratch"])
    row = origin | {"row": "first episodes, transferred less scratch, run by run"}
    yield f"{PREFIX}.first.ahead", estimated(ahead, *REWARD, RUNS, **row)
    yield f"{PREFIX}.first.ahead.word", counted(ahead.word, ahead.n, **row)
    yield from overtaking_facts(curves, _window(episodes))


def overtaking_facts(curves: pd.DataFrame, length: int) -> Iterator[tuple[str, Fact]]:
    """From which stretch on those from scratch are ahead in every one, and by how much in the last."""
    moved, scratch = (
        curves[curves["start"] == start].pivot(index="episode", columns="seed", values="reward")
        for start in ("transferred", "scratch")
    )
    difference = moved - scratch.loc[moved.index]
    table = difference.groupby(difference.index // length * length).mean()
    estimates = [mean_interval(stretch) for stretch in table.to_numpy()]
    behind = np.array([estimate.word == "below" for estimate in estimates])
    row: Origin = {
        "source": f"{STAGE}/transfer.parquet",
        "row": f"transferred less scratch, run by run, in stretches of {length} episodes",
        "stage": STAGE,
    }
    yield f"{PREFIX}.end.ahead", estimated(estimates[-1], *REWARD, RUNS, **row)
    yield f"{PREFIX}.end.ahead.word", counted(estimates[-1].word, estimates[-1].n, **row)
    if behind[-1]:
        lasting = len(behind) - int(np.logical_and.accumulate(behind[::-1]).sum())
        overtaken = counted(int(table.index[lasting]), estimates[-1].n, "training episodes", **row)
        yield f"{PREFIX}.overtaken", overtaken
