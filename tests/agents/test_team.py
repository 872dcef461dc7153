"""The team's data flow, what it learns on tiny puzzles, and that a run does not depend on its company."""

from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from adrl_core.agents.team import (
    BIDDING_ONLY,
    BOTH,
    BUDGET_ONLY,
    Episode,
    TeamLearner,
    TeamPolicy,
    combine,
    mode_shares,
)
from adrl_core.config import DDQN, PPO, Team, parse_variant
from adrl_core.market import make_market
from adrl_core.market.presets import CHANNELS, CHANNELS_BIDS, DEFAULT_LEVEL, STEPS

from .conftest import Puzzle, Rule

BIDS = torch.tensor(CHANNELS_BIDS)


def test_combine_fills_in_the_defaults() -> None:
    allocation = torch.tensor([[0.7, 0.2, 0.1]]).expand(3, 3)
    level, bid, combined, asked = combine(
        torch.tensor([BIDDING_ONLY, BUDGET_ONLY, BOTH]), torch.tensor([9, 9, 9]), allocation, BIDS
    )
    assert level.tolist() == [9, DEFAULT_LEVEL, 9]
    assert bid.tolist() == BIDS[[9, 4, 9]].tolist() and float(bid[1]) == pytest.approx(2.28, abs=0.01)
    torch.testing.assert_close(combined[0], torch.full((3,), 1 / 3))
    assert torch.equal(combined[1:], allocation[1:])
    assert asked.tolist() == [1.0, 1.0, 2.0]


def test_mode_shares() -> None:
    assert mode_shares(torch.tensor([[0, 2, 2, 1], [1, 1, 1, 1]])).tolist() == [[0.25, 0.25, 0.5], [0, 1, 0]]


def small(**changes: Any) -> Team:
    """A team that learns quickly: small networks, no horizon."""
    fast: dict[str, Any] = {"hidden": 32, "discount": 0.0, "learning_rate": 1e-2}
    ppo = PPO(**fast, dropout=0.0, batch_size=50, epochs=6)
    ddqn = DDQN(**fast, epsilon_decay=0.95, updates_per_episode=15, batch_size=128)
    return Team(controller=ppo, budget=ppo, bidding=ddqn).model_copy(update=changes)


def played(config: Team, runs: int = 3) -> tuple[TeamLearner, Episode]:
    """A learner that has played one episode."""
    learner = TeamLearner(config, list(range(runs)))
    return learner, learner.play_episode(make_market("channels"), 0)


def test_only_who_was_asked_stores_the_step() -> None:
    learner, episode = played(small(reward_scale=0.1, roi_scale=0.5))
    controller, budget = learner.controller.rollouts[0], learner.budget.rollouts[0]
    assert torch.equal(controller.asked, torch.ones(3, STEPS))
    assert torch.equal(budget.asked, (episode.mode != BIDDING_ONLY).float())
    torch.testing.assert_close(controller.reward, 0.1 * episode.reward)
    assert torch.equal(budget.reward, controller.reward)
    torch.testing.assert_close(
        budget.action.softmax(2)[budget.asked == 1], episode.allocation[budget.asked == 1]
    )
    after = torch.stack([step.state for step in episode.steps], 1) * learner.scale
    for run in range(3):
        stored = (episode.mode[run] != BUDGET_ONLY).nonzero().squeeze(1)
        assert 0 < len(stored) < STEPS and learner.bidding.replay.size[run] == len(stored)
        data = learner.bidding.replay.take(torch.arange(STEPS).expand(3, -1))
        assert torch.equal(data.state[run, : len(stored)], episode.state[run, stored])
        assert torch.equal(data.action[run, : len(stored)], episode.level[run, stored])
        assert torch.equal(data.next_state[run, : len(stored)], after[run, stored])
        assert torch.equal(data.reward[run, : len(stored)], controller.reward[run, stored])
        assert torch.equal(data.continues[run, : len(stored)], (stored != STEPS - 1).float())


def test_an_episode_is_what_the_market_says() -> None:
    """States, defaults and rewards of the record, played again on the market itself."""
    learner, episode = played(small(roi_scale=0.5))
    market = make_market("channels")
    state = market.reset([0, 1, 2], [0, 0, 0])
    defaults = episode.mode == BUDGET_ONLY
    assert (episode.level[defaults] == DEFAULT_LEVEL).all()
    uniform = torch.full((CHANNELS,), 1 / CHANNELS)
    assert torch.equal(
        episode.allocation[episode.mode == BIDDING_ONLY],
        uniform.expand_as(episode.allocation[episode.mode == BIDDING_ONLY]),
    )
    for t in range(STEPS):
        assert torch.equal(episode.state[:, t], state * learner.scale)
        step = market.step(market.bids[episode.level[:, t]], episode.allocation[:, t].contiguous())
        assert torch.equal(step.reward, episode.reward[:, t])
        state = step.state
    assert learner.scale[8:].tolist() == [0.5, 0.5] and learner.scale[:8].unique().tolist() == [1.0]


@pytest.mark.parametrize(
    ("ask", "mode", "stores"),
    [
        ("bidding", BIDDING_ONLY, {"bidding"}),
        ("budget", BUDGET_ONLY, {"budget"}),
        ("both", BOTH, {"bidding", "budget"}),
    ],
)
def test_asking_always_the_same(ask: str, mode: int, stores: set[str]) -> None:
    learner, episode = played(small(ask=ask))
    assert (episode.mode == mode).all()
    stored = {"bidding"} if int(learner.bidding.replay.size.sum()) else set()
    stored |= {name for name in ("controller", "budget") if learner.agents[name].rollouts}
    assert stored == stores == set(learner.learn(0, 10))


def test_the_fee_reaches_the_learners() -> None:
    learner = TeamLearner(small(), [0, 1])
    episode = learner.play_episode(make_market("channels", fee=3.0), 0)
    asked = 1.0 + (episode.mode == BOTH)
    shaped = torch.stack([step.shaped for step in episode.steps], 1)
    torch.testing.assert_close(episode.reward, shaped - 3.0 * asked)
    assert torch.equal(learner.controller.rollouts[0].reward, episode.reward)


def learned_return(config: Team, rule: Rule, episodes: int, runs: int = 2) -> Tensor:
    """Mean greedy reward a step (runs,), on fresh puzzles, after some episodes of training."""
    learner, puzzle = TeamLearner(config, list(range(runs))), Puzzle(rule)
    for number in range(episodes):
        learner.play_episode(puzzle, number)
        learner.learn(number, episodes)
    policy = TeamPolicy(learner)
    state = puzzle.reset([999] * runs, [0] * runs)
    policy.reset(puzzle)
    total = torch.zeros(runs)
    with torch.no_grad():
        for _ in range(STEPS):
            step = puzzle.step(*policy.act(state))
            total, state = total + step.reward, step.state
    return total / STEPS


def test_the_controller_learns_whom_to_ask() -> None:
    """Asking both pays where the first feature is 1, asking one where it is 0."""

    def rule(state: Tensor, bid: Tensor, allocation: Tensor, asked: Tensor) -> Tensor:
        return ((asked == 2) == (state[:, 0] == 1)).float()

    assert (learned_return(small(), rule, episodes=8) > 0.9).all()


def test_the_bidding_agent_learns_the_level() -> None:
    """The level that pays, 2, 4, 6 or 8, is coded in two features."""

    def rule(state: Tensor, bid: Tensor, allocation: Tensor, asked: Tensor) -> Tensor:
        level = (2 + 4 * state[:, 1] + 2 * state[:, 2]).long()
        return (bid == BIDS[level]).float()

    assert (learned_return(small(ask="bidding"), rule, episodes=15) > 0.9).all()


def test_the_budget_agent_learns_the_allocation() -> None:
    """A feature tells which of two channels pays for its share."""

    def rule(state: Tensor, bid: Tensor, allocation: Tensor, asked: Tensor) -> Tensor:
        return torch.where(state[:, 3] == 1, allocation[:, 0], allocation[:, 2])

    assert (learned_return(small(ask="budget"), rule, episodes=10) > 0.9).all()


@pytest.mark.slow
def test_the_team_learns_together() -> None:
    def rule(state: Tensor, bid: Tensor, allocation: Tensor, asked: Tensor) -> Tensor:
        level = torch.where(state[:, 1] == 1, 8, 1)
        return (bid == BIDS[level]) * torch.where(state[:, 3] == 1, allocation[:, 0], allocation[:, 2])

    # Asked alone, either specialist meets a default: 1/3 at best, or nothing.
    assert (learned_return(small(), rule, episodes=30) > 0.9).all()


def snapshot(learner: TeamLearner, row: int) -> dict[str, Tensor]:
    """Everything one run has learned: weights, targets and memory."""
    tensors = {
        f"{agent} {key}": value[row]
        for agent, network in learner.networks().items()
        for key, value in network.items()
    }
    replay, size = learner.bidding.replay, int(learner.bidding.replay.size[row])
    tensors |= {f"replay {name}": getattr(replay.data, name)[row, :size] for name in replay.data._fields}
    return tensors | {"priorities": replay.tree[row, : replay.leaves + size]}


def trained(market: str, variant: str, seeds: list[int], episodes: int) -> dict[int, dict[str, Tensor]]:
    """What each run has learned after some episodes, by seed."""
    learner = TeamLearner(parse_variant(variant), seeds)
    world = make_market(market)
    for number in range(episodes):
        learner.play_episode(world, number)
        learner.learn(number, 10)
    return {seed: snapshot(learner, row) for row, seed in enumerate(seeds)}


def assert_equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    for key, value in first.items():
        assert torch.equal(value, second[key]), key


FEW_UPDATES = "full+bidding.updates_per_episode=4+controller.epochs=1+budget.epochs=1"


@pytest.mark.parametrize("market", ["published", "pacing"])
@pytest.mark.parametrize(
    ("variant", "episodes", "company"),
    [
        (FEW_UPDATES, 2, [[4, 3, 2, 1, 0]]),
        pytest.param("full", 3, [[3, 1], list(range(5)), list(range(20))], marks=pytest.mark.slow),
    ],
)
def test_a_run_is_bitwise_the_same_in_any_company(
    market: str, variant: str, episodes: int, company: list[list[int]]
) -> None:
    alone = trained(market, variant, [3], episodes)[3]
    for seeds in company:
        assert_equal(trained(market, variant, seeds, episodes)[3], alone)


def test_training_twice_is_bitwise_the_same_and_seeds_differ() -> None:
    first, second = (trained("channels", FEW_UPDATES, [0, 1], 2) for _ in range(2))
    for seed in (0, 1):
        assert_equal(first[seed], second[seed])
    assert not torch.equal(first[0]["bidding trunk.0.weight"], first[1]["bidding trunk.0.weight"])


@pytest.mark.parametrize("rollout_episodes", [1, 2])
def test_a_saved_learner_goes_on_bitwise_the_same(rollout_episodes: int) -> None:
    """Saved after three episodes, with two a rollout in the middle of one."""
    ppo = small().controller.model_copy(update={"rollout_episodes": rollout_episodes, "dropout": 0.1})
    config = small(controller=ppo, budget=ppo)
    learner, market = TeamLearner(config, [0, 1]), make_market("channels")
    for number in range(3):
        learner.play_episode(market, number)
        learner.learn(number, 6)
    copy = TeamLearner(config, [0, 1])
    copy.load_state_dict(deepcopy(learner.state_dict()))
    for one in (learner, copy):
        for number in range(3, 6):
            one.play_episode(market, number)
            one.learn(number, 6)
    for row in (0, 1):
        assert_equal(snapshot(learner, row), snapshot(copy, row))


def test_acting_greedily_is_without_dropout_and_exploration() -> None:
    learner = TeamLearner(Team(), [0, 1])
    policy, market = TeamPolicy(learner), make_market("channels")
    state = market.reset([7, 7, 7, 7], [0, 1, 0, 1])
    policy.reset(market)
    with torch.no_grad():
        first, second = policy.act(state), policy.act(state)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    # Rows are ordered run by run: rows 0 and 1 belong to the first run.
    alone = TeamLearner(Team(), [0])
    with torch.no_grad():
        mode = alone.controller.greedy(state[None, :2])[0]
        shares = alone.budget.network.policy(state[None, :2])[0].softmax(1)
        level = alone.bidding.online(state[None, :2])[0].argmax(1)
    expected = combine(mode, level, shares, market.bids)
    assert torch.equal(policy.mode[:2], mode) and torch.equal(policy.level[:2], expected[0])
    torch.testing.assert_close(first.allocation[:2], expected[2])


def test_both_first_asks_both_in_the_first_half_of_the_training() -> None:
    config = small(ask="both_first")
    learner = TeamLearner(config, [0, 1])
    market = make_market("channels")
    first = learner.play_episode(market, 1, episodes=4)
    assert (first.mode == BOTH).all()
    assert not learner.controller.rollouts
    second = learner.play_episode(market, 2, episodes=4)
    assert set(second.mode.flatten().tolist()) == {BIDDING_ONLY, BUDGET_ONLY, BOTH}
    assert len(learner.controller.rollouts) == 1
