"""The trial of contested markets from training to tables, taken up where it stopped; and its references."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pandas.testing import assert_frame_equal

from adrl_core import contested
from adrl_core.agents.baselines import Constant
from adrl_core.agents.informed import InformedOracle, expected_against
from adrl_core.agents.oracle import Oracle
from adrl_core.config import ConfigurationError, Study
from adrl_core.contested import MEMORIES, Tables, constant_against, contest, contested_market, points
from adrl_core.evaluate import BANK_SEED, play
from adrl_core.market import make_market
from adrl_core.market.contested import CONTESTS

STUDY = Study.validated(seeds=2, episodes=4, evaluation_episodes=4, checkpoint_every=3)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One market, and a search for constants that takes no time."""
    monkeypatch.setattr(contested, "TEAMS", {"margin": "planner+reward=profit"})
    monkeypatch.setattr(contested, "best_constant", lambda *_, **__: Constant("c", 2.0))
    monkeypatch.setattr(contested, "constant_against", lambda *_: Constant("best_constant", 1.5))


def test_points_are_spread_by_their_logarithm() -> None:
    assert points(200) == [4, 9, 19, 42, 91, 200]
    assert points(2) == [1, 2]


@pytest.mark.slow
def test_a_trial_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contested, "CONTESTS", {"advertisers": CONTESTS["advertisers"]})
    whole = contest(STUDY, tmp_path / "whole")
    labels = whole.runs.groupby(["contest", "memory", "episodes", "played"], sort=False).size()
    assert labels.eq(2).all()
    # Calm and contested unchanged, and two memories with two points and the way back.
    assert len(labels) == 2 + len(MEMORIES) * 3
    assert whole.references.groupby("contest").size().eq(4).all()
    assert whole.prices.groupby(["contest", "memory"]).size().eq(2 * 100 * 3).all()
    for name, frame in whole._asdict().items():
        stored = pd.read_parquet(tmp_path / "whole" / f"{name}.parquet")
        assert_frame_equal(stored, frame, check_dtype=False, rtol=1e-6)
    assert not list((tmp_path / "whole").glob("*.resume.pt"))

    go_on, done = contested._go_on, []

    def go_on_once(*arguments: object) -> Tables:
        if done:
            raise KeyboardInterrupt
        done.append(arguments)
        return go_on(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(contested, "_go_on", go_on_once)
    with pytest.raises(KeyboardInterrupt):
        contest(STUDY, tmp_path / "cut")
    assert len(list((tmp_path / "cut").glob("*.resume.pt"))) == 3
    other = STUDY.model_copy(update={"episodes": 5})
    with pytest.raises(ConfigurationError, match=r"margin-calm.resume.pt: left by another study"):
        contest(other, tmp_path / "cut")
    monkeypatch.setattr(contested, "_go_on", go_on)
    for one, two in zip(contest(STUDY, tmp_path / "cut"), whole, strict=True):
        assert_frame_equal(one, two)


def test_damaged_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "margin-calm.resume.pt").write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match=r"margin-calm.resume.pt: damaged"):
        contest(STUDY, tmp_path)


def test_an_oracle_that_sees_its_rivals_is_the_state_oracle_without_them() -> None:
    world, rows = contested_market("margin", "calm"), np.arange(3)
    seen = [play(p("o"), world, np.full(3, BANK_SEED), rows) for p in (Oracle, InformedOracle)]
    assert_frame_equal(*seen)
    with pytest.raises(TypeError, match="expected a contested market"):
        InformedOracle("o").reset(make_market("margin"))


@torch.inference_mode()
def test_what_rivals_leave_to_win_matches_what_is_brought() -> None:
    """Mean spend and clicks of many rows that meet the same rivals, against what is expected."""
    for name in CONTESTS:
        world = contested_market("margin", name)
        world.reset(np.full(2000, 1), np.arange(2000))
        # The same situation in all rows, which differ in the noise of the auctions alone.
        for field in ("log_median", "base_click_rate", "conversion_rate"):
            setattr(world, field, getattr(world, field)[:, :1].repeat(1, 2000, 1))
        world.log_sd = world.log_sd[:1].repeat(2000, 1)
        world.multiplier[:], world.expected_bid[:] = 0.2, 2.0
        expected = expected_against(world)
        demand = world.path.demand.mean().item()
        level, split = 4, torch.tensor([1.0, 0.0, 0.0])
        step = world.step(world.bids[level].expand(2000), split.expand(2000, 3))
        for brought, mean in zip(
            (step.auctions.clicks, step.auctions.spend), (expected[0], expected[2]), strict=True
        ):
            assert brought.mean().item() == pytest.approx(demand * mean[0, level, 0].item(), rel=0.04)


def test_the_best_constant_against_rivals(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a few candidates, the one with the highest profit in plays of their own."""
    monkeypatch.undo()
    monkeypatch.setattr(contested, "SHORTLIST_EPISODES", 4)
    monkeypatch.setattr(contested, "CANDIDATE_EPISODES", 1)
    monkeypatch.setattr(contested, "SHORTLIST", 3)
    world = contested_market("margin", "shill", "profit")
    found = constant_against(world, "profit")
    episodes = np.arange(4)
    own = play(found, world, np.full(4, contested.SEARCH_SEED), episodes)["profit"].mean()
    for bid in (0.5, 4.5):
        other = Constant("other", bid, found.allocation)
        assert own > play(other, world, np.full(4, contested.SEARCH_SEED), episodes)["profit"].mean()
