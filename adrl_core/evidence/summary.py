"""From the tables of a study to its facts: every number that the book may quote."""

import json
import math
from pathlib import Path

import pandas as pd

from adrl_core.evidence import arrivals, auctions, calibration, contested, generalists, offline, rivals
from adrl_core.evidence.ablation import (
    POWER,
    THRESHOLD_SHARE,
    WINDOW,
    comparison_facts,
    contribution_facts,
    efficiency_facts,
    threshold,
)
from adrl_core.evidence.claims import ledger, ledger_facts
from adrl_core.evidence.governance import governance_facts
from adrl_core.evidence.harder import harder_facts
from adrl_core.evidence.intervals import LEVEL
from adrl_core.evidence.outcomes import (
    action_facts,
    baseline_facts,
    bid_facts,
    gap_facts,
    misplaced_facts,
    reference_facts,
    team_facts,
)
from adrl_core.evidence.quantities import METRICS, Facts, listed
from adrl_core.evidence.scores import score_facts
from adrl_core.evidence.settings import claim_facts, configuration_facts
from adrl_core.evidence.tables import evaluated_markets, evaluation, study_scores, trained_variants
from adrl_core.evidence.tests import detectable_effect
from adrl_core.evidence.training import WINDOW_SHARE, smoothing, training_facts
from adrl_core.market.presets import STEPS
from adrl_core.report.facts import Fact, FactStore
from adrl_core.report.stages import MANIFEST, ON_RESULTS, STAGES


def summarise(results: Path) -> FactStore:
    """Work out all facts of the study whose stages lie below `results`.

    Raises:
        FileNotFoundError: no stage has left an evaluation there.
    """
    facts: Facts = {}
    markets = evaluated_markets(results)
    if not markets:
        raise FileNotFoundError(f"{results}: no evaluation found; run the study first")
    for market in markets:
        facts |= _market_facts(results, market)
    facts |= score_facts(study_scores(results)) | study_facts(results)
    facts |= harder_facts(results) | governance_facts(results) | ledger_facts(ledger(results))
    for part in (auctions, rivals, generalists, arrivals, offline, contested, calibration):
        facts |= part.facts(results)
    facts |= calibration.own_market_facts(results)
    return FactStore(profile=results.name, facts=facts | configuration_facts() | claim_facts())


def _market_facts(results: Path, market: str) -> Facts:
    reference = pd.read_parquet(results / market / "baselines" / "evaluation.parquet")
    steps = pd.read_parquet(results / market / "baselines" / "steps.parquet")
    facts: Facts = {}
    for policy, frame in reference.groupby("policy", sort=False):
        facts |= baseline_facts(market, str(policy), frame, f"{market}/baselines")
    facts |= action_facts(market, steps, f"{market}/baselines")
    oracle = steps[steps["policy"] == "oracle"]
    facts |= misplaced_facts(market, steps, oracle, f"{market}/baselines")
    runs, training, actions = {}, {}, {}
    for variant in trained_variants(results, market):
        folder, stage = results / market / variant, f"{market}/{variant}/evaluate"
        frame = evaluation(results, market, variant)
        facts |= team_facts(market, variant, frame, stage)
        facts |= reference_facts(market, variant, frame, reference, stage)
        facts |= gap_facts(market, variant, frame, reference, stage)
        actions[variant] = steps = pd.read_parquet(folder / "evaluate" / "steps.parquet")
        facts |= action_facts(market, steps, stage) | misplaced_facts(market, steps, oracle, stage)
        facts |= training_facts(market, variant, folder / "train")
        runs[variant] = frame.groupby("seed")[list(METRICS)].mean()
        training[variant] = pd.read_parquet(folder / "train" / "episodes.parquet")
    if {"tuned", "full"} <= actions.keys():
        facts |= bid_facts(market, actions["tuned"], actions["full"])
    facts |= comparison_facts(market, runs) | contribution_facts(market, runs)
    return facts | efficiency_facts(market, training, threshold(reference))


def study_facts(results: Path) -> Facts:
    """Sizes of the study, from the manifest of any of its evaluations."""
    path = next(iter(sorted(results.glob("*/*/evaluate/manifest.json"))), None)
    if path is None:
        return {}
    manifest = json.loads(path.read_text(encoding="utf-8"))
    source = str(path.relative_to(results))
    sizes = {name: manifest["parameters"][name] for name in ("seeds", "episodes", "evaluation_episodes")}
    sizes["training_window"] = max(1, round(WINDOW_SHARE * sizes["episodes"]))
    sizes["training_steps"] = sizes["episodes"] * STEPS
    sizes["smoothing"] = smoothing(sizes["episodes"])
    sizes["threshold_window"] = min(WINDOW, sizes["episodes"])
    facts = {
        f"study.{k}": Fact(value=v, format="," if v > 9999 else "", source=source) for k, v in sizes.items()
    }
    facts["study.level"] = Fact(value=round(100 * LEVEL), unit="%", source="adrl_core")
    facts["study.threshold_share"] = Fact(value=THRESHOLD_SHARE, format=".0%", source="adrl_core")
    facts["study.power"] = Fact(value=POWER, format=".0%", source="adrl_core")
    smallest = detectable_effect(sizes["seeds"], POWER)
    facts["study.detectable_effect"] = Fact(value=smallest, format=".2f", source="adrl_core")
    facts["study.compute_hours"] = Fact(
        value=compute_hours(results),
        unit="hours",
        format=".1f",
        source="*/**/manifest.json",
        row=f"seconds of all stages but {listed(ON_RESULTS)}",
    )
    facts["study.profile"] = Fact(value=results.name, source=source)
    facts["study.processor"] = Fact(value=str(manifest["hardware"].get("processor", "")), source=source)
    return facts


def compute_hours(results: Path) -> float:
    """Hours that all stages took, but for those that read the facts and so run after them."""
    later = {results / Path(STAGES[name].folder) / MANIFEST for name in ON_RESULTS}
    stages = set(results.glob(f"**/{MANIFEST}")) - later
    seconds = (json.loads(path.read_text(encoding="utf-8"))["seconds"] for path in stages)
    return math.fsum(seconds) / 3600.0
