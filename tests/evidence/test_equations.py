"""Constants read off the running code against those the markets were specified with."""

import pytest

from adrl_core.evidence.equations import equation_constants

SPECIFIED = {
    "published.first_cost": (1.0, 3.0),
    "published.first_competition": (0.5, 1.0),
    "published.volatility": (0.1, 0.3),
    "published.demand": (0.8, 1.2),
    "published.cost_walk": 0.05,
    "published.competition_walk": 0.05,
    "published.win_slope": 5.0,
    "published.click_slope": 0.05,
    "published.click_cap": 0.2,
    "published.conversion_slope": 0.1,
    "published.conversion_cap": 0.3,
    "channels.phases": (0.0, 1 / 3, 2 / 3),
    "channels.competition_centre": 0.65,
    "channels.price_log_sd": 0.1,
    "channels.click_cap": 0.5,
    "channels.conversion_cap": 0.6,
    "reward.profit_divisor": 10.0,
    "reward.efficiency_weight": 20.0,
    "reward.conversion_weight": 5.0,
    "reward.click_weight": 0.5,
    "reward.cost_weight": -0.1,
    "reward.collected.conversions": 10.0,
    "reward.collected.spend": -0.2,
}


def test_constants() -> None:
    found = equation_constants()
    assert found.keys() == SPECIFIED.keys()
    for key, value in SPECIFIED.items():
        assert found[key] == pytest.approx(value, abs=1e-9), key
