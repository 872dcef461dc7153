"""The published market against draws of its own equations, and bad input of any market's step."""

import numpy as np
import pytest
import torch

from adrl_core.market import make_market
from adrl_core.market.presets import STEPS
from adrl_core.market.published import click_probability, conversion_probability, win_probability


def test_probabilities_by_hand():
    cost, competition = torch.tensor([2.0, 0.5]), torch.tensor([0.6, 1.0])
    bid = torch.tensor([3.0, 5.0])
    expected = [0.7 / (1 + np.exp(-2.5)), 0.5 / (1 + np.exp(-45.0))]
    torch.testing.assert_close(win_probability(bid, cost, competition), torch.tensor(expected).float())
    torch.testing.assert_close(click_probability(bid, cost), torch.tensor([0.075, 0.2]))
    torch.testing.assert_close(conversion_probability(bid, cost), torch.tensor([0.15, 0.3]))


def test_outcomes_against_numpy_draws():
    """Wins, clicks, conversions and spend of a whole episode have the means of plain NumPy draws."""
    rows, bid = 3000, 4.0
    market = make_market("published")
    market.reset(np.full(rows, 1), np.arange(rows))
    action = torch.full((rows,), bid), torch.full((rows, 3), 1 / 3)
    ours = np.zeros((4, rows))
    for _ in range(STEPS):
        auctions = market.step(*action).auctions
        fields = (auctions.impressions, auctions.clicks, auctions.conversions, auctions.spend)
        ours += torch.stack(fields).numpy()
    rng, theirs = np.random.default_rng(0), np.zeros((4, rows))
    day, volatility = market.path.demand.numpy(), market.path.volatility.numpy()
    for t in range(STEPS):
        cost, level = market.path.cost_per_click[t].numpy(), market.path.competition[t].numpy()
        offered = (rng.poisson(10, rows) * day).astype(int)
        wins = rng.binomial(offered, (1 - 0.5 * level) / (1 + np.exp(-5 * (bid / cost - 1))))
        clicks = rng.binomial(wins, np.minimum(0.2, 0.05 * bid / cost))
        conversions = rng.binomial(clicks, np.minimum(0.3, 0.1 * bid / cost))
        spend = cost * (clicks + volatility * np.sqrt(clicks) * rng.standard_normal(rows))
        theirs += np.stack((wins, clicks, conversions, spend))
    difference = ours - theirs
    z = difference.mean(1) / (difference.std(1) / np.sqrt(rows))
    assert np.abs(z).max() < 4


def test_allocation_is_not_read():
    """Check 7, last part."""
    states = []
    for shares in ((1.0, 0.0, 0.0), (0.2, 0.3, 0.5)):
        market = make_market("published")
        market.reset(np.zeros(30, int), np.arange(30))
        allocation = torch.tensor(shares).expand(30, 3)
        steps = [market.step(torch.full((30,), 3.0), allocation) for _ in range(STEPS)]
        states.append(torch.stack([step.state for step in steps]))
    assert torch.equal(*states)


def test_every_draw_is_possible():
    market = make_market("published")
    market.reset(np.zeros(300, int), np.arange(300))
    for level in np.random.default_rng(0).integers(10, size=STEPS):
        auctions = market.step(market.bids[[level]].expand(300), torch.full((300, 3), 1 / 3)).auctions
        assert bool((auctions.conversions >= 0).all() and (auctions.conversions <= auctions.clicks).all())
        assert bool((auctions.clicks <= auctions.impressions).all())
        assert bool((market.remaining > 0.9 * market.budget).all())


@pytest.mark.parametrize("name", ["published", "channels"])
def test_state_is_scaled_as_published(name):
    market = make_market(name)
    state = market.reset([0, 0], [0, 1])
    assert state.shape == (2, 10)
    path = market.path
    start = [
        1.0,
        path.cost_per_click[0, 0] / 5,
        path.competition[0, 0],
        1.0,
        0,
        0,
        0,
        path.volatility[0],
        0,
        0,
    ]
    torch.testing.assert_close(state[0], torch.tensor(start))
    steps = [market.step(torch.full((2,), 4.5), torch.full((2, 3), 1 / 3)) for _ in range(12)]
    state = steps[-1].state[0]
    total = {
        field: sum(float(getattr(s.auctions, field)[0]) for s in steps)
        for field in ("conversions", "clicks", "impressions", "spend")
    }
    returns = [
        float(s.profit[0] / s.auctions.spend[0]) if s.auctions.spend[0] > 0 else 0.0 for s in steps[-10:]
    ]
    expected = {
        0: 1 - total["spend"] / market.budget,
        3: 0.88,
        4: total["conversions"] / 100,
        5: total["clicks"] / 1000,
        6: total["impressions"] / 10_000,
        8: np.mean(returns),
        9: np.std(returns),
    }
    for index, value in expected.items():
        assert state[index].item() == pytest.approx(value, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("bid", "allocation"), [((3,), (4, 3)), ((4, 1), (4, 3)), ((4,), (3,)), ((4,), (4, 2)), ((4,), (1, 3))]
)
def test_wrong_shapes_are_named(bid, allocation):
    market = make_market("channels")
    market.reset(np.zeros(4, int), np.arange(4))
    with pytest.raises(ValueError, match=r"expected \(4,\) and \(4, 3\)"):
        market.step(torch.ones(bid), torch.full(allocation, 1 / 3))


def test_a_step_after_the_end_is_refused():
    market = make_market("published")
    market.reset([0], [0])
    action = torch.ones(1), torch.full((1, 3), 1 / 3)
    for _ in range(STEPS):
        market.step(*action)
    with pytest.raises(ValueError, match="ended after 100 steps"):
        market.step(*action)
