"""The recursion behind the lookahead: its interpolation, its transitions and its shadow price."""

import numpy as np
import pytest
import torch

from adrl_core.agents.lookahead import (
    COMPETITIONS,
    LOG_COSTS,
    SHADOW_PRICES,
    VOLATILITIES,
    Lookahead,
    _transitions,
    interpolation,
    shadow_price,
    spend_to_go,
    transition,
)
from adrl_core.agents.oracle import ActionGrid, Oracle, expected_value, read_state
from adrl_core.evaluate import play
from adrl_core.market import make_market
from adrl_core.market.presets import PRESETS, STEPS


def test_interpolation_by_hand():
    weights = interpolation(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.0, 1.25, 3.0, 9.0]))
    expected = [[1, 0, 0], [0.75, 0.25, 0], [0, 0, 1], [0, 0, 1]]
    torch.testing.assert_close(weights, torch.tensor(expected, dtype=torch.float32))


def test_transition_keeps_probability_and_mean():
    nodes = torch.linspace(-3.0, 3.0, 31)
    matrix = transition(nodes, 0.9 * nodes, 0.1)
    torch.testing.assert_close(matrix.sum(1), torch.ones(31))
    torch.testing.assert_close((matrix @ nodes)[5:-5], 0.9 * nodes[5:-5])


def test_transitions_follow_the_market():
    """Mean of the next cost and competition on the grid against the market's own paths."""
    market = make_market("pacing")
    market.reset(np.zeros(4000, int), np.arange(4000))
    path = market.path
    cost_steps, level_steps = (matrices.mean(0) for matrices in _transitions(PRESETS["pacing"]))
    now, following = path.cost_per_click[20].log(), path.cost_per_click[21].log()
    surplus = following - interpolation(LOG_COSTS, now) @ cost_steps @ LOG_COSTS
    assert abs(surplus.mean()) < 4 * surplus.std() / np.sqrt(4000) + 1e-3
    surplus = (
        path.competition[21] - interpolation(COMPETITIONS, path.competition[20]) @ level_steps @ COMPETITIONS
    )
    assert abs(surplus.mean()) < 4 * surplus.std() / np.sqrt(4000) + 1e-3


def test_shadow_price_solves_for_the_money():
    prices = SHADOW_PRICES
    planned = (1000.0 / (1.0 + prices)).expand(3, -1)
    money = torch.tensor([2000.0, 400.0, 0.0])
    found = shadow_price(planned, money)
    assert found[0].item() == 0.0
    assert found[1].item() == pytest.approx(1.5, rel=0.05)
    assert found[2].item() == pytest.approx(prices[-1].item())


@pytest.fixture(scope="module")
def planned():
    market = make_market("pacing")
    market.reset([0], [0])
    grid = ActionGrid(market, "bidding")
    return grid, spend_to_go(grid, "shaped")


def test_spend_falls_with_its_price(planned):
    _, plan = planned
    axes = (len(LOG_COSTS), len(COMPETITIONS), len(VOLATILITIES), len(SHADOW_PRICES))
    assert plan.shape == (STEPS, *axes)
    # Rounding may leave a hair's breadth.
    assert bool((plan.diff(dim=-1) <= 1e-3).all())
    assert bool((plan >= 0).all())


def test_plan_is_the_spend_of_the_rule(planned):
    """At a fixed price, the plan of the first step is what the rule spends over the market paths."""
    grid, plan = planned
    rows, index = 400, 12
    market = make_market("margin")
    market.reset(np.zeros(rows, int), np.arange(rows))
    path, total = market.path, torch.zeros(rows)
    unshifted = torch.zeros(rows, dtype=torch.bool)
    for t in range(STEPS):
        time = torch.full((rows,), float(t))
        expected = grid.expect(time, path.cost_per_click[t], path.competition[t], path.volatility, unshifted)
        spend = expected.spend.flatten(1)
        best = (expected_value("shaped", expected).flatten(1) - SHADOW_PRICES[index] * spend).argmax(1)
        total += spend.gather(1, best[:, None])[:, 0]
    weights = (
        interpolation(LOG_COSTS, path.cost_per_click[0].log()),
        interpolation(COMPETITIONS, path.competition[0]),
        interpolation(VOLATILITIES, path.volatility),
    )
    ahead = torch.einsum("ri,rj,rv,ijv->r", *weights, plan[0, ..., index])
    assert ahead.mean().item() == pytest.approx(total.mean().item(), rel=0.02)


def lagrangian_bound(by, rows=200):
    """Least over fixed prices of E[sum of max(value - price spend)] + price budget, at unit demand."""
    market = make_market("pacing")
    market.reset(np.full(rows, 77), np.arange(rows))
    grid, path = ActionGrid(market), market.path
    prices = torch.linspace(0.0, 2.0, 21)
    gained = torch.zeros(len(prices))
    unshifted = torch.zeros(rows, dtype=torch.bool)
    for t in range(STEPS):
        time = torch.full((rows,), float(t))
        expected = grid.expect(time, path.cost_per_click[t], path.competition[t], path.volatility, unshifted)
        value, spend = expected_value(by, expected).flatten(1), expected.spend.flatten(1)
        gained += torch.stack([(value - price * spend).max(1).values.mean() for price in prices])
    return (gained + prices * market.budget).min().item()


@pytest.mark.slow
def test_lookahead_beats_the_myopic_oracle_and_stays_below_the_bound():
    seeds, bank = np.full(200, 77), np.arange(200)
    market = make_market("pacing")
    reward, myopic = (
        play(policy, market, seeds, bank)["reward"] for policy in (Lookahead("lookahead"), Oracle("oracle"))
    )
    bound = lagrangian_bound("shaped")
    assert bound == pytest.approx(411, rel=0.04)
    assert 1.8 * myopic.mean() < reward.mean() < bound


def test_without_a_binding_budget_it_is_the_oracle():
    market = make_market("margin")
    state = market.reset(np.zeros(30, int), np.arange(30))
    market.budget = 1e9
    lookahead, oracle = Lookahead("lookahead", free="bidding"), Oracle("oracle", free="bidding")
    actions = []
    for policy in (lookahead, oracle):
        policy.reset(market)
        actions.append(policy.act(state).bid)
    assert torch.equal(*actions)
    assert read_state(state)[0].tolist() == [0.0] * 30
