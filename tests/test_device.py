"""The same program on a GPU; skipped where there is none."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from adrl_core.agents.learner import Learner, make_learner
from adrl_core.config import Study
from adrl_core.config_markets import MARKET_NAMES
from adrl_core.evaluate import BANK_SEED
from adrl_core.held_out import play_runs
from adrl_core.market import make_market
from adrl_core.market.presets import CHANNELS, STEPS
from adrl_core.train import load_learner, train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use")

ROWS = 64
SIZES: dict[str, Any] = {"seeds": 3, "episodes": 4, "evaluation_episodes": 2, "checkpoint_every": 2}


@pytest.mark.parametrize("name", MARKET_NAMES)
def test_markets_play_the_same_episodes(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    bids = 0.2 + 4 * torch.rand(STEPS, ROWS, generator=generator, dtype=torch.float64)
    shares = torch.rand(STEPS, ROWS, CHANNELS, generator=generator, dtype=torch.float64)
    shares /= shares.sum(-1, keepdim=True)
    markets = [make_market(name, device=device, dtype=torch.float64) for device in ("cpu", "cuda")]
    states = [market.reset(range(ROWS), [7] * ROWS) for market in markets]
    for t in range(STEPS):
        torch.testing.assert_close(states[1].cpu(), states[0], rtol=1e-9, atol=1e-9)
        steps = [market.step(bids[t].to(market.device), shares[t].to(market.device)) for market in markets]
        torch.testing.assert_close(steps[1].reward.cpu(), steps[0].reward, rtol=1e-9, atol=1e-9)
        states = [step.state for step in steps]


@pytest.fixture(scope="module", params=["full", "tuned", "planner"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path]:
    """A study and the folder of its training on the GPU."""
    study = Study.validated(market="channels", variant=request.param, **SIZES)
    folder = tmp_path_factory.mktemp("device")
    train(study, folder, device="cuda")
    return study, folder


def test_training_begins_as_on_the_cpu(trained: tuple[Study, Path], tmp_path: Path) -> None:
    study, folder = trained
    train(study, tmp_path, device="cpu")
    tables = [pd.read_parquet(path / "episodes.parquet") for path in (folder, tmp_path)]
    assert np.isfinite(tables[0].to_numpy()).all()
    first, second = (table[table["episode"] == 0] for table in tables)
    pd.testing.assert_frame_equal(first, second, rtol=1e-4)


def test_training_twice_or_with_a_break_is_the_same(
    trained: tuple[Study, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, folder = trained
    kind = type(make_learner(study.team, [0]))
    learn = kind.learn

    def interrupted(self: Learner, number: int, episodes: int) -> Any:
        if number == 3:
            raise KeyboardInterrupt
        return learn(self, number, episodes)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "learn", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(study, tmp_path, device="cuda")
    train(study, tmp_path, device="cuda")
    whole, broken = (pd.read_parquet(path / "episodes.parquet") for path in (folder, tmp_path))
    pd.testing.assert_frame_equal(whole, broken)


def test_what_a_gpu_trained_plays_on_the_cpu(trained: tuple[Study, Path]) -> None:
    study, folder = trained
    learner = load_learner(study, folder / "checkpoint.pt")
    played = play_runs(learner.policy(), study.market, range(study.seeds), BANK_SEED, 2)
    assert np.isfinite(played.to_numpy()).all()
