"""Landscapes: read, checked, and simulated from."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from adrl_core.config import ConfigurationError
from adrl_core.market.landscape import Landscape, read_landscape
from adrl_core.market.simulated import NOMINAL, VARIED, simulate, synthetic_log

GOOD: dict[str, Any] = {
    "price_counter_train": [1, 0, 3],
    "imp_train": 4,
    "clk_train": 2,
    "cost_train": 6,
    "field": 1,
}


def test_a_landscape_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(GOOD))
    found = read_landscape(path)
    assert (found.cap, found.impressions, found.cost, found.clicks) == (2, 4, 6, 2)
    assert (found.mean_price, found.mean_ctr, found.cost_per_click) == (1.5, 0.5, 3.0)
    np.testing.assert_allclose(found.probability, np.array([2, 1, 4]) / 7)
    assert found.budget(1 / 32, 1000) == 46  # of 46.875


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"price_counter_train": [1, 0, -3]}, "expected two or more counts, none below 0"),
        ({"imp_train": 5}, "holds 4 impressions at a cost of 6, but imp_train = 5"),
        ({"cost_train": 7}, "cost_train = 7"),
        ({"clk_train": 0}, "clk_train = 0: expected 1 to 4"),
        ({"clk_train": "x"}, "damaged"),
    ],
)
def test_contradictions_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(ConfigurationError, match=message):
        read_landscape(path)


def test_what_is_no_landscape(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(ConfigurationError, match="not found"):
        read_landscape(path)
    path.write_text("{")
    with pytest.raises(ConfigurationError, match="damaged"):
        read_landscape(path)
    path.write_text(json.dumps({"imp_train": 4}))
    with pytest.raises(ConfigurationError, match="lacks 'price_counter_train'"):
        read_landscape(path)


def test_simulated_auctions_follow_the_landscape() -> None:
    landscape = synthetic_log()[0]
    found = simulate(landscape, np.zeros(50, int), range(50), 400, NOMINAL)
    price, ctr, click = found.episodes.price, found.episodes.ctr, found.episodes.click
    np.testing.assert_array_equal(found.rivalry, 1.0)
    counts = np.bincount(price.ravel(), minlength=landscape.cap + 1)
    often = landscape.probability * counts.sum() > 5
    expected = landscape.probability[often] * counts[often].sum() / landscape.probability[often].sum()
    assert stats.chisquare(counts[often], expected).pvalue > 0.001
    assert stats.ttest_1samp(ctr.ravel(), landscape.mean_ctr).pvalue > 0.001
    assert np.log(ctr).std() == pytest.approx(0.5, rel=0.02)
    assert click.mean() == pytest.approx(ctr.mean(), abs=4 * np.sqrt(ctr.mean() / ctr.size))


def test_rivals_raise_prices_as_the_highest_of_more_bids() -> None:
    """With r = 2 the price is the larger of two draws from the landscape."""
    landscape = synthetic_log()[0]
    seeds = np.zeros(400, int)
    varied = simulate(landscape, seeds, range(400), 200, VARIED)
    two = np.abs(np.log(varied.rivalry / 2.0)) < 0.1
    single = simulate(landscape, seeds, range(400, 800), 200, NOMINAL).episodes.price
    pairs = np.maximum(single[:, 0::2], single[:, 1::2])
    assert varied.episodes.price[:, two].mean() == pytest.approx(pairs.mean(), rel=0.05)
    assert np.log(varied.rivalry).std() == pytest.approx(VARIED.rivalry, rel=0.1)
    assert np.log(varied.level).std() == pytest.approx(VARIED.level, rel=0.1)


def test_an_episode_does_not_depend_on_its_batch() -> None:
    landscape: Landscape = synthetic_log()[0]
    many = simulate(landscape, [3, 4, 3], [7, 7, 8], 30)
    one = simulate(landscape, [4], [7], 30)
    for a, b in zip(many.episodes, one.episodes, strict=True):
        np.testing.assert_array_equal(a[:, 1], b[:, 0])
    assert not np.array_equal(many.episodes.price[:, 0], many.episodes.price[:, 2])
