"""Preset files: written whole, validated, and markets like the built-in ones."""

import json
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
import torch

from adrl_core.agents.baselines import best_constant, reference_policies
from adrl_core.agents.oracle import Oracle
from adrl_core.calibrate.fit import calibrate
from adrl_core.calibrate.money import Terms
from adrl_core.calibrate.preset import preset, preset_path, save
from adrl_core.config import TRAINING, ConfigurationError, Study
from adrl_core.config_markets import Constants, Preset, own_markets, own_preset
from adrl_core.env import AuctionEnv
from adrl_core.evaluate import play
from adrl_core.market import make_market
from adrl_core.market.channels import ChannelsMarket
from adrl_core.market.presets import PRESETS, ChannelConstants
from adrl_core.report import jobs
from tests.calibrate.simulator import drawn_log


@pytest.fixture(autouse=True)
def presets(tmp_path, monkeypatch):
    """An empty folder of presets."""
    folder = tmp_path / "presets"
    folder.mkdir()
    monkeypatch.setenv("ADRL_PRESETS", str(folder))
    return folder


def content(**changes) -> dict:
    """A preset made by hand: channels, changed."""
    constants = asdict(replace(PRESETS["channels"], **changes))
    del constants["overlay"]
    return {"constants": constants}


def put(folder, name="mine", **changes) -> None:
    """Write a preset by hand."""
    (folder / f"{name}.json").write_text(json.dumps(content(**changes)))


def test_a_preset_has_the_constants_of_a_market() -> None:
    assert list(Constants.model_fields) == [
        f.name for f in fields(ChannelConstants) if f.name != "overlay"
    ] or (set(Constants.model_fields) == {f.name for f in fields(ChannelConstants)} - {"overlay"})


def test_a_preset_is_a_market(presets) -> None:
    put(presets, auctions=33.0)
    assert own_markets() == ["mine"]
    market = make_market("mine")
    assert isinstance(market, ChannelsMarket)
    assert market.constants == replace(PRESETS["channels"], auctions=33.0)
    assert Study.validated(market="mine").market == "mine"
    assert "mine" not in list(PRESETS)


def test_the_same_constants_play_the_same_episodes(presets) -> None:
    put(presets)
    states = [make_market(name).reset([0, 1], [2, 3]) for name in ("mine", "channels")]
    assert torch.equal(*states)
    ours, theirs = (
        play(Oracle("oracle"), make_market(name), np.zeros(3, int), np.arange(3))
        for name in ("mine", "channels")
    )
    assert ours.equals(theirs)


def test_other_constants_are_another_market_whatever_its_name(presets, monkeypatch) -> None:
    monkeypatch.setattr("adrl_core.agents.baselines._best_constant", lambda constants, *_: constants)
    put(presets)
    before, best = Study.validated(market="mine"), best_constant("mine", 1)
    recorded = before.settings(TRAINING)
    assert recorded["preset"]["auctions"] == 20.0
    assert "preset" not in Study().settings(TRAINING)
    put(presets, budget=77.0)
    assert before.settings(TRAINING) != recorded
    assert best_constant("mine", 1) != best


def test_it_has_the_reference_policies_of_the_family(presets, monkeypatch) -> None:
    put(presets)
    monkeypatch.setattr("adrl_core.agents.baselines.best_constant", lambda *_: Oracle("best_constant"))
    ours, theirs = ([p.name for p in reference_policies(name, 1)] for name in ("mine", "channels"))
    assert ours == theirs


def test_stages_compare_the_constants(presets) -> None:
    put(presets)
    work = jobs.job("baselines", "smoke", "mine")
    assert work.settings["preset"] == json.loads(json.dumps(content()["constants"]))
    put(presets, budget=77.0)
    assert work.settings["preset"]["budget"] == 77.0


def test_the_face_of_gymnasium(presets) -> None:
    put(presets, volatility=(0.2, 0.7), price_noise=(0.3, 0.2, 0.1))
    env = AuctionEnv(market="mine")
    state, _ = env.reset(seed=3)
    assert env.observation_space.contains(state)
    assert env.observation_space.high[7] == pytest.approx(0.7)


def test_noise_is_of_each_channel(presets) -> None:
    put(presets, price_noise=(0.3, 0.2, 0.1), volatility=(0.05, 0.05))
    market = make_market("mine")
    market.reset([0], [0])
    assert isinstance(market, ChannelsMarket)
    torch.testing.assert_close(market.log_sd, torch.tensor([[0.35, 0.25, 0.15]]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "preset .*mine.json: constants.colour: unknown parameter; allowed: budget, auctions"),
        ({"budget": -1}, "constants.budget = -1: .*greater than 0"),
        ({"click_season": 1.5}, "constants.click_season = 1.5: .*less than 1"),
        ({"price_level": [1, 2]}, "constants.price_level.2 = .*[Ff]ield required"),
        ({"click_rate": [0.1, 0.2, 2]}, "constants.click_rate.2 = 2: .*less than or equal to 1"),
        ({"volatility": [0.3, 0.1]}, "volatility: the lower end 0.3 lies above the upper end 0.1"),
        ({"auctions": None}, "constants.auctions = None: .*valid number"),
    ],
)
def test_bad_presets(presets, change, message) -> None:
    given = content()
    given["constants"] |= change
    (presets / "mine.json").write_text(json.dumps(given))
    with pytest.raises(ConfigurationError, match=message) as caught:
        Study.validated(market="mine")
    assert "\n" not in str(caught.value)


def test_presets_that_are_none(presets) -> None:
    (presets / "broken.json").write_text("{")
    put(presets, "good")
    with pytest.raises(ConfigurationError, match=r"preset .*broken.json: not JSON"):
        own_preset("broken")
    with pytest.raises(ConfigurationError, match=r"market = 'moon': unknown; allowed: published, .*good"):
        Study.validated(market="moon")
    with pytest.raises(ConfigurationError, match=r"market = '\.\./good': unknown"):
        Study.validated(market="../good")


@pytest.mark.parametrize("name", ["channels", "commentary", "My-Market", "a b", "", "9lives", "../up"])
def test_names_that_will_not_do(name) -> None:
    with pytest.raises(ConfigurationError, match=f"name = '{name}': allowed are small letters"):
        preset_path(name, force=False)


def test_written_and_read_again(presets, tmp_path, monkeypatch) -> None:
    for module in ("levels", "goodness"):
        monkeypatch.setattr(f"adrl_core.calibrate.{module}.PATHS", 64)
    log = tmp_path / "log.csv"
    log.write_text("the log")
    found = calibrate(drawn_log(PRESETS["channels"], seed=0, episodes=2), Terms(price_per="click"))
    path = preset_path("mine", force=False)
    written = preset(found, log, 123, Terms(price_per="click"))
    picture = save(written, found, path)
    assert own_preset("mine") == written == Preset.model_validate_json(path.read_text())
    assert written.calibration
    assert (written.calibration.log, written.calibration.rows) == ("log.csv", 123)
    assert str(tmp_path) not in path.read_text() + picture.read_text()
    assert picture.read_text().startswith("<?xml")
    assert sorted(p.name for p in presets.iterdir()) == ["mine.json", "mine.svg"]
    with pytest.raises(ConfigurationError, match="is there already; --force replaces it"):
        preset_path("mine", force=False)
    assert preset_path("mine", force=True) == path
