"""The closed form against simulation, and the oracle's choice against enumeration."""

import numpy as np
import pytest
import torch

from adrl_core.agents.oracle import ActionGrid, Expected, Oracle, expected_value, grid_allocations, read_state
from adrl_core.market import make_market
from adrl_core.market.presets import STEPS


def test_allocations_in_tenths():
    allocations = grid_allocations()
    assert allocations.shape == (66, 3) and len(allocations.unique(dim=0)) == 66
    torch.testing.assert_close(allocations.sum(1), torch.ones(66, dtype=torch.float64))
    assert bool((allocations >= 0).all())


def test_expected_value_by_hand():
    clicks, conversions, spend = torch.tensor(2.0), torch.tensor(0.5), torch.tensor(3.0)
    expected = Expected(clicks, conversions, spend)
    assert expected_value("profit", expected).item() == pytest.approx(22.0)
    by_hand = 10 * 0.5 + 20 * (1 - np.exp(-2.0)) * 0.25 + 0.5 * 2 - 0.2 * 3
    assert expected_value("shaped", expected).item() == pytest.approx(by_hand)
    nothing = Expected(*torch.zeros(3))
    assert expected_value("shaped", nothing).item() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("by", ["shaped", "profit"])
def test_closed_form_against_simulation(by):
    """Mean over markets of what one step of an action brings, less its expected value, is noise."""
    rows = 20_000
    market = make_market("channels")
    state = market.reset(np.zeros(rows, int), np.arange(rows))
    grid = ActionGrid(market)
    expected = grid.expect(*read_state(state), torch.zeros(rows, dtype=torch.bool))
    level, mix = 8, 40
    # The oracle takes hidden demand as 1; here it is known, so that what remains is noise.
    one = Expected(*(mean[:, level, mix] * market.path.demand for mean in expected))
    step = market.step(grid.bids[[level]].expand(rows), grid.allocations[mix].expand(rows, 3))
    value = step.profit if by == "profit" else step.shaped
    surplus = value - expected_value(by, one)
    assert abs(surplus.mean()) < 4 * surplus.std() / np.sqrt(rows)


@pytest.mark.parametrize("free", ["both", "bidding", "budget"])
def test_oracle_takes_the_best_action(free):
    market = make_market("margin")
    state = market.reset(np.zeros(5, int), np.arange(5))
    oracle = Oracle("oracle", by="profit", free=free)
    oracle.reset(market)
    bid, allocation, asked = oracle.act(state)
    grid = ActionGrid(market)
    value = expected_value("profit", grid.expect(*read_state(state), torch.zeros(5, dtype=torch.bool)))
    if free == "both":
        torch.testing.assert_close(
            torch.stack(
                [
                    (grid.bids[:, None] == bid[i]).expand(10, 66) & (grid.allocations == allocation[i]).all(1)
                    for i in range(5)
                ]
            )
            .mul(value)
            .flatten(1)
            .sum(1),
            value.flatten(1).max(1).values,
        )
        assert asked.tolist() == [2.0] * 5
    elif free == "bidding":
        torch.testing.assert_close(allocation, torch.full((5, 3), 1 / 3))
        assert asked.tolist() == [1.0] * 5
    else:
        assert bid.tolist() == [market.default_bid] * 5
        best = grid.allocations[value[:, 4].argmax(1)]
        assert torch.equal(allocation, best)


def test_beliefs_about_the_regime():
    market = make_market("shift")
    state = market.reset(np.zeros(50, int), np.arange(50))
    oracles = {belief: Oracle(belief, belief=belief) for belief in ("first", "threshold", "known")}
    for oracle in oracles.values():
        oracle.reset(market)
    shares = []
    for t in range(STEPS):
        believed = {name: oracle._believe(state) for name, oracle in oracles.items()}
        assert not bool(believed["first"].any())
        assert torch.equal(believed["known"], market.shift_time <= t)
        shares.append((believed["threshold"] == believed["known"]).float().mean())
        state = market.step(torch.ones(50), torch.full((50, 3), 1 / 3)).state
    assert torch.stack(shares).mean().item() == pytest.approx(0.935, abs=0.03)


def test_published_market_has_no_oracle():
    market = make_market("published")
    market.reset([0], [0])
    with pytest.raises(TypeError, match="PublishedMarket"):
        Oracle("oracle").reset(market)
