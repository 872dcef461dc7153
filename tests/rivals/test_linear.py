"""The regression, the bandit on problems with a known answer, and the price against the offline optimum."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.optimize import linprog

from adrl_core.evaluate import play
from adrl_core.market import make_market
from adrl_core.market.channels import ChannelsMarket
from adrl_core.market.presets import CHANNELS_BIDS, PRESETS, STEPS
from adrl_core.rivals.bandit import Bandit, LinearBidder
from adrl_core.rivals.online_lp import LOWEST_PRICE, DualPrice, OnlineLP
from adrl_core.rivals.regression import KNOTS, Posterior, context_terms, price_terms, share_terms
from adrl_core.rivals.settings import LinearSettings, OnlineLPSettings

SETTINGS = LinearSettings(parts=2)


def test_posterior_against_least_squares() -> None:
    """The mean is the ridge solution, here as ordinary least squares on augmented data."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(2, 30, 4)), generator.normal(size=(2, 30, 3))
    posterior = Posterior(runs=2, features=4, targets=3, ridge=2.0)
    for part in (slice(0, 10), slice(10, 30)):
        posterior.update(torch.tensor(x[:, part]), torch.tensor(y[:, part]))
    for run in range(2):
        augmented = np.vstack((x[run], 2.0**0.5 * np.eye(4)))
        expected, *_ = np.linalg.lstsq(augmented, np.vstack((y[run], np.zeros((4, 3)))))
        assert_allclose(posterior.mean()[run].numpy(), expected, rtol=1e-9)


def test_draws_have_the_posteriors_covariance() -> None:
    generator = np.random.default_rng(1)
    x, n = generator.normal(size=(20, 3)), 40_000
    posterior = Posterior(runs=1, features=3, targets=2, ridge=1.0)
    posterior.update(torch.tensor(x[None]), torch.tensor(generator.normal(size=(1, 20, 2))))
    many = Posterior(runs=n, features=3, targets=2, ridge=1.0)
    many.precision, many.moment = posterior.precision.expand(n, 3, 3), posterior.moment.expand(n, 3, 2)
    drawn = many.draw(torch.tensor(generator.normal(size=(n, 3))), width=0.5).numpy()
    expected = 0.25 * np.linalg.inv(np.eye(3) + x.T @ x)
    assert_allclose(np.cov(drawn[:, :, 0].T), expected, atol=4.0 * expected.max() / n**0.5 * 2.0**0.5)
    assert_allclose(drawn[:, :, 1], np.tile(posterior.mean()[0, :, 1], (n, 1)))


def test_price_terms_interpolate() -> None:
    """At a knot one hat is 1; halfway between two, both are one half; beyond the last it stays there."""
    cost = torch.tensor([1.0])
    bids = torch.tensor([KNOTS[2], (KNOTS[3] + KNOTS[4]) / 2.0, KNOTS[-1] + 1.0]).exp()
    terms = price_terms(cost, torch.tensor([0.65 + 0.35]), bids)[0].numpy()
    expected = np.zeros((3, len(KNOTS)))
    expected[0, 2] = expected[2, -1] = 1.0
    expected[1, 3:5] = 0.5
    assert_allclose(terms, np.hstack((expected, expected)), atol=1e-6)


def test_predictions_are_weights_times_features() -> None:
    """What is played is the best of all joint actions, features and scores worked out one by one."""
    market, runs = make_market("channels"), 2
    bandit = Bandit("b", SETTINGS, runs)
    generator = torch.Generator().manual_seed(0)
    bandit.posterior.moment = torch.randn(bandit.posterior.moment.shape, generator=generator).double()
    bandit.learning = False
    state = market.reset([3] * 6, range(6))
    bandit.reset(market)
    action, weights = bandit.act(state), bandit.posterior.mean().float()
    for row in range(6):
        best, chosen = -np.inf, (0.0, ())
        context = context_terms(state[row : row + 1], market.bids, SETTINGS.harmonics)[0]
        for level, bid in enumerate(CHANNELS_BIDS):
            for allocation in bandit.actions.allocations:
                features = torch.outer(context[level], share_terms(allocation)).flatten()
                score = float(features @ weights[row // 3, :, 0])
                if score > best:
                    best, chosen = score, (bid, allocation.tolist())
        assert float(action.bid[row]) == pytest.approx(chosen[0])
        assert action.allocation[row].tolist() == chosen[1]


def one_good_channel() -> ChannelsMarket:
    """A market in which only display is ever clicked, and a click is worth any bid: all on it, and high."""
    constants = replace(
        PRESETS["channels"],
        price_level=(2.0, 2.0, 2.0),
        click_rate=(1e-9, 0.3, 1e-9),
        conversion_rate=(0.3, 0.3, 0.3),
        click_season=0.0,
        conversion_season=0.0,
    )
    return ChannelsMarket(constants)


@pytest.mark.parametrize("bidder", [Bandit("b", SETTINGS, 2), OnlineLP("o", OnlineLPSettings(parts=2), 2)])
def test_the_best_arm_is_found(bidder: LinearBidder) -> None:
    market = one_good_channel()
    for number in range(10):
        play(bidder, market, np.arange(2), np.full(2, number))
    bidder.learning = False
    state = market.reset([5] * 20, range(20))
    bidder.reset(market)
    on_display = bids = 0.0
    for _ in range(STEPS):
        action = bidder.act(state)
        on_display += float(action.allocation[:, 1].mean()) / STEPS
        bids += float(action.bid.mean()) / STEPS
        state = market.step(action.bid, action.allocation).state
    assert on_display > 0.95
    assert bids > CHANNELS_BIDS[-3]


def test_who_cannot_pay_learns_nothing() -> None:
    """Once the money is gone, steps leave the regression as it was."""
    market = ChannelsMarket(replace(PRESETS["channels"], budget=0.4))
    bandit = Bandit("b", SETTINGS, 1)
    before = bandit.posterior.precision.clone()
    play(bandit, market, np.array([1]), np.array([0]))
    assert torch.equal(bandit.posterior.precision, before)
    assert not bandit.posterior.moment.any()


def test_runs_do_not_depend_on_those_beside_them() -> None:
    def rewards(seeds: list[int]) -> np.ndarray:
        market, bidder = make_market("pacing"), OnlineLP("o", OnlineLPSettings(parts=2), len(seeds))
        plays = [play(bidder, market, np.array(seeds), np.full(len(seeds), n)) for n in range(3)]
        return np.stack([frame["reward"] for frame in plays], 1)

    assert_allclose(rewards([4, 5])[1], rewards([5])[0], rtol=1e-6)


def test_what_was_learned_for_profit_is_played_for_profit() -> None:
    """Whichever reward the market that is played then carries."""
    bidder = OnlineLP("o", OnlineLPSettings(parts=2), 2)
    worlds = [make_market("margin", reward=reward) for reward in ("profit", "shaped")]
    play(bidder, worlds[0], np.arange(2), np.zeros(2, int))
    bidder.learning, actions = False, []
    for world in worlds:
        state = world.reset([5] * 20, range(20))
        bidder.reset(world)
        actions.append(bidder.act(state))
    assert torch.equal(actions[0].bid, actions[1].bid)
    bidder.by = "shaped"
    assert not torch.equal(bidder.act(state).bid, actions[1].bid)


def test_the_price_is_mirror_descent() -> None:
    """Multiplied step by step by exp(gain (spend / budget - 1 / steps)), it is where the lead says."""
    spends, steps, gain = np.array([0.3, 0.0, 0.1, 0.25]), 10, 3.0
    stepwise = 0.2 * np.cumprod(np.exp(gain * (spends - 1.0 / steps)))
    left, time = 1.0 - spends.cumsum(), 1.0 - np.arange(1, 5) / steps
    price = DualPrice(runs=1, start=0.2, gain=gain, rate=0.5)
    assert_allclose([float(price(torch.tensor([lead]))) for lead in left - time], stepwise)
    for lead in left - time:
        price.note(torch.tensor([lead]))
    price.close()
    mean = np.exp(np.log(0.2) + 0.5 * (np.log(stepwise) - np.log(0.2)).mean())
    assert_allclose(price.log_start.exp().numpy(), mean)


def knapsack(
    price: DualPrice, seed: int, steps: int, budget: float, learn: bool
) -> tuple[float, float, float]:
    """Requests of random value and cost, taken one by one where value exceeds price times cost.

    Returns:
        Value gained online, that of the offline optimum, and the offline program's dual price.
    """
    generator = np.random.default_rng(seed)
    value, cost = generator.uniform(size=steps), generator.uniform(0.2, 1.0, size=steps)
    left, gained = budget, 0.0
    for t in range(steps):
        lead = torch.tensor([left / budget - (steps - t) / steps])
        if learn:
            price.note(lead)
        if value[t] > float(price(lead)) * cost[t] and cost[t] <= left:
            left, gained = left - cost[t], gained + value[t]
    if learn:
        price.close()
    offline = linprog(-value, A_ub=cost[None], b_ub=[budget], bounds=(0.0, 1.0))
    return gained, -float(offline.fun), -float(offline.ineqlin.marginals[0])


def test_a_knapsack_is_filled_almost_as_well_as_offline() -> None:
    steps, budget = 200, 40.0
    price = DualPrice(runs=1, start=0.05, gain=4.0, rate=0.2)
    for seed in range(40):
        knapsack(price, seed, steps, budget, learn=True)
    outcomes = np.array([knapsack(price, 1000 + seed, steps, budget, learn=False) for seed in range(10)])
    assert outcomes[:, 0].sum() > 0.95 * outcomes[:, 1].sum()
    assert float(price.log_start.exp()) == pytest.approx(outcomes[:, 2].mean(), rel=0.15)


def test_money_to_spare_has_no_price() -> None:
    price = DualPrice(runs=1, start=0.5, gain=4.0, rate=0.2)
    for seed in range(40):
        gained, best, _ = knapsack(price, seed, steps=50, budget=1000.0, learn=True)
    assert float(price.log_start.exp()) == pytest.approx(LOWEST_PRICE)
    assert gained == pytest.approx(best, rel=1e-3)
