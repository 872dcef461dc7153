"""The figures of a study: drawn from its tables, each with caption and alternative text beside it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import matplotlib as mpl
import pandas as pd

from adrl_core.config import ABLATIONS, TEAMS
from adrl_core.evidence import claims
from adrl_core.evidence.figures import (
    auctions,
    calibration,
    contested,
    generalists,
    governance,
    harder,
    learning,
    offline,
    rivals,
)
from adrl_core.evidence.figures import evaluation as on_bank
from adrl_core.evidence.figures.economics import channel_economics
from adrl_core.evidence.figures.ledger import draw_ledger
from adrl_core.evidence.figures.style import STYLE, Drawn, save
from adrl_core.evidence.tables import evaluated_markets, study_scores, trained_variants
from adrl_core.evidence.training import HEADLINE, asked_updates


def draw(results: Path) -> None:
    """Draw every figure of the study whose stages lie below `results`, into results/figures.

    Figures that are there and have nothing to show any more are deleted.
    """
    folder, names = results / "figures", set()
    folder.mkdir(exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, drawn in figures(results):
            save(folder / name, *drawn)
            names.add(name)
    for path in folder.glob("*"):
        if path.stem not in names:
            path.unlink()


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """Name and content of every figure."""
    on_markets = {
        market: _tables(results, market, "evaluate/evaluation") for market in evaluated_markets(results)
    }
    for market, evaluations in on_markets.items():
        baselines = results / market / "baselines"
        reference = pd.read_parquet(baselines / "evaluation.parquet")
        training = _tables(results, market, "train/episodes")
        updates = {
            variant: asked_updates(
                pd.read_parquet(results / market / variant / "train/updates.parquet"), episodes
            )
            for variant, episodes in _teams(training).items()
        }
        yield f"learning-{market}", learning.learning_curves(market, _teams(training), reference)
        yield f"modes-{market}", learning.mode_curves(market, _teams(training))
        yield f"updates-{market}", learning.update_curves(market, updates, _teams(training))
        yield f"efficiency-{market}", learning.efficiency_curves(market, training, reference)
        yield f"evaluation-{market}", on_bank.evaluation_boxes(market, _teams(evaluations), reference)
        yield f"profit-{market}", on_bank.reward_against_profit(market, _teams(evaluations))
        steps = _teams(_tables(results, market, "evaluate/steps"))
        yield (
            f"actions-{market}",
            on_bank.action_curves(market, steps, pd.read_parquet(baselines / "steps.parquet")),
        )
        if "full" in evaluations:
            yield f"variants-{market}", on_bank.variant_boxes(market, evaluations)
            if training["full"]["episode"].max() >= HEADLINE:
                yield f"ten-{market}", learning.before_and_after(market, training["full"])
            if set(evaluations) & set(ABLATIONS):
                yield f"ablation-curves-{market}", learning.ablation_curves(market, training)
                yield f"ablation-{market}", on_bank.contributions(market, evaluations)
    if all(len(teams) > 1 and "full" in teams for teams in on_markets.values()):
        yield "improvement", on_bank.improvement(on_markets)
    scores = study_scores(results)
    if scores:
        yield "profiles", on_bank.performance_profiles(scores)
        yield "power", on_bank.power_curve(next(iter(scores.values())).shape[1])
    yield from harder.figures(results)
    yield from governance.figures(results)
    yield from auctions.figures(results)
    yield from calibration.figures(results)
    yield from rivals.figures(results)
    yield from generalists.figures(results)
    yield from offline.figures(results)
    yield from contested.figures(results)
    yield "channels-economics", channel_economics()
    yield "ledger", draw_ledger(claims.ledger(results))


def _tables(results: Path, market: str, table: str) -> dict[str, pd.DataFrame]:
    """One table of every variant trained on a market."""
    return {
        variant: pd.read_parquet(results / market / variant / f"{table}.parquet")
        for variant in trained_variants(results, market)
    }


def _teams(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    chosen = {variant: tables[variant] for variant in TEAMS if variant in tables}
    return chosen or dict(tables)
