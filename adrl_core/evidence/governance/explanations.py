"""Facts of the trial of explanations."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from adrl_core.evidence.governance.common import Trial, constant, mean_facts, trials
from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.quantities import RUNS, Facts, counted, estimated
from adrl_core.governance.explanations import explained
from adrl_core.governance.trials.explanations import BACKGROUND, EXPLAINED, SHUFFLED
from adrl_core.market.presets import BID_LEVELS, CHANNEL_NAMES, STATE_NAMES, STATE_SIZE
from adrl_core.report.facts import Fact

PREFIX = "governance.explanations"


def facts(results: Path) -> Facts:
    """Keys: `governance.explanations.<choice>.<feature>.{shapley,permutation}.mean`, `.<choice>.first`,
    `.second`, `.third` (names of the features that matter most), `.<choice>.agreement.mean` (rank correlation
    of the two methods), `known.<policy>.<column>`, `gap`, `decision.text`, and sizes.
    """
    found: Facts = {
        f"{PREFIX}.explained": constant(EXPLAINED, "states a run"),
        f"{PREFIX}.background": constant(BACKGROUND, "states a run"),
        f"{PREFIX}.shuffled": constant(SHUFFLED, "states a run"),
        f"{PREFIX}.coalitions": constant(2**STATE_SIZE, "coalitions", ",d"),
    }
    for trial in trials(results, "explanations"):
        found |= dict(_importance(trial)) | dict(_known(trial)) | dict(_decision(trial))
    return found


def key(name: str) -> str:
    """How keys call a choice or a feature."""
    return name.replace(" ", "_")


def ranking(importance: pd.DataFrame, choice: str) -> list[str]:
    """Features by their mean Shapley importance for a choice, the highest first."""
    rows = importance[importance["choice"] == choice]
    return list(rows.groupby("feature")["shapley"].mean().sort_values(ascending=False).index)


def _importance(trial: Trial) -> Iterator[tuple[str, Fact]]:
    frame = trial.table("importance")
    for pair, rows in frame.groupby(["choice", "feature"], sort=False):
        choice, feature = map(str, pair)
        origin = trial.origin("importance", f"choice = {choice}, feature = {feature}")
        unit = "currency units" if choice == "bid" else ""
        for method in ("shapley", "permutation"):
            name = f"{PREFIX}.{key(choice)}.{key(feature)}.{method}"
            yield from mean_facts(name, rows.set_index("seed")[method], unit, ".3f", origin).items()
    for chosen, rows in frame.groupby("choice", sort=False):
        choice = str(chosen)
        origin = trial.origin("importance", f"choice = {choice}")
        names = dict(zip(("first", "second", "third"), ranking(frame, choice), strict=False))
        for place, feature in names.items():
            yield f"{PREFIX}.{key(choice)}.{place}", Fact(value=feature, **origin)
        runs = pd.Series({seed: _agreement(run) for seed, run in rows.groupby("seed")}).dropna()
        n = rows["seed"].nunique()
        yield f"{PREFIX}.{key(choice)}.moved", counted(len(runs), n, "runs", **origin)
        if len(runs) > 1:
            name = f"{PREFIX}.{key(choice)}.agreement"
            yield f"{name}.mean", estimated(mean_interval(runs), "rank correlation", ".2f", RUNS, **origin)
            yield f"{name}.lowest", counted(float(runs.min()), n, "rank correlation", ".2f", **origin)
    yield (
        f"{PREFIX}.gap",
        Fact(value=float(frame["gap"].max()), format=".0e", **trial.origin("importance", "largest gap")),
    )


def _agreement(run: pd.DataFrame) -> float:
    """Rank correlation of the two methods in one run; none if the choice hardly ever changes."""
    if np.ptp(run["shapley"]) < 1e-6 or np.ptp(run["permutation"]) < 1e-6:
        return float("nan")
    return float(stats.spearmanr(run["shapley"], run["permutation"]).statistic)


def _known(trial: Trial) -> Iterator[tuple[str, Fact]]:
    for row in trial.table("known").to_dict("records"):
        name, origin = str(row.pop("policy")), trial.origin("known")
        for column, value in row.items():
            fact = Fact(value=float(value), format=".0e" if 0 < abs(value) < 1e-3 else ".2g", **origin)
            yield f"{PREFIX}.known.{name}.{column}", fact


def _decision(trial: Trial) -> Iterator[tuple[str, Fact]]:
    values = trial.table("values")
    dearest = int(values["step"].iloc[values["shortfall"].argmax()])
    yield f"{PREFIX}.dearest_step", Fact(value=dearest, **trial.origin("values", "largest shortfall"))
    features, choice = trial.table("features"), trial.table("decision").iloc[0]
    features = features.set_index("feature").loc[list(STATE_NAMES)]
    text = explained(
        mode=int(choice["mode"]),
        level=int(choice["level"]),
        bids=[float(choice[f"bid_{level}"]) for level in range(BID_LEVELS)],
        shares=[float(choice[f"allocation_{name}"]) for name in CHANNEL_NAMES],
        channels=CHANNEL_NAMES,
        state=features["value"].tolist(),
        shapley=features["shapley"].tolist(),
        usual_bid=float(choice["usual_bid"]),
    )
    yield f"{PREFIX}.decision.text", Fact(value=text, **trial.origin("features"))
    yield f"{PREFIX}.decision.step", Fact(value=int(choice["step"]), **trial.origin("decision"))
