"""Facts of the training logs: first against last episodes, before against after, spread, memory, losses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from adrl_core.config import TEAMS
from adrl_core.evidence.effects import paired_d
from adrl_core.evidence.intervals import autocorrelation_interval, mean_interval
from adrl_core.evidence.quantities import RUNS, Facts, Origin, counted, effect, estimated
from adrl_core.evidence.tests import overdispersion, paired_t, permutation, wilcoxon
from adrl_core.report.facts import P_VALUE, Fact

WINDOW_SHARE = 0.1
"""Share of the training that counts as its first and as its last part."""
SMOOTHING_SHARE = 0.025
"""Window of the running mean on learning curves, as a share of the training."""
MILESTONES = 5
"""How often, over a training, the commentary looks back."""
HEADLINE = 10
"""The training episode after which the published report measures its headline gains."""

COLUMNS = {
    "reward": ("reward", ".1f"),
    "conversions": ("conversions", ".2f"),
    "share_both": ("of the steps", ".1%"),
    "share_bidding_only": ("of the steps", ".1%"),
    "share_budget_only": ("of the steps", ".1%"),
    "mean_level": ("bid level, counted from 0", ".2f"),
}
UPDATES = {
    "controller": ("entropy", "policy_loss", "value_loss", "clipped", "gradient_norm"),
    "budget": ("entropy", "clipped", "gradient_norm"),
    "bidding": ("td_loss", "q_value"),
}
UPDATE_FORMATS = {"clipped": ".1%", "gradient_norm": ",.1f"}
"""Display formats of the columns that are not given to three digits."""


def training_facts(market: str, variant: str, folder: Path) -> Facts:
    """All facts of one training, `<market>.<variant>.training.*`, from the folder it left."""
    stage = f"{market}/{variant}/train"
    prefix = f"{market}.{variant}.training"
    origin: Origin = {"source": f"{stage}/episodes.parquet", "stage": stage}
    episodes = pd.read_parquet(folder / "episodes.parquet")
    facts = window_facts(prefix, episodes, origin)
    facts |= before_and_after(prefix, episodes, origin)
    facts |= spread_facts(prefix, episodes, origin)
    if variant in TEAMS:
        updates = asked_updates(pd.read_parquet(folder / "updates.parquet"), episodes)
        facts |= update_facts(prefix, updates, origin) | milestone_facts(prefix, episodes, origin)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    facts[f"{prefix}.minutes"] = Fact(
        value=manifest["seconds"] / 60.0,
        unit="minutes",
        format=".1f",
        source=f"{stage}/manifest.json",
        row="seconds",
        stage=stage,
    )
    return facts


def smoothing(episodes: int) -> int:
    """Number of episodes in the running mean of learning curves."""
    return max(1, round(SMOOTHING_SHARE * episodes))


def window(episodes: pd.DataFrame) -> int:
    """Number of episodes in the first and in the last part of a training."""
    return max(1, round(WINDOW_SHARE * episodes["episode"].nunique()))


def window_facts(prefix: str, episodes: pd.DataFrame, origin: Origin) -> Facts:
    """Means over the first, the last and all episodes, and the gain in reward from first to last."""
    length, count = window(episodes), episodes["episode"].nunique()
    parts = {
        "first": episodes[episodes["episode"] < length],
        "last": episodes[episodes["episode"] >= count - length],
        "all": episodes,
    }
    facts: Facts = {}
    means = {part: rows.groupby("seed")[list(COLUMNS)].mean() for part, rows in parts.items()}
    for part, table in means.items():
        row = {"row": f"{part} {count if part == 'all' else length} episodes of each run"}
        for column, (unit, form) in COLUMNS.items():
            estimate = mean_interval(table[column])
            facts[f"{prefix}.{part}.{column}.mean"] = estimated(estimate, unit, form, RUNS, **origin, **row)
    mostly = float((means["last"]["share_both"] > 0.5).mean())
    row = {"row": f"runs that ask both in most steps of the last {length} episodes"}
    facts[f"{prefix}.last.share_both.runs"] = counted(
        mostly, len(means["last"]), "of the runs", ".0%", **origin, **row
    )
    row = {"row": "last minus first episodes of each run"}
    for column, (unit, form) in COLUMNS.items():
        gain = mean_interval(means["last"][column] - means["first"][column])
        facts[f"{prefix}.gain.{column}.mean"] = estimated(gain, unit, form, RUNS, **origin, **row)
        facts[f"{prefix}.gain.{column}.word"] = counted(gain.word, gain.n, **origin, **row)
    return facts


def before_and_after(prefix: str, episodes: pd.DataFrame, origin: Origin) -> Facts:
    """The first episode against the one after ten, run for run, as in the published headline."""
    if episodes["episode"].max() < HEADLINE:
        return {}
    first, second = (episodes[episodes["episode"] == e].set_index("seed") for e in (0, HEADLINE))
    facts: Facts = {}
    row = {"row": f"episode 0 against episode {HEADLINE} of each run"}
    for column, unit, form in (
        ("reward", "reward", ".1f"),
        ("conversions", "conversions", ".2f"),
        ("roi", "profit / spend", ".2f"),
    ):
        before, after = first[column].to_numpy(), second[column].to_numpy()
        key = f"{prefix}.ten.{column}"
        gain = mean_interval(after - before)
        facts[f"{key}.before"] = estimated(mean_interval(before), unit, form, RUNS, **origin, **row)
        facts[f"{key}.after"] = estimated(mean_interval(after), unit, form, RUNS, **origin, **row)
        facts[f"{key}.gain"] = estimated(gain, unit, form, RUNS, **origin, **row)
        relative = gain.mean / before.mean() if before.mean() else 0.0
        facts[f"{key}.gain_share"] = counted(relative, gain.n, form=".1%", **origin, **row)
        test = paired_t(after, before)
        if np.isfinite(test.statistic):
            facts[f"{key}.t"] = counted(test.statistic, gain.n, form=".2f", **origin, **row)
        facts[f"{key}.p"] = counted(test.p, gain.n, form=P_VALUE, **origin, **row)
        for name, p in (
            ("p_wilcoxon", wilcoxon(after, before).p),
            ("p_permutation", permutation(after, before).p),
        ):
            facts[f"{key}.{name}"] = counted(p, gain.n, form=P_VALUE, **origin, **row)
        facts |= effect(f"{key}.d", paired_d(after - before), **origin, **row)
        facts[f"{key}.word"] = counted(gain.word, gain.n, **origin, **row)
        share = float((after > before).mean())
        facts[f"{key}.share_better"] = counted(share, gain.n, "of the runs", ".0%", **origin, **row)
    counts = episodes.loc[episodes["episode"] == HEADLINE, "conversions"]
    dispersion = overdispersion(counts)
    row = {"row": f"conversions of episode {HEADLINE} over the runs"}
    facts[f"{prefix}.ten.dispersion"] = counted(
        dispersion.statistic, len(counts), "variance / mean", ".1f", **origin, **row
    )
    facts[f"{prefix}.ten.dispersion.p"] = counted(dispersion.p, len(counts), form=P_VALUE, **origin, **row)
    return facts


def milestone_facts(prefix: str, episodes: pd.DataFrame, origin: Origin) -> Facts:
    """The reward just before each milestone of the training, and its change since the last, run by run."""
    length, count = window(episodes), episodes["episode"].nunique()
    facts: Facts = {}
    before: pd.Series | None = None
    for milestone in range(1, MILESTONES + 1):
        end = count * milestone // MILESTONES
        inside = episodes[(episodes["episode"] >= end - length) & (episodes["episode"] < end)]
        now = inside.groupby("seed")["reward"].mean()
        key = f"{prefix}.milestone.{milestone}.reward"
        row = {"row": f"{length} episodes of each run before episode {end}"}
        facts[f"{key}.episode"] = counted(end, len(now), "episodes", **origin, **row)
        facts[f"{key}.mean"] = estimated(mean_interval(now), "reward", ".1f", RUNS, **origin, **row)
        if before is not None:
            facts[f"{key}.before"] = estimated(mean_interval(before), "reward", ".1f", RUNS, **origin, **row)
            facts[f"{key}.word"] = counted(mean_interval(now - before).word, len(now), **origin, **row)
        before = now
    return facts


def spread_facts(prefix: str, episodes: pd.DataFrame, origin: Origin) -> Facts:
    """Spread and memory of the reward within runs, early and late, and how reward follows profit."""
    length, count = window(episodes), episodes["episode"].nunique()
    table = episodes.pivot(index="seed", columns="episode", values="reward").to_numpy()
    early, late = table[:, :length], table[:, count - length :]
    facts: Facts = {}
    runs = len(table)
    if length >= 3:
        for part, values in (("first", early), ("last", late)):
            row = {"row": f"{part} {length} episodes of each run"}
            sd = mean_interval(values.std(axis=1, ddof=1))
            facts[f"{prefix}.{part}.reward.sd"] = estimated(sd, "reward", ".1f", RUNS, **origin, **row)
            memory = autocorrelation_interval(values)
            facts[f"{prefix}.{part}.reward.autocorrelation"] = estimated(
                memory, "", ".2f", RUNS, **origin, **row
            )
        row = {"row": f"last {length} against first {length} episodes of each run"}
        ratio = np.log(late.std(axis=1, ddof=1)) - np.log(early.std(axis=1, ddof=1))
        change = mean_interval(ratio)
        relative = change._replace(
            mean=float(np.expm1(change.mean)),
            low=float(np.expm1(change.low)),
            high=float(np.expm1(change.high)),
        )
        facts[f"{prefix}.sd_change"] = estimated(relative, "", ".1%", RUNS, **origin, **row)
        facts[f"{prefix}.sd_change.p"] = counted(
            paired_t(ratio, np.zeros(runs)).p, runs, form=P_VALUE, **origin, **row
        )
        facts[f"{prefix}.sd_change.word"] = counted(change.word, runs, **origin, **row)
    within = [frame["reward"].corr(frame["profit"]) for _, frame in episodes.groupby("seed")]
    row = {"row": "correlation over the episodes of each run"}
    if np.isfinite(within).all():
        facts[f"{prefix}.reward_profit_correlation"] = estimated(
            mean_interval(within), "", ".3f", RUNS, **origin, **row
        )
    return facts


def asked_updates(updates: pd.DataFrame, episodes: pd.DataFrame) -> pd.DataFrame:
    """The updates without those of the Budget agent after episodes in which it was never asked.

    It learns from the episode that has just ended; over none of its own steps, means are logged as zero.
    """
    shares = updates[["seed", "episode"]].merge(episodes, how="left", on=["seed", "episode"])
    asked = (shares["share_budget_only"] + shares["share_both"] > 0.0).to_numpy()
    return updates[asked | (updates["agent"] != "budget").to_numpy()]


def update_facts(prefix: str, updates: pd.DataFrame, origin: Origin) -> Facts:
    """Losses, entropies and values of the updates over the first and the last episodes."""
    length, count = window(updates), int(updates["episode"].max()) + 1
    source = {"source": origin["source"].replace("episodes", "updates"), "stage": origin["stage"]}
    facts: Facts = {}
    for agent, rows in updates.groupby("agent"):
        for part, chosen in (
            ("first", rows["episode"] < length),
            ("last", rows["episode"] >= count - length),
        ):
            if rows[chosen]["seed"].nunique() < 2:
                continue  # an agent that is not asked at first does not learn at first
            row = {"row": f"agent = {agent}, {part} {length} episodes of each run"}
            means = rows[chosen].groupby("seed")[list(UPDATES[str(agent)])].mean()
            for column in UPDATES[str(agent)]:
                key = f"{prefix}.{part}.{agent}.{column}.mean"
                form = UPDATE_FORMATS.get(column, ".3g")
                facts[key] = estimated(mean_interval(means[column]), "", form, RUNS, **source, **row)
    return facts
