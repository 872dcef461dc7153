"""From the tables of a study to its facts: every number that the book may quote."""

import json
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
from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.published import CITATION, claims
from adrl_core.evidence.quantities import EPISODES, METRICS, RUNS, Facts, Origin, estimated
from adrl_core.market import presets, published, reward
from adrl_core.market.base import ROI_WINDOW
from adrl_core.report.facts import Fact, FactStore

WINDOW_SHARE = 0.1
"""Share of the training that counts as its first and as its last part."""


def summarise(results: Path) -> FactStore:
    """Work out all facts of the study whose stages lie below `results`.

    Raises:
        FileNotFoundError: no stage has left an evaluation there.
    """
    facts: Facts = {}
    for baselines in sorted(results.glob("*/baselines/evaluation.parquet")):
        market = baselines.parts[-3]
        stage = f"{market}/baselines"
        reference = pd.read_parquet(baselines)
        for policy, frame in reference.groupby("policy", sort=False):
            facts |= _baseline_facts(market, str(policy), frame, stage)
        for path in sorted(results.glob(f"{market}/*/evaluate/evaluation.parquet")):
            variant = path.parts[-3]
            frame = pd.read_parquet(path)
            facts |= _team_facts(market, variant, frame, f"{market}/{variant}/evaluate")
            facts |= _comparisons(market, variant, frame, reference, f"{market}/{variant}/evaluate")
            facts |= _training_facts(market, variant, results / market / variant / "train")
    if not facts:
        raise FileNotFoundError(f"{results}: no evaluation found; run the study first")
    facts |= _study_facts(results)
    return FactStore(profile=results.name, facts=facts | _configuration_facts() | _claim_facts())


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
            facts[key.format("versus") + ".word"] = Fact(
                value=difference.word, n=difference.n, unit_of_analysis=RUNS, **origin
            )
            if other > 0.0:
                ratio = mean_interval(runs[metric] / other)
                facts[key.format("over") + ".ratio"] = estimated(ratio, "", ".1%", RUNS, **origin)
    return facts


def _training_facts(market: str, variant: str, folder: Path) -> Facts:
    stage = f"{market}/{variant}/train"
    episodes = pd.read_parquet(folder / "episodes.parquet")
    count = int(episodes["episode"].max()) + 1
    window = max(1, round(WINDOW_SHARE * count))
    parts = {
        "first": episodes[episodes["episode"] < window],
        "last": episodes[episodes["episode"] >= count - window],
        "all": episodes,
    }
    columns = {
        "reward": ("reward", ".1f"),
        "conversions": ("conversions", ".2f"),
        "share_both": ("of the steps", ".1%"),
        "share_bidding_only": ("of the steps", ".1%"),
        "share_budget_only": ("of the steps", ".1%"),
        "mean_level": ("bid level, counted from 0", ".2f"),
    }
    facts: Facts = {}
    for part, rows in parts.items():
        origin = {
            "source": f"{stage}/episodes.parquet",
            "row": f"{part} {len(rows) // rows['seed'].nunique()} episodes of each run",
            "stage": stage,
        }
        for column, (unit, form) in columns.items():
            estimate = mean_interval(rows.groupby("seed")[column].mean())
            key = f"{market}.{variant}.training.{part}.{column}"
            facts[f"{key}.mean"] = estimated(estimate, unit, form, RUNS, **origin)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    facts[f"{market}.{variant}.training.minutes"] = Fact(
        value=manifest["seconds"] / 60.0,
        unit="minutes",
        format=".1f",
        source=f"{stage}/manifest.json",
        row="seconds",
        stage=stage,
    )
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
    facts = {
        f"study.{k}": Fact(value=v, format="," if v > 9999 else "", source=source) for k, v in sizes.items()
    }
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


def window_means(frame: pd.DataFrame, column: str, window: int) -> pd.DataFrame:
    """Running mean of a training column: a row an episode, a column a run."""
    table = frame.pivot(index="episode", columns="seed", values=column)
    return table.rolling(window, min_periods=1).mean()


def band(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and 95 % t interval over the runs (columns) of each episode (rows)."""
    estimates = [mean_interval(row) for row in table.to_numpy()]
    return tuple(np.array([getattr(e, part) for e in estimates]) for part in ("mean", "low", "high"))  # type: ignore[return-value]
