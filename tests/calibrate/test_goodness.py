"""Distribution functions and distances, against SciPy, loops, and markets simulated from the equations."""

import numpy as np
import pytest
from scipy import stats

from adrl_core.calibrate.goodness import (
    distance,
    empirical_curve,
    lognormal_shares,
    market_prices,
    shares_up_to,
)
from adrl_core.calibrate.prices import LogNormal
from adrl_core.market.presets import PRESETS
from tests.calibrate.simulator import drawn_log

NORMAL = LogNormal(0.0, 1.0, np.eye(2), 0)


def test_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    seen = np.random.default_rng(0).normal(0.1, 1.2, 800)
    curve = empirical_curve(seen, NORMAL)
    expected = stats.kstest(seen, "norm").statistic
    assert distance(curve, lognormal_shares(NORMAL, curve.log_price)) == pytest.approx(expected, abs=1e-12)


def test_ties_are_one_step() -> None:
    seen = np.array([0.0, 0.0, 0.0, 1.0])
    curve = empirical_curve(seen, NORMAL)
    assert curve.share.tolist() == [0.75, 1.0]
    assert curve.below.tolist() == [0.0, 0.75]


def test_many_prices_are_thinned_to_where_the_shares_are_even() -> None:
    seen = np.random.default_rng(1).normal(size=50_000)
    curve = empirical_curve(seen, NORMAL)
    assert len(curve.log_price) <= 1000
    exact = stats.kstest(seen, "norm").statistic
    assert distance(curve, lognormal_shares(NORMAL, curve.log_price)) == pytest.approx(exact, abs=2e-3)


def test_lost_auctions_move_the_curve_to_where_the_prices_are() -> None:
    rng = np.random.default_rng(2)
    price, bid = rng.normal(size=20_000), rng.normal(0.3, 1.0, 20_000)
    won = price <= bid
    curve = empirical_curve(price[won], NORMAL, censored_at=bid[~won])
    assert distance(curve, lognormal_shares(NORMAL, curve.log_price)) < 0.02
    plain = empirical_curve(price[won], NORMAL)
    assert distance(plain, lognormal_shares(NORMAL, plain.log_price)) > 0.2


def test_missing_auctions_against_a_loop() -> None:
    rng = np.random.default_rng(3)
    price, bid = rng.normal(size=300), rng.normal(0.5, 1.0, 300)
    price, bid = price[price <= bid], bid[price <= bid]
    curve = empirical_curve(price, NORMAL, truncated_at=bid)
    height = stats.norm.cdf(price.max())
    for x, share in zip(curve.log_price, curve.share, strict=True):
        product = height
        for y in price[price > x]:
            product *= 1 - 1 / np.sum((price <= y) & (y <= bid))
        assert share == pytest.approx(product, abs=1e-12)


def test_prices_of_a_market() -> None:
    log = drawn_log(PRESETS["margin"], seed=4, episodes=150)
    prices = market_prices(PRESETS["margin"])
    for channel in range(3):
        points = np.quantile(np.log(log.price[log.channel == channel]), [0.1, 0.5, 0.9])
        # A log of few episodes has prices of its own: their level differs from the market's by chance.
        assert shares_up_to(points, prices[channel]) == pytest.approx([0.1, 0.5, 0.9], abs=0.06)
