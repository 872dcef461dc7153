"""Facts of the trial of privacy."""

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pandas as pd

from adrl_core.evidence.governance.common import Trial, constant, mean_facts, trials
from adrl_core.evidence.paired import paired_facts
from adrl_core.evidence.quantities import METRICS, Facts
from adrl_core.governance.accounting import approximate_epsilon, composed_epsilon
from adrl_core.governance.privacy import FEATURES, noise_scale
from adrl_core.governance.trials.privacy import BUDGET, DELTA
from adrl_core.market.presets import STEPS
from adrl_core.report.facts import Fact

PREFIX = "governance.privacy"
HARMLESS = ("same weights", "readable by the owner only")
"""Attempts that are no attacks."""
COMPOSED_STEPS = (1, 10, STEPS)
COMPOSED_EPISODES = (1, 10, 100, 1000)
"""Numbers of steps, and of whole episodes, that the noise of each step is added up over."""


def facts(results: Path) -> Facts:
    """Keys: `governance.privacy.<team>.epsilon_<e>.reward.mean`, teams being those trained `with` noise and
    `without`, e such as 0_1, 1 or none; `.share` of what the team without noise earns; comparisons
    `.minus_constant` with the best constant policy; `accounting.<scheme>.<episodes>.<kind>`, schemes being
    `whole_episode`, `each_step` (with `.steps_<n>` within an episode) and `each_release`;
    `feature.<name>.<column>`; `vault.<attempt>`.
    """
    found: Facts = {
        f"{PREFIX}.budget": constant(BUDGET, "epsilon an episode", ".0f"),
        f"{PREFIX}.delta": constant("one in a million" if DELTA == 1e-6 else f"{DELTA:g}"),
        f"{PREFIX}.features": constant(FEATURES, "features"),
        f"{PREFIX}.releases": constant(FEATURES * STEPS, "numbers an episode"),
    }
    found |= _each_step()
    for trial in trials(results, "privacy"):
        found |= (
            dict(_rewards(trial)) | dict(_accounting(trial)) | dict(_features(trial)) | dict(_vault(trial))
        )
    return found


@cache
def _each_step() -> Facts:
    """What the budget adds up to if every step is noised as if it were all that is ever shown."""
    scale, name = noise_scale(1.0, BUDGET, FEATURES), f"{PREFIX}.accounting.each_step"
    basic = {f"steps_{steps}": composed_epsilon(scale, steps=steps) for steps in COMPOSED_STEPS}
    basic |= {f"{n}.basic": composed_epsilon(scale, episodes=n) for n in COMPOSED_EPISODES}
    most = COMPOSED_EPISODES[-1]
    found = basic | {f"{most}.approximate": approximate_epsilon(scale, DELTA, episodes=most)}
    return {f"{name}.{key}": constant(value, "epsilon", ",.0f") for key, value in found.items()}


def label(epsilon: float) -> str:
    """How keys name an epsilon: 0_1, 1, none."""
    return "none" if math.isinf(epsilon) else f"{epsilon:g}".replace(".", "_")


def best_constant(trial: Trial, episodes: int) -> float:
    """Mean reward of the best constant policy on the trial's episodes."""
    reference = pd.read_parquet(trial.results / trial.market / "baselines" / "evaluation.parquet")
    chosen = (reference["policy"] == "best_constant") & (reference["episode"] < episodes)
    return float(reference.loc[chosen, "reward"].mean())


def _rewards(trial: Trial) -> Iterator[tuple[str, Fact]]:
    frame, (unit, form) = trial.table("privacy"), METRICS["reward"]
    whole = _runs(frame, "without", math.inf)
    blind = best_constant(trial, trial.episodes)
    yield f"{PREFIX}.episodes", Fact(value=trial.episodes, unit="episodes a run", **trial.origin("privacy"))
    yield (
        f"{PREFIX}.best_constant.reward",
        Fact(value=blind, unit=unit, format=form, source=f"{trial.market}/baselines/evaluation.parquet"),
    )
    grid = frame[["team", "epsilon"]].drop_duplicates().sort_values(["team", "epsilon"])
    for team, epsilon in grid.itertuples(index=False, name=None):
        origin = trial.origin("privacy", f"team = {team}, epsilon = {epsilon:g}")
        prefix, runs = f"{PREFIX}.{team}.epsilon_{label(epsilon)}", _runs(frame, team, epsilon)
        yield from mean_facts(f"{prefix}.reward", runs, unit, form, origin).items()
        yield from mean_facts(f"{prefix}.share", runs / whole, "", ".0%", origin).items()
        constant_runs = pd.Series(blind, runs.index)
        yield from paired_facts(f"{prefix}.minus_constant", runs, constant_runs, unit, form, origin).items()
        yield from paired_facts(f"{prefix}.minus_clean", runs, whole, unit, form, origin).items()
        if team == "with":
            other = _runs(frame, "without", epsilon)
            yield from paired_facts(f"{prefix}.minus_without", runs, other, unit, form, origin).items()


def _runs(frame: pd.DataFrame, team: str, epsilon: float) -> pd.Series:
    chosen = frame[(frame["team"] == team) & (frame["epsilon"] == epsilon)]
    return chosen.set_index("seed")["reward"]


def _accounting(trial: Trial) -> Iterator[tuple[str, Fact]]:
    for row in trial.table("accounting").itertuples():
        name = str(row.scheme).replace(" ", "_")
        for kind in ("basic", "approximate"):
            value = float(getattr(row, kind))
            shown: float | str = value if math.isfinite(value) else "beyond reckoning"
            form = ("" if isinstance(shown, str) else ",.0f") if value >= 99.5 else ".2f"
            origin = trial.origin("accounting", f"scheme = {row.scheme}, episodes = {row.episodes}")
            yield (
                f"{PREFIX}.accounting.{name}.{row.episodes}.{kind}",
                Fact(value=shown, unit="epsilon", format=form, **origin),
            )


def _features(trial: Trial) -> Iterator[tuple[str, Fact]]:
    for row in trial.table("features").to_dict("records"):
        name, origin = str(row["feature"]).replace(" ", "_"), trial.origin("features", str(row["feature"]))
        for column in ("sensitivity", "noise", "spread"):
            yield (
                f"{PREFIX}.feature.{name}.{column}",
                Fact(value=row[column], format=".2g", **origin),
            )
        yield (
            f"{PREFIX}.feature.{name}.drowned",
            Fact(value=row["noise"] / row["spread"], unit="times the spread", format=",.0f", **origin),
        )


def _vault(trial: Trial) -> Iterator[tuple[str, Fact]]:
    frame = trial.table("vault")
    attacks = frame[~frame["attempt"].isin(HARMLESS)]
    for row in frame.to_dict("records"):
        name, origin = str(row["attempt"]).replace(" ", "_"), trial.origin("vault", str(row["attempt"]))
        yield f"{PREFIX}.vault.{name}.tries", Fact(value=row["tries"], unit="tries", **origin)
        yield f"{PREFIX}.vault.{name}.as_wished", Fact(value=row["as_wished"], unit="as wished", **origin)
    origin = trial.origin("vault", "all attacks")
    yield f"{PREFIX}.vault.attacks", Fact(value=int(attacks["tries"].sum()), unit="attacks", **origin)
    succeeded = int((attacks["tries"] - attacks["as_wished"]).sum())
    yield f"{PREFIX}.vault.succeeded", Fact(value=succeeded, unit="attacks", **origin)
