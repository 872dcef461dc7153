"""Kalman filter and smoother, against one large normal distribution written out; bounds by integration."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from adrl_core.calibrate.cells import Cells
from adrl_core.calibrate.dynamics import bounded, kalman_filter, log_likelihood, smoothed_prior
from adrl_core.market.presets import PRESETS

STEPS = 6
SLOPE = np.array([1.2, 0.4])
LEVELS = np.array([1.0, 0.4])
SPREAD, PULL, VOLATILITY = 0.1, 0.05, 0.08
# So narrow that bounds play no part.
BASE = replace(PRESETS["channels"], competition_start=(0.6, 0.7))
PARAMETERS = np.array([*LEVELS, SPREAD, PULL, VOLATILITY])


def dense(precision: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of all observations of one episode, from the equations, flat."""
    cost, level = np.zeros((STEPS, STEPS)), np.zeros((STEPS, STEPS))
    for covariance, first, keep, swing in (
        (cost, SPREAD**2, 1 - PULL, 0.5),
        (level, 0.1**2 / 12, 0.9, 0.25),
    ):
        variance = first
        for t in range(STEPS):
            for later in range(t, STEPS):
                covariance[t, later] = covariance[later, t] = variance * keep ** (later - t)
            variance = keep**2 * variance + (swing * VOLATILITY) ** 2
    whole = np.kron(cost, np.ones((2, 2))) + np.kron(level, np.outer(SLOPE, SLOPE))
    return np.tile(LEVELS, STEPS), whole + np.diag(1.0 / precision.ravel())


def observed(seed: int) -> Cells:
    """Two episodes of levels."""
    rng = np.random.default_rng(seed)
    precision = rng.uniform(50, 500, (2, STEPS, 2))
    level = np.stack([rng.multivariate_normal(*dense(p)).reshape(STEPS, 2) for p in precision])
    return Cells(level, precision, np.zeros((2, 2)), np.zeros((2, 2)))


def test_likelihood_is_that_of_one_normal_distribution() -> None:
    cells = observed(0)
    found = log_likelihood(PARAMETERS[None], cells, np.zeros(2), SLOPE, BASE)[0]
    for episode in range(2):
        mean, covariance = dense(cells.precision[episode])
        expected = stats.multivariate_normal.logpdf(cells.level[episode].ravel(), mean, covariance)
        assert found[episode] == pytest.approx(expected, rel=1e-8)


def test_cells_without_auctions_are_passed_over() -> None:
    cells = observed(1)
    holes = np.zeros((STEPS, 2), bool)
    holes[2, 1] = holes[4] = True
    precision = np.where(holes, 0.0, cells.precision)
    found = log_likelihood(PARAMETERS[None], cells._replace(precision=precision), np.zeros(2), SLOPE, BASE)[0]
    mean, covariance = dense(cells.precision[0])
    there = ~holes.ravel()
    expected = stats.multivariate_normal.logpdf(
        cells.level[0].ravel()[there], mean[there], covariance[np.ix_(there, there)]
    )
    assert found[0] == pytest.approx(expected, rel=1e-8)


def test_prediction_errors_are_standardised() -> None:
    surprise = []
    for seed in range(40):
        steps = kalman_filter(PARAMETERS[None], observed(seed), np.zeros(2), SLOPE, BASE)
        surprise.append(sum(float(step.surprise.sum()) for step in steps))
    assert np.mean(surprise) / (2 * STEPS * 2) == pytest.approx(1.0, abs=0.12)


def test_smoothed_prior_is_what_the_others_tell() -> None:
    cells = observed(2)
    found = smoothed_prior(PARAMETERS, cells, np.zeros(2), SLOPE, BASE)
    mean, covariance = dense(cells.precision[0])
    here, others = 5, np.delete(np.arange(2 * STEPS), 5)
    weights = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, here])
    expected = mean[here] + weights @ (cells.level[0].ravel() - mean)[others]
    own = 1.0 / cells.precision[0].ravel()[here]
    variance = covariance[here, here] - own - weights @ covariance[others, here]
    assert found.mean[0].ravel()[here] == pytest.approx(expected, rel=1e-6)
    assert found.precision[0].ravel()[here] == pytest.approx(1.0 / variance, rel=1e-6)


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.3), (0.85, 0.2), (2.0, 0.4), (-3.0, 1.0), (0.1, 5.0)])
def test_moments_within_bounds(mean: float, sd: float) -> None:
    low, high = -1.4, 0.9
    found = bounded(np.array([mean]), np.array([sd**2]), low, high)

    def moment(power: int) -> float:
        density = stats.norm(mean, sd).pdf
        middle, _ = integrate.quad(lambda x: x**power * density(x), low, high, epsabs=1e-12, limit=200)
        below, above = stats.norm.cdf(low, mean, sd), stats.norm.sf(high, mean, sd)
        return middle + low**power * below + high**power * above

    assert found.mean[0] == pytest.approx(moment(1), abs=1e-8)
    assert found.variance[0] == pytest.approx(max(moment(2) - moment(1) ** 2, 1e-10), rel=1e-5, abs=1e-9)
    assert found.inside[0] == pytest.approx(
        stats.norm.cdf(high, mean, sd) - stats.norm.cdf(low, mean, sd), abs=1e-10
    )
