"""Noise against OpenDP and SciPy, sensitivities against drawn neighbours, composition against hand sums."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from adrl_core.agents.policy import Action
from adrl_core.config import ConfigurationError, Team
from adrl_core.governance.accounting import approximate_epsilon, composed_epsilon
from adrl_core.governance.privacy import (
    COLUMNS,
    FEATURES,
    HIGHEST_COUNT,
    NOISE_KEY,
    ROI_BOUNDS,
    Private,
    PrivateMarket,
    highest_price,
    keyed_laplace,
    noise_scale,
    sensitive_features,
)
from adrl_core.market import make_market
from adrl_core.market.noise import Purpose
from adrl_core.market.presets import STATE_NAMES, STEPS
from adrl_core.market.reward import profit, roi

OPEN = [column for column in range(10) if column not in COLUMNS]


class Watcher:
    """Keeps the states it is shown."""

    name = "watcher"

    def reset(self, market):
        self.market, self.states = market, []

    def act(self, state):
        self.states.append(state)
        rows = self.market.rows
        return Action(torch.full((rows,), 2.0), torch.full((rows, 3), 1 / 3))

    def observe(self, step):
        pass


def watched(epsilon, rows=50, name="channels", seed=5):
    """States that a private policy saw and those it would have seen, (STEPS, rows, 10)."""
    market, inner = make_market(name), Watcher()
    policy = inner if epsilon is None else Private(inner, epsilon)
    state = market.reset([seed] * rows, range(rows))
    policy.reset(market)
    true = []
    for _ in range(STEPS):
        true.append(state)
        state = market.step(*policy.act(state)).state
    return torch.stack(inner.states), torch.stack(true)


def test_the_sensitive_features_are_those_that_outcomes_enter():
    assert [STATE_NAMES[column] for column in OPEN] == [
        "cost per click",
        "competition",
        "time remaining",
        "volatility",
    ]


@settings(deadline=None, max_examples=200)
@given(
    data=st.data(),
    name=st.sampled_from(["channels", "pacing", "published"]),
    steps=st.integers(1, STEPS),
)
def test_no_impression_moves_a_feature_beyond_its_sensitivity(data, name, steps):
    """Takes one impression, click and conversion out of one step of any past and compares the states."""
    market = make_market(name, dtype=torch.float64)
    bound = highest_price(market)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    conversions = torch.tensor(rng.poisson(rng.choice([0.0, 0.3, 3.0]), steps))
    clicks = conversions + torch.tensor(rng.poisson(rng.choice([0.0, 1.0, 10.0]), steps))
    impressions = clicks + torch.tensor(rng.poisson(5.0, steps))
    spend = clicks * bound * torch.tensor(rng.uniform(0.0, 0.5, steps) ** 3)
    hit = data.draw(st.integers(max(0, steps - 12), steps - 1))
    price = data.draw(st.floats(0.001, bound))
    converted = data.draw(st.booleans())

    def features(conversions, clicks, impressions, spend):
        market.reset([0], [0])
        market.t = steps
        totals = torch.stack((conversions.sum(), clicks.sum(), impressions.sum()))
        market.totals = totals.double()[:, None]
        market.remaining = (market.budget - spend.sum()).clamp_min(0.0)[None]
        market.roi_history[:steps, 0] = roi(profit(conversions, spend), spend)
        return market.state()[0]

    before = features(conversions, clicks, impressions, spend)
    for column, extra in ((conversions, converted), (clicks, 1), (impressions, 1), (spend, price)):
        column[hit] += extra
    after = features(conversions, clicks, impressions, spend)
    for column, low, high, sensitivity in sensitive_features(market.budget, bound):
        moved = (after[column].clamp(low, high) - before[column].clamp(low, high)).abs()
        assert moved <= sensitivity * (1 + 1e-12) + 1e-15, STATE_NAMES[column]
    assert torch.equal(before[OPEN], after[OPEN])


def test_unclipped_roi_has_no_sensitivity():
    # One conversion on a cheap click: the reason why the ROI features are clipped at all.
    spend = torch.tensor([0.01])
    assert float(roi(profit(torch.ones(1), spend), spend)) > 100 * ROI_BOUNDS[1]


def test_scale_by_hand():
    # 0.01 of sensitivity, budget 1 shared by 600 numbers: each has 1/600, so b = 0.01 * 600.
    assert noise_scale(0.01, 1.0, 600) == pytest.approx(6.0)
    assert noise_scale(0.01, 0.1, 600) == pytest.approx(60.0)


def test_noise_is_laplace_and_like_opendp():
    dp = pytest.importorskip("opendp.prelude")
    dp.enable_features("contrib")
    noise = keyed_laplace([1] * 40, range(40)).ravel()
    space = dp.vector_domain(dp.atom_domain(T=float, nan=False)), dp.l1_distance(T=float)
    theirs = dp.m.make_laplace(*space, scale=1.0)([0.0] * 20_000)
    assert stats.kstest(noise, stats.laplace.cdf).pvalue > 0.01
    # The draws of OpenDP cannot be seeded; a level of 1e-6 makes a false alarm rarer than a broken disk.
    assert stats.ks_2samp(noise, theirs).pvalue > 1e-6


def test_noise_depends_on_its_own_key_alone():
    together = keyed_laplace([3, 4, 4], [7, 7, 8])
    np.testing.assert_array_equal(together[:, 1], keyed_laplace([4], [7])[:, 0])
    assert len({tuple(column) for column in together[:, :, 0].T}) == 3
    assert NOISE_KEY not in list(Purpose)


def test_the_policy_sees_noise_of_the_right_scale():
    epsilon = 200_000.0
    seen, true = watched(epsilon)
    assert torch.equal(seen[..., OPEN], true[..., OPEN])
    for column, low, high, sensitivity in sensitive_features(10_000.0, 4.5):
        scale = noise_scale(sensitivity, epsilon, STEPS * FEATURES)
        away = (true[..., column] > low + 12 * scale) & (true[..., column] < high - 12 * scale)
        noise = (seen[..., column] - true[..., column])[away]
        assert len(noise) > 500
        assert float(noise.abs().mean()) == pytest.approx(scale, rel=0.15), STATE_NAMES[column]


def test_what_is_seen_stays_in_range():
    seen, _ = watched(epsilon=0.01)
    for column, low, high, _ in sensitive_features(10_000.0, 4.5):
        assert float(seen[..., column].min()) == pytest.approx(low)
        assert float(seen[..., column].max()) == pytest.approx(high)


def test_less_budget_is_more_noise_and_much_budget_almost_none():
    errors = []
    for epsilon in (0.1, 1.0, 1_000.0, 1e7):
        seen, true = watched(epsilon)
        errors.append(float((seen[..., 4] - true[..., 4].clamp(0, HIGHEST_COUNT)).abs().mean()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-5 < 0.5 < errors[1]


def test_a_private_market_shows_what_a_private_policy_sees():
    seen, _ = watched(0.5, rows=4)
    market = PrivateMarket(make_market("channels"), 0.5)
    state, policy = market.reset([5] * 4, range(4)), Watcher()
    policy.reset(market)
    for _ in range(STEPS):
        step = market.step(*policy.act(state))
        state = step.state
    assert torch.equal(torch.stack(policy.states), seen)
    assert torch.equal(state, seen[-1])  # nothing is released after the last decision


def test_a_team_learns_in_a_private_market():
    from adrl_core.agents.team import TeamLearner

    learner = TeamLearner(Team(), [0])
    episode = learner.play_episode(PrivateMarket(make_market("channels"), 1.0), 0)
    assert episode.state.shape == (1, STEPS, 10) and bool(episode.state.isfinite().all())
    assert float(episode.state[..., 4].std()) > 0.5  # the counts of a plain episode spread far less


@pytest.mark.parametrize("epsilon", [0.0, -1.0, math.nan, math.inf])
def test_a_budget_that_is_none_is_refused(epsilon):
    with pytest.raises(ConfigurationError, match=r"epsilon = .*finite number above 0"):
        Private(Watcher(), epsilon)


def test_the_budget_of_an_episode_is_kept():
    pytest.importorskip("opendp")
    for epsilon in (0.1, 1.0, 10.0):
        scale = noise_scale(1.0, epsilon, STEPS * FEATURES)
        assert composed_epsilon(scale) == pytest.approx(epsilon, rel=1e-9)
        assert composed_epsilon(scale) >= epsilon  # rounded up, never down


def test_the_published_scheme_does_not_keep_it():
    """Noise for epsilon 1.0 in a step, as if a step were all: by hand 100 x 1.0, and 1000 x 100."""
    pytest.importorskip("opendp")
    scale = noise_scale(1.0, 1.0, FEATURES)
    assert composed_epsilon(scale, steps=1) == pytest.approx(1.0, rel=1e-9)
    assert composed_epsilon(scale) == pytest.approx(100.0, rel=1e-9)
    assert composed_epsilon(scale, episodes=1000) == pytest.approx(100_000.0, rel=1e-9)
    # Noise for 1.0 on each feature by itself is six times worse still.
    assert composed_epsilon(1.0) == pytest.approx(100.0 * FEATURES, rel=1e-9)


def test_approximate_composition_by_hand():
    pytest.importorskip("opendp")
    # rho of 600,000 releases of epsilon 1/600 each, and Bun & Steinke's bound on what it is worth.
    rho, delta = 600_000 * (1 / 600) ** 2 / 2, 1e-6
    bound = rho + 2 * math.sqrt(rho * math.log(1 / delta))
    scale = noise_scale(1.0, 1.0, STEPS * FEATURES)
    epsilon = approximate_epsilon(scale, delta, episodes=1000)
    assert 0.8 * bound < epsilon <= bound
    assert epsilon < composed_epsilon(scale, episodes=1000) / 100
