"""The nearest fair allocation against SciPy's solver and brute force; no unfair one gets past `Fair`."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from adrl_core.agents.baselines import Constant, Random
from adrl_core.agents.oracle import Oracle
from adrl_core.agents.policy import Action
from adrl_core.evaluate import play
from adrl_core.governance.fair_allocation import (
    GRID,
    Fair,
    exposure_ratio,
    nearest_fair,
    simplex_grid,
    win_chances,
)
from adrl_core.governance.fairness import (
    AUDIENCE,
    FOUR_FIFTHS,
    Audited,
    ByChannel,
    expected_people,
    group_rates,
    parity_ratio,
)
from adrl_core.market import make_market
from adrl_core.market.channels import reach
from adrl_core.market.presets import CHANNELS, PRESETS, STEPS

CONSTANTS = PRESETS["channels"]


def drawn(rows, seed=0):
    """Allocations and chances to win, some of them small."""
    rng = np.random.default_rng(seed)
    allocation = torch.tensor(rng.dirichlet(np.full(CHANNELS, 0.5), rows))
    return allocation, torch.tensor(rng.uniform(0, 1, (rows, CHANNELS)) ** 2)


def ratio_by_hand(allocation, chances, curvature=CONSTANTS.reach_curvature):
    exposed = (
        (1 - np.exp(-curvature * np.asarray(allocation))) / (1 - np.exp(-curvature)) * np.asarray(chances)
    )
    rates = [sum(exposed[c] * AUDIENCE[c, g] for c in range(3)) / AUDIENCE[:, g].sum() for g in range(3)]
    return min(rates) / max(rates)


def test_ratio_by_hand():
    allocation, chances = drawn(20)
    ours = exposure_ratio(reach(CONSTANTS, allocation) * chances)
    for row in range(20):
        assert float(ours[row]) == pytest.approx(ratio_by_hand(allocation[row], chances[row]))


def test_the_grid_covers_the_simplex():
    grid = simplex_grid(4)
    assert len(grid) == 15 == len({tuple(row) for row in grid.tolist()})
    assert bool((grid.sum(1) == 1).all()) and bool((grid >= 0).all())


def test_fair_allocations_are_left_alone_and_others_become_fair():
    allocation, chances = drawn(3000)
    before = exposure_ratio(reach(CONSTANTS, allocation) * chances)
    fair = nearest_fair(CONSTANTS, allocation, chances, torch.zeros_like(chances))
    after = exposure_ratio(reach(CONSTANTS, fair) * chances)
    kept = before >= FOUR_FIFTHS + 1e-6
    assert 0.05 < kept.double().mean() < 0.5
    assert torch.equal(fair[kept], allocation[kept])
    ratios = exposure_ratio(reach(CONSTANTS, simplex_grid()) * chances[:, None], nobody=0.0)
    possible = ratios.amax(1) >= FOUR_FIFTHS + 1e-6
    assert 0.5 < possible.double().mean() < 1.0
    assert bool((after[possible] >= FOUR_FIFTHS).all())
    torch.testing.assert_close(fair.sum(1), torch.ones(3000, dtype=torch.float64))


def test_scipy_finds_nothing_nearer():
    """SLSQP, from two starts; it may stop at a worse local optimum, as the fair set is not convex."""
    allocation, chances = drawn(150, seed=3)
    chances = chances + 0.05
    fair = nearest_fair(CONSTANTS, allocation, chances, torch.zeros_like(chances))
    by_group = AUDIENCE / AUDIENCE.sum(0)
    best = np.full(150, np.inf)
    for row in range(150):
        start, chance = allocation[row].numpy(), chances[row].numpy()

        def slack(a, chance=chance):
            rates = (-np.expm1(-CONSTANTS.reach_curvature * a) * chance) @ by_group
            return ((rates[:, None] - FOUR_FIFTHS * rates) / rates.max()).ravel()

        def distance(a, start=start):
            return ((a - start) ** 2).sum()

        constraints = [{"type": "eq", "fun": lambda a: a.sum() - 1}, {"type": "ineq", "fun": slack}]
        for x0 in (fair[row].numpy(), np.full(3, 1 / 3)):
            solved = optimize.minimize(distance, x0, bounds=[(0, 1)] * 3, constraints=constraints)
            if solved.success and slack(solved.x).min() > -1e-6:
                best[row] = min(best[row], solved.fun**0.5)
    ours = (fair - allocation).norm(dim=1).numpy()
    moved = np.isfinite(best) & (ours > 0)
    assert moved.sum() > 80
    # A cell of the grid is 2**0.5 / GRID wide.
    assert (ours[moved] <= best[moved] + 2 * 2**0.5 / GRID).all()
    assert np.median(ours[moved] - best[moved]) < 2**0.5 / GRID


def test_where_no_allocation_is_fair_it_is_the_fairest():
    chances = torch.tensor([[0.0, 1.0, 0.0], [1e-4, 0.0, 0.9]], dtype=torch.float64)
    allocation = torch.tensor([[0.8, 0.1, 0.1], [0.0, 0.0, 1.0]], dtype=torch.float64)
    fair = nearest_fair(CONSTANTS, allocation, chances, torch.zeros_like(chances))
    ratio = exposure_ratio(reach(CONSTANTS, fair) * chances)
    best = exposure_ratio(reach(CONSTANTS, simplex_grid()) * chances[:, None], nobody=0.0).amax(1)
    assert bool((best < FOUR_FIFTHS).all())
    torch.testing.assert_close(ratio, best)


def test_nothing_to_win_is_nothing_to_mend():
    allocation, _ = drawn(5)
    zeros = torch.zeros(5, 3)
    assert torch.equal(nearest_fair(CONSTANTS, allocation, zeros, zeros), allocation)


class Fickle:
    """A random bid, and all on random channels."""

    name = "fickle"

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def reset(self, market):
        self.market = market

    def act(self, state):
        rows = self.market.rows
        allocation = torch.tensor(self.rng.dirichlet(np.full(3, 0.2), rows), dtype=torch.float32)
        return Action(torch.tensor(self.rng.uniform(0.1, 5, rows), dtype=torch.float32), allocation)

    def observe(self, step):
        pass


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 1000), name=st.sampled_from(["channels", "margin", "pacing", "shift"]))
def test_no_unfair_allocation_gets_past(seed, name):
    """Judged by the market's own numbers, of which the policy sees only the state."""
    rows = 20
    market, policy = make_market(name), Fair(Fickle(seed), over="step")
    state = market.reset(np.full(rows, seed), np.arange(rows))
    policy.reset(market)
    grid, met = simplex_grid(), 0
    for _ in range(30):
        action = policy.act(state)
        people = ByChannel(*(mean.double().numpy() for mean in expected_people(market, action)))
        ratio = parity_ratio(group_rates(people).exposure)
        chances = win_chances(market.constants, state, action.bid).double()
        ratios = exposure_ratio(reach(market.constants, grid) * chances[:, None], nobody=0.0)
        possible = ratios.amax(1) > FOUR_FIFTHS + 1e-5
        assert (ratio[possible.numpy()] >= FOUR_FIFTHS - 1e-4).all()
        assert bool(policy.met[possible].all())
        met += int(policy.met.sum())
        state = market.step(*action).state
    assert met > 0


@pytest.mark.parametrize("name", ["channels", "margin", "pacing", "shift"])
def test_the_episode_so_far_is_fair_at_every_step(name):
    """By the market's own numbers. Bids that win somewhere, so that the rule can be kept from the start."""
    market = make_market(name)
    policy = Fair(Constant("video", bid=4.5, allocation=(0.0, 0.1, 0.9)))
    state, shown = market.reset(np.full(30, 4), np.arange(30)), 0
    policy.reset(market)
    for _ in range(STEPS):
        action = policy.act(state)
        people = ByChannel(*(mean.double().numpy() for mean in expected_people(market, action)))
        shown = shown + people.impressions
        rates = group_rates(people._replace(impressions=shown)).exposure
        # In `pacing` the policy does not foresee that a step is cut short for want of money.
        assert (parity_ratio(rates) >= FOUR_FIFTHS - (0.01 if name == "pacing" else 1e-4)).all()
        state = market.step(*action).state
    auctions = (market.constants.auctions * market.path.demand.double().numpy())[:, None]
    np.testing.assert_allclose(policy.before, shown / auctions, rtol=0.05)  # none where no money is left


def test_the_rule_over_episodes_is_kept_and_costs_less_than_over_steps():
    seeds, episodes = np.full(100, 3), np.arange(100)
    reward, ratio = {}, {}
    for label, policy in {
        "free": Oracle("oracle"),
        "episode": Fair(Oracle("oracle")),
        "step": Fair(Oracle("oracle"), over="step"),
    }.items():
        audited = Audited(policy)
        reward[label] = play(audited, make_market("channels"), seeds, episodes)["reward"].mean()
        ratio[label] = parity_ratio(group_rates(audited.episodes()).exposure)
    assert ratio["free"].min() < 0.7
    assert min(ratio["episode"].min(), ratio["step"].min()) >= FOUR_FIFTHS - 1e-4
    assert reward["step"] < reward["episode"] < reward["free"]


def test_what_is_changed_is_told():
    market, policy = make_market("channels"), Fair(Random())
    state = market.reset([1] * 50, range(50))
    policy.reset(market)
    for _ in range(5):
        action = policy.act(state)
        wanted = policy.policy.allocation[policy.policy.t]
        assert torch.equal(policy.moved, (action.allocation != wanted).any(1))
        assert torch.equal(action.bid, policy.policy.bid[policy.policy.t])
        step = market.step(*action)
        policy.observe(step)
        state = step.state


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
