"""Facts and figure of the calibration's trial, from made-up tables."""

import json
from pathlib import Path

import pandas as pd
import pytest

from adrl_core.evidence.calibration import facts, own_market_facts
from adrl_core.evidence.figures.calibration import figures


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A study whose trial found two constants in one log."""
    folder = tmp_path / "calibration"
    folder.mkdir()
    shared = {"error": 0.1, "n": 40, "unit": "episodes"}
    recovered = pd.DataFrame(
        [
            {"log": "full", "constant": "auctions", "truth": 20.0, "value": 20.2, "low": 20.0, "high": 20.4},
            {
                "log": "full",
                "constant": "price_level.video",
                "truth": 2.1,
                "value": 1.7,
                "low": 1.5,
                "high": 1.9,
            },
        ]
    ).assign(**shared)
    recovered.to_parquet(folder / "recovery.parquet")
    match = {"log": "full", "rows": 1200, "channel": "video", "auctions": 400, "distance": 0.02}
    match |= {"market_distance": 0.07, "fits": False}
    pd.DataFrame([match]).to_parquet(folder / "match.parquet")
    small = [recovered.assign(log=str(number)) for number in range(4)]
    small[0] = small[0].assign(low=0.0, high=99.0)
    pd.concat(small).to_parquet(folder / "coverage.parquet")
    (folder / "manifest.json").write_text(json.dumps({"parameters": {"evaluation_episodes": 40}}))
    return tmp_path


def test_facts(results: Path) -> None:
    found = facts(results)
    estimate = found["calibration.full.price_level.video"]
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (1.7, 1.5, 1.9, 40)
    assert found["calibration.full.price_level.video.truth"].value == 2.1
    assert found["calibration.full.price_level.video.score"].text() == "\N{MINUS SIGN}4.0"
    assert found["calibration.full.worst"].text() == "4.0"
    assert (found["calibration.full.covered"].value, found["calibration.full.constants"].value) == (1, 2)
    assert found["calibration.full.rows"].text() == "1,200"
    assert found["calibration.full.video.market_distance"].text() == "7.0%"
    assert found["calibration.full.video.verdict"].value == "not close"
    assert found["calibration.coverage.mean"].value == 5 / 8
    assert found["calibration.coverage.least"].value == 1 / 4
    assert found["calibration.coverage.least_of"].value == "price_level.video"
    assert found["calibration.coverage.logs"].value == 4
    assert found["calibration.episodes"].value == 40
    assert {fact.stage for key, fact in found.items() if "coverage" in key} == {"calibration"}


def test_a_study_without_the_trial_has_no_facts_of_it(tmp_path: Path) -> None:
    assert facts(tmp_path) == {}
    assert list(figures(tmp_path)) == []


def test_figure(results: Path) -> None:
    ((name, (figure, *texts)),) = figures(results)
    assert name == "calibration-recovery"
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "auctions",
        "price level, video",
    ]
    assert all(texts)


def test_constants_of_own_markets_come_from_what_was_run(tmp_path: Path) -> None:
    for market in ("channels", "mine"):
        folder = tmp_path / market / "baselines"
        folder.mkdir(parents=True)
        (folder / "evaluation.parquet").touch()
        preset = {"budget": 500.0, "price_level": [1.5, 1.0, 2.0]}
        (folder / "manifest.json").write_text(json.dumps({"settings": {"preset": preset}}))
    found = own_market_facts(tmp_path)
    assert {key: fact.text() for key, fact in found.items()} == {
        "constant.mine.budget": "500",
        "constant.mine.price_level": "1.5, 1, 2",
    }
    assert found["constant.mine.budget"].source == "mine/baselines/manifest.json"
