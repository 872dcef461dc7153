"""Double deep Q-learning against arithmetic by hand, its schedules, and a rewritten single learner."""

from typing import Any

import pytest
import torch
from torch import Tensor

from adrl_core.agents.ddqn import (
    DDQNAgent,
    exploration_rate,
    importance_exponent,
    q_target,
    target_is_due,
)
from adrl_core.agents.replay import Transitions
from adrl_core.config import DDQN
from adrl_core.market.presets import BID_LEVELS, STEPS

RUNS = 2
SMALL = DDQN(hidden=32, batch_size=16, updates_per_episode=6, replay_capacity=100, learning_rate=1e-3)


def test_exploration_rate() -> None:
    config = DDQN()
    assert exploration_rate(config, 0) == 1.0
    assert exploration_rate(config, 10) == pytest.approx(0.8183, abs=5e-5)
    assert exploration_rate(config, 10_000) == 0.01
    rates = [exploration_rate(config, episode) for episode in range(300)]
    assert rates == sorted(rates, reverse=True)


def test_importance_exponent_rises_from_start_to_end() -> None:
    config = DDQN()
    betas = [importance_exponent(config, episode, 11) for episode in range(11)]
    assert betas == pytest.approx([0.4 + 0.06 * i for i in range(11)])
    assert importance_exponent(config, 0, 1) == 0.4


@pytest.mark.parametrize("period", [1, 30, 100, 150, 250])
def test_target_is_due_when_a_multiple_of_the_period_is_passed(period: int) -> None:
    config = DDQN(target_period=period)
    for episode in range(20):
        steps = range(episode * STEPS + 1, (episode + 1) * STEPS + 1)
        assert target_is_due(config, episode) == any(step % period == 0 for step in steps)


def test_q_target_by_hand() -> None:
    reward, continues = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0]])
    online = torch.tensor([[[1.0, 3.0, 2.0], [1.0, 3.0, 2.0]]])
    target = torch.tensor([[[10.0, 20.0, 30.0], [10.0, 20.0, 30.0]]])
    # Double: the online network picks action 1, the target network says 20; plain: the target's largest, 30.
    assert q_target(reward, continues, online, target, 0.9, double=True).tolist() == [[19.0, 2.0]]
    assert q_target(reward, continues, online, target, 0.9, double=False).tolist() == [[28.0, 2.0]]


def filled(config: DDQN, **changes: Any) -> DDQNAgent:
    """An agent with made-up transitions in its memory."""
    agent = DDQNAgent(config.model_copy(update=changes), list(range(RUNS)), number=1)
    generator = torch.Generator().manual_seed(0)
    n = 60
    agent.replay.add(
        Transitions(
            state=torch.rand(RUNS, n, 10, generator=generator),
            action=torch.randint(BID_LEVELS, (RUNS, n), generator=generator),
            reward=torch.randn(RUNS, n, generator=generator),
            next_state=torch.rand(RUNS, n, 10, generator=generator),
            continues=(torch.rand(RUNS, n, generator=generator) < 0.9).float(),
        ),
        torch.ones(RUNS, n, dtype=torch.bool),
    )
    return agent


def uniforms(config: DDQN) -> Tensor:
    """What draws the minibatches."""
    shape = (RUNS, config.updates_per_episode, config.batch_size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(
    "changes", [{}, {"double": False}, {"dueling": False}, {"discount": 0.0}, {"priority_exponent": 0.0}]
)
def test_learn_equals_a_single_learner_written_plainly(changes: dict[str, Any]) -> None:
    """Run 1 again with a plain array of priorities, the target written out, and PyTorch's own clipping."""
    agent, reference = filled(SMALL, **changes), filled(SMALL, **changes)
    config, draws = agent.config, uniforms(SMALL)
    episode, episodes = 3, 11
    agent.learn(draws, episode, episodes)

    online, target, data = reference.online, reference.target, reference.replay.data
    parameters = list(online.parameters())
    optimiser = torch.optim.Adam(parameters, lr=config.learning_rate, eps=1e-5)
    target.load_state_dict(online.state_dict())
    n, beta = 60, 0.4 + 0.6 * episode / (episodes - 1)
    priorities = torch.ones(n, dtype=torch.float64)
    for uniform in draws[1]:
        mass = (torch.arange(config.batch_size) + uniform.double()) / config.batch_size * priorities.sum()
        slot = torch.searchsorted(priorities.cumsum(0), mass)
        weight = (n * priorities[slot] / priorities.sum()) ** -beta
        weight = (weight / weight.max()).float()
        after, rows = data.next_state[:, slot], torch.arange(config.batch_size)
        with torch.no_grad():
            chooser = online if config.double else target
            best = chooser(after)[1].argmax(1)
            ahead = target(after)[1][rows, best]
            aim = data.reward[1, slot] + config.discount * data.continues[1, slot] * ahead
        error = aim - online(data.state[:, slot])[1][rows, data.action[1, slot]]
        loss = (weight * error**2).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, config.gradient_norm)
        optimiser.step()
        priorities[slot] = (error.detach().abs().double() + 1e-6) ** config.priority_exponent
    for got, expected in zip(agent.online.parameters(), parameters, strict=True):
        torch.testing.assert_close(got[1], expected[1], atol=2e-5, rtol=1e-4)


def test_the_target_network_is_copied_when_due() -> None:
    agent = filled(SMALL, target_period=2 * STEPS)

    def flat(network: torch.nn.Module) -> Tensor:
        return torch.cat([p.detach().flatten() for p in network.parameters()])

    start = flat(agent.online)
    agent.learn(uniforms(SMALL), 0, 10)
    after_first = flat(agent.online)
    assert torch.equal(flat(agent.target), start) and not torch.equal(after_first, start)
    agent.learn(uniforms(SMALL), 1, 10)
    assert torch.equal(flat(agent.target), after_first)


def test_an_empty_memory_teaches_nothing() -> None:
    agent = DDQNAgent(SMALL, [0, 1], number=1)
    before = [p.detach().clone() for p in agent.online.parameters()]
    metrics = agent.learn(uniforms(SMALL), 0, 10)
    assert all(torch.equal(a, b) for a, b in zip(before, agent.online.parameters(), strict=True))
    assert all(value.isfinite().all() for value in metrics.values())


def test_epsilon_greedy() -> None:
    agent = DDQNAgent(SMALL, [0, 1], number=1)
    n = 20_000
    generator = torch.Generator().manual_seed(0)
    state = torch.rand(RUNS, 1, 10, generator=generator).expand(RUNS, n, 10)
    explore, level = torch.rand(2, RUNS, n, generator=generator)
    greedy = agent.greedy(state)
    assert torch.equal(greedy, agent.online(state).argmax(2))
    assert torch.equal(agent.sample(state, explore, level, 0.0), greedy)
    drawn = agent.sample(state, explore, level, 0.3)
    shares = torch.stack([torch.bincount(row, minlength=BID_LEVELS) for row in drawn]) / n
    expected = torch.full((RUNS, BID_LEVELS), 0.3 / BID_LEVELS)
    expected[torch.arange(RUNS), greedy[:, 0]] += 0.7
    torch.testing.assert_close(shares, expected, atol=0.015, rtol=0.0)
