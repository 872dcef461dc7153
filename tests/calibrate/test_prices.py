"""The log-normal fit, against SciPy's censored fit and against likelihoods maximised by brute force."""

import numpy as np
import pytest
from scipy import optimize, stats

from adrl_core.calibrate.prices import LogNormal, fit_lognormal, hazard
from adrl_core.config import ConfigurationError


def sample(seed: int, count: int = 600) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log prices, log bids, and which won."""
    rng = np.random.default_rng(seed)
    price, bid = rng.normal(0.7, 0.4, count), rng.normal(0.8, 0.3, count)
    return price, bid, price <= bid


def brute(likelihood) -> tuple[np.ndarray, np.ndarray]:
    """Maximum over mean and log sd, and the covariance of mean and sd from a numerical Hessian."""
    found = optimize.minimize(
        lambda p: -likelihood(p[0], np.exp(p[1])),
        [0.5, -1.0],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 4000},
    )
    mean, sd, h = found.x[0], float(np.exp(found.x[1])), 1e-4
    point, steps = np.array([mean, sd]), h * np.eye(2)
    hessian = [
        [
            (
                likelihood(*(point + a + b))
                - likelihood(*(point + a - b))
                - likelihood(*(point - a + b))
                + likelihood(*(point - a - b))
            )
            / (4 * h * h)
            for b in steps
        ]
        for a in steps
    ]
    return point, np.linalg.inv(-np.array(hessian))


def test_hazard_and_its_slope() -> None:
    z = np.linspace(-6, 6, 25)
    rate, slope = hazard(z)
    np.testing.assert_allclose(rate, stats.norm.pdf(z) / stats.norm.sf(z), rtol=1e-10)
    h = 1e-5
    np.testing.assert_allclose(slope, (hazard(z + h)[0] - hazard(z - h)[0]) / (2 * h), rtol=1e-4, atol=1e-9)


def test_prices_all_seen_are_a_normal_sample_of_logs() -> None:
    price, *_ = sample(0)
    found = fit_lognormal(price)
    assert found.mean == pytest.approx(price.mean())
    assert found.sd == pytest.approx(price.std())
    expected = price.var() / len(price) * np.diag([1.0, 0.5])
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_censored_prices_against_scipy(seed: int) -> None:
    price, bid, won = sample(seed)
    found = fit_lognormal(price[won], censored_at=bid[~won])
    theirs = stats.norm.fit(stats.CensoredData(uncensored=price[won], right=bid[~won]))
    assert (found.mean, found.sd) == pytest.approx(theirs, abs=2e-4)


@pytest.mark.parametrize("seed", range(3))
def test_censored_prices_against_brute_force(seed: int) -> None:
    price, bid, won = sample(seed)
    point, covariance = brute(
        lambda mean, sd: (
            stats.norm.logpdf(price[won], mean, sd).sum() + stats.norm.logsf(bid[~won], mean, sd).sum()
        )
    )
    found = fit_lognormal(price[won], censored_at=bid[~won])
    np.testing.assert_allclose((found.mean, found.sd), point, atol=1e-5)
    np.testing.assert_allclose(found.covariance, covariance, rtol=2e-3)


@pytest.mark.parametrize("seed", range(3))
def test_truncated_prices_against_brute_force(seed: int) -> None:
    price, bid, won = sample(seed, 2000)
    price, bid = price[won], bid[won]
    point, covariance = brute(
        lambda mean, sd: (stats.norm.logpdf(price, mean, sd) - stats.norm.logcdf(bid, mean, sd)).sum()
    )
    found = fit_lognormal(price, truncated_at=bid)
    np.testing.assert_allclose((found.mean, found.sd), point, atol=1e-5)
    np.testing.assert_allclose(found.covariance, covariance, rtol=2e-3)


def test_the_fit_does_not_depend_on_the_currency() -> None:
    price, bid, won = sample(1)
    here, there = (fit_lognormal(price[won] + shift, censored_at=bid[~won] + shift) for shift in (0.0, 7.5))
    assert (there.mean - 7.5, there.sd) == pytest.approx((here.mean, here.sd), abs=1e-7)


def test_errors_over_blocks_by_hand() -> None:
    price, *_ = sample(2)
    block = np.arange(len(price)) // 20
    found = fit_lognormal(price, blocks=(block, np.empty(0, int)))
    sums = np.bincount(block, price - price.mean())
    by_hand = (sums**2).sum() / len(price) ** 2 * len(sums) / (len(sums) - 1)
    assert found.covariance[0, 0] == pytest.approx(by_hand)


def test_blocks_see_prices_that_move_together() -> None:
    rng, block = np.random.default_rng(0), np.repeat(np.arange(40), 50)
    price = rng.normal(0, 0.5, 40)[block] + rng.normal(0, 0.2, len(block))
    alone = fit_lognormal(price)
    together = fit_lognormal(price, blocks=(block, np.empty(0, int)))
    assert np.sqrt(together.covariance[0, 0]) == pytest.approx(0.5 / np.sqrt(40), rel=0.35)
    assert together.covariance[0, 0] > 10 * alone.covariance[0, 0]


def test_intervals_cover_though_most_auctions_are_lost() -> None:
    inside = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        price, bid = rng.normal(0.0, 0.3, 300), rng.normal(-0.1, 0.1, 300)
        won = price <= bid
        found: LogNormal = fit_lognormal(price[won], censored_at=bid[~won])
        errors = np.sqrt(np.diag(found.covariance))
        inside.append(np.abs(np.array([found.mean, found.sd - 0.3])) < 1.96 * errors)
    assert (np.mean(inside, axis=0) > 0.90).all()
    assert (np.mean(inside, axis=0) < 0.99).all()


def test_only_blocks_with_auctions_count() -> None:
    price, *_ = sample(2)
    block, none = np.arange(len(price)) // 20, np.empty(0, int)
    near, far = (fit_lognormal(price, blocks=(block + shift, none)) for shift in (0, 1000))
    np.testing.assert_array_equal(far.covariance, near.covariance)


@pytest.mark.parametrize("number", [0, 7])
def test_one_block_tells_no_error(number: int) -> None:
    price, *_ = sample(2)
    with pytest.raises(ConfigurationError, match=r"auctions lie in 1 block .*needs 2 blocks or more"):
        fit_lognormal(price, blocks=(np.full(len(price), number), np.empty(0, int)))


@pytest.mark.parametrize(
    ("prices", "options", "message"),
    [
        (np.zeros(3), {}, "3 usable prices; a log-normal needs 10 or more"),
        (np.ones(20), {}, "all prices are equal"),
        (np.log1p(np.linspace(0, 53, 400)), {"truncated_at": np.full(400, 4.0)}, "bids are too low to tell"),
    ],
)
def test_too_little_to_fit(prices: np.ndarray, options: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        fit_lognormal(prices, **options)
