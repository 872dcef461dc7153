"""Facts and figures of the auctions, from tables made by hand."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.auctions import SHARES
from adrl_core.evidence import auctions
from adrl_core.evidence.auctions import REFERENCE, facts, key
from adrl_core.evidence.figures import auctions as drawn

EPISODES, RUNS = 6, 3
BIDDERS = ("rlb", "ss_mdp", "mcpc", "lin", "lin_published", "paced", "paced_as_seen")


@pytest.fixture
def log() -> pd.DataFrame:
    """Every bidder in six episodes with each budget; on average the agent wins two clicks more than RLB."""
    generator = np.random.default_rng(0)
    rows = []
    for share in SHARES:
        base = generator.integers(2, 9, EPISODES)
        for bidder in (*BIDDERS, "agent"):
            for seed in range(RUNS if bidder == "agent" else 1):
                more = {"agent": seed + 1, "ss_mdp": -1}.get(bidder, 0)
                index = {"bidder": bidder, "share": share, "seed": seed, "episode": range(EPISODES)}
                clicks = base + more
                rows.append(
                    pd.DataFrame(
                        index | {"impressions": 100, "clicks": clicks, "cost": 40, "expected": clicks / 2}
                    )
                )
    return pd.concat(rows, ignore_index=True)


@pytest.fixture
def results(tmp_path: Path, log: pd.DataFrame) -> Path:
    """The stage's folder."""
    folder = tmp_path / "auctions"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({}))
    episodes = pd.DataFrame(
        {
            "share": np.repeat(SHARES, EPISODES),
            "episode": np.tile(range(EPISODES), len(SHARES)),
            "auctions": 1000,
            "clicks": 9,
            "price": np.tile([10.0] * 3 + [30.0] * 3, len(SHARES)),
            "ctr": 0.01,
            "budget": 50,
            "base": 7,
            "hindsight": 10.0,
            "multiple": np.tile([0.5, 1.0, 2.0] * 2, len(SHARES)),
        }
    )
    setting = {"log": "2997", "cap": 300, "training_auctions": 200, "training_clicks": 4}
    setting |= {"training_cost": 5000, "auctions": 78_031, "clicks": 54, "price": 20.0, "ctr": 0.01}
    training = pd.DataFrame({"seed": [0, 1, 2] * 2, "round": [0] * 3 + [1] * 3, "reward": 0.0})
    for name, table in {
        "log": log,
        "episodes": episodes,
        "simulated": log.drop(columns=["impressions", "clicks"]),
        "training": training,
        "setting": pd.DataFrame([setting]),
    }.items():
        table.to_parquet(folder / f"{name}.parquet")
    return tmp_path


def test_totals_and_differences(results: Path, log: pd.DataFrame) -> None:
    found = facts(results)
    chosen = log[log["share"] == 1 / 8].groupby(["bidder", "seed"])["clicks"].sum()
    assert found["auctions.b8.rlb.clicks"].value == chosen["rlb", 0]
    runs = stats.ttest_1samp(chosen["agent"], 0.0)
    agent = found["auctions.b8.agent.clicks"]
    assert (agent.value, agent.n) == (pytest.approx(chosen["agent"].mean()), RUNS)
    assert (agent.low, agent.high) == pytest.approx(tuple(runs.confidence_interval(0.95)))
    assert found["auctions.b8.rlb.of_hindsight"].value == pytest.approx(chosen["rlb", 0] / 2 / 60)
    assert found["auctions.b8.rlb.spent"].value == pytest.approx(0.8)
    ours = found["auctions.b8.agent.minus.rlb.clicks"]
    assert ours.value == pytest.approx(12.0)
    assert found["auctions.b8.ss_mdp.minus.rlb.expected"].value == pytest.approx(-3.0)
    assert found["auctions.b8.paced.minus.rlb.clicks.word"].value == "not distinguishable from"
    assert found["auctions.agent.minus.rlb.clicks.above"].value == len(SHARES)
    assert found["auctions.agent.minus.rlb.clicks.below"].value == 0
    assert "auctions.b8.lin_published.clicks" in found


def test_simulated_gain_is_the_ratio_of_means(results: Path, log: pd.DataFrame) -> None:
    found = facts(results)
    means = log[log["share"] == 1 / 2].groupby("bidder")["expected"].mean()
    gain = found["auctions.b2.simulated.agent.over.rlb"]
    assert gain.value == pytest.approx(means["agent"] / means["rlb"] - 1.0)
    assert gain.low < gain.value < gain.high
    assert found["auctions.b2.simulated.agent.over.rlb.word"].value == "above"


def test_intervals_hold_the_spread_between_runs(results: Path, log: pd.DataFrame) -> None:
    """The agent's runs win one, two and three clicks more an episode than RLB: all is in the runs."""
    found = facts(results)
    learned, plain = found["auctions.b8.agent.minus.rlb.clicks"], found["auctions.b8.paced.minus.rlb.clicks"]
    sums = [EPISODES * np.mean(more) for more in product((1, 2, 3), repeat=RUNS)]
    ends = np.quantile(sums, [0.025, 0.975], method="inverted_cdf")
    assert (learned.low, learned.high) == pytest.approx(ends)
    assert (learned.n, plain.n) == (EPISODES, EPISODES)
    assert plain.unit_of_analysis == "episodes of the log"
    assert learned.unit_of_analysis == "episodes of the log, resampled with the 3 training runs"


def test_bidders_that_do_not_learn_are_compared_over_episodes(results: Path, log: pd.DataFrame) -> None:
    changed = log.copy()
    lin = (log["bidder"] == "lin") & (log["share"] == 1 / 8)
    changed.loc[lin, "clicks"] += [0, 3, 1, 0, -1, 5]
    changed.to_parquet(results / "auctions/log.parquet")
    fact = facts(results)["auctions.b8.lin.minus.rlb.clicks"]
    interval = stats.bootstrap(
        ([0.0, 3.0, 1.0, 0.0, -1.0, 5.0],),
        np.sum,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert (fact.value, fact.low, fact.high) == pytest.approx((8.0, interval.low, interval.high))


def test_the_market_of_the_log(results: Path) -> None:
    found = facts(results)
    assert found["auctions.half.first.price"].value == 10.0
    assert found["auctions.half.second.price"].value == 30.0
    assert found["auctions.training.price"].value == 25.0
    assert found["auctions.b32.multiple"].value == pytest.approx(1.0)
    assert found["auctions.b16.share"].value == "1/16"
    assert [key(share) for share in SHARES] == ["b32", "b16", "b8", "b4", "b2"]


def test_references_are_counted_where_they_apply(results: Path, log: pd.DataFrame) -> None:
    found = facts(results)
    assert found["auctions.reference.figures"].value == 12
    assert found["auctions.reference.matched"].value == 0
    row = (log["share"] == 1 / 32) & (log["bidder"] == "rlb") & (log["episode"] == 0)
    changed = log.copy()
    others = log[(log["share"] == 1 / 32) & (log["bidder"] == "rlb")].sum()
    for measure, value in zip(("impressions", "clicks", "cost"), REFERENCE["rlb"], strict=True):
        changed.loc[row, measure] += value - others[measure]
    changed.to_parquet(results / "auctions/log.parquet")
    assert facts(results)["auctions.reference.matched"].value == 3


def test_nothing_but_constants_where_nothing_ran(tmp_path: Path) -> None:
    assert {fact.source for fact in facts(tmp_path).values()} == {"adrl_core", "rlb"}
    assert list(drawn.figures(tmp_path)) == []


def test_figures(results: Path) -> None:
    assert [name for name, _ in drawn.figures(results)] == ["auctions-clicks", "auctions-drift"]
    assert auctions.STAGE == "auctions"
