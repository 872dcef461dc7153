"""Facts of the trials from tables made by hand."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.contour import ContourSet
from scipy import stats

from adrl_core.evidence.figures.governance import explanations as explanations_figures
from adrl_core.evidence.figures.governance import fairness as fairness_figures
from adrl_core.evidence.governance import fairness, privacy
from adrl_core.evidence.governance.common import Trial, share_interval, trials
from adrl_core.governance.fairness import GROUP_NAMES

ORIGIN = {"source": "x"}
TIMES = {"started": "2026-01-01T10:00:00+00:00", "ended": "2026-01-01T11:00:00+00:00"}
SEEDS = [0, 1, 2, 3]


def write(results: Path, stage: str, bank: int = 50, **tables: pd.DataFrame) -> None:
    """A trial's folder with its tables."""
    folder = results / stage
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"parameters": {"evaluation_episodes": bank}} | TIMES))
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet")


def test_trials_are_found_by_market(tmp_path: Path) -> None:
    for market in ("shift", "channels"):
        write(tmp_path, f"{market}/tuned/privacy", bank=400 if market == "shift" else 50)
    found = list(trials(tmp_path, "privacy"))
    assert [(trial.market, trial.episodes) for trial in found] == [("channels", 50), ("shift", 100)]
    assert list(trials(tmp_path, "fairness")) == []


def test_the_interval_of_a_share_is_over_runs() -> None:
    rates = pd.Series([0.2, 0.6, 0.4, 0.8])
    found, name = share_interval(rates)
    low, high = stats.ttest_1samp(rates, 0.0).confidence_interval(0.95)
    assert found == pytest.approx((0.5, low, high, 4))
    assert name == "95 % t interval"


def test_shares_end_at_none_and_all() -> None:
    found, _ = share_interval(pd.Series([1.0, 1.0, 0.9]))
    assert found.high == 1.0 and found.low < found.mean == pytest.approx(2.9 / 3)


@pytest.mark.parametrize(("rate", "hits"), [(1.0, 20), (0.0, 0), (0.4, 8)])
def test_runs_that_agree_get_the_exact_interval_of_their_number(rate: float, hits: int) -> None:
    found, name = share_interval(pd.Series([rate] * 20))
    exact = stats.binomtest(hits, 20).proportion_ci(method="exact")
    assert found == pytest.approx((rate, exact.low, exact.high, 20))
    assert name == "95 % exact interval"


@pytest.fixture
def private(tmp_path: Path) -> dict:
    """Facts of a privacy trial with two epsilons, two teams and four runs."""
    levels = {
        ("without", 1.0): 60.0,
        ("without", math.inf): 100.0,
        ("with", 1.0): 80.0,
        ("with", math.inf): 90.0,
    }
    rows = [
        {"team": team, "epsilon": epsilon, "seed": seed, "reward": level + seed}
        for (team, epsilon), level in levels.items()
        for seed in SEEDS
    ]
    accounting = pd.DataFrame(
        [
            {"scheme": "whole episode", "episodes": 1, "scale": 600.0, "basic": 1.0, "approximate": 0.17},
            {"scheme": "each release", "episodes": 1, "scale": 1.0, "basic": 600.0, "approximate": math.inf},
        ]
    )
    features = pd.DataFrame([{"feature": "ROI mean", "sensitivity": 21.0, "noise": 90.0, "spread": 3.0}])
    vault = pd.DataFrame(
        [("same weights", 1, 1), ("one bit changed", 20, 19), ("no key", 1, 1)],
        columns=["attempt", "tries", "as_wished"],
    )
    write(
        tmp_path,
        "channels/tuned/privacy",
        privacy=pd.DataFrame(rows),
        accounting=accounting,
        features=features,
        vault=vault,
    )
    baselines = tmp_path / "channels/baselines"
    baselines.mkdir()
    reference = pd.DataFrame(
        {
            "policy": "best_constant",
            "episode": np.arange(60),
            "reward": np.r_[np.full(50, 70.0), np.full(10, 0.0)],
        }
    )
    reference.to_parquet(baselines / "evaluation.parquet")
    return privacy.facts(tmp_path)


def test_privacy(private: dict) -> None:
    prefix = "governance.privacy"
    assert private[f"{prefix}.without.epsilon_1.reward.mean"].value == pytest.approx(61.5)
    assert private[f"{prefix}.without.epsilon_1.share.mean"].value == pytest.approx(
        np.mean([60 / 100, 61 / 101, 62 / 102, 63 / 103])
    )
    assert private[f"{prefix}.best_constant.reward"].value == 70.0, "only the trial's episodes count"
    assert private[f"{prefix}.without.epsilon_1.minus_constant.word"].value == "below"
    assert private[f"{prefix}.with.epsilon_1.minus_without.mean"].value == pytest.approx(20.0)
    assert private[f"{prefix}.without.epsilon_1.minus_clean.word"].value == "below"
    assert private[f"{prefix}.accounting.each_release.1.basic"].text() == "600"
    assert private[f"{prefix}.accounting.each_release.1.approximate"].text() == "beyond reckoning"
    # By hand: a hundred steps of epsilon 1 each, and a thousand such episodes.
    assert private[f"{prefix}.accounting.each_step.steps_1"].text() == "1"
    assert private[f"{prefix}.accounting.each_step.1.basic"].text() == "100"
    assert private[f"{prefix}.accounting.each_step.1000.basic"].text() == "100,000"
    assert private[f"{prefix}.feature.ROI_mean.drowned"].text() == "30"
    assert private[f"{prefix}.vault.attacks"].value == 21
    assert private[f"{prefix}.vault.succeeded"].value == 1


def test_fairness(tmp_path: Path) -> None:
    groups = ("18-34", "35-54", "55+")
    rates = pd.DataFrame(
        [
            {"policy": policy, "seed": seed, "measure": "exposure", "group": group, "rate": rate + seed / 100}
            for policy, shown in {
                "tuned": (0.2, 0.3, 0.4),
                "tuned, fair over the episode": (0.3, 0.31, 0.3),
            }.items()
            for seed in SEEDS
            for group, rate in zip(groups, shown, strict=True)
        ]
    )
    parity = pd.DataFrame(
        [
            {
                "policy": policy,
                "seed": seed,
                "measure": "exposure",
                "ratio": ratio,
                "difference": 0.1,
                "reward": r,
            }
            for policy, ratio, r in (("tuned", 0.5, 100.0), ("tuned, fair over the episode", 0.9, 80.0))
            for seed in SEEDS
        ]
    )
    constant = {
        "policy": "fixed",
        "seed": 0,
        "measure": "exposure",
        "ratio": 0.6,
        "difference": 0.2,
        "reward": 9.0,
    }
    interval = {"ratio_low": 0.55, "ratio_high": 0.65, "difference_low": 0.1, "difference_high": 0.3}
    parity = pd.concat([parity, pd.DataFrame([constant | interval])])
    write(tmp_path, "channels/tuned/fairness", rates=rates, parity=parity)
    found, prefix = fairness.facts(tmp_path), "governance.fairness"
    assert found[f"{prefix}.tuned.exposure.ratio"].value == pytest.approx(0.5)
    assert found[f"{prefix}.fixed.exposure.ratio"].text("interval") == "[0.55, 0.65]"
    assert found[f"{prefix}.fair.share.mean"].value == pytest.approx(0.8)
    assert found[f"{prefix}.fair.minus_tuned.mean"].value == pytest.approx(-20.0)
    assert found[f"{prefix}.fair.minus_tuned.word"].value == "below"
    more = found[f"{prefix}.fair.minus_tuned.exposure.mean"]
    assert (more.value, more.n) == (pytest.approx(0.4), len(SEEDS))
    assert found[f"{prefix}.fair.minus_tuned.exposure.word"].value == "above"
    assert found[f"{prefix}.tuned.least"].value == "18\N{EN DASH}34"
    assert found[f"{prefix}.tuned.most"].value == "55+"
    assert found[f"{prefix}.measures"].value == 1
    rate = found[f"{prefix}.tuned.exposure.young"]
    shown = [0.2, 0.21, 0.22, 0.23]
    interval = stats.t.interval(0.95, 3, np.mean(shown), stats.sem(shown))
    assert (rate.value, rate.low, rate.high) == pytest.approx((0.215, *interval))
    assert found[f"{prefix}.fixed.exposure.difference"].text("interval") == "[10.0%, 30.0%]"


def test_nothing_is_claimed_of_trials_that_did_not_run(tmp_path: Path) -> None:
    """Only constants are left."""
    for module in (privacy, fairness):
        assert {fact.source for fact in module.facts(tmp_path).values()} == {"adrl_core"}


def test_figures_of_fairness_show_every_measure(tmp_path: Path) -> None:
    policies = {"fixed": [0], "tuned": SEEDS}
    rows = [
        {"policy": policy, "seed": seed, "measure": measure, "group": group, "rate": 0.1 + seed / 100}
        for policy, seeds in policies.items()
        for seed in seeds
        for measure in ("exposure", "opportunity", "conversion")
        for group in GROUP_NAMES
    ]
    parity = pd.DataFrame(
        [
            {"policy": policy, "seed": seed, "measure": "exposure", "ratio": 0.7, "reward": 9.0 + len(seeds)}
            for policy, seeds in policies.items()
            for seed in seeds
        ]
    )
    write(tmp_path, "channels/tuned/fairness", rates=pd.DataFrame(rows), parity=parity)
    drawn = dict(fairness_figures.figures(tmp_path))
    assert list(drawn) == ["fairness-rates", "fairness-parity"]
    for figure, *texts in drawn.values():
        figure.canvas.draw()
        assert all(texts)
    # Marks of three groups for two policies in each panel, and intervals for the one with several runs.
    assert [len(axes.lines) for axes in drawn["fairness-rates"][0].axes] == [9, 9, 9]


def test_boundaries_are_drawn_where_there_are_any(tmp_path: Path) -> None:
    x, y = np.meshgrid(np.linspace(0.0, 1.0, 5), np.linspace(0.0, 1.0, 5))
    grid = pd.DataFrame({"competition": x.ravel(), "time remaining": y.ravel()})
    grid = grid.assign(bid=4.0 + 0.5 * grid["competition"], asks_both=0.9, allocation_search=y.ravel())
    values = pd.DataFrame({"step": [0, 0, 1, 1], "bid": [1.0, 2.0] * 2, "shortfall": [1.0, 0.0] * 2})
    write(tmp_path, "channels/tuned/explanations", landscape=grid, values=values)
    figure, *texts = explanations_figures.landscapes(Trial(tmp_path, "channels/tuned/explanations"))
    figure.canvas.draw()
    assert all(texts)
    maps = [axes for axes in figure.axes if axes.get_title()]
    contours = [sum(isinstance(c, ContourSet) for c in axes.collections) for axes in maps]
    assert contours == [1, 0, 1, 0]


def test_stages_that_ran_at_the_same_time(tmp_path: Path) -> None:
    write(tmp_path, "channels/tuned/privacy")
    others = {"before": ("09:00", "10:00"), "within": ("10:15", "10:30"), "across": ("09:30", "12:00")}
    for name, (started, ended) in others.items():
        folder = tmp_path / "shift" / "tuned" / name
        folder.mkdir(parents=True)
        times = {"started": f"2026-01-01T{started}:00+00:00", "ended": f"2026-01-01T{ended}:00+00:00"}
        (folder / "manifest.json").write_text(json.dumps(times))
    assert Trial(tmp_path, "channels/tuned/privacy").beside() == ["shift/tuned/across", "shift/tuned/within"]


def test_where_a_trial_left_its_tables(tmp_path: Path) -> None:
    trial = Trial(tmp_path, "channels/tuned/privacy")
    assert trial.origin("vault", "no key") == {
        "source": "channels/tuned/privacy/vault.parquet",
        "row": "no key",
        "stage": "channels/tuned/privacy",
    }
