"""Facts of the rivals against tables made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.evidence.figures.rivals import figures
from adrl_core.evidence.quantities import METRICS
from adrl_core.evidence.rivals import facts, listed, slug
from adrl_core.rivals.settings import CHOSEN
from adrl_core.rivals.tuning import TABLE

SEEDS = np.arange(4)
LEVELS = {"ppo": 90.0, "dqn": 110.0, "bandit": 100.0, "online_lp": 120.0}
SPREAD = {"ppo": [0, 1, 2, 1], "dqn": [0, 2, 1, 3], "bandit": [-1, 1, 1, -1], "online_lp": [1, 0, 2, 1]}
TEAM = np.array([100.0, 101.0, 99.0, 100.0])


def runs(rival: str, reward: str) -> pd.DataFrame:
    """Four runs of a rival, with profit ten times the reward."""
    frame = pd.DataFrame({"rival": rival, "reward_learned": reward, "seed": SEEDS})
    for metric in METRICS:
        frame[metric] = LEVELS[rival] + np.array(SPREAD[rival], float)
    return frame.assign(profit=10.0 * frame["reward"])


def write_rivals(results: Path, market: str, rewards: tuple[str, ...] = ("shaped",)) -> None:
    """What a trial leaves."""
    folder = results / market / "rivals"
    folder.mkdir(parents=True)
    table = pd.concat([runs(rival, reward) for reward in rewards for rival in LEVELS])
    table.to_parquet(folder / "rivals.parquet")
    labels = table[["rival", "reward_learned", "seed"]]
    labels.assign(seconds=2.0, steps_per_second=1500.0).to_parquet(folder / "trainings.parquet")
    curves = [labels.assign(episode=episode, reward=50.0 + episode) for episode in (0, 20)]
    pd.concat(curves).to_parquet(folder / "curves.parquet")


def write_team(results: Path, market: str, variant: str = "tuned") -> None:
    """The team's evaluation, two episodes a run, seeds in another order than the rivals'."""
    folder = results / market / variant / "evaluate"
    folder.mkdir(parents=True)
    frame = pd.DataFrame({"seed": np.repeat(SEEDS[::-1], 2)})
    for metric in METRICS:
        frame[metric] = np.repeat(TEAM[::-1], 2) + np.tile([-5.0, 5.0], 4)
    frame.to_parquet(folder / "evaluation.parquet")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Rivals, team and references on `channels`."""
    write_rivals(tmp_path, "channels")
    write_team(tmp_path, "channels")
    reference = pd.DataFrame({"policy": ["oracle"] * 2 + ["best_constant"] * 2})
    for metric in METRICS:
        reference[metric] = [190.0, 210.0, 80.0, 90.0]
    (tmp_path / "channels/baselines").mkdir()
    reference.to_parquet(tmp_path / "channels/baselines/evaluation.parquet")
    return tmp_path


def test_means_differences_and_shares(results: Path) -> None:
    found, prefix = facts(results), "rivals.channels"
    assert found[f"{prefix}.dqn.reward.mean"].value == pytest.approx(111.5)
    assert found[f"{prefix}.team.reward.mean"].value == pytest.approx(100.0)
    assert found[f"{prefix}.reference.reward.mean"].value == pytest.approx(200.0)
    assert found[f"{prefix}.dqn.share.mean"].value == pytest.approx(111.5 / 200.0)
    assert found[f"{prefix}.team.share.mean"].value == pytest.approx(0.5)
    assert found[f"{prefix}.best_constant.share.mean"].value == pytest.approx(85.0 / 200.0)
    dqn = np.array([110.0, 112.0, 111.0, 113.0])
    expected = stats.ttest_rel(dqn, TEAM)
    difference = found[f"{prefix}.dqn.minus.team.reward.mean"]
    interval = expected.confidence_interval()
    assert (difference.value, difference.low, difference.high) == pytest.approx((11.5, *interval))
    assert found[f"{prefix}.dqn.minus.team.reward.p"].value == pytest.approx(expected.pvalue)
    assert found[f"{prefix}.dqn.seconds.mean"].text() == "2"
    assert found[f"{prefix}.dqn.steps_per_second.mean"].text() == "1,500"


def test_who_does_better_is_said_in_words(results: Path) -> None:
    found = facts(results)
    assert found["rivals.channels.team.better.reward"].text() == "DQN and the online linear program"
    assert found["rivals.channels.team.worse.reward"].text() == "PPO"
    assert found["rivals.channels.team.alike.reward"].text() == "the bandit"
    assert found["rivals.channels.team.alike.profit"].text() == "none of them"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_what_was_not_run_has_no_facts(results: Path) -> None:
    write_rivals(results, "margin", ("shaped", "profit"))
    write_team(results, "margin", "tuned+reward=profit")
    found = facts(results)
    assert found["rivals.margin.dqn.reward.mean"].value == pytest.approx(111.5)
    assert found["rivals.margin.dqn_profit.minus.team.profit.word"].text() == "above"
    assert found["rivals.margin.team_profit.better.profit"].text() == (
        "PPO, DQN, the bandit and the online linear program"
    )
    for absent in (
        "margin.dqn.minus.team.reward.mean",
        "channels.planner.better.reward",
        "channels.ppo_profit.reward.mean",
        "pacing.ppo.reward.mean",
    ):
        assert f"rivals.{absent}" not in found


def test_the_search_is_quoted_from_its_table(tmp_path: Path) -> None:
    found, table = facts(tmp_path), pd.read_csv(TABLE)
    for row in table.to_dict("records"):
        key = f"rivals.tuning.{row['rival']}.{slug(row['candidate'])}.reward"
        assert found[key].value == row["reward"]
    assert found["rivals.tuning.dqn.chosen"].value == CHOSEN["dqn"]


def test_figures_are_drawn_with_and_without_the_team(results: Path) -> None:
    write_rivals(results, "pacing")
    drawn = dict(figures(results))
    assert list(drawn) == ["rivals-channels", "rivals-pacing"]
    ticks = {name: [t.get_text() for t in d[0].axes[1].get_yticklabels()] for name, d in drawn.items()}
    assert ticks["rivals-channels"][0] == "team, tuned"
    assert ticks["rivals-pacing"] == ["PPO", "DQN", "bandit", "online linear program"]
