"""Facts and figures of the contested markets, from tables made by hand."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.contested import TEAMS
from adrl_core.evidence.contested import REFERENCES, episodes_to, facts
from adrl_core.evidence.figures.contested import figures
from adrl_core.market.contested import CONTESTS
from adrl_core.market.presets import CHANNEL_NAMES

CALM = [100.0, 104.0, 96.0]
UNCHANGED = [60.0, 62.0, 58.0]
KEPT = {1: [64.0, 66.0, 62.0], 4: [70.0, 72.0, 71.0], 20: [80.0, 82.0, 78.0]}
EMPTIED = {1: [50.0, 52.0, 48.0], 4: [60.0, 62.0, 58.0], 20: [60.0, 61.0, 58.0]}
BACK = [90.0, 95.0, 85.0]
COLUMNS = ("reward", "profit", "spend", "clicks", "conversions")


def rows(
    market: str, contest: str, memory: str, episodes: int, played: str, values: list[float]
) -> pd.DataFrame:
    frame = pd.DataFrame({"seed": range(3), **dict.fromkeys(COLUMNS, values)})
    label = {"market": market, "contest": contest, "memory": memory, "episodes": episodes, "played": played}
    return frame.assign(**label)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """What the stage leaves; profit is reward, a click costs one."""
    runs, references, prices = [], [], []
    for market in TEAMS:
        runs.append(rows(market, "calm", "none", 0, "contested", CALM))
        for contest in CONTESTS:
            runs.append(rows(market, contest, "none", 0, "contested", UNCHANGED))
            for memory, curve in {"kept": KEPT, "emptied": EMPTIED}.items():
                runs += [rows(market, contest, memory, n, "contested", v) for n, v in curve.items()]
                runs.append(rows(market, contest, memory, 20, "calm", BACK))
        for contest in ("calm", *CONTESTS):
            levels = dict(zip(REFERENCES, (50.0, 75.0, 90.0, 85.0), strict=True))
            references += [
                {"market": market, "contest": contest, "policy": policy, **dict.fromkeys(COLUMNS, level)}
                for policy, level in levels.items()
            ]
            prices += [
                {"market": market, "contest": contest, "memory": "none", "episodes": 0}
                | {"seed": seed, "step": step, "channel": channel, "factor": 1.0 + 0.1 * step + 0.01 * seed}
                for seed in range(3)
                for step in range(3)
                for channel in CHANNEL_NAMES
            ]
    (tmp_path / "contested").mkdir()
    pd.concat(runs).to_parquet(tmp_path / "contested/runs.parquet")
    pd.DataFrame(references).to_parquet(tmp_path / "contested/references.parquet")
    pd.DataFrame(prices).to_parquet(tmp_path / "contested/prices.parquet")
    return tmp_path


def test_losses_are_paired_and_recovery_is_their_share(results: Path) -> None:
    found, prefix = facts(results), "contested.margin.advertisers"
    loss = found[f"{prefix}.unchanged.minus.calm.profit.mean"]
    interval = stats.ttest_rel(UNCHANGED, CALM).confidence_interval()
    assert (loss.value, loss.low, loss.high) == pytest.approx((-40.0, *interval))
    assert found[f"{prefix}.unchanged.of_calm.mean"].value == pytest.approx(0.6)
    assert found[f"{prefix}.kept.profit.mean"].value == pytest.approx(80.0)
    assert found[f"{prefix}.kept.recovered.mean"].value == pytest.approx(0.5)
    assert found[f"{prefix}.kept.minus.emptied.profit.word"].value == "above"
    assert found[f"{prefix}.kept.over.oracle.mean"].value == pytest.approx(80 / 90)
    assert found[f"{prefix}.kept.versus.best_constant.word"].value == "above"
    assert found[f"{prefix}.kept.back.minus.calm.profit.mean"].value == pytest.approx(-10.0)
    assert found[f"{prefix}.best"].value == "oracle"
    assert found[f"{prefix}.unchanged.price.video"].value == pytest.approx(1.11)
    assert (found["contested.episodes"].value, found["contested.runs"].value) == (20, 3)
    assert found["contested.channels.shill.kept.minus.unchanged.reward.mean"].value == pytest.approx(20.0)


def test_shares_resample_both_sides_run_by_run(results: Path) -> None:
    """Against all resamples of the three runs, 27 of them."""
    found, prefix = facts(results), "contested.margin.advertisers.kept"
    calm, unchanged, kept = np.array(CALM), np.array(UNCHANGED), np.array(KEPT[20])
    for name, above, below in (
        ("of_calm", kept, calm),
        ("recovered", kept - unchanged, calm - unchanged),
    ):
        drawn = [list(chosen) for chosen in product(range(3), repeat=3)]
        ratios = [above[chosen].mean() / below[chosen].mean() for chosen in drawn]
        fact = found[f"{prefix}.{name}.mean"]
        ends = np.quantile(ratios, [0.025, 0.975], method="inverted_cdf")
        assert (fact.low, fact.high) == pytest.approx(ends)


def test_times_are_told_where_there_is_something_to_win_back(results: Path) -> None:
    found = facts(results)
    assert found["contested.channels.shill.kept.half"].value == 4
    assert found["contested.channels.shill.kept.most"].value == 20
    assert "contested.channels.shill.emptied.half" not in found
    assert episodes_to(pd.Series([0.0, 9.0, 8.0, 10.0], index=[0, 2, 4, 8]), 0.9) == 2


def test_what_was_not_run_has_no_facts(tmp_path_factory: pytest.TempPathFactory) -> None:
    found = facts(tmp_path_factory.mktemp("empty"))
    assert all(key.startswith("contested.constant.") for key in found)
    assert found["contested.constant.advertisers.slack"].value == 0.5


def test_a_team_that_loses_money_has_no_shares(results: Path) -> None:
    path = results / "contested/runs.parquet"
    table = pd.read_parquet(path)
    calm = table["contest"] == "calm"
    table.loc[calm, "profit"] = [-1.0, -2.0, -3.0] * len(TEAMS)
    table.to_parquet(path)
    found = facts(results)
    assert "contested.margin.shill.kept.of_calm.mean" not in found
    assert "contested.margin.shill.kept.recovered.mean" not in found


def test_figures_are_drawn_once_the_stage_has_run(
    results: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    drawn = dict(figures(results))
    assert list(drawn) == ["contested-recovery", "contested-prices"]
    panels = drawn["contested-recovery"][0].axes
    assert len(panels) == 4
    assert [t.get_text() for t in panels[0].get_xticklabels()] == ["0", "1", "4", "20"]
    assert not list(figures(tmp_path_factory.mktemp("empty")))
