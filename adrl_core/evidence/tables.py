"""What a study left: its markets, its variants, their tables."""

from pathlib import Path

import numpy as np
import pandas as pd

from adrl_core.config import VARIANTS
from adrl_core.evidence.scores import best_reference, normalised
from adrl_core.report.stages import HARDER


def evaluated_markets(results: Path) -> list[str]:
    """Markets whose reference policies have been evaluated, `published` first, then by name.

    The harder markets have a chapter and facts of their own, and are left out.
    """
    found = {path.parts[-3] for path in results.glob("*/baselines/evaluation.parquet")} - set(HARDER)
    return sorted(found, key=lambda market: (market != "published", market))


def harder_markets(results: Path) -> list[str]:
    """The harder markets whose reference policies have been evaluated, in the order of their chapter."""
    return [market for market in HARDER if (results / market / "baselines" / "evaluation.parquet").exists()]


def trained_variants(results: Path, market: str) -> list[str]:
    """Variants evaluated on a market, in the order of the configuration, then by name."""
    found = {path.parts[-3] for path in results.glob(f"{market}/*/evaluate/evaluation.parquet")}
    known = [variant for variant in VARIANTS if variant in found]
    return known + sorted(found - set(known))


def evaluation(results: Path, market: str, variant: str) -> pd.DataFrame:
    """The evaluation of one trained variant, a row a run and episode."""
    return pd.read_parquet(results / market / variant / "evaluate" / "evaluation.parquet")


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
