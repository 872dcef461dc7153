"""Facts of the trial of the monitors against direct calculation on made-up tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.evidence.figures.governance import integrity as figures
from adrl_core.evidence.governance import integrity
from adrl_core.evidence.quantities import Facts

RUNS, EPISODES = 4, 40
KEY = "governance.integrity"


def curves(level: float, seed: int) -> pd.DataFrame:
    """A made-up training."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"seed": np.repeat(range(RUNS), EPISODES), "episode": np.tile(range(EPISODES), RUNS)}
    )
    frame["reward"] = draw.normal(level, 1.0, len(frame))
    frame["profit"] = draw.normal(-level, 1.0, len(frame))
    return frame


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Tables as the trial and the trainings leave them."""
    draw, folder = np.random.default_rng(1), tmp_path / integrity.STAGE
    folder.mkdir(parents=True)
    rows = [
        {
            "team": team,
            "condition": condition,
            "seed": seed,
            "metric": metric,
            "chart": chart,
            "false": 0.1,
            "alarmed": alarmed,
            "episodes": episodes,
            "horizon": 100,
        }
        for team, condition in (("shaped", "none"), ("shaped", "rotation"), ("profit", "replaced"))
        for metric, chart in (("bid", "cusum"), ("integrity", "any"), ("reward_and_profit", "misaligned"))
        for seed, (alarmed, episodes) in enumerate([(0.5, 50.0), (1.0, 20.0), (0.0, 100.0), (np.nan, np.nan)])
    ]
    pd.DataFrame(rows).to_parquet(folder / "detection.parquet")
    frames = []
    for objective in ("shaped", "profit", "objectives"):
        frame = pd.DataFrame(
            draw.normal(100.0, 9.0, (RUNS, len(integrity.BROUGHT))), columns=[*integrity.BROUGHT]
        )
        frame.insert(0, "seed", range(RUNS))
        frames.append(frame.assign(objective=objective))
    pd.concat(frames).to_parquet(folder / "rewards.parquet")
    trainings = {"seed": range(RUNS), "alarmed": [1.0, 0.0, 1.0, 1.0], "episodes": [10, EPISODES, 30, 12]}
    alarms = pd.DataFrame(trainings).assign(objective="shaped", standard="incumbent")
    pd.concat([alarms, alarms.assign(objective="profit", alarmed=0.0)]).to_parquet(
        folder / "trainings.parquet"
    )
    curves(0.0, 5).to_parquet(folder / "learning.parquet")
    for name, stage in integrity.TRAININGS.items():
        (tmp_path / stage).mkdir(parents=True)
        training = curves(5.0, 2) if name == "shaped" else curves(0.0, 3)
        # They are alike for half of the training.
        early = training["episode"] < EPISODES // 2
        training.loc[early, ["reward", "profit"]] = curves(0.0, 4).loc[early, ["reward", "profit"]]
        training.to_parquet(tmp_path / stage / "episodes.parquet")
    return tmp_path


@pytest.fixture
def facts(results: Path) -> Facts:
    """The trial's facts."""
    return integrity.facts(results)


def test_none_without_the_trial(tmp_path: Path) -> None:
    assert integrity.facts(tmp_path) == integrity.constants()
    assert list(figures.figures(tmp_path)) == []


def test_detection_leaves_out_runs_without_a_delay(facts: Facts) -> None:
    delay = facts[f"{KEY}.rotation.bid.cusum.delay"]
    assert (delay.value, delay.n) == (pytest.approx(170.0 / 3.0), 3)
    half = stats.t.ppf(0.975, 2) * stats.sem([50.0, 20.0, 100.0])
    assert (delay.low, delay.high) == pytest.approx((170.0 / 3.0 - half, 170.0 / 3.0 + half))
    caught = facts[f"{KEY}.rotation.bid.cusum.caught"]
    assert (caught.value, caught.low, caught.high) == (0.5, 0.0, 1.0)  # shares, whatever t may say


def test_false_alarms_are_alarms_by_episodes_watched(facts: Facts) -> None:
    rate = 1000.0 * np.mean([0.5 / 50.0, 1.0 / 20.0, 0.0])
    assert facts[f"{KEY}.false_alarms.shaped.bid.cusum"].value == pytest.approx(rate)
    assert facts[f"{KEY}.false_alarms.shaped.every"].value == pytest.approx(1000.0 / rate)
    assert facts[f"{KEY}.false_alarms.shaped.watched"].value == RUNS * 100


def test_rewards_are_compared_run_by_run(facts: Facts, results: Path) -> None:
    frame = pd.read_parquet(results / integrity.STAGE / "rewards.parquet")
    ours, theirs = (frame[frame["objective"] == name] for name in ("shaped", "profit"))
    test = stats.ttest_rel(ours["profit"].to_numpy(), theirs["profit"].to_numpy())
    difference = facts[f"{KEY}.shaped.minus.profit.profit.mean"]
    assert (difference.low, difference.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert facts[f"{KEY}.shaped.minus.profit.profit.p"].value == pytest.approx(test.pvalue)
    share = (ours["violation"] / ours["spend"]).mean()
    assert facts[f"{KEY}.shaped.violation_share.mean"].value == pytest.approx(share)


def test_alarms_while_learning(facts: Facts) -> None:
    assert facts[f"{KEY}.trainings.shaped.incumbent.alarmed"].value == 3
    assert facts[f"{KEY}.trainings.shaped.incumbent.episodes"].value == 12.0
    assert facts[f"{KEY}.trainings.profit.incumbent.alarmed"].value == 0
    assert f"{KEY}.trainings.profit.incumbent.episodes" not in facts


def test_curves_diverge_where_they_do(facts: Facts, results: Path) -> None:
    """Two episodes a stretch; the trainings are the same one until half-way."""
    assert facts[f"{KEY}.diverged.stretch"].value == 2
    assert facts[f"{KEY}.diverged.reward.from"].value == EPISODES // 2
    assert facts[f"{KEY}.diverged.profit.from"].value == EPISODES // 2
    assert facts[f"{KEY}.diverged.profit.word"].value == "below"
    shaped, profit = (
        pd.read_parquet(results / stage / "episodes.parquet").query("episode >= 38")["reward"].mean()
        for stage in integrity.TRAININGS.values()
    )
    assert facts[f"{KEY}.diverged.reward.last"].value == pytest.approx(shaped - profit)


def test_figures(results: Path) -> None:
    assert [name for name, _ in figures.figures(results)] == ["integrity-delays", "integrity-rewards"]
