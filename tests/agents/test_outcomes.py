"""The outcome model against loops, SciPy's Poisson and a channel worked out by hand."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from adrl_core.agents.outcomes import (
    CONTEXT,
    TERMS,
    OutcomeModel,
    Outcomes,
    Plans,
    bid_coordinate,
    context,
    terms,
)
from adrl_core.market.presets import CHANNELS, CHANNELS_BIDS, STATE_SIZE

BIDS = torch.tensor(CHANNELS_BIDS)


def filled(runs: int, seed: int = 0) -> OutcomeModel:
    """A model with random weights."""
    model = OutcomeModel(runs)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        model.weights.weight.copy_(0.05 * torch.randn(model.weights.weight.shape, generator=generator))
        model.curvature.values.copy_(torch.rand(model.curvature.values.shape, generator=generator))
    return model


def test_context_of_a_state() -> None:
    state = torch.zeros(STATE_SIZE)
    state[1], state[2], state[3], state[7] = 2.0 * math.e**0.4 / 5.0, 0.75, 0.75, 0.3
    expected = (1.0, 0.6, -0.5, 0.0, 1.0, 1.5)
    np.testing.assert_allclose(context(state), expected, atol=1e-5)


def test_context_sees_only_what_no_action_moves() -> None:
    state = torch.rand(STATE_SIZE)
    other = state.clone()
    other[[0, 4, 5, 6, 8, 9]] += 1.0
    assert torch.equal(context(state), context(other))


def test_bid_coordinate_spans_the_levels() -> None:
    coordinate = bid_coordinate(BIDS, BIDS)
    assert coordinate[0] == -1.0
    assert coordinate[-1] == 1.0
    middle = torch.tensor(math.sqrt(CHANNELS_BIDS[0] * CHANNELS_BIDS[-1]))
    assert bid_coordinate(middle, BIDS) == pytest.approx(0.0, abs=1e-6)


def test_terms_against_a_loop() -> None:
    generator = np.random.default_rng(0)
    seen, bid = generator.normal(size=len(CONTEXT)), 0.7
    variables = [*seen, bid]
    products = [a * b for i, a in enumerate(variables) for b in variables[i:]]
    expected = [*variables, *products, *(bid * bid * v for v in variables)]
    found = terms(torch.from_numpy(seen), torch.tensor(bid, dtype=torch.float64))
    assert found.shape == (TERMS,)
    np.testing.assert_allclose(found, expected)


def test_reach_ends_and_rises_concavely() -> None:
    share = torch.linspace(0.0, 1.0, 11)[None, :, None].expand(2, 11, CHANNELS)
    reached = filled(2).reach(share).detach()
    np.testing.assert_allclose(reached[:, 0], 0.0)
    np.testing.assert_allclose(reached[:, -1], 1.0, rtol=1e-6)
    steps = reached.diff(dim=1)
    assert (steps > 0).all()
    assert (steps.diff(dim=1) < 1e-6).all()


def test_loss_is_the_poisson_likelihood_up_to_a_constant() -> None:
    generator = torch.Generator().manual_seed(1)
    seen = torch.randn(1, 5, len(CONTEXT), generator=generator)
    level = torch.tensor([[0, 3, 5, 7, 9]])
    bid = BIDS[level]
    allocation = torch.rand(1, 5, CHANNELS, generator=generator).softmax(2)
    clicks, conversions = torch.tensor([[0.0, 3, 1, 7, 2]]), torch.tensor([[0.0, 1, 0, 2, 0]])
    spent = torch.tensor([[0, 2, 1, 5, 1]])
    outcomes = Outcomes(clicks, conversions, spent * bid)
    coordinate = bid_coordinate(bid, BIDS)
    gaps = []
    for seed in (0, 1):
        model = filled(1, seed)
        loss = model.loss(seen, coordinate, bid, allocation, outcomes).detach().double()
        means = model.by_channel(seen, coordinate, bid)
        reached = model.reach(allocation)
        k, c, s = ((mean * reached).sum(2).detach().double().numpy() for mean in means)
        likelihood = (
            stats.poisson.logpmf(clicks, k)
            + stats.poisson.logpmf(conversions, c)
            + stats.poisson.logpmf(spent, s / bid.numpy())
        )
        gaps.append(loss.numpy() + likelihood)
    np.testing.assert_allclose(gaps[0], gaps[1], atol=1e-4)


def test_plans_expect_what_the_model_says_of_each_action() -> None:
    model, plans = filled(2), Plans(BIDS)
    seen = torch.randn(2, 3, len(CONTEXT), generator=torch.Generator().manual_seed(2))
    found = plans.expect(model, seen)
    assert found.clicks.shape == (2, 3, len(BIDS), 67)
    np.testing.assert_allclose(plans.allocations.sum(1), 1.0, rtol=1e-6)
    for level, candidate in ((0, 0), (4, 17), (9, 66)):
        bid = BIDS[level].expand(2, 3)
        means = model.by_channel(seen, bid_coordinate(bid, BIDS), bid)
        reached = model.reach(plans.allocations[candidate].expand(2, 3, CHANNELS))
        for of_plan, mean in zip(found, means, strict=True):
            expected = (mean * reached).sum(2).detach()
            np.testing.assert_allclose(of_plan[:, :, level, candidate].detach(), expected, rtol=1e-5)
    assert (found.conversions < found.clicks).all()
    assert (found.spend < found.clicks * BIDS[:, None]).all()
