"""Rates and counts, against closed forms, a likelihood searched by brute force, and Fisher's information."""

import numpy as np
import pytest
from scipy import stats

from adrl_core.calibrate.rates import count_auctions, fit_rates, market_season

RATES = np.array([0.05, 0.02, 0.08])
SWING = 0.6


def clicks(
    seed: int, phase: int = 0, blocks: int = 40, trials: float = 40.0
) -> tuple[np.ndarray, np.ndarray]:
    """Events and trials by block, channel and step, the season moved by some steps."""
    rng = np.random.default_rng(seed)
    season = np.roll(market_season(100), phase, axis=1)
    shown = rng.poisson(trials, (blocks, 3, 100))
    return rng.binomial(shown, RATES[:, None] * (1 + SWING * season)).astype(float), shown.astype(float)


ONES, SEASON = np.ones((3, 100)), market_season(100)


def test_season_peaks_where_the_market_has_its_peaks() -> None:
    assert SEASON.argmax(1).tolist() == [25, 92, 58]
    np.testing.assert_allclose(SEASON.mean(1), 0.0, atol=1e-12)


def test_rates_without_season_are_shares() -> None:
    events, trials = clicks(0)
    events, trials = (x.sum(2, keepdims=True) for x in (events, trials))
    found = fit_rates(events, trials, np.full((3, 1), 1.25), np.zeros((3, 1)), 0.0)
    np.testing.assert_allclose(found.values[:3], events.sum((0, 2)) / trials.sum((0, 2)) / 1.25)
    assert found.events.tolist() == events.sum((0, 2)).tolist()
    assert np.isnan(found.other_phase)


def test_maximum_is_where_brute_force_finds_it() -> None:
    events, trials = (x.sum(0) for x in clicks(1))
    found = fit_rates(events[None].repeat(2, 0) / 2, trials[None].repeat(2, 0) / 2, ONES, SEASON, None)

    def likelihood(values: np.ndarray) -> float:
        chance = values[:3, None] * (1 + values[3] * SEASON)
        return float(stats.binom.logpmf(events, trials, chance).sum())

    best = likelihood(found.values)
    for place in range(4):
        for factor in (0.995, 1.005):
            other = found.values.copy()
            other[place] *= factor
            assert likelihood(other) < best


def test_known_constants_come_back_and_intervals_cover_them() -> None:
    truth, scores = np.array([*RATES, SWING]), []
    for seed in range(100):
        found = fit_rates(*clicks(seed), ONES, SEASON, None)
        scores.append((found.values - truth) / np.sqrt(np.diag(found.covariance)))
    assert (np.abs(np.mean(scores, axis=0)) < 0.35).all()
    cover = (np.abs(scores) < stats.t.ppf(0.975, 39)).mean(0)
    assert (cover > 0.87).all()


def test_a_season_at_other_phases_is_told() -> None:
    told = [fit_rates(*clicks(seed), ONES, SEASON, None).other_phase for seed in range(20)]
    moved = [fit_rates(*clicks(seed, phase=12), ONES, SEASON, None).other_phase for seed in range(5)]
    assert np.mean(np.array(told) < 0.05) <= 0.2
    assert max(moved) < 1e-6


def test_a_channel_counts_its_own_blocks_only() -> None:
    events, trials = (x.sum(2, keepdims=True) for x in clicks(0, blocks=4))
    flat = np.ones((3, 1)), np.zeros((3, 1)), 0.0
    events[2:, 0], trials[2:, 0] = 0.0, 0.0
    found = fit_rates(events, trials, *flat)
    alone = fit_rates(events[:2, :1], trials[:2, :1], flat[0][:1], flat[1][:1], 0.0)
    assert found.covariance[0, 0] == pytest.approx(alone.covariance[0, 0])


def test_few_events_bring_no_season() -> None:
    events, trials = clicks(0, blocks=2, trials=0.5)
    found = fit_rates(events, trials, ONES, SEASON, None)
    assert events.sum() < 30
    assert np.isnan(found.other_phase)
    assert found.values[3] == 0.0


def test_counts_by_hand() -> None:
    found = count_auctions(np.array([600.0, 900.0, 1200.0]), steps=100, channels=3)
    assert found.mean == pytest.approx(3.0)
    assert found.error == pytest.approx(300.0 / np.sqrt(3) / 300)
    assert found.demand_sd == pytest.approx(np.sqrt(300.0**2 - 900) / 900)


def test_one_episode_is_counted_as_poisson() -> None:
    found = count_auctions(np.array([900.0]), steps=100, channels=3)
    assert found.error == pytest.approx(0.1)
    assert np.isnan(found.demand_sd)
