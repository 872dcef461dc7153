"""Facts of the trial of fairness."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from adrl_core.evidence.governance.common import Trial, constant, mean_facts, trials
from adrl_core.evidence.intervals import Estimate, mean_interval
from adrl_core.evidence.paired import paired_facts
from adrl_core.evidence.quantities import BOOTSTRAP, EPISODES, METRICS, RUNS, Facts, counted, estimated
from adrl_core.governance.fairness import AUDIENCE, FOUR_FIFTHS, GROUP_NAMES
from adrl_core.market.presets import CHANNEL_NAMES
from adrl_core.report.facts import Fact

PREFIX = "governance.fairness"
NAMES = {"tuned, fair over the episode": "fair", "tuned, fair over the step": "fair_each_step"}
"""How keys call the constrained teams."""
GROUPS = ("young", "middle", "old")
"""How keys call the groups, in the order of GROUP_NAMES."""


def facts(results: Path) -> Facts:
    """Keys: `governance.fairness.<policy>.<measure>.{ratio,difference}`, `.<measure>.<group>` (the rate),
    `.reward.mean`; `fair` and `fair_each_step` are the tuned team held to the rule, with `.minus_tuned` and
    `.share` of its reward, and `.minus_tuned.exposure` of the ratio; `threshold`;
    `audience.<channel>.<group>`.
    """
    found: Facts = {f"{PREFIX}.threshold": constant(FOUR_FIFTHS, "ratio", ".1f")}
    for key, name in zip(GROUPS, GROUP_NAMES, strict=True):
        found[f"{PREFIX}.group.{key}"] = constant(name.replace("-", "\N{EN DASH}"))
    for c, channel in enumerate(CHANNEL_NAMES):
        for g, group in enumerate(GROUPS):
            found[f"{PREFIX}.audience.{channel}.{group}"] = constant(float(AUDIENCE[c, g]), "", ".0%")
    for trial in trials(results, "fairness"):
        found |= (
            dict(_measured(trial))
            | dict(_parity(trial))
            | dict(_rates(trial))
            | dict(_extremes(trial))
            | dict(_price(trial))
        )
    return found


def key(policy: str) -> str:
    """How keys call a policy."""
    return NAMES.get(policy, policy)


def rate_format(measure: str) -> str:
    """Display format of a rate; hardly anybody buys."""
    return ".2%" if measure == "conversion" else ".1%"


def _parity(trial: Trial) -> Iterator[tuple[str, Fact]]:
    frame = trial.table("parity")
    for (policy, measure), rows in frame.groupby(["policy", "measure"], sort=False):
        origin = trial.origin("parity", f"policy = {policy}, measure = {measure}")
        for statistic in ("ratio", "difference"):
            name = f"{PREFIX}.{key(str(policy))}.{measure}.{statistic}"
            form = ".2f" if statistic == "ratio" else rate_format(str(measure))
            if len(rows) > 1:
                yield name, estimated(mean_interval(rows[statistic]), "", form, RUNS, **origin)
                continue
            row = rows.iloc[0]
            low, high = float(row[f"{statistic}_low"]), float(row[f"{statistic}_high"])
            estimate = Estimate(float(row[statistic]), low, high, trial.episodes)
            yield name, estimated(estimate, "", form, EPISODES, BOOTSTRAP, **origin)


def _measured(trial: Trial) -> Iterator[tuple[str, Fact]]:
    counts = trial.table("parity").groupby("policy")["measure"].nunique()
    yield f"{PREFIX}.measures", Fact(value=int(counts.min()), unit="measures", **trial.origin("parity"))
    yield f"{PREFIX}.policies", Fact(value=len(counts), unit="policies", **trial.origin("parity"))


def _rates(trial: Trial) -> Iterator[tuple[str, Fact]]:
    frame = trial.table("rates")
    groups = dict(zip(GROUP_NAMES, GROUPS, strict=True))
    for (policy, measure, group), rows in frame.groupby(["policy", "measure", "group"], sort=False):
        origin = trial.origin("rates", f"policy = {policy}, measure = {measure}, group = {group}")
        form = rate_format(str(measure))
        name = f"{PREFIX}.{key(str(policy))}.{measure}.{groups[str(group)]}"
        if len(rows) > 1:
            yield name, estimated(mean_interval(rows["rate"]), "of the group", form, RUNS, **origin)
        else:
            rate = float(rows["rate"].iloc[0])
            yield name, counted(rate, trial.episodes, "of the group", form, EPISODES, **origin)


def _extremes(trial: Trial) -> Iterator[tuple[str, Fact]]:
    """Names of the groups that are exposed least and most."""
    frame = trial.table("rates")
    exposure = frame[frame["measure"] == "exposure"]
    for policy, rows in exposure.groupby("policy", sort=False):
        means, origin = rows.groupby("group")["rate"].mean(), trial.origin("rates", f"policy = {policy}")
        for name, group in (("least", means.idxmin()), ("most", means.idxmax())):
            value = str(group).replace("-", "\N{EN DASH}")
            yield f"{PREFIX}.{key(str(policy))}.{name}", Fact(value=value, **origin)


def _price(trial: Trial) -> Iterator[tuple[str, Fact]]:
    frame, (unit, form) = trial.table("parity"), METRICS["reward"]
    exposure = frame[frame["measure"] == "exposure"]
    tables = {str(policy): rows.set_index("seed") for policy, rows in exposure.groupby("policy")}
    for policy, rows in tables.items():
        rewards = rows["reward"]
        origin, name = trial.origin("parity", f"policy = {policy}"), f"{PREFIX}.{key(policy)}"
        if len(rewards) > 1:
            yield from mean_facts(f"{name}.reward", rewards, unit, form, origin).items()
        else:
            yield f"{name}.reward.mean", Fact(value=float(rewards.iloc[0]), unit=unit, format=form, **origin)
        if policy in NAMES:
            tuned = tables["tuned"]
            paid = paired_facts(f"{name}.minus_tuned", rewards, tuned["reward"], unit, form, origin)
            key_of = f"{name}.minus_tuned.exposure"
            yield from paid.items()
            yield from paired_facts(key_of, rows["ratio"], tuned["ratio"], "", ".2f", origin).items()
            yield from mean_facts(f"{name}.share", rewards / tuned["reward"], "", ".1%", origin).items()


def exposure_table(trial: Trial) -> pd.DataFrame:
    """Ratio of exposure and reward of each policy and run."""
    frame = trial.table("parity")
    return frame[frame["measure"] == "exposure"]
