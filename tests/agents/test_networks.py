"""The networks against the drawings of the published report, built from PyTorch's own layers."""

import pytest
import torch
from torch import Tensor, nn

from adrl_core.agents import population
from adrl_core.agents.networks import ActorCritic, QNetwork, dropout_mask
from adrl_core.agents.population import initialise, parameters_per_run

RUNS, BATCH, HIDDEN = 2, 6, 256


def pytorch(layers: nn.Sequential, run: int) -> nn.Sequential:
    """One run's layers, as PyTorch's own."""
    converted: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, population.Linear):
            linear = nn.Linear(layer.weight.shape[1], layer.outputs)
            linear.weight.data = layer.weight[run, :, : layer.outputs].T.detach()
            linear.bias.data = layer.bias[run, 0, : layer.outputs].detach()
            converted.append(linear)
        elif isinstance(layer, population.LayerNorm):
            norm = nn.LayerNorm(layer.weight.shape[2])
            norm.weight.data, norm.bias.data = layer.weight[run, 0].detach(), layer.bias[run, 0].detach()
            converted.append(norm)
        else:
            converted.append(layer)
    return nn.Sequential(*converted)


@pytest.fixture
def state() -> Tensor:
    """States (RUNS, BATCH, 10)."""
    return torch.rand(RUNS, BATCH, 10, generator=torch.Generator().manual_seed(0))


def test_actor_critic_equals_the_drawing(state: Tensor) -> None:
    network = ActorCritic(RUNS, 10, 3, HIDDEN)
    initialise(network, range(RUNS), 0)
    assert parameters_per_run(network) == 135_940
    assert parameters_per_run(ActorCritic(RUNS, 10, 3, HIDDEN, log_sd=0.0)) == 135_943
    mask = dropout_mask(torch.rand(RUNS, BATCH, HIDDEN, generator=torch.Generator().manual_seed(1)), 0.1)
    logits, value = network(state, mask)
    plain_logits, plain_value = network(state)
    assert logits.shape == (RUNS, BATCH, 3) and value.shape == (RUNS, BATCH)
    assert torch.equal(network.policy(state, mask), logits) and torch.equal(network.value(state), plain_value)
    for run in range(RUNS):
        trunk, actor, critic = (pytorch(part, run) for part in (network.trunk, network.actor, network.critic))
        kinds = [type(layer).__name__ for layer in [*trunk, *actor, *critic]]
        head = ["Linear", "ReLU", "Linear"]
        assert kinds == ["Linear", "ReLU", "LayerNorm", *head, *head]
        features = trunk(state[run])
        torch.testing.assert_close(plain_logits[run], actor(features))
        torch.testing.assert_close(plain_value[run], critic(features)[:, 0])
        torch.testing.assert_close(logits[run], actor(features * mask[run]))
        torch.testing.assert_close(value[run], critic(features * mask[run])[:, 0])


def test_dueling_network_equals_the_drawing(state: Tensor) -> None:
    network = QNetwork(RUNS, 10, 10, HIDDEN)
    initialise(network, range(RUNS), 1)
    assert parameters_per_run(network) == 136_331
    values = network(state)
    assert values.shape == (RUNS, BATCH, 10)
    for run in range(RUNS):
        trunk, value, advantage = (
            pytorch(part, run) for part in (network.trunk, network.value, network.advantage)
        )
        features = trunk(state[run])
        a, v = advantage(features), value(features)
        torch.testing.assert_close(values[run], v + a - a.mean(1, keepdim=True))
        # The streams are identified: the mean over actions is the value.
        torch.testing.assert_close(values[run].mean(1), v[:, 0])


def test_single_stream(state: Tensor) -> None:
    network = QNetwork(RUNS, 10, 10, HIDDEN, dueling=False)
    initialise(network, range(RUNS), 1)
    assert parameters_per_run(network) == 136_331 - (256 * 128 + 128 + 129)
    for run in range(RUNS):
        trunk, stream = pytorch(network.trunk, run), pytorch(network.advantage, run)
        torch.testing.assert_close(network(state)[run], stream(trunk(state[run])))


def test_dropout_mask_keeps_the_mean() -> None:
    uniform = torch.rand(200_000, generator=torch.Generator().manual_seed(0))
    mask = dropout_mask(uniform, 0.1)
    torch.testing.assert_close(mask.unique(), torch.tensor([0.0, 1 / 0.9]))
    assert torch.equal(mask == 0, uniform <= 0.1)
    assert mask.mean().item() == pytest.approx(1.0, abs=4 * (0.1 / 0.9 / 200_000) ** 0.5)
