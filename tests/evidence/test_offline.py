"""Facts of the trial from logs to online learning, against tables made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.evidence.figures.offline import figures
from adrl_core.evidence.offline import facts, slug
from adrl_core.evidence.offline_tables import reached
from adrl_core.evidence.quantities import METRICS
from adrl_core.offline.conservative import CHOSEN
from adrl_core.offline.search import TABLE

PLAYS, BANK = [0, 10, 20, 30], 4
CURVES = {
    "scratch": [[0, 40, 80, 90], [0, 50, 70, 90], [0, 45, 90, 93]],
    "memory": [[0, 60, 80, 90], [0, 60, 80, 90], [0, 60, 80, 93]],
    "cloned": [[50, 45, 92, 95], [52, 40, 85, 95], [51, 50, 95, 40]],
    "conservative": [[70, 60, 91, 92], [72, 66, 93, 94], [71, 72, 95, 96]],
    "planner": [[88], [92], [93]],
}
REFERENCES = {"oracle": 100.0, "best_constant": 80.0, "house_rule": 42.0, "house_rule_plain": 50.0}
ONLINE = {"oracle": 100.0, "house_rule_plain": 50.0, "scratch": 20.0, "memory": 30.0, "cloned": 55.0}


def rows(arm: str, seed: int, episode: int, reward: float) -> dict[str, object]:
    """A row of curves or ends, profit ten times the reward."""
    values = dict.fromkeys(METRICS, float(reward)) | {"profit": 10.0 * reward}
    return {"arm": arm, "seed": seed, "episode": episode, "held_out": BANK, **values}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three runs of the trial, with the bank paying what the curves do."""
    folder = tmp_path / "channels/offline"
    folder.mkdir(parents=True)
    curves = pd.DataFrame(
        rows(arm, seed, episode, reward)
        for arm, runs in CURVES.items()
        for seed, run in enumerate(runs)
        for episode, reward in zip(PLAYS, run, strict=False)
    )
    curves.to_parquet(folder / "curves.parquet")
    before = curves["arm"].isin(("cloned", "conservative", "planner")) & (curves["episode"] == 0)
    ends = curves[before | (curves["episode"] == PLAYS[-1])]
    spread = (0.5 + 0.1 * ends["seed"]).where(ends["arm"] != "planner")
    ends.assign(spread=spread).to_parquet(folder / "ends.parquet")
    pd.DataFrame(
        {"policy": policy, "episode": episode, **dict.fromkeys(METRICS, level + (-1.0) ** episode)}
        for policy, level in REFERENCES.items()
        for episode in range(2 * BANK)
    ).to_parquet(folder / "references.parquet")
    pd.DataFrame(
        {"arm": arm, "seed": seed, "episode": episode, "reward": level + seed * (episode % 2)}
        for arm, level in {**ONLINE, "conservative": 65.0}.items()
        for seed in range(3)
        for episode in range(PLAYS[-1])
    ).to_parquet(folder / "online.parquet")
    pd.DataFrame(
        {"seed": seed, "episode": episode, "reward": 40.0 + seed} for seed in range(3) for episode in range(5)
    ).to_parquet(folder / "log.parquet")
    return tmp_path


def test_a_level_is_reached_once_it_holds() -> None:
    curve = pd.DataFrame(
        {3: [1.0, 9.0, 1.0, 9.0, 9.0], 8: [0.0, 0.0, 0.0, 0.0, 9.0], 9: [9.0] * 5}, index=[0, 5, 10, 15, 20]
    )
    found = reached(curve, 9.0, end=20)
    assert found.episodes.tolist() == [15, 20, 0]
    assert found.reached.tolist() == [True, False, True]
    single = reached(curve.iloc[:1], 9.0, end=20)
    assert (single.episodes.tolist(), single.reached.tolist()) == ([20, 20, 0], [False, False, True])


def test_episodes_to_a_level_and_saved(results: Path) -> None:
    found = facts(results)
    assert found["offline.level.share"].value == pytest.approx(90.0)
    assert found["offline.level.rule"].value == pytest.approx(50.0)
    scratch_level = np.mean([[40, 80, 90], [50, 70, 90], [45, 90, 93]])
    assert found["offline.level.scratch"].value == pytest.approx(scratch_level)
    # From scratch one run of three holds 90, from 20 on; of the clones one, also from 20 on.
    for arm, times in (("scratch", [30, 30, 20]), ("cloned", [20, 30, 30]), ("conservative", [20, 20, 20])):
        fact = found[f"offline.{arm}.to.share.episodes.mean"]
        assert fact.value == pytest.approx(np.mean(times)), arm
        assert found[f"offline.{arm}.to.share.reached"].value == sum(t < 30 for t in times)
    saved = found["offline.conservative.to.share.saved.mean"]
    expected = stats.ttest_rel([30, 30, 20], [20, 20, 20])
    assert (saved.value, saved.low, saved.high) == pytest.approx((20 / 3, *expected.confidence_interval()))
    assert found["offline.conservative.to.share.saved.p"].value == pytest.approx(expected.pvalue)
    assert found["offline.conservative.to.share.later.mean"].value == pytest.approx(-20 / 3)
    assert found["offline.planner.to.share.reached"].value == 2
    assert found["offline.planner.to.share.episodes.mean"].value == pytest.approx(10.0)


def test_before_after_and_against_whom(results: Path) -> None:
    found = facts(results)
    assert found["offline.log.reward.mean"].value == pytest.approx(41.0)
    assert found["offline.cloned.before.reward.mean"].value == pytest.approx(51.0)
    assert found["offline.cloned.before.minus.rule.mean"].value == pytest.approx(1.0)
    assert found["offline.conservative.before.minus.rule.word"].text() == "above"
    assert found["offline.conservative.before.minus.constant.word"].text() == "below"
    assert found["offline.planner.before.share.mean"].value == pytest.approx(0.91)
    assert found["offline.planner.before.minus.scratch.mean"].value == pytest.approx(0.0)
    assert found["offline.conservative.after.minus.scratch.mean"].value == pytest.approx(3.0)
    assert found["offline.scratch.after.reward.mean"].value == pytest.approx(91.0)
    assert "offline.scratch.before.reward.mean" not in found
    assert "offline.planner.after.reward.mean" not in found
    assert found["offline.cloned.before.spread.mean"].value == pytest.approx(0.6)
    assert found["offline.best_constant.share.mean"].value == pytest.approx(0.8)


def test_losses_and_the_dip(results: Path) -> None:
    found = facts(results)
    assert found["offline.early"].value == 30
    assert found["offline.cloned.lost.oracle.mean"].value == pytest.approx(30 * 45.0)
    assert found["offline.cloned.lost.rule.mean"].value == pytest.approx(-30 * 5.0)
    assert found["offline.cloned.lost.rule.word"].text() == "below"
    assert found["offline.cloned.gained.mean"].value == pytest.approx(30 * 35.0)
    assert found["offline.cloned.dip.first.mean"].value == pytest.approx(-6.0)
    assert found["offline.cloned.dip.first.word"].text() == "not distinguishable from"
    assert found["offline.conservative.dip.lowest.mean"].value == pytest.approx(-5.0)
    assert found["offline.conservative.dip.lowest.episode"].value == 10


def test_the_search_is_quoted_though_nothing_was_run(tmp_path: Path) -> None:
    found = facts(tmp_path)
    assert not [key for key in found if key.startswith("offline.cloned.")]
    assert list(figures(tmp_path)) == []
    table = pd.read_csv(TABLE)
    for row in table.to_dict("records"):
        key = f"offline.search.{slug(row['penalty'], row['temperature'])}.reward"
        assert found[key].value == row["reward"]
    best = table[table["penalty"] > 0].loc[lambda rows: rows["reward"].idxmax()]
    assert (best["penalty"], best["temperature"]) == (CHOSEN.penalty, CHOSEN.temperature)


def test_the_figure(results: Path) -> None:
    ((name, (figure, _, caption, _)),) = figures(results)
    assert name == "offline"
    held_out, exploring = figure.axes
    labels = [line.get_label() for line in held_out.lines if not line.get_label().startswith("_")]
    assert labels == [
        "from scratch",
        "log in memory only",
        "cloned",
        "conservative",
        "planning team, offline",
    ]
    assert exploring.lines[2].get_ydata()[0] == pytest.approx(5.0)
    assert "oracle, best constant, house rule" in caption
