"""A study on a market that was fitted to a log."""

import json
from pathlib import Path

import pandas as pd
import pytest

from adrl_core.calibrate.simulate import simulate_log
from adrl_core.market.presets import PRESETS
from adrl_core.report import manifest
from adrl_core.report.facts import FactStore

from .conftest import Adrl

pytestmark = pytest.mark.slow


def test_a_market_of_ones_own(
    adrl: Adrl, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a log to a preset, to a study on it that is checked, and stale once the preset is another."""
    monkeypatch.setenv("ADRL_PRESETS", str(tmp_path / "presets"))
    log = simulate_log(PRESETS["channels"], 0, 8)
    columns = {"click": log.click.astype(int), "paid": log.price, "episode": log.episode, "step": log.step}
    pd.DataFrame(columns).to_csv(tmp_path / "log.csv", index=False)
    call = (
        "calibrate",
        str(tmp_path / "log.csv"),
        "--price-per",
        "click",
        "--column",
        "price=paid",
        "--name",
    )
    made = adrl(*call, "mine")
    assert made.returncode == 0, made.stderr
    assert "note: the log tells no channels" in made.stdout
    again = adrl(*call, "mine")
    assert (again.returncode, len(again.stderr.splitlines())) == (2, 1)

    arguments = ("--markets", "published,mine", "--variants", "full", "--name", "own")
    done = adrl("study", "smoke", *arguments)
    assert done.returncode == 0, done.stderr
    facts = FactStore.load(results / "own" / "facts.json")
    assert float(facts["mine.oracle.reward.mean"].value) > float(facts["mine.random.reward.mean"].value)
    assert facts["constant.mine.budget"].value == 10_000
    checked = adrl("check", "own")
    assert checked.returncode == 0, checked.stdout + checked.stderr

    preset = tmp_path / "presets" / "mine.json"
    content = json.loads(preset.read_text())
    preset.write_text(json.dumps(content | {"calibration": None}))
    assert manifest.verify("own") == []
    content["constants"]["budget"] = 77.0
    preset.write_text(json.dumps(content))
    stale = manifest.verify("own")
    assert any("own/mine/baselines: stale, other settings: preset" in problem for problem in stale)
    assert not any("own/published" in problem for problem in stale)
