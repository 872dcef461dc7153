"""Levels of single steps, against closed forms and an integrated likelihood maximised by brute force."""

import numpy as np
import pytest
from scipy import optimize, stats

from adrl_core.calibrate.cells import CellPrices, Prior, fit_cells, overall_prior
from adrl_core.calibrate.prices import fit_lognormal

SHAPE = (2, 3, 2)


def auctions(seed: int, lost: bool, each: int = 30) -> CellPrices:
    """Some auctions in every cell, at levels that differ."""
    rng = np.random.default_rng(seed)
    where = np.repeat(np.arange(np.prod(SHAPE)), each)
    price = rng.normal(0, 0.3, np.prod(SHAPE))[where] + rng.normal(0, 0.2, len(where))
    bid = rng.normal(0.1, 0.2, len(where))
    won = price <= bid if lost else np.ones(len(where), bool)
    return CellPrices(SHAPE, where[won], price[won], where[~won], bid[~won])


def nothing_known() -> Prior:
    """No prior on any level."""
    return Prior(np.zeros(SHAPE), np.zeros(SHAPE))


def test_without_lost_auctions_levels_are_means_and_spreads_pooled() -> None:
    given = auctions(0, lost=False)
    found = fit_cells(given, nothing_known(), np.array([0.5, 0.5]))
    prices = given.log_price.reshape(*SHAPE, -1)
    np.testing.assert_allclose(found.level, prices.mean(-1), atol=1e-6)
    pooled = np.sqrt(prices.var(-1, ddof=1).mean(1))
    np.testing.assert_allclose(found.log_sd, pooled, rtol=1e-5)
    np.testing.assert_allclose(found.precision, 30 / pooled[:, None] ** 2 * np.ones(SHAPE), rtol=1e-4)
    np.testing.assert_allclose(found.log_sd_error, pooled / np.sqrt(2 * 87), rtol=1e-4)


@pytest.mark.parametrize("known", [0.0, 25.0])
def test_with_lost_auctions_against_brute_force(known: float) -> None:
    given = auctions(1, lost=True)
    prior = Prior(np.full(SHAPE, 0.05), np.full(SHAPE, known))
    found = fit_cells(given, prior, np.array([0.3, 0.3]))

    def cell(number: int, sd: float) -> tuple[float, float, float]:
        """Level, curvature there and log posterior of a cell, for a spread."""
        seen = given.log_price[given.where == number]
        bids = given.log_bid[given.where_lost == number]

        def loss(level: float) -> float:
            likelihood = stats.norm.logpdf(seen, level, sd).sum() + stats.norm.logsf(bids, level, sd).sum()
            return -likelihood + 0.5 * known * (level - 0.05) ** 2

        level = optimize.minimize_scalar(loss, bounds=(-2, 2), method="bounded", options={"xatol": 1e-10}).x
        h = 1e-3
        return level, (loss(level + h) - 2 * loss(level) + loss(level - h)) / h**2, -loss(level)

    def integrated(sd: float) -> float:
        """Log-likelihood of the first channel's spread in the first episode, levels integrated by Laplace."""
        return sum(best - 0.5 * np.log(bend) for _, bend, best in (cell(c, sd) for c in (0, 2, 4)))

    sd = optimize.minimize_scalar(
        lambda sd: -integrated(sd), bounds=(0.05, 1.0), method="bounded", options={"xatol": 1e-8}
    ).x
    assert found.log_sd[0, 0] == pytest.approx(sd, rel=1e-4)
    # The observation together with the prior gives the posterior's mode.
    level, bend, _ = cell(2, sd)
    precision = found.precision[0, 1, 0] + known
    assert precision == pytest.approx(bend, rel=1e-3)
    mode = (found.precision[0, 1, 0] * found.level[0, 1, 0] + known * 0.05) / precision
    assert mode == pytest.approx(level, abs=1e-5)


def test_cells_without_auctions_say_nothing() -> None:
    given = auctions(2, lost=False)
    kept = given.where != 3
    found = fit_cells(
        given._replace(where=given.where[kept], log_price=given.log_price[kept]),
        nothing_known(),
        np.array([0.3, 0.3]),
    )
    assert found.precision.ravel()[3] == 0.0
    assert np.isfinite(found.level).all()


def test_a_cell_with_lost_auctions_only_lies_above_its_bids() -> None:
    given = auctions(3, lost=True)
    kept = given.where != 3
    given = given._replace(where=given.where[kept], log_price=given.log_price[kept])
    overall = [fit_lognormal(given.log_price)] * 2
    found = fit_cells(given, overall_prior(given, overall), np.array([0.3, 0.3]))
    assert found.precision.ravel()[3] > 0.0
    assert found.level.ravel()[3] > given.log_bid[given.where_lost == 3].mean()
