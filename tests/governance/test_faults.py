"""The injected faults do what they say, from the episode they are set for."""

import numpy as np
import pytest
import torch

from adrl_core.agents.baselines import Constant
from adrl_core.evaluate import play
from adrl_core.governance.faults import CorruptedState, InvertedActions, StaleState, StuckBid
from adrl_core.market import make_market
from adrl_core.market.presets import STATE_SIZE, STEPS

ROWS = 8
FAULTS = [
    lambda policy, after: StuckBid(policy, 0.5, after),
    InvertedActions,
    lambda policy, after: CorruptedState(policy, 0.5, after),
    lambda policy, after: StaleState(policy, 10, after),
]


def started(fault, seed: int = 3):
    market = make_market("channels")
    state = market.reset(np.full(ROWS, seed), np.arange(ROWS))
    fault.reset(market)
    return market, state


def test_a_stuck_bid_leaves_the_allocation() -> None:
    fault = StuckBid(Constant("best", 3.0, (0.5, 0.2, 0.3)), 0.7)
    _, state = started(fault)
    action = fault.act(state)
    assert torch.equal(action.bid, torch.full((ROWS,), 0.7))
    assert torch.equal(action.allocation, fault.policy.act(state).allocation)


def test_inverted_actions_by_hand() -> None:
    fault = InvertedActions(Constant("best", 3.5, (0.5, 0.2, 0.3)))
    _, state = started(fault)
    bid, allocation, _ = fault.act(state)
    torch.testing.assert_close(bid, torch.full((ROWS,), 1.5))
    torch.testing.assert_close(allocation[0], torch.tensor([0.25, 0.4, 0.35]))


def test_corruption_has_its_chance_and_key(echo) -> None:
    fault = CorruptedState(echo, 0.3)
    play(fault, make_market("channels"), np.full(200, 3), np.arange(200))
    seen = torch.stack(echo.seen)
    assert seen.shape == (STEPS, 200, STATE_SIZE)
    # The volatility stays the same all episode, so every value that differs from the commonest is corrupt.
    volatility = seen[:, :, 7]
    corrupt = volatility != volatility.mode(0).values
    assert corrupt.float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert volatility[corrupt].std().item() == pytest.approx(1.0, abs=0.03)
    play(CorruptedState(echo, 0.3), make_market("channels"), np.array([3]), np.array([17]))
    assert torch.equal(torch.stack(echo.seen)[:, 0], seen[:, 17])


@pytest.mark.parametrize("delay", [1, 10, STEPS])
def test_stale_states_are_late(echo, delay: int) -> None:
    fault = StaleState(echo, delay)
    market, state = started(fault)
    states = []
    for t in range(STEPS):
        states.append(state)
        action = fault.act(state)
        assert torch.equal(echo.seen[-1], states[max(0, t - delay)])
        step = market.step(*action)
        fault.observe(step)
        state = step.state


@pytest.mark.parametrize("make", FAULTS)
def test_a_fault_waits_for_its_episode(echo, make) -> None:
    fault = make(echo, 2)
    same = []
    for _ in range(4):
        market, state = started(fault)
        step = market.step(*fault.act(state))
        fault.observe(step)
        state = step.state
        action, healthy = fault.act(state), echo.act(state)
        same.append(all(torch.equal(a, b) for a, b in zip(action, healthy, strict=True)))
    assert same == [True, True, False, False]
