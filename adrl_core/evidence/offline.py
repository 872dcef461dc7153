"""Facts of the trial from logs to online learning: what the log is worth, and how many episodes it saves.

Keys are `offline.<who>.<quantity>`; what an arm earns on the bank is told `before` its first online episode
and `after` its last.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from adrl_core.evidence.governance.common import constant, mean_facts
from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.offline_tables import BEST, HOLD, LAST, RULE, SHARE, STAGE, Trial, load, reached
from adrl_core.evidence.paired import paired_facts
from adrl_core.evidence.quantities import EPISODES, METRICS, RUNS, Facts, Origin, counted, estimated
from adrl_core.market.presets import STEPS
from adrl_core.offline import cloning, conservative
from adrl_core.offline.behaviour import HouseRule
from adrl_core.offline.search import TABLE
from adrl_core.offline.trial import ARMS, FIRST_EXPLORATION, PLANNER
from adrl_core.report.facts import Fact

PREFIX = "offline"
LEVELS = ("rule", "share", "scratch")
QUOTED = ("reward", "profit", "spend")


def facts(results: Path) -> Facts:
    """All facts of the trial, of its settings, and of the search for them."""
    found: Facts = dict(setting_facts())
    trial = load(results)
    if trial is None:
        return found
    found |= dict(size_facts(trial)) | dict(reference_facts(trial))
    for arm in (*ARMS, PLANNER):
        found |= end_facts(trial, arm) | dict(reach_facts(trial, arm))
    for arm in ARMS:
        found |= loss_facts(trial, arm)
    for arm in ("cloned", "conservative"):
        found |= dip_facts(trial, arm)
    return found


def setting_facts() -> Iterator[tuple[str, Fact]]:
    """Constants of the trial, and the search for how conservative to be."""
    for key, value, form in (
        ("rule.multiple", HouseRule.MULTIPLE, "g"),
        ("rule.tested", HouseRule.TESTED, ".0%"),
        ("rule.neglected", HouseRule.NEGLECTED, ".0%"),
        ("first_exploration", FIRST_EXPLORATION, ".0%"),
        ("share", SHARE, ".0%"),
        ("hold", HOLD, ""),
        ("last", LAST, ""),
        ("cloning.updates", cloning.UPDATES_AN_EPISODE, ""),
        ("conservative.updates", conservative.UPDATES_AN_EPISODE, ""),
        ("conservative.penalty", conservative.CHOSEN.penalty, "g"),
        ("conservative.temperature", conservative.CHOSEN.temperature, "g"),
        ("conservative.largest_weight", conservative.LARGEST_WEIGHT, "g"),
    ):
        yield f"{PREFIX}.{key}", constant(value, "", form)
    table = pd.read_csv(TABLE)
    for column in ("runs", "episodes", "evaluation_episodes"):
        yield f"{PREFIX}.search.{column}", constant(int(table[column].max()))
    yield f"{PREFIX}.search.candidates", constant(len(table))
    for row in table.to_dict("records"):
        key = f"{PREFIX}.search.{slug(row['penalty'], row['temperature'])}.reward"
        yield key, constant(float(row["reward"]), "reward", ".1f")


def slug(penalty: float, temperature: float) -> str:
    """How keys name a candidate."""
    return f"penalty_{penalty:g}_temperature_{temperature:g}".replace(".", "_")


def size_facts(trial: Trial) -> Iterator[tuple[str, Fact]]:
    """How long the log is and the online learning, and what the log earned."""
    logged = int(trial.log["episode"].max()) + 1
    for key, value in (
        ("log.episodes", logged),
        ("log.steps", logged * STEPS),
        ("online.episodes", trial.last),
        ("online.every", int(np.diff(trial.curve("scratch").index)[0])),
        ("curve.episodes", trial.curve_episodes),
        ("early", trial.early),
    ):
        yield f"{PREFIX}.{key}", Fact(value=value, format="," if value > 9999 else "", **_origin("curves"))
    means = trial.log.groupby("seed")["reward"].mean()
    yield from mean_facts(f"{PREFIX}.log.reward", means, *METRICS["reward"], _origin("log")).items()


def reference_facts(trial: Trial) -> Iterator[tuple[str, Fact]]:
    """What does not learn, on the whole bank; and the levels to reach."""
    best = float(trial.references.loc[trial.references["policy"] == BEST, "reward"].mean())
    for policy, rows in trial.references.groupby("policy", sort=False):
        origin = _origin("references", f"policy = {policy}")
        for metric in QUOTED:
            key = f"{PREFIX}.{policy}.{metric}.mean"
            yield key, estimated(mean_interval(rows[metric]), *METRICS[metric], EPISODES, **origin)
        yield (
            f"{PREFIX}.{policy}.share.mean",
            Fact(value=float(rows["reward"].mean()) / best, format=".1%", **origin),
        )
    for name in LEVELS:
        origin = _origin("curves", "on the held-out episodes of the curves")
        yield f"{PREFIX}.level.{name}", Fact(value=trial.level(name), unit="reward", format=".0f", **origin)


def end_facts(trial: Trial, arm: str) -> Facts:
    """Held-out reward before and after, against the rule, the oracle and the team from scratch."""
    means = trial.references.groupby("policy")["reward"].mean()
    scratch = trial.end("scratch", trial.last)["reward"]
    found: Facts = {}
    for when, episode in (("before", 0), ("after", trial.last)):
        rows = trial.end(arm, episode)
        if rows.empty:
            continue
        prefix, origin = f"{PREFIX}.{arm}.{when}", _origin("ends", f"arm = {arm}, episode = {episode}")
        for metric in QUOTED:
            found |= mean_facts(f"{prefix}.{metric}", rows[metric], *METRICS[metric], origin)
        found |= mean_facts(f"{prefix}.share", rows["reward"] / means[BEST], "", ".1%", origin)
        if rows["spread"].notna().all():
            found |= mean_facts(f"{prefix}.spread", rows["spread"], "logits", ".2f", origin)
        rule = pd.Series(float(means[RULE]), rows.index)
        others = {"rule": rule, "scratch": scratch}
        others |= (
            {"constant": pd.Series(float(means["best_constant"]), rows.index)}
            if "best_constant" in means
            else {}
        )
        for name, other in others.items():
            if (arm, when, name) != ("scratch", "after", "scratch"):
                key = f"{prefix}.minus.{name}"
                found |= paired_facts(key, rows["reward"], other, *METRICS["reward"], origin)
    return found


def reach_facts(trial: Trial, arm: str) -> Iterator[tuple[str, Fact]]:
    """Online episodes to each level, runs that never reach it cut off at the end, and how many are saved."""
    for name in LEVELS:
        level = trial.level(name)
        found = reached(trial.curve(arm), level, trial.last)
        n, key = len(found.episodes), f"{PREFIX}.{arm}.to.{name}"
        origin = _origin("curves", f"arm = {arm}, first play at {level:.0f} or above that holds")
        yield f"{key}.reached", counted(int(found.reached.sum()), n, "runs", **origin)
        mean = mean_interval(found.episodes)
        yield f"{key}.episodes.mean", estimated(mean, "online episodes", ".0f", RUNS, **origin)
        ours, unit = _times(trial, arm, level), "online episodes"
        if arm != "scratch":
            scratch = _times(trial, "scratch", level)
            yield from paired_facts(f"{key}.saved", scratch, ours, unit, ".0f", origin).items()
        if arm == "conservative":
            clone = _times(trial, "cloned", level)
            yield from paired_facts(f"{key}.later", ours, clone, unit, ".0f", origin).items()


def _times(trial: Trial, arm: str, level: float) -> pd.Series:
    """Online episodes of an arm until it has reached a level, by seed."""
    curve = trial.curve(arm)
    return pd.Series(reached(curve, level, trial.last).episodes, curve.columns)


def loss_facts(trial: Trial, arm: str) -> Facts:
    """Reward lost over the first online episodes, against the oracle and the rule on the same markets."""
    first = slice(0, trial.early - 1)
    ours = trial.met(arm).loc[first].sum()
    origin = _origin("online", f"arm = {arm}, sums over the first {trial.early} online episodes")
    found: Facts = {}
    for name, policy in (("oracle", BEST), ("rule", RULE)):
        theirs = trial.met(policy).loc[first].sum()
        found |= paired_facts(f"{PREFIX}.{arm}.lost.{name}", theirs, ours, "reward", ",.0f", origin)
    if arm != "scratch":
        scratch = trial.met("scratch").loc[first].sum()
        found |= paired_facts(f"{PREFIX}.{arm}.gained", ours, scratch, "reward", ",.0f", origin)
    return found


def dip_facts(trial: Trial, arm: str) -> Facts:
    """How far held-out reward falls once a team goes online: at the first play, and at the lowest mean."""
    curve = trial.curve(arm)
    plays = curve.index.to_numpy()
    early = curve.to_numpy()[(plays > 0) & (plays <= max(trial.early, plays[1]))]
    origin = _origin("curves", f"arm = {arm}, less the play before the first online episode")
    found: Facts = {}
    for name, play in (("first", 0), ("lowest", int(early.mean(axis=1).argmin()))):
        key, after = f"{PREFIX}.{arm}.dip.{name}", pd.Series(early[play], curve.columns)
        before = pd.Series(curve.to_numpy()[0], curve.columns)
        found |= paired_facts(key, after, before, *METRICS["reward"], origin)
        found[f"{key}.episode"] = Fact(value=int(plays[1 + play]), unit="online episodes", **origin)
    return found


def _origin(table: str, row: str = "") -> Origin:
    return {"source": f"{STAGE}/{table}.parquet", "row": row, "stage": STAGE}
