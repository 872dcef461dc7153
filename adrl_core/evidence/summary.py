"""From the tables of a study to its facts: every number that the book may quote."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from adrl_core.agents.baselines import CHAIN_LENGTH, Greedy
from adrl_core.agents.networks import ActorCritic, QNetwork
from adrl_core.agents.population import parameters_per_run
from adrl_core.config import PROFILES, TUNING, VARIANTS, Study, parse_variant
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
from adrl_core.evidence.equations import equation_constants
from adrl_core.evidence.intervals import LEVEL, bootstrap_interval, mean_interval
from adrl_core.evidence.published import CITATION, claims
from adrl_core.evidence.quantities import (
    BOOTSTRAP,
    EPISODES,
    METRICS,
    RUNS,
    TYPICAL,
    Facts,
    Origin,
    counted,
    estimated,
)
from adrl_core.evidence.reliable import iqm
from adrl_core.evidence.scores import best_reference, normalised, score_facts
from adrl_core.evidence.tests import detectable_effect, one_sample_t
from adrl_core.evidence.training import WINDOW_SHARE, smoothing, training_facts
from adrl_core.market import presets, published, reward
from adrl_core.market.base import ROI_WINDOW
from adrl_core.report.facts import P_VALUE, Fact, FactStore


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
    facts |= score_facts(study_scores(results)) | _study_facts(results) | ledger_facts(ledger(results))
    return FactStore(profile=results.name, facts=facts | _configuration_facts() | _claim_facts())


def evaluated_markets(results: Path) -> list[str]:
    """Markets whose reference policies have been evaluated, `published` first, then by name."""
    found = {path.parts[-3] for path in results.glob("*/baselines/evaluation.parquet")}
    return sorted(found, key=lambda market: (market != "published", market))


def study_scores(results: Path) -> dict[str, np.ndarray]:
    """Normalised scores (markets, runs) of every variant trained on all markets."""
    runs, references = {}, {}
    for market in evaluated_markets(results):
        references[market] = best_reference(
            pd.read_parquet(results / market / "baselines/evaluation.parquet")
        )
        frames = {v: evaluation(results, market, v) for v in trained_variants(results, market)}
        runs[market] = {v: frame.groupby("seed")["reward"].mean() for v, frame in frames.items()}
    return normalised(runs, references)


def evaluation(results: Path, market: str, variant: str) -> pd.DataFrame:
    """The evaluation of one trained variant, a row a run and episode."""
    return pd.read_parquet(results / market / variant / "evaluate" / "evaluation.parquet")


def trained_variants(results: Path, market: str) -> list[str]:
    """Variants evaluated on a market, in the order of the configuration, then by name."""
    found = {path.parts[-3] for path in results.glob(f"{market}/*/evaluate/evaluation.parquet")}
    known = [variant for variant in VARIANTS if variant in found]
    return known + sorted(found - set(known))


def _market_facts(results: Path, market: str) -> Facts:
    reference = pd.read_parquet(results / market / "baselines" / "evaluation.parquet")
    steps = pd.read_parquet(results / market / "baselines" / "steps.parquet")
    facts: Facts = {}
    for policy, frame in reference.groupby("policy", sort=False):
        facts |= _baseline_facts(market, str(policy), frame, f"{market}/baselines")
    facts |= _action_facts(market, steps, f"{market}/baselines")
    runs, training = {}, {}
    for variant in trained_variants(results, market):
        folder, stage = results / market / variant, f"{market}/{variant}/evaluate"
        frame = evaluation(results, market, variant)
        facts |= _team_facts(market, variant, frame, stage)
        facts |= _comparisons(market, variant, frame, reference, stage)
        facts |= _action_facts(market, pd.read_parquet(folder / "evaluate" / "steps.parquet"), stage)
        facts |= training_facts(market, variant, folder / "train")
        runs[variant] = frame.groupby("seed")[list(METRICS)].mean()
        training[variant] = pd.read_parquet(folder / "train" / "episodes.parquet")
    facts |= comparison_facts(market, runs) | contribution_facts(market, runs)
    return facts | efficiency_facts(market, training, threshold(reference))


def _ratio_of_sums(frame: pd.DataFrame) -> float:
    spend = float(frame["spend"].sum())
    return float(frame["profit"].sum()) / spend if spend else 0.0


def _spread_facts(prefix: str, frame: pd.DataFrame, origin: Origin) -> Iterator[tuple[str, Fact]]:
    """What is told of single episodes: the standard deviation, and ROI as a ratio of sums."""
    for metric, (unit, form) in METRICS.items():
        sd = float(frame[metric].std())
        yield (
            f"{prefix}.{metric}.sd",
            Fact(value=sd, unit=unit, format=form, n=len(frame), unit_of_analysis="episodes", **origin),
        )
    ratio = _ratio_of_sums(frame)
    yield f"{prefix}.roi.ratio_of_sums", Fact(value=ratio, unit="profit / spend", format=".2f", **origin)


def _baseline_facts(market: str, policy: str, frame: pd.DataFrame, stage: str) -> Facts:
    origin = {"source": f"{stage}/evaluation.parquet", "row": f"policy = {policy}", "stage": stage}
    prefix = f"{market}.{policy}"
    facts = dict(_spread_facts(prefix, frame, origin))
    for metric, (unit, form) in METRICS.items():
        estimate = mean_interval(frame[metric])
        facts[f"{prefix}.{metric}.mean"] = estimated(estimate, unit, form, EPISODES, **origin)
    return facts


def _team_facts(market: str, variant: str, frame: pd.DataFrame, stage: str) -> Facts:
    origin: Origin = {
        "source": f"{stage}/evaluation.parquet",
        "row": "mean over the bank of each run",
        "stage": stage,
    }
    prefix = f"{market}.{variant}"
    facts = dict(_spread_facts(prefix, frame, origin | {"row": "all runs and episodes"}))
    runs = frame.groupby("seed")[list(METRICS)].mean()
    middle = bootstrap_interval(runs["reward"], iqm)
    facts[f"{prefix}.reward.iqm"] = estimated(middle, *METRICS["reward"], RUNS, BOOTSTRAP, **origin)
    for metric, (unit, form) in METRICS.items():
        facts[f"{prefix}.{metric}.mean"] = estimated(mean_interval(runs[metric]), unit, form, RUNS, **origin)
        for name, value in (
            ("run_sd", runs[metric].std()),
            ("worst_run", runs[metric].min()),
            ("best_run", runs[metric].max()),
        ):
            facts[f"{prefix}.{metric}.{name}"] = Fact(
                value=float(value), unit=unit, format=form, n=len(runs), unit_of_analysis=RUNS, **origin
            )
    return facts


def _action_facts(market: str, steps: pd.DataFrame, stage: str) -> Facts:
    """Mean bid, allocation and agents asked on the bank, of every policy in a table of steps."""
    facts: Facts = {}
    columns = {f"allocation_{name}": ("of the budget", ".1%") for name in presets.CHANNEL_NAMES}
    columns |= {"bid": ("currency units", ".2f"), "asked": ("agents a step", ".2f")}
    for policy, rows in steps.groupby("policy", sort=False):
        runs = rows.groupby("seed")[list(columns)].mean()
        origin: Origin = {"source": f"{stage}/steps.parquet", "row": f"policy = {policy}", "stage": stage}
        for column, (unit, form) in columns.items():
            key = f"{market}.{policy}.{column}.mean"
            if len(runs) > 1:
                facts[key] = estimated(mean_interval(runs[column]), unit, form, RUNS, **origin)
            else:
                facts[key] = Fact(value=float(runs[column].iloc[0]), unit=unit, format=form, **origin)
    return facts


def _comparisons(
    market: str, variant: str, frame: pd.DataFrame, reference: pd.DataFrame, stage: str
) -> Facts:
    """Each run's mean against each reference policy's, on the same episodes."""
    facts: Facts = {}
    runs = frame.groupby("seed")[["reward", "profit", "conversions"]].mean()
    for policy, rows in reference.groupby("policy", sort=False):
        origin: Origin = {
            "source": f"{stage}/evaluation.parquet",
            "row": f"runs against policy = {policy} on the same episodes",
            "stage": stage,
        }
        for metric in ("reward", "profit", "conversions"):
            unit, form = METRICS[metric]
            other = float(rows[metric].mean())
            difference = mean_interval(runs[metric] - other)
            key = f"{market}.{variant}.{{}}.{policy}.{metric}"
            facts[key.format("minus") + ".mean"] = estimated(difference, unit, form, RUNS, **origin)
            p = one_sample_t(runs[metric], other).p
            facts[key.format("minus") + ".p"] = counted(p, difference.n, form=P_VALUE, **origin)
            facts[key.format("versus") + ".word"] = Fact(
                value=difference.word, n=difference.n, unit_of_analysis=RUNS, **origin
            )
            if other > 0.0:
                ratio = mean_interval(runs[metric] / other)
                facts[key.format("over") + ".ratio"] = estimated(ratio, "", ".1%", RUNS, **origin)
    return facts


def _study_facts(results: Path) -> Facts:
    """Sizes of the study, from the manifest of any of its evaluations."""
    path = next(iter(sorted(results.glob("*/*/evaluate/manifest.json"))), None)
    if path is None:
        return {}
    manifest = json.loads(path.read_text(encoding="utf-8"))
    source = str(path.relative_to(results))
    sizes = {name: manifest["parameters"][name] for name in ("seeds", "episodes", "evaluation_episodes")}
    sizes["training_window"] = max(1, round(WINDOW_SHARE * sizes["episodes"]))
    sizes["training_steps"] = sizes["episodes"] * presets.STEPS
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
    stages = [json.loads(p.read_text(encoding="utf-8")) for p in results.glob("*/**/manifest.json")]
    hours = math.fsum(stage["seconds"] for stage in stages) / 3600.0
    facts["study.compute_hours"] = Fact(
        value=hours,
        unit="hours",
        format=".1f",
        source="*/manifest.json",
        row="seconds of all stages but the summary",
    )
    facts["study.profile"] = Fact(value=results.name, source=source)
    facts["study.processor"] = Fact(value=str(manifest["hardware"].get("processor", "")), source=source)
    return facts


def _configuration_facts() -> Facts:
    """Settings, market constants and network sizes, read from the code."""
    facts: Facts = {}
    for variant in VARIANTS:
        _flatten(f"config.{variant}", parse_variant(variant), facts)
    constants: dict[str, Any] = {
        "steps": presets.STEPS,
        "state_size": presets.STATE_SIZE,
        "channels": presets.CHANNELS,
        "bid_levels": presets.BID_LEVELS,
        "published.bid_min": presets.PUBLISHED_BIDS[0],
        "published.bid_max": presets.PUBLISHED_BIDS[-1],
        "published.bid_default": presets.PUBLISHED_BIDS[presets.DEFAULT_LEVEL],
        "channels.bid_min": presets.CHANNELS_BIDS[0],
        "channels.bid_max": presets.CHANNELS_BIDS[-1],
        "channels.bid_default": round(presets.CHANNELS_BIDS[presets.DEFAULT_LEVEL], 2),
        "published.budget": published.BUDGET,
        "published.auctions": published.MEAN_AUCTIONS,
        "conversion_value": reward.CONVERSION_VALUE,
        "reward_low": reward.REWARD_CLIP[0],
        "reward_high": reward.REWARD_CLIP[1],
        "roi_window": ROI_WINDOW,
        "greedy.window": Greedy.WINDOW,
        "greedy.upper": Greedy.UPPER,
        "greedy.chain": CHAIN_LENGTH,
    }
    constants |= {f"typical.{name}": value for name, value in TYPICAL.items()}
    constants |= equation_constants()
    for name, preset in presets.PRESETS.items():
        constants |= {f"{name}.{field}": value for field, value in asdict(preset).items()}
    team = parse_variant("full")
    controller = ActorCritic(1, presets.STATE_SIZE, presets.CHANNELS, team.controller.hidden)
    bidding = QNetwork(1, presets.STATE_SIZE, presets.BID_LEVELS, team.bidding.hidden)
    constants["network.actor_critic.parameters"] = parameters_per_run(controller)
    constants["network.dueling.parameters"] = parameters_per_run(bidding)
    for key, value in constants.items():
        facts[f"constant.{key}"] = _setting(value)
    for key, value in TUNING.items():
        facts[f"config.tuning.{key}"] = _setting(value)
    for name, field in Study.model_fields.items():
        if isinstance(field.default, int | float):
            facts[f"config.study.{name}"] = _setting(field.default)
    for name, sizes in PROFILES.items():
        facts |= {f"config.profile.{name}.{field}": _setting(size) for field, size in sizes.items()}
    return facts


def _flatten(prefix: str, model: BaseModel, facts: Facts) -> None:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            _flatten(f"{prefix}.{name}", value, facts)
        else:
            facts[f"{prefix}.{name}"] = _setting(value)


def _setting(value: Any) -> Fact:
    if isinstance(value, tuple):
        return Fact(value=", ".join(f"{part:g}" for part in value), source="adrl_core")
    if isinstance(value, bool | str):
        return Fact(value=str(value), source="adrl_core")
    whole = float(value).is_integer() and abs(value) > 1
    return Fact(value=int(value) if whole else value, format="," if whole else "g", source="adrl_core")


def _claim_facts() -> Facts:
    """What the published report prints, word for word where it is no plain number."""
    facts: Facts = {}
    for claim, row in claims().iterrows():
        text, unit = str(row["published"]), str(row["unit"])
        value: float | str = text
        form = ""
        try:
            value = float(text)
            decimals = len(text.partition(".")[2]) if "e" not in text else None
            form = "g" if decimals is None else f".{decimals}f"
        except ValueError:
            pass
        facts[f"claim.{claim}"] = Fact(
            value=value, unit=unit, format=form, source=CITATION, row=f"section {row['section']}"
        )
    return facts
