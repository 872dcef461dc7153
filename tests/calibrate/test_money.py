"""Prices per click, by hand."""

import numpy as np
import pytest

from adrl_core.calibrate.log import AuctionLog
from adrl_core.calibrate.money import Terms, per_click
from adrl_core.config import ConfigurationError, validate


def log(**columns: np.ndarray) -> AuctionLog:
    """Four auctions, of which one was clicked."""
    return AuctionLog(
        price=np.array([10.0, 20.0, 30.0, 40.0]), click=np.array([False, True, False, False]), **columns
    )


TOGETHER = np.zeros(4, int), ["all"]


def test_prices_per_click_stay() -> None:
    assert per_click(log(), *TOGETHER, "click").price.tolist() == [10.0, 20.0, 30.0, 40.0]


@pytest.mark.parametrize(("per", "factor"), [("impression", 1.0), ("mille", 1000.0)])
def test_prices_per_impression_are_divided_by_the_click_rate(per, factor) -> None:
    found = per_click(log(bid=np.full(4, 50.0)), *TOGETHER, per)
    np.testing.assert_allclose(found.price, np.array([40.0, 80.0, 120.0, 160.0]) / factor)
    np.testing.assert_allclose(found.bid, np.full(4, 200.0) / factor)


def test_each_channel_has_its_own_click_rate() -> None:
    clicked = AuctionLog(price=np.full(4, 6.0), click=np.array([False, True, True, True]))
    found = per_click(clicked, np.array([0, 0, 1, 1]), ["search", "video"], "impression")
    np.testing.assert_allclose(found.price, [12.0, 12.0, 6.0, 6.0])


def test_predicted_click_rates_are_scaled_to_the_clicks_of_won_auctions() -> None:
    won = np.array([True, True, False, True])
    predicted = np.array([0.1, 0.2, 0.9, 0.2])
    found = per_click(log(predicted=predicted, won=won), *TOGETHER, "impression")
    np.testing.assert_allclose(found.price, np.array([10.0, 20.0, 30.0, 40.0]) / (predicted * 2.0))
    assert "promise 0 clicks where there were 1" in found.notes[0]


@pytest.mark.parametrize("predicted", [None, np.full(4, 0.1)])
@pytest.mark.parametrize(("won", "shown"), [(None, 4), (np.zeros(4, bool), 0)])
def test_no_clicks_no_price_per_click(predicted, won, shown) -> None:
    silent = AuctionLog(price=np.ones(4), click=np.zeros(4, bool), predicted=predicted, won=won)
    assert len(per_click(silent, *TOGETHER, "click").price) == 4
    with pytest.raises(
        ConfigurationError, match=f"channel all: log: 0 clicks in {shown} won auctions; .* 1 or"
    ):
        per_click(silent, *TOGETHER, "mille")


def test_a_conversion_says_what_a_unit_is() -> None:
    assert Terms(price_per="click", conversion_value=200.0).known_unit == 4.0
    assert Terms(price_per="click", unit=3.0).known_unit == 3.0
    assert Terms(price_per="click").known_unit is None


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"price_per": "view"}, "price_per = 'view': .*'click', 'impression' or 'mille'"),
        ({"base": "shift"}, "base = 'shift': .*'channels', 'margin' or 'pacing'"),
        ({"unit": 0}, "unit = 0: .*greater than 0"),
        ({"conversion_rate": 1.5}, "conversion_rate = 1.5: .*less than or equal to 1"),
        ({"unit": 1, "conversion_value": 1}, "unit and conversion_value say the same"),
    ],
)
def test_bad_terms(parameters, message) -> None:
    with pytest.raises(ConfigurationError, match=message):
        validate(Terms, {"price_per": "click", **parameters})
