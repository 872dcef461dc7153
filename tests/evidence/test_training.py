"""Facts of the training logs against direct calculation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.report.facts import FactStore

PREFIX = "channels.full.training"


@pytest.fixture
def episodes(results: Path) -> pd.DataFrame:
    """The log of the whole team's training."""
    return pd.read_parquet(results / "channels/full/train/episodes.parquet")


def test_before_and_after_ten_episodes(episodes: pd.DataFrame, store: FactStore) -> None:
    first, tenth = (episodes[episodes["episode"] == e]["reward"].to_numpy() for e in (0, 10))
    test = stats.ttest_rel(tenth, first)
    gain = store[f"{PREFIX}.ten.reward.gain"]
    assert (gain.low, gain.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert store[f"{PREFIX}.ten.reward.t"].value == pytest.approx(test.statistic)
    assert store[f"{PREFIX}.ten.reward.p"].value == pytest.approx(test.pvalue)
    assert store[f"{PREFIX}.ten.reward.gain_share"].value == pytest.approx(tenth.mean() / first.mean() - 1)
    d = (tenth - first).mean() / (tenth - first).std(ddof=1)
    assert store[f"{PREFIX}.ten.reward.d"].value == pytest.approx(d)
    counts = episodes[episodes["episode"] == 10]["conversions"]
    ratio = counts.var() / counts.mean()
    assert store[f"{PREFIX}.ten.dispersion"].value == pytest.approx(ratio)


def test_spread_of_first_and_last_episodes(results: Path) -> None:
    """Twenty episodes give windows of two, too short for a spread; stretch them to a hundred."""
    from adrl_core.evidence.training import spread_facts

    generator = np.random.default_rng(5)
    frame = pd.DataFrame({"seed": np.repeat(range(3), 100), "episode": np.tile(range(100), 3)})
    frame["reward"] = generator.normal(5.0, 1.0 + frame["episode"] / 25)
    frame["profit"] = 2.0 * frame["reward"] + generator.normal(0.0, 0.1, 300)
    facts = spread_facts("x", frame, {"source": "s"})
    table = frame.pivot(index="seed", columns="episode", values="reward").to_numpy()
    early, late = table[:, :10].std(1, ddof=1), table[:, 90:].std(1, ddof=1)
    assert facts["x.first.reward.sd"].value == pytest.approx(early.mean())
    change = np.exp(np.log(late / early).mean()) - 1.0
    assert facts["x.sd_change"].value == pytest.approx(change)
    centred = table[:, 90:] - table[:, 90:].mean(1, keepdims=True)
    memory = (centred[:, 1:] * centred[:, :-1]).sum(1) / (centred**2).sum(1)
    assert facts["x.last.reward.autocorrelation"].value == pytest.approx(memory.mean())
    r = np.mean([np.corrcoef(f["reward"], f["profit"])[0, 1] for _, f in frame.groupby("seed")])
    assert facts["x.reward_profit_correlation"].value == pytest.approx(r)


def test_gain_from_first_to_last_is_paired_by_run(episodes: pd.DataFrame, store: FactStore) -> None:
    table = episodes.pivot(index="seed", columns="episode", values="share_both")
    gain = table.loc[:, 18:].mean(axis=1) - table.loc[:, :1].mean(axis=1)
    fact = store[f"{PREFIX}.gain.share_both.mean"]
    bounds = stats.ttest_1samp(gain, 0.0).confidence_interval(0.95)
    assert (fact.value, fact.low, fact.high) == pytest.approx((gain.mean(), *bounds))


def test_updates(results: Path, store: FactStore) -> None:
    updates = pd.read_parquet(results / "channels/full/train/updates.parquet")
    rows = updates[(updates["agent"] == "bidding") & (updates["episode"] < 2)]
    assert store[f"{PREFIX}.first.bidding.td_loss.mean"].value == pytest.approx(rows["td_loss"].mean())


def test_an_agent_that_learns_late_has_no_first_updates(results: Path) -> None:
    from adrl_core.evidence.training import update_facts

    updates = pd.read_parquet(results / "channels/full/train/updates.parquet")
    late = updates[(updates["agent"] != "controller") | (updates["episode"] >= 10)]
    facts = update_facts("x", late, {"source": "s", "stage": "t"})
    assert "x.last.controller.entropy.mean" in facts and "x.first.budget.entropy.mean" in facts
    assert "x.first.controller.entropy.mean" not in facts


def test_updates_after_episodes_without_a_budget_decision_do_not_count() -> None:
    """In the second episode the Budget agent was never asked: its entropy of zero is a mean over nothing."""
    from adrl_core.evidence.training import asked_updates

    episodes = pd.DataFrame(
        {"seed": [0, 0], "episode": [0, 1], "share_budget_only": [0.2, 0.0], "share_both": [0.0, 0.0]}
    )
    updates = pd.DataFrame(
        {
            "seed": [0, 0, 0, 0],
            "episode": [0, 1, 0, 1],
            "agent": ["budget", "budget", "controller", "controller"],
            "entropy": [4.0, 0.0, 1.0, 0.0],
        }
    )
    assert asked_updates(updates, episodes)["entropy"].tolist() == [4.0, 1.0, 0.0]


def test_runs_that_mostly_ask_both(episodes: pd.DataFrame, store: FactStore) -> None:
    late = episodes[episodes["episode"] >= 18].groupby("seed")["share_both"].mean()
    assert store[f"{PREFIX}.last.share_both.runs"].value == np.mean([share > 0.5 for share in late])
