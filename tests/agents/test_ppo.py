"""PPO against plain loops, arithmetic by hand, and a rewritten single learner."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Normal

from adrl_core.agents.networks import dropout_mask
from adrl_core.agents.ppo import (
    PPOAgent,
    Rollout,
    clipped_surrogate,
    generalised_advantages,
    masked_mean,
    standardise,
)
from adrl_core.config import PPO

RUNS, STEPS = 2, 30
SMALL = PPO(hidden=32, batch_size=12, epochs=2, learning_rate=1e-3)


@pytest.mark.parametrize(("discount", "trace"), [(0.99, 0.95), (1.0, 1.0), (0.9, 0.0), (0.0, 0.95)])
def test_generalised_advantages_equal_the_sum(discount: float, trace: float) -> None:
    """sum over l of (discount trace)^l (r_{t+l} + discount V_{t+l+1} - V_{t+l}), written out."""
    rng = np.random.default_rng(0)
    rewards, values = rng.normal(size=(RUNS, STEPS)), rng.normal(size=(RUNS, STEPS))
    expected = np.zeros((RUNS, STEPS))
    for run in range(RUNS):
        for t in range(STEPS):
            for later in range(t, STEPS):
                after = values[run, later + 1] if later + 1 < STEPS else 0.0
                delta = rewards[run, later] + discount * after - values[run, later]
                expected[run, t] += (discount * trace) ** (later - t) * delta
    got = generalised_advantages(torch.tensor(rewards), torch.tensor(values), discount, trace)
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)


def test_clipped_surrogate_by_hand() -> None:
    ratio = torch.tensor([1.0, 1.5, 0.5, 1.5, 0.5, 1.1])
    advantage = torch.tensor([2.0, 2.0, 2.0, -2.0, -2.0, -1.0])
    # A gain counts up to the clip, a loss in full.
    expected = torch.tensor([2.0, 2.4, 1.0, -3.0, -1.6, -1.1])
    torch.testing.assert_close(clipped_surrogate(ratio, advantage, 0.2), expected)


def test_masked_mean_and_standardise() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0, 100.0], [5.0, 6.0, 7.0, 8.0]])
    mask = torch.tensor([[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    assert masked_mean(x, mask).tolist() == [2.0, 0.0]
    sd = (2 / 3) ** 0.5
    torch.testing.assert_close(standardise(x, mask)[0, :3], torch.tensor([-1 / sd, 0.0, 1 / sd]))
    assert standardise(x, mask).isfinite().all()


def make(config: PPO, gaussian: bool, seed: int = 0) -> PPOAgent:
    """An agent with one rollout collected in made-up states."""
    agent = PPOAgent(config, list(range(RUNS)), number=0, outputs=3, gaussian=gaussian)
    generator = torch.Generator().manual_seed(seed)
    state = torch.rand(RUNS, STEPS, 10, generator=generator)
    if gaussian:
        noise = torch.randn(RUNS, STEPS, 3, generator=generator)
    else:
        noise = torch.rand(RUNS, STEPS, generator=generator)
    mask = None
    if config.dropout:
        mask = dropout_mask(torch.rand(RUNS, STEPS, config.hidden, generator=generator), config.dropout)
    with torch.no_grad():
        action, log_prob = agent.sample(state, noise, mask)
    asked = (torch.rand(RUNS, STEPS, generator=generator) < 0.7).float()
    reward = torch.randn(RUNS, STEPS, generator=generator)
    agent.rollouts.append(Rollout(state, action, log_prob, mask, asked, reward))
    return agent


def uniforms(agent: PPOAgent, seed: int = 1) -> Tensor:
    """What orders the minibatches."""
    return torch.rand(RUNS, agent.shuffles(STEPS), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("gaussian", [False, True])
def test_learn_equals_a_single_learner_written_plainly(gaussian: bool) -> None:
    """Run 1 again: torch.distributions, one minibatch after the other, -L_clip + 0.5 L_vf - 0.01 H."""
    agent, reference = make(SMALL, gaussian), make(SMALL, gaussian)
    order = uniforms(agent)[1].reshape(SMALL.epochs, STEPS).argsort(1)
    agent.learn(uniforms(agent))

    network, rollout = reference.network, reference.rollouts[0]
    parameters = list(network.parameters())
    optimiser = torch.optim.Adam(parameters, lr=SMALL.learning_rate, eps=1e-5)
    state, action, mask = rollout.state, rollout.action, rollout.mask
    asked = rollout.asked[1].bool()
    value = network.value(state)[1].detach()
    advantage = generalised_advantages(rollout.reward[1], value, SMALL.discount, SMALL.gae_lambda)
    target = advantage + value
    advantage = (advantage - advantage[asked].mean()) / (advantage[asked].std(unbiased=False) + 1e-8)
    for epoch in order:
        for start in range(0, STEPS, SMALL.batch_size):
            batch = epoch[start : start + SMALL.batch_size]
            logits, value = network(state[:, batch], mask[:, batch])
            if gaussian:
                policy = Normal(logits[1], network.log_sd()[1].exp().expand_as(logits[1]))
                log_prob, entropy = policy.log_prob(action[1, batch]).sum(1), policy.entropy().sum(1)
            else:
                policy = Categorical(logits=logits[1])
                log_prob, entropy = policy.log_prob(action[1, batch]), policy.entropy()
            ratio = (log_prob - rollout.log_prob[1, batch]).exp()
            gain = torch.minimum(
                ratio * advantage[batch], ratio.clamp(1 - SMALL.clip, 1 + SMALL.clip) * advantage[batch]
            )
            decided = asked[batch]
            loss = -gain[decided].mean() - 0.01 * entropy[decided].mean()
            loss = loss + 0.5 * (value[1] - target[batch]).square().mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, SMALL.gradient_norm)
            optimiser.step()
    for got, expected in zip(agent.network.parameters(), parameters, strict=True):
        torch.testing.assert_close(got[1], expected[1], atol=2e-5, rtol=1e-4)
    assert agent.rollouts == []


ONE_STEP = SMALL.model_copy(update={"batch_size": STEPS, "epochs": 1, "dropout": 0.0})


def no_advantage(agent: PPOAgent, config: PPO) -> None:
    """Set the rewards so that every advantage is zero: with no discount, to the values."""
    assert config.discount == 0.0
    with torch.no_grad():
        agent.rollouts[0].reward = agent.network.value(agent.rollouts[0].state)


@pytest.mark.parametrize("gaussian", [False, True])
def test_without_advantages_the_entropy_rises(gaussian: bool) -> None:
    config = ONE_STEP.model_copy(update={"discount": 0.0})
    agent, again = make(config, gaussian), make(config, gaussian)
    no_advantage(agent, config)
    agent.learn(uniforms(agent))
    before = again.learn(uniforms(again))["entropy"]
    again.network.load_state_dict(agent.network.state_dict())
    again.rollouts = make(config, gaussian).rollouts
    after = again.learn(uniforms(again))["entropy"]
    assert (after > before).all()


def test_actions_with_advantage_become_more_probable() -> None:
    agent = make(ONE_STEP.model_copy(update={"discount": 0.0, "entropy_weight": 0.0}), gaussian=False)
    rollout = replace(agent.rollouts[0], asked=torch.ones(RUNS, STEPS))
    rollout.reward = torch.where(rollout.action == 2, 10.0, -10.0)
    agent.rollouts = [rollout]
    before = agent.network.policy(rollout.state).softmax(2)[..., 2].mean(1)
    agent.learn(uniforms(agent))
    after = agent.network.policy(rollout.state).softmax(2)[..., 2].mean(1)
    assert (after > before).all()


def test_value_loss_is_minimised() -> None:
    agent = make(ONE_STEP.model_copy(update={"epochs": 1}), gaussian=False)
    losses = []
    for _ in range(30):
        agent.rollouts = make(ONE_STEP, gaussian=False).rollouts
        losses.append(agent.learn(uniforms(agent))["value_loss"])
    assert (losses[-1] < 0.95 * losses[0]).all()


@pytest.mark.parametrize("gaussian", [False, True])
def test_ratio_is_one_before_the_first_step_also_under_dropout(gaussian: bool) -> None:
    config = ONE_STEP.model_copy(update={"dropout": 0.3})
    agent = make(config, gaussian)
    metrics = agent.learn(uniforms(agent))
    assert (metrics["ratio_error"] < 1e-5).all() and not metrics["clipped"].any()
    other = make(config, gaussian)
    other.rollouts[0].mask = other.rollouts[0].mask.roll(1, 1)
    assert (other.learn(uniforms(other))["ratio_error"] > 1e-2).all()


def test_never_asked_leaves_the_policy_alone() -> None:
    agent = make(ONE_STEP, gaussian=True)
    agent.rollouts[0].asked.zero_()
    before = [p.detach().clone() for p in agent.network.actor.parameters()]
    metrics = agent.learn(uniforms(agent))
    assert all(torch.equal(a, b) for a, b in zip(before, agent.network.actor.parameters(), strict=True))
    assert all(value.isfinite().all() for value in metrics.values())


def test_greedy_is_the_most_probable_action() -> None:
    state = torch.rand(RUNS, 4, 10, generator=torch.Generator().manual_seed(0))
    modes, shares = make(SMALL, gaussian=False), make(SMALL, gaussian=True)
    assert torch.equal(modes.greedy(state), modes.network.policy(state).argmax(2))
    assert torch.equal(shares.greedy(state), shares.network.policy(state))


def test_several_rollouts_are_learned_from_as_separate_episodes() -> None:
    """Advantages do not run across the seam: two short episodes differ from one long one."""
    agent = make(ONE_STEP, gaussian=False)
    agent.rollouts += make(ONE_STEP, gaussian=False, seed=5).rollouts
    order = torch.rand(RUNS, 2 * STEPS, generator=torch.Generator().manual_seed(0))
    values = [agent.network.value(r.state).detach() for r in agent.rollouts]
    rewards = [r.reward for r in agent.rollouts]
    returns = [
        generalised_advantages(r, v, ONE_STEP.discount, ONE_STEP.gae_lambda)
        for r, v in zip(rewards, values, strict=True)
    ]
    first = order.argsort(1)[:, :STEPS]
    rest = order.argsort(1)[:, STEPS:]
    squared = torch.cat(returns, 1).square()
    expected = squared.gather(1, first).mean(1)
    metrics = agent.learn(order)
    # The second minibatch is scored after one step, so its loss is near, not equal.
    both = (expected + squared.gather(1, rest).mean(1)) / 2
    torch.testing.assert_close(metrics["value_loss"], both, rtol=0.05, atol=0.0)
