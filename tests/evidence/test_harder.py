"""Facts of the harder markets against pandas and SciPy, from tables made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.evidence.figures.harder import figures
from adrl_core.evidence.harder import GOALS, harder_facts, key_of
from adrl_core.evidence.tables import evaluated_markets, harder_markets
from adrl_core.market.presets import CHANNEL_NAMES, STEPS
from adrl_core.report.jobs import parse_market
from adrl_core.report.stages import HARDER

EPISODES, RUNS = 6, 4


def evaluation(policy: str, seeds: int, level: float, generator: np.random.Generator) -> pd.DataFrame:
    """A table as `evaluate.play` leaves it, around a level."""
    rows = seeds * EPISODES
    frame = pd.DataFrame(
        {name: generator.normal(level, 1.0, rows) for name in ("reward", "conversions", "clicks", "profit")}
    )
    frame["impressions"] = frame["spend"] = 10.0
    frame["roi"] = frame["profit"] / frame["spend"]
    frame.insert(0, "episode", np.tile(np.arange(EPISODES), seeds))
    frame.insert(0, "seed", np.repeat(np.arange(seeds), EPISODES))
    frame.insert(0, "policy", policy)
    return frame


def steps(policy: str, seeds: int) -> pd.DataFrame:
    """Actions that never change."""
    frame = pd.DataFrame(
        {"seed": np.repeat(np.arange(seeds), STEPS), "step": np.tile(np.arange(STEPS), seeds)}
    )
    for name in ("bid", *(f"allocation_{channel}" for channel in CHANNEL_NAMES), "asked"):
        frame[name] = 1.0
    return frame.assign(policy=policy)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The channels market with a fee, two teams on it, and an easy market beside it."""
    generator = np.random.default_rng(5)
    tables = {
        "channels+fee=2/baselines": [("oracle", 1, 100.0), ("fixed", 1, 20.0)],
        "channels+fee=2/tuned/evaluate": [("tuned", RUNS, 80.0)],
        "channels+fee=2/planner/evaluate": [("planner", RUNS, 104.0)],
        "channels/baselines": [("oracle", 1, 100.0)],
    }
    for folder, policies in tables.items():
        (tmp_path / folder).mkdir(parents=True)
        for name, make in (
            ("evaluation", [evaluation(*policy, generator) for policy in policies]),
            ("steps", [steps(*policy[:2]) for policy in policies]),
        ):
            pd.concat(make).to_parquet(tmp_path / folder / f"{name}.parquet")
    return tmp_path


def test_harder_markets_stand_apart(results: Path) -> None:
    assert harder_markets(results) == ["channels+fee=2"]
    assert evaluated_markets(results) == ["channels"]


def test_goals_are_about_the_markets_of_the_study() -> None:
    assert [goal.market for goal in GOALS[1:]] == list(HARDER)
    assert key_of("planner+reward=profit") == "planner_reward_profit"


def test_share_of_the_best_rule(results: Path) -> None:
    facts = harder_facts(results)
    runs = pd.read_parquet(results / "channels+fee=2/planner/evaluate/evaluation.parquet")
    reference = pd.read_parquet(results / "channels+fee=2/baselines/evaluation.parquet")
    best = reference.loc[reference["policy"] == "oracle", "reward"].mean()
    shares = runs.groupby("seed")["reward"].mean() / best
    half = stats.t.ppf(0.975, RUNS - 1) * stats.sem(shares)
    fact = facts["harder.channels_fee_2.planner.over.oracle.reward.ratio"]
    assert fact.value == pytest.approx(shares.mean())
    assert fact.low == pytest.approx(shares.mean() - half)
    assert fact.n == RUNS


def test_teams_are_compared_run_by_run(results: Path) -> None:
    facts = harder_facts(results)
    means = {
        name: pd.read_parquet(results / f"channels+fee=2/{name}/evaluate/evaluation.parquet")
        .groupby("seed")["profit"]
        .mean()
        for name in ("planner", "tuned")
    }
    prefix = "harder.channels_fee_2.planner.minus.tuned.profit"
    assert facts[f"{prefix}.mean"].value == pytest.approx((means["planner"] - means["tuned"]).mean())
    assert facts[f"{prefix}.p"].value == pytest.approx(
        stats.ttest_rel(means["planner"], means["tuned"]).pvalue
    )
    assert facts[f"{prefix}.word"].value == "above"


def test_figure_of_each_market_with_teams(results: Path) -> None:
    drawn = dict(figures(results))
    assert list(drawn) == ["harder-channels_fee_2"]
    figure, title, caption, alt = drawn["harder-channels_fee_2"]
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["Fixed", "team, tuned", "state oracle", "planning team"]
    assert title and caption and alt


def test_no_figure_without_references(results: Path) -> None:
    (results / "channels+fee=2/baselines/evaluation.parquet").unlink()
    assert not dict(figures(results))


@pytest.mark.parametrize("market", ["channels+reward=2", "channels+fee=", "channels+"])
def test_only_a_fee_may_follow_a_market(market: str) -> None:
    with pytest.raises(ValueError, match=r"only \+fee=VALUE"):
        parse_market(market)


def test_market_with_a_fee() -> None:
    assert parse_market("channels+fee=2") == ("channels", {"fee": "2"})
    assert parse_market("pacing") == ("pacing", {})
