"""The safety layer against brute force, SciPy, and policies that put out anything."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import minimize

from adrl_core.agents.baselines import Constant, Random
from adrl_core.agents.policy import Action
from adrl_core.config import ConfigurationError, validate
from adrl_core.evaluate import play
from adrl_core.governance.guardrails import (
    KINDS,
    Constraints,
    Guarded,
    Limits,
    capped_simplex,
    nearest_allowed,
    violations,
)
from adrl_core.governance.quality import QualityModel, quality_paths
from adrl_core.market import make_market
from adrl_core.market.presets import CHANNELS, STEPS

ROWS = 6
DEFAULT_BID = 2.5
CONSTRAINTS = Constraints(largest_share=(0.6, 0.6, 0.6))
anything = st.floats(width=32, allow_nan=True, allow_infinity=True)
plausible = st.floats(-1.0, 6.0, width=32)
bids = hnp.arrays(np.float32, ROWS, elements=anything | plausible)
allocations = hnp.arrays(np.float32, (ROWS, CHANNELS), elements=anything | st.floats(-0.5, 1.5, width=32))
channels_allowed = hnp.arrays(np.bool_, (ROWS, CHANNELS))
money = hnp.arrays(np.float32, ROWS, elements=st.floats(0.0, 15.0, width=32))


@st.composite
def constraints(draw: st.DrawFn) -> Constraints:
    lowest = draw(st.floats(0.01, 2.0))
    caps = draw(st.tuples(*[st.floats(0.34, 1.0)] * CHANNELS))
    return Constraints(lowest_bid=lowest, highest_bid=lowest + draw(st.floats(0.0, 3.0)), largest_share=caps)


def forbidden(bid: float, shares: list[float], money: float, allowed: list[bool], rules: Constraints) -> bool:
    """The rules of the module's docstring, written once more for a single row."""
    single = np.float32
    if not (bid == 0 or single(rules.lowest_bid) <= bid <= min(single(rules.highest_bid), money)):
        return True
    caps = [float(single(cap)) if ok else 0.0 for cap, ok in zip(rules.largest_share, allowed, strict=True)]
    if not any(allowed) and bid != 0:
        return True
    if any(not 0 <= share <= cap for share, cap in zip(shares, caps, strict=True)):
        return True
    return not abs(sum(shares) - min(1.0, sum(caps))) <= 1e-6


@settings(deadline=None, max_examples=300)
@given(bids, allocations, money, channels_allowed, constraints())
def test_no_output_of_a_policy_leads_to_a_forbidden_action(bid, allocation, money, allowed, rules) -> None:
    limits = Limits(torch.from_numpy(money), torch.from_numpy(allowed))
    proposed = Action(torch.from_numpy(bid), torch.from_numpy(allocation))
    action = nearest_allowed(proposed, limits, rules, DEFAULT_BID)
    broken = violations(proposed, limits, rules).any(1)
    for row in range(ROWS):
        row_limits = (float(money[row]), allowed[row].tolist(), rules)
        assert not forbidden(action.bid[row].item(), action.allocation[row].tolist(), *row_limits)
        wanted = (bid[row].item(), allocation[row].tolist())
        if not forbidden(*wanted, *row_limits):
            assert not broken[row]
            assert action.bid[row].numpy().tobytes() == bid[row].tobytes()
            assert action.allocation[row].numpy().tobytes() == allocation[row].tobytes()
    assert not violations(action, limits, rules).any()


shares = hnp.arrays(np.float32, (1, CHANNELS), elements=st.integers(0, 100).map(lambda n: n / 100))


@settings(deadline=None)
@given(st.floats(0.5, 4.5, width=32) | st.sampled_from([0.0, -0.0]), shares, st.integers(0, 6))
def test_an_allowed_action_is_left_bitwise_as_it_is(bid, weights, low) -> None:
    """Actions that are allowed by how they are made, not by the layer's own judgement."""
    logits = torch.from_numpy(weights)
    allowed = torch.tensor([[low != c for c in range(CHANNELS)]])
    allocation = logits.masked_fill(~allowed, -torch.inf).softmax(1)
    rules = Constraints(largest_share=(0.75, 0.75, 0.75))
    proposed = Action(torch.tensor([bid]), allocation)
    limits = Limits(torch.tensor([4.5]), allowed)
    action = nearest_allowed(proposed, limits, rules, DEFAULT_BID)
    assert action.bid.numpy().tobytes() == proposed.bid.numpy().tobytes()
    assert action.allocation.numpy().tobytes() == allocation.numpy().tobytes()
    assert not violations(proposed, limits, rules).any()


@pytest.mark.parametrize("case", range(40))
def test_projection_agrees_with_a_general_optimiser(case: int) -> None:
    generator = np.random.default_rng(case)
    values = generator.normal(0.3, generator.choice([0.1, 0.5, 2.0]), CHANNELS)
    caps = generator.uniform(0.0, 1.0, CHANNELS) * (generator.random(CHANNELS) < 0.8)
    target = min(1.0, caps.sum())
    found = minimize(
        lambda a: ((a - values) ** 2).sum(),
        caps * target / max(caps.sum(), 1e-12),
        jac=lambda a: 2.0 * (a - values),
        method="SLSQP",
        bounds=[(0.0, cap) for cap in caps],
        constraints={"type": "eq", "fun": lambda a: a.sum() - target},
        options={"ftol": 1e-14, "maxiter": 200},
    )
    projected = capped_simplex(torch.from_numpy(values)[None], torch.from_numpy(caps)[None])[0].numpy()
    np.testing.assert_allclose(projected, found.x, atol=1e-6)


def test_projection_of_huge_values_keeps_the_sum() -> None:
    values = torch.tensor([[3e38, 1e38, -3e38], [3e38, 3e38, 0.2], [0.1, 1e-40, -0.0]])
    projected = capped_simplex(values, torch.full((3, CHANNELS), 0.6))
    expected = torch.tensor([[0.6, 0.4, 0.0], [0.5, 0.5, 0.0], [0.4, 0.3, 0.3]], dtype=torch.float64)
    torch.testing.assert_close(projected, expected)


def test_bids_go_to_the_nearest_allowed_and_the_reasons_are_named() -> None:
    wanted = [9.0, 3.0, 0.3, 0.2, -1.0, torch.nan, torch.inf, 3.0, 3.0, 2.0]
    money = torch.tensor([15.0, 2.0, 15.0, 15.0, 15.0, 15.0, 1.0, 0.4, 15.0, 15.0])
    allowed = torch.ones(10, CHANNELS, dtype=torch.bool)
    allowed[8] = False
    uniform = torch.full((10, CHANNELS), 1 / 3)
    proposed, limits = Action(torch.tensor(wanted), uniform), Limits(money, allowed)
    bid, allocation, _ = nearest_allowed(proposed, limits, CONSTRAINTS, DEFAULT_BID)
    assert bid.tolist() == [4.5, 2.0, 0.5, 0.0, 0.0, 2.5, 1.0, 0.0, 0.0, 2.0]
    assert allocation[8].tolist() == [0.0] * CHANNELS
    named = [
        {kind for kind, yes in zip(KINDS, row, strict=True) if yes}
        for row in violations(proposed, limits, CONSTRAINTS).tolist()
    ]
    assert named == [
        {"bid"},
        {"spend"},
        {"bid"},
        {"bid"},
        {"bid"},
        {"number"},
        {"number"},
        {"spend"},
        {"quality", "abstain"},
        set(),
    ]


def test_allocations_go_to_the_nearest_allowed_and_the_reasons_are_named() -> None:
    inf = torch.inf
    proposed = Action(
        torch.full((5,), 2.0),
        torch.tensor([[0.8, 0.1, 0.1], [0.4, 0.4, 0.4], [0.2, 0.3, 0.5], [0.5, 0.3, 0.2], [inf, 0.0, 0.0]]),
    )
    allowed = torch.ones(5, CHANNELS, dtype=torch.bool)
    allowed[2, 0] = allowed[3, 0] = allowed[3, 1] = False
    limits = Limits(torch.full((5,), 15.0), allowed)
    allocation = nearest_allowed(proposed, limits, CONSTRAINTS, DEFAULT_BID).allocation
    expected = [[0.6, 0.2, 0.2], [1 / 3] * 3, [0.0, 0.4, 0.6], [0.0, 0.0, 0.6], [1 / 3] * 3]
    torch.testing.assert_close(allocation, torch.tensor(expected))
    named = violations(proposed, limits, CONSTRAINTS)
    assert [KINDS[i] for i in named.nonzero()[:, 1]] == ["exposure", "shares", "quality", "quality", "number"]


class Wild:
    """Puts out what no policy should: numbers of any size, NaN and infinities."""

    name = "wild"

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)

    def reset(self, market) -> None:
        self.rows = market.rows

    def act(self, state) -> Action:
        choices = np.array([np.nan, np.inf, -np.inf, 1e38, -3.0, 0.0, 0.3, 1.0, 4.5, 4.5, 4.5])
        drawn = self.generator.choice(choices, (self.rows, 1 + CHANNELS)).astype(np.float32)
        return Action(torch.from_numpy(drawn[:, 0]), torch.from_numpy(drawn[:, 1:]))

    def observe(self, step) -> None:
        pass


class Spied:
    """A policy whose actions, as they reach the market, and whose spend are kept."""

    def __init__(self, policy) -> None:
        self.policy, self.name = policy, policy.name
        self.actions, self.spend, self.states = [], [], []

    def reset(self, market) -> None:
        self.policy.reset(market)

    def act(self, state) -> Action:
        self.states.append(state.clone())
        self.actions.append(self.policy.act(state))
        return self.actions[-1]

    def observe(self, step) -> None:
        self.policy.observe(step)
        self.spend.append(step.auctions.spend)


@pytest.mark.parametrize("market_name", ["channels", "pacing", "shift", "published"])
@pytest.mark.parametrize("policy", [Wild(1), Random(), Constant("max", 9.0)], ids=lambda p: p.name)
def test_a_whole_episode_stays_within_all_limits(market_name: str, policy) -> None:
    rules = Constraints(spend_per_step=4.0, spend_per_episode=60.0)
    rows = 40
    spied = Spied(Guarded(policy, rules))
    play(spied, make_market(market_name), np.full(rows, 5), np.arange(rows))
    quality = quality_paths(QualityModel(), np.full(rows, 5), np.arange(rows)).astype(np.float32)
    unspent = np.full(rows, 60.0)
    hard = market_name != "published"
    for t, (action, spend) in enumerate(zip(spied.actions, spied.spend, strict=True)):
        for row in range(rows):
            left = float(np.float32(min(4.0, unspent[row])))
            # The layer keeps its accounts in single precision, this test in double.
            left += 1e-4
            allowed = (quality[t, row] >= 7.0).tolist()
            assert not forbidden(
                action.bid[row].item(), action.allocation[row].tolist(), left, allowed, rules
            )
        spent = spend.double().numpy()
        assert not hard or (spent <= np.minimum(4.0, unspent) + 1e-4).all()
        assert (spent[action.bid.numpy() == 0.0] == 0.0).all()
        unspent = np.maximum(unspent - spent, 0.0)
    total = torch.stack(spied.spend).double().sum(0).numpy()
    assert not hard or (total <= 60.0 + 1e-3).all()
    assert (total > 0.0).all()


def test_limits_that_do_not_bind_change_nothing() -> None:
    """Bitwise the same actions, states and results; and nothing is counted as an override."""
    rules = Constraints(
        highest_bid=5.0,
        spend_per_step=1e4,
        spend_per_episode=1e6,
        largest_share=(1.0, 1.0, 1.0),
        quality_floor=0.0,
    )
    keys = np.full(30, 3), np.arange(30)
    for name in ("pacing", "channels", "published"):
        free, guarded = Spied(Random()), Guarded(Random(), rules)
        watched = Spied(guarded)
        assert play(free, make_market(name), *keys).equals(play(watched, make_market(name), *keys))
        for before, after in zip(free.actions, watched.actions, strict=True):
            assert torch.equal(before.bid, after.bid) and torch.equal(before.allocation, after.allocation)
        assert torch.equal(torch.stack(free.states), torch.stack(watched.states))
        assert int(guarded.overrides.sum()) == 0


def test_the_state_shows_the_money_left_and_not_the_purse() -> None:
    market = make_market("channels")
    spied = Spied(Guarded(Constant("max", 4.5), Constraints(spend_per_step=5.0)))
    play(spied, market, np.full(20, 1), np.arange(20))
    spent = torch.cumsum(torch.stack(spied.spend), 0)
    shown = torch.stack(spied.states)[:, :, 0]
    torch.testing.assert_close(shown[1:], 1.0 - spent[:-1] / market.budget)
    torch.testing.assert_close(market.remaining, market.budget - spent[-1])


def test_overrides_are_counted_by_row_and_kind() -> None:
    guarded = Guarded(Constant("high", 9.0), Constraints(quality_floor=0.0))
    play(guarded, make_market("channels"), np.full(3, 1), np.arange(3))
    counts = dict(zip(KINDS, guarded.overrides.T.tolist(), strict=True))
    assert counts["bid"] == [STEPS] * 3
    assert counts["number"] == counts["shares"] == counts["exposure"] == counts["quality"] == [0] * 3


def test_without_enforcement_the_same_faults_are_counted_and_nothing_is_changed() -> None:
    rules = Constraints(spend_per_step=5.0, spend_per_episode=50.0, largest_share=(0.6, 0.6, 0.6))
    keys = np.full(20, 1), np.arange(20)
    counted = Guarded(Constant("max", 4.5, (0.8, 0.1, 0.1)), rules, enforce=False)
    watched = Spied(counted)
    assert play(watched, make_market("channels"), *keys).equals(
        play(Constant("max", 4.5, (0.8, 0.1, 0.1)), make_market("channels"), *keys)
    )
    spend = torch.stack(watched.spend).double()
    before = spend.cumsum(0) - spend
    assert torch.equal(counted.overspent, (spend > (50.0 - before).clamp(0.0, 5.0) + 1e-3).sum(0))
    assert bool((counted.overrides[:, KINDS.index("exposure")] == STEPS).all())
    kept = Guarded(Constant("max", 4.5, (0.8, 0.1, 0.1)), rules)
    play(kept, make_market("channels"), *keys)
    assert int(kept.overspent.sum()) == 0 < int(counted.overspent.sum())


def test_quality_paths_follow_their_equation_and_key() -> None:
    model = QualityModel(level=(5.0, 5.5, 6.0))
    episodes = np.arange(400)
    paths = quality_paths(model, np.full(400, 9), episodes)
    assert paths.shape == (STEPS, 400, CHANNELS)
    alone = quality_paths(model, [9], [17])
    np.testing.assert_array_equal(paths[:, 17], alone[:, 0])
    np.testing.assert_allclose(paths.mean((0, 1)), model.level, atol=0.05)
    assert paths.std() == pytest.approx(np.hypot(model.spread, np.std(model.level)), abs=0.02)
    centred = paths - np.array(model.level)
    lag = (centred[1:] * centred[:-1]).mean() / centred.var()
    assert lag == pytest.approx(0.9, abs=0.01)
    shocks = centred[1:] - 0.9 * centred[:-1]
    assert shocks.std() == pytest.approx(model.shock, abs=0.005)
    extreme = quality_paths(QualityModel(level=(9.9, 0.1, 5.0)), [1, 2], [0, 0])
    assert extreme.min() == 0.0 and extreme.max() == 10.0


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"lowest_bid": 5.0}, "lowest_bid"),
        ({"largest_share": (0.3, 0.3, 0.3)}, "largest_share"),
        ({"quality_floor": 11.0}, "quality_floor"),
        ({"spend_per_step": 0.0}, "spend_per_step"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_constraints_that_cannot_be_met_are_an_error(changes, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        validate(Constraints, changes)
