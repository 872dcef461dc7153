"""A made-up study of one market and two variants, small enough to check by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from adrl_core.config import Study
from adrl_core.report.facts import FactStore

TOTALS = ("reward", "conversions", "clicks", "impressions", "spend", "profit")
RUNS, EPISODES, BANK, STEPS = 4, 20, 6, 5


def evaluation(policy: str, seeds: int, level: float, generator: np.random.Generator) -> pd.DataFrame:
    """A made-up evaluation table of BANK episodes a seed."""
    rows: dict[str, Any] = {
        "policy": policy,
        "seed": np.repeat(np.arange(seeds), BANK),
        "episode": np.tile(np.arange(BANK), seeds),
    }
    frame = pd.DataFrame(rows)
    for column in TOTALS:
        frame[column] = generator.gamma(level, size=len(frame))
    frame["roi"] = frame["profit"] / frame["spend"]
    return frame


def steps(policy: str, seeds: int, generator: np.random.Generator) -> pd.DataFrame:
    """Made-up mean actions of STEPS steps a seed."""
    rows: dict[str, Any] = {
        "policy": policy,
        "seed": np.repeat(np.arange(seeds), STEPS),
        "step": np.tile(np.arange(STEPS), seeds),
    }
    frame = pd.DataFrame(rows)
    frame["bid"] = generator.uniform(0.5, 5.0, len(frame))
    for name, share in zip(
        ("search", "display", "video"), generator.dirichlet((1.0,) * 3, len(frame)).T, strict=True
    ):
        frame[f"allocation_{name}"] = share
    frame["asked"] = generator.uniform(1.0, 2.0, len(frame))
    return frame


def training(generator: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Made-up logs of RUNS runs: episodes and updates."""
    rows: dict[str, Any] = {
        "seed": np.repeat(np.arange(RUNS), EPISODES),
        "episode": np.tile(np.arange(EPISODES), RUNS),
    }
    episodes = pd.DataFrame(rows)
    for column in (*TOTALS, "roi", "mean_level"):
        episodes[column] = generator.gamma(5.0, size=len(episodes))
    episodes["conversions"] = generator.poisson(9.0, len(episodes)).astype(float)
    episodes["epsilon"] = 0.98 ** episodes["episode"]
    shares = generator.dirichlet((1.0, 1.0, 1.0), len(episodes)).T
    for name, share in zip(("bidding_only", "budget_only", "both"), shares, strict=True):
        episodes[f"share_{name}"] = share
    agents = []
    for agent in ("controller", "budget", "bidding"):
        update = pd.DataFrame({**rows, "agent": agent})
        for column in (
            "policy_loss",
            "value_loss",
            "entropy",
            "clipped",
            "td_loss",
            "q_value",
            "gradient_norm",
        ):
            update[column] = generator.gamma(2.0, size=len(update))
        agents.append(update)
    return episodes, pd.concat(agents, ignore_index=True)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The tables of the study, below results/<profile>."""
    root, generator = tmp_path / "smoke", np.random.default_rng(0)
    market = root / "channels"
    (market / "baselines").mkdir(parents=True)
    policies = ("random", "max_uniform", "best_constant", "oracle")
    pd.concat([evaluation(p, 1, 5.0 + i, generator) for i, p in enumerate(policies)]).to_parquet(
        market / "baselines/evaluation.parquet"
    )
    pd.concat([steps(p, 1, generator) for p in policies]).to_parquet(market / "baselines/steps.parquet")
    manifest = {
        "parameters": Study(seeds=RUNS, episodes=EPISODES, evaluation_episodes=BANK).model_dump(),
        "seconds": 90.0,
        "hardware": {"processor": "a processor"},
    }
    for variant, level in (("full", 8.0), ("no_budget", 6.0), ("single_q", 8.0)):
        for folder in ("train", "evaluate"):
            (market / variant / folder).mkdir(parents=True)
            (market / variant / folder / "manifest.json").write_text(json.dumps(manifest))
        evaluation(variant, RUNS, level, generator).to_parquet(
            market / variant / "evaluate/evaluation.parquet"
        )
        steps(variant, RUNS, generator).to_parquet(market / variant / "evaluate/steps.parquet")
        for name, table in zip(("episodes", "updates"), training(generator), strict=True):
            table.to_parquet(market / variant / "train" / f"{name}.parquet")
    return root


@pytest.fixture
def store(results: Path) -> FactStore:
    """Its facts."""
    from adrl_core.evidence.summary import summarise

    return summarise(results)
