"""Charts against loops, run lengths against published tables and Markov chains, drift by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from adrl_core.governance.charts import (
    CUSUM_LIMIT,
    CUSUM_SLACK,
    EWMA_WEIGHT,
    EWMA_WIDTH,
    cusum,
    cusum_alarms,
    drift,
    drift_limit,
    ewma,
    ewma_alarms,
    misaligned_alarms,
    reference,
    run_length,
    standardised,
)

ROWS = 4000
SERIES = arrays(float, (3, 30), elements=st.floats(-10, 10))
CUSUM_TABLE = {0.0: 465.0, 0.5: 38.0, 1.0: 10.4, 1.5: 5.75, 2.0: 4.01}
"""Montgomery, table 9.3: two-sided, slack 0.5, limit 5."""
EWMA_TABLE = {0.0: 500.0, 0.5: 31.3, 1.0: 10.3, 1.5: 6.1, 2.0: 4.4}
"""Montgomery, table 9.11: weight 0.1, width 2.814."""


def run_lengths(alarms, shift, seed):
    """Of ROWS series, long enough that hardly one (exp(-10)) is cut off."""
    time = 5000 if shift == 0.0 else 500
    z = np.random.default_rng(seed).standard_normal((ROWS, time)) + shift
    lengths = run_length(alarms(z))
    return np.minimum(lengths, time)


def ewma_chain(shift, cells=401):
    """Average run length of the EWMA as a Markov chain on cells of its range (Brook & Evans 1972)."""
    limit = EWMA_WIDTH * (EWMA_WEIGHT / (2 - EWMA_WEIGHT)) ** 0.5
    edges = np.linspace(-limit, limit, cells + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    reach = stats.norm.cdf((edges - (1 - EWMA_WEIGHT) * centres[:, None]) / EWMA_WEIGHT - shift)
    return np.linalg.solve(np.eye(cells) - np.diff(reach, axis=1), np.ones(cells))[cells // 2]


def cusum_chain(shift, cells=400):
    """Average run length of the upper sum; the mass below half a cell is the state 0."""
    width = 2 * CUSUM_LIMIT / (2 * cells - 1)
    centres = np.arange(cells) * width
    edges = np.concatenate(([-np.inf], centres + width / 2))
    reach = stats.norm.cdf(edges - centres[:, None] + CUSUM_SLACK - shift)
    return np.linalg.solve(np.eye(cells) - np.diff(reach, axis=1), np.ones(cells))[0]


@given(SERIES)
def test_ewma_is_its_recursion(z):
    expected, state = np.empty_like(z), np.zeros(len(z))
    for t in range(z.shape[1]):
        state = 0.8 * state + 0.2 * z[:, t]
        expected[:, t] = state
    np.testing.assert_allclose(ewma(z, 0.2), expected, atol=1e-12)


@given(SERIES)
def test_cusum_is_its_recursion(z):
    expected, state = np.empty_like(z), np.zeros(len(z))
    for t in range(z.shape[1]):
        state = np.maximum(0.0, state + z[:, t] - 0.5)
        expected[:, t] = state
    np.testing.assert_allclose(cusum(z), expected, atol=1e-10)


@pytest.mark.parametrize("shift", CUSUM_TABLE)
def test_cusum_run_lengths(shift):
    up, down = cusum_chain(shift), cusum_chain(-shift)
    exact = 1 / (1 / up + 1 / down)
    assert exact == pytest.approx(CUSUM_TABLE[shift], rel=0.01)
    lengths = run_lengths(cusum_alarms, shift, seed=1)
    assert abs(lengths.mean() - exact) < 4 * lengths.std() / ROWS**0.5


@pytest.mark.parametrize("shift", EWMA_TABLE)
def test_ewma_run_lengths(shift):
    exact = ewma_chain(shift)
    assert exact == pytest.approx(EWMA_TABLE[shift], rel=0.015)
    lengths = run_lengths(ewma_alarms, shift, seed=2)
    assert abs(lengths.mean() - exact) < 4 * lengths.std() / ROWS**0.5


@pytest.mark.parametrize("alarms", [cusum_alarms, ewma_alarms])
def test_both_directions_raise_the_alarm(alarms):
    z = np.random.default_rng(0).standard_normal((50, 200))
    np.testing.assert_array_equal(alarms(z), alarms(-z))


def test_run_length_by_hand():
    alarms = np.array([[False, False, True, True], [True, False, False, False], [False] * 4])
    np.testing.assert_array_equal(run_length(alarms), [3.0, 1.0, np.inf])


def test_standardised_by_hand():
    usual = reference(np.array([1.0, 2.0, 3.0]))
    assert usual == (2.0, 1.0)
    np.testing.assert_array_equal(standardised(np.array([[5.0]]), usual), [[3.0]])


@pytest.mark.parametrize(
    ("reward", "profit", "raised"),
    [(1, -1, True), (1, 1, False), (-1, -1, False), (-1, 1, False), (1, 0, False)],
)
def test_only_reward_up_with_profit_down_is_misaligned(reward, profit, raised):
    noise = np.random.default_rng(5).standard_normal((2, 200, 60)) * 0.5
    alarms = misaligned_alarms(reward + noise[0], profit + noise[1])
    assert alarms[:, -1].all() == raised and alarms.any() == raised


def test_misalignment_is_seldom_seen_where_there_is_none():
    z = np.random.default_rng(6).standard_normal((2, 1000, 1000))
    lone = cusum_alarms(z[0]).any(1).mean()
    assert misaligned_alarms(*z).any(1).mean() < 0.02 < 0.8 < lone


def test_drift_by_hand():
    usual = np.array([50.0, 50.0, 0.0])
    counts = np.array([[10.0, 10.0, 0.0], [0.0, 0.0, 7.0], [20.0, 0.0, 0.0]])
    # Of (1, 0) and (1/2, 1/2): the mixture is (3/4, 1/4), and the divergence in bits is as follows.
    third = 0.5 * np.log2(4 / 3) + 0.5 * (0.5 * np.log2(2 / 3) + 0.5 * np.log2(2))
    np.testing.assert_allclose(drift(counts, usual), [0.0, 1.0, third**0.5], atol=1e-9)


def test_drift_limit_keeps_its_rate_and_finds_a_shift():
    rng = np.random.default_rng(8)
    level = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
    limit = drift_limit(rng.multinomial(100, level, 20_000).astype(float), level)
    fresh = drift(rng.multinomial(100, level, 20_000).astype(float), level)
    assert (fresh > limit).mean() == pytest.approx(0.002, abs=0.001)
    moved = drift(rng.multinomial(100, np.roll(level, 1), 500).astype(float), level)
    assert (moved > limit).mean() > 0.95
