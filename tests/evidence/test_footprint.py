"""Facts of the trial of the footprint against direct calculation on made-up tables."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.evidence.figures.governance import footprint as figures
from adrl_core.evidence.governance import footprint
from adrl_core.evidence.quantities import Facts

RUNS, EPISODES = 4, 40
KEY = "governance.footprint"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Tables as the trial leaves them, and the log of the training that it repeated."""
    draw, folder = np.random.default_rng(1), tmp_path / footprint.STAGE
    train = folder.parent / "train"
    for path in (folder, train, folder.parent / "evaluate"):
        path.mkdir(parents=True)
    (folder.parent / "evaluate" / "evaluation.parquet").touch()
    log = pd.DataFrame({"seed": np.repeat(range(RUNS), EPISODES), "episode": np.tile(range(EPISODES), RUNS)})
    log["reward"] = draw.normal(100.0, 20.0, len(log))
    log.to_parquet(train / "episodes.parquet")
    used = {
        "processor_seconds": 900.0,
        "processor": 2e4,
        "memory": 8e4,
        "energy": 1e5,
        "low": 1e4,
        "high": 4e5,
    }
    whole = {"what": "training", "units": RUNS, "seconds": 1000.0, "episodes": EPISODES, "differing": 0}
    whole |= {"acting": 300, "learning": 700}
    single = {"what": "decision", "units": 500, "seconds": 1.0, "episodes": 0, "differing": 0}
    rows = [row | used | {"method": "cpu_load", "design_power": 8.0} for row in (whole, single)]
    pd.DataFrame(rows).to_parquet(folder / "energy.parquet")
    runs = {
        "seed": range(RUNS),
        "stopped": [30, 32, 40, 38],
        "episodes": EPISODES,
        "noise": [0.1, 0.2, 0.3, 0.2],
    }
    pd.DataFrame(runs).assign(episodes=EPISODES).to_parquet(folder / "stopping.parquet")
    frames = []
    for market, policies in (
        ("shift", ("zero_shot", "scratch", "transferred")),
        ("channels", ("full_length", "stopped")),
    ):
        for policy in policies:
            frame = pd.DataFrame({"seed": range(RUNS), "reward": draw.normal(900.0, 30.0, RUNS)})
            frames.append(frame.assign(market=market, policy=policy))
    pd.concat(frames).to_parquet(folder / "heldout.parquet")
    curves = [log.assign(start="scratch")]
    curves += [log[log["episode"] < 12].assign(start="transferred", reward=lambda f: f["reward"] + 50.0)]
    pd.concat(curves).to_parquet(folder / "transfer.parquet")
    return tmp_path


@pytest.fixture
def facts(results: Path) -> Facts:
    """The trial's facts."""
    return footprint.facts(results)


def test_none_without_the_trial(tmp_path: Path) -> None:
    assert footprint.facts(tmp_path) == {}
    assert list(figures.figures(tmp_path)) == []


def test_energy(facts: Facts) -> None:
    run = facts[f"{KEY}.training.kwh"]
    assert run.value == pytest.approx(1e5 / 3.6e6 / RUNS)
    assert (run.low, run.high) == pytest.approx((1e4 / 3.6e6 / RUNS, 4e5 / 3.6e6 / RUNS))
    assert facts[f"{KEY}.training.energy"].value == pytest.approx(1e5 / 3600.0 / RUNS)
    assert facts[f"{KEY}.training.share"].value == pytest.approx(1e5 / 3.6e6 / RUNS / 0.5)
    assert facts[f"{KEY}.training.times_at_least"].value == pytest.approx(0.5 * 3.6e6 * RUNS / 4e5)
    assert facts[f"{KEY}.training.memory_share"].value == pytest.approx(0.8)
    assert facts[f"{KEY}.training.busy"].value == pytest.approx(0.9)
    assert facts[f"{KEY}.decision.energy"].value == pytest.approx(1e5 * 1000.0 / 500)
    assert facts[f"{KEY}.decision.milliseconds"].value == pytest.approx(2.0)
    # 0.5 kWh in 50,000 passes of 10 ms.
    assert facts[f"{KEY}.published.power"].value == pytest.approx(3.6)


def test_stopping(facts: Facts, results: Path) -> None:
    saved = facts[f"{KEY}.stopping.saved"]
    shares = np.array([10, 8, 0, 2]) / EPISODES
    assert saved.value == pytest.approx(shares.mean())
    half = stats.t.ppf(0.975, RUNS - 1) * stats.sem(shares)
    assert (saved.low, saved.high) == pytest.approx((shares.mean() - half, shares.mean() + half))
    assert facts[f"{KEY}.stopping.runs"].value == 3
    frame = pd.read_parquet(results / footprint.STAGE / "heldout.parquet")
    full, stopped = (frame[frame["policy"] == p]["reward"].to_numpy() for p in ("full_length", "stopped"))
    assert facts[f"{KEY}.stopping.cost.mean"].value == pytest.approx((full - stopped).mean())
    assert facts[f"{KEY}.stopping.cost.p"].value == pytest.approx(stats.ttest_rel(full, stopped).pvalue)
    share = facts[f"{KEY}.stopping.cost.share"]
    assert share.value == pytest.approx((full - stopped).mean() / full.mean())
    drawn = (np.array(chosen) for chosen in product(range(RUNS), repeat=RUNS))
    shares = [1.0 - stopped[chosen].mean() / full[chosen].mean() for chosen in drawn]
    width = max(shares) - min(shares)
    assert (share.low, share.high) == pytest.approx(np.quantile(shares, [0.025, 0.975]), abs=width / 20)


def test_the_rule_elsewhere(facts: Facts, results: Path) -> None:
    """Of a rule with windows of 4 episodes, both after the half of the training."""
    log = pd.read_parquet(results / "channels/tuned/train/episodes.parquet")
    saved, missed = [], []
    for _, run in log.groupby("seed"):
        reward, looks, stop = run["reward"].to_numpy(), 0, EPISODES
        for played in range(28, EPISODES + 1, 2):
            last, before = reward[played - 4 : played].mean(), reward[played - 8 : played - 4].mean()
            looks = looks + 1 if last < 1.02 * before else 0
            if looks == 2:
                stop = played
                break
        saved.append(1.0 - stop / EPISODES)
        missed.append(reward[-4:].mean() - reward[stop - 4 : stop].mean())
    late = log[log["episode"] >= EPISODES - 4]["reward"].mean()
    assert facts[f"{KEY}.elsewhere.channels.tuned.saved"].value == pytest.approx(np.mean(saved))
    assert facts[f"{KEY}.elsewhere.channels.tuned.missed"].value == pytest.approx(np.mean(missed) / late)


def test_arrivals_by_hand() -> None:
    """Twenty episodes: running means of 1, and a late level of the last two."""
    scratch = pd.DataFrame({"episode": range(20), "reward": np.arange(20.0), "seed": 0, "start": "scratch"})
    moved = pd.DataFrame(
        {"episode": range(3), "reward": [1.0, 17.6, 30.0], "seed": 0, "start": "transferred"}
    )
    found = footprint.arrivals(pd.concat([scratch, moved]))
    # 95 % of 18.5 is 17.575.
    assert found.loc[0].to_dict() == {"transferred": 2.0, "scratch": 19.0}
    low = footprint.arrivals(pd.concat([scratch, moved.assign(reward=1.0)]))
    assert np.isnan(low.loc[0, "transferred"]) and low.loc[0, "scratch"] == 19.0


def test_transfer(facts: Facts) -> None:
    assert facts[f"{KEY}.reached.transferred.runs"].value == RUNS
    assert facts[f"{KEY}.first.ahead"].value == pytest.approx(50.0)
    assert facts[f"{KEY}.first.ahead.word"].value == "above"


def test_who_is_overtaken() -> None:
    """Ahead by 3 in two episodes, then behind by 1, 2 and 3; stretches of two."""
    draw, ahead = np.random.default_rng(0), [3.0, 3.0, -1.0, -1.0, -2.0, -2.0, -3.0, -3.0]
    scratch = pd.DataFrame({"seed": np.repeat(range(RUNS), 8), "episode": np.tile(range(8), RUNS)})
    scratch["reward"] = draw.normal(size=len(scratch))
    noise = np.repeat(draw.normal(0.0, 0.01, RUNS), 8)
    moved = scratch.assign(reward=scratch["reward"] + np.tile(ahead, RUNS) + noise, start="transferred")
    curves = pd.concat([scratch.assign(start="scratch"), moved])
    facts = dict(footprint.overtaking_facts(curves, 2))
    assert facts[f"{KEY}.overtaken"].value == 2
    assert facts[f"{KEY}.end.ahead"].value == pytest.approx(-3.0 + noise[::8].mean())
    assert facts[f"{KEY}.end.ahead.word"].value == "below"
    other = curves.assign(reward=curves["reward"].where(curves["start"] == "scratch", 9.0))
    assert f"{KEY}.overtaken" not in dict(footprint.overtaking_facts(other, 2))


def test_figures(results: Path) -> None:
    names = [name for name, _ in figures.figures(results)]
    assert names == ["footprint-energy", "footprint-stopping", "footprint-transfer"]
