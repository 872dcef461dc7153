"""The planning team: its price of money, its choices, and what it has learned after a short training."""

import numpy as np
import pytest
import torch

from adrl_core.agents.baselines import Constant
from adrl_core.agents.learner import make_learner
from adrl_core.agents.oracle import Oracle
from adrl_core.agents.outcomes import Plans, context
from adrl_core.agents.planner import PlanningTeam, exploration, learning_rate, step_value
from adrl_core.agents.policy import Policy
from adrl_core.agents.team import BIDDING_ONLY, BOTH, BUDGET_ONLY, TeamLearner
from adrl_core.config import Planning, parse_variant
from adrl_core.evaluate import SEARCH_SEED, play
from adrl_core.market import make_market
from adrl_core.market.presets import DEFAULT_LEVEL, STATE_SIZE, STEPS

SMALL = "planner+planning.memory=2000+planning.updates_per_episode=3"


def team(runs: int, variant: str = SMALL) -> PlanningTeam:
    """An untrained team."""
    return PlanningTeam(parse_variant(variant), range(runs))


def states(remaining: list[float], step: int) -> torch.Tensor:
    """States of one run, alike but for the money left, (1, n, STATE_SIZE)."""
    state = torch.full((1, len(remaining), STATE_SIZE), 0.5)
    state[..., 0] = torch.tensor(remaining)
    state[..., 3] = 1.0 - step / STEPS
    return state


def test_configuration_chooses_the_learner() -> None:
    assert isinstance(make_learner(parse_variant(SMALL), [0]), PlanningTeam)
    assert isinstance(make_learner(parse_variant("full"), [0]), TeamLearner)


def test_schedules() -> None:
    config = Planning(exploration_share=0.5, exploration_end=0.1, learning_rate=0.01)
    assert [exploration(config, n, 100) for n in (0, 25, 50, 99)] == pytest.approx([1.0, 0.5, 0.1, 0.1])
    assert [learning_rate(config, n, 100) for n in (0, 50, 99)] == pytest.approx([0.01, 0.005, 0.0001])


def test_price_against_interpolation() -> None:
    learner = team(1)
    needed = torch.linspace(30.0, 0.0, len(learner.prices))
    learner.spend_to_go[0, 40] = needed
    left = [0.0, 0.051, 0.123, 0.29, 0.3, 0.9]
    found = learner.price(states(left, 40), budget=100.0)[0]
    money = 100.0 * np.array(left)
    expected = np.interp(money, needed.flip(0), learner.prices.flip(0))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found[-1] == 0.0


def test_no_price_where_the_money_is_enough() -> None:
    assert (team(2).price(states([0.1, 1.0], 0).expand(2, -1, -1), budget=1.0) == 0.0).all()


@pytest.mark.parametrize("fee", [0.0, 0.4, 100.0])
def test_choice_is_the_best_of_all_after_fees(fee: float) -> None:
    learner = team(1)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        learner.model.weights.weight.normal_(0.0, 0.2, generator=generator)
    market = make_market("channels", fee=fee)
    state = market.reset(np.zeros(20, int), np.arange(20))[None]
    mode, level, allocation = learner.choose(state, market)
    plans = Plans(market.bids)
    value = step_value("shaped", plans.expect(learner.model, context(state))).detach()[0].double()
    worth = torch.stack((value[:, :, 0].amax(1), value[:, DEFAULT_LEVEL].amax(1), value.amax((1, 2))), 1)
    worth -= fee * torch.tensor([1.0, 1.0, 2.0])
    for row in range(20):
        candidate = int((plans.allocations == allocation[0, row]).all(1).nonzero()[0])
        chosen = {
            BIDDING_ONLY: value[row, level[0, row], 0] - fee,
            BUDGET_ONLY: value[row, DEFAULT_LEVEL, candidate] - fee,
            BOTH: value[row, level[0, row], candidate] - 2.0 * fee,
        }
        assert chosen[int(mode[0, row])] == pytest.approx(float(worth[row].max()), abs=1e-4)
    if fee == 100.0:
        assert (mode != BOTH).all()


def test_a_run_alone_equals_itself_among_others() -> None:
    alone, among = team(1), team(3)
    market = make_market("pacing")
    for number in range(2):
        for learner in (alone, among):
            learner.play_episode(market, number, 10)
            learner.learn(number, 10)
    assert torch.equal(alone.memory[0], among.memory[0])
    assert torch.equal(alone.spend_to_go[0], among.spend_to_go[0])
    for name, values in alone.networks()["planner"].items():
        assert torch.equal(values[0], among.networks()["planner"][name][0]), name


def test_resumed_equals_uninterrupted() -> None:
    market = make_market("channels")
    whole, first, second = team(2), team(2), team(2)
    for learner in (whole, first):
        learner.play_episode(market, 0, 5)
        learner.learn(0, 5)
    second.load_state_dict(first.state_dict())
    for learner in (whole, second):
        learner.play_episode(market, 1, 5)
        learner.learn(1, 5)
    assert torch.equal(whole.memory, second.memory)
    for name, values in whole.networks()["planner"].items():
        assert torch.equal(values, second.networks()["planner"][name]), name


def test_memory_keeps_the_latest_steps() -> None:
    learner = team(1, "planner+planning.memory=150+planning.updates_per_episode=1")
    market = make_market("channels")
    for number in range(2):
        learner.play_episode(market, number, 2)
        learner.learn(number, 2)
    time = learner.memory[0, :, 2]
    # Steps 50 to 99 of the first episode were overwritten by those of the second, which start at slot 100.
    assert learner.stored == 200
    np.testing.assert_allclose(time[100:150], 2.0 * np.arange(50) / STEPS - 1.0, atol=1e-5)
    np.testing.assert_allclose(time[:50], 2.0 * np.arange(50, 100) / STEPS - 1.0, atol=1e-5)


def mean_reward(policy: Policy, market_name: str, runs: int, episodes: int = 60) -> float:
    """Mean reward over runs on episodes that no training meets."""
    market = make_market(market_name)  # type: ignore[arg-type]
    numbers = np.tile(np.arange(episodes), runs)
    return float(play(policy, market, np.full(len(numbers), SEARCH_SEED), numbers)["reward"].mean())


@pytest.mark.slow
def test_learns_when_and_where_to_bid() -> None:
    learner, market = PlanningTeam(parse_variant("planner"), range(2)), make_market("channels")
    for number in range(80):
        learner.play_episode(market, number, 80)
        learner.learn(number, 80)
    assert mean_reward(learner.policy(), "channels", 2) > 0.93 * mean_reward(Oracle("oracle"), "channels", 1)


@pytest.mark.slow
def test_learns_to_make_the_money_last() -> None:
    learner, market = PlanningTeam(parse_variant("planner"), range(2)), make_market("pacing")
    for number in range(100):
        learner.play_episode(market, number, 100)
        learner.learn(number, 100)
    constant = Constant("constant", 1.83)
    assert mean_reward(learner.policy(), "pacing", 2) > mean_reward(constant, "pacing", 1)
