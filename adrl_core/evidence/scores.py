"""One score for all markets: a run's reward as a share of what the best reference policy earns there."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from adrl_core.evidence.intervals import bootstrap_interval
from adrl_core.evidence.quantities import BOOTSTRAP, RUNS, Facts, estimated
from adrl_core.evidence.reliable import iqm

Table = Mapping[str, Mapping[str, pd.Series]]
"""Market -> policy -> mean reward of each run."""


def normalised(runs: Table, references: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Scores (markets, runs) of the variants trained in every market, equally often.

    Args:
        runs: mean reward on the bank of each run, by market and variant.
        references: for each market, the reward that scores one.
    """
    shared = set.intersection(*(set(by_variant) for by_variant in runs.values()))
    ordered = [variant for variant in next(iter(runs.values())) if variant in shared]
    return {
        variant: np.stack([runs[market][variant].to_numpy() / references[market] for market in runs])
        for variant in ordered
        if len({len(runs[market][variant]) for market in runs}) == 1
    }


def best_reference(reference: pd.DataFrame) -> float:
    """Mean reward of the best policy that does not learn."""
    return float(reference.groupby("policy")["reward"].mean().max())


def score_facts(scores: Mapping[str, np.ndarray]) -> Facts:
    """Mean and interquartile mean over all markets, `all.<variant>.score.*`, resampled within markets."""
    facts: Facts = {}
    origin = {"source": "facts.json", "row": "reward of each run over that of the market's best reference"}
    for variant, values in scores.items():
        for name, statistic in (("mean", _mean), ("iqm", _iqm)):
            estimate = bootstrap_interval(values, statistic)
            facts[f"all.{variant}.score.{name}"] = estimated(estimate, "", ".1%", RUNS, BOOTSTRAP, **origin)
    return facts


def _mean(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=(-2, -1))


def _iqm(values: np.ndarray) -> np.ndarray:
    return iqm(values.reshape(*values.shape[:-2], -1))
