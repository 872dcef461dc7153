"""Layers on the axis of runs against the layers of PyTorch, one run at a time."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from adrl_core.agents.networks import ActorCritic, QNetwork
from adrl_core.agents.population import (
    KERNEL_WIDTH,
    LayerNorm,
    Linear,
    Vector,
    clip_gradients,
    initialise,
    padded,
    parameters_per_run,
)

RUNS, BATCH = 3, 7


def test_padded() -> None:
    assert [padded(n) for n in (1, 15, 16, 17, 256)] == [16, 16, 16, 32, 256]
    assert KERNEL_WIDTH == 16


def test_linear_and_layer_norm_equal_pytorch_run_by_run() -> None:
    generator = torch.Generator().manual_seed(0)
    linear, norm = Linear(RUNS, 10, 5), LayerNorm(RUNS, 5)
    initialise(linear, range(RUNS), 0)
    with torch.no_grad():
        norm.weight.normal_(generator=generator)
        norm.bias.normal_(generator=generator)
    x = torch.randn(RUNS, BATCH, 10, generator=generator)
    y = norm(linear(x))
    assert y.shape == (RUNS, BATCH, 5)
    for run in range(RUNS):
        expected = F.linear(x[run], linear.weight[run, :, :5].T, linear.bias[run, 0, :5])
        expected = F.layer_norm(expected, (5,), norm.weight[run, 0], norm.bias[run, 0])
        torch.testing.assert_close(y[run], expected)


def test_initial_weights_depend_on_seed_and_agent_only() -> None:
    def weights(seeds: list[int], agent: int) -> dict[int, torch.Tensor]:
        network = QNetwork(len(seeds), 10, 4, 32)
        initialise(network, seeds, agent)
        return {s: torch.cat([p[i].flatten() for p in network.parameters()]) for i, s in enumerate(seeds)}

    alone, among = weights([5], 1), weights([9, 5, 2], 1)
    assert torch.equal(alone[5], among[5])
    assert not torch.equal(among[9], among[2])
    assert not torch.equal(alone[5], weights([5], 0)[5])


def test_initial_weights_are_uniform_within_the_bound_of_pytorch() -> None:
    layer = Linear(2, 64, 40)
    initialise(layer, [0, 1], 0)
    for parameter in (layer.weight[..., :40], layer.bias[..., :40]):
        assert parameter.abs().max() <= 1 / 8
    assert layer.weight[..., :40].std().item() == pytest.approx(1 / 8 / 3**0.5, rel=0.02)


def test_padding_stays_zero_while_learning() -> None:
    network = ActorCritic(2, 10, 3, 32, log_sd=0.0)
    initialise(network, [0, 1], 0)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.1)
    for _ in range(5):
        optimiser.zero_grad()
        logits, value = network(torch.ones(2, 4, 10))
        (logits.square().sum() + value.square().sum() + network.log_sd().square().sum()).backward()
        optimiser.step()
    for layer in network.modules():
        if isinstance(layer, Linear):
            assert not layer.weight[..., layer.outputs :].any() and not layer.bias[..., layer.outputs :].any()


def test_vector_is_free_for_each_run() -> None:
    vector = Vector(2, 3, -0.5)
    assert torch.equal(vector(), torch.full((2, 1, 3), -0.5))
    assert parameters_per_run(vector) == 3


@pytest.mark.parametrize("largest", [0.05, 0.5, 1e3])
def test_clip_gradients_equals_pytorch_run_by_run(largest: float) -> None:
    network = QNetwork(RUNS, 10, 4, 32)
    initialise(network, range(RUNS), 0)
    x = torch.randn(RUNS, BATCH, 10, generator=torch.Generator().manual_seed(0))
    # Runs with gradients of very different length, so that some are clipped and others are not.
    (network(x).square().sum((1, 2)) * torch.tensor([1e-3, 1.0, 1e3])).sum().backward()
    alone = [[nn.Parameter(p[run].detach().clone()) for p in network.parameters()] for run in range(RUNS)]
    expected = []
    for run, parameters in enumerate(alone):
        for parameter, stacked in zip(parameters, network.parameters(), strict=True):
            parameter.grad = stacked.grad[run].clone()
        expected.append(nn.utils.clip_grad_norm_(parameters, largest))
    norms = clip_gradients(network.parameters(), largest)
    torch.testing.assert_close(norms, torch.stack(expected))
    for run, parameters in enumerate(alone):
        for parameter, stacked in zip(parameters, network.parameters(), strict=True):
            torch.testing.assert_close(stacked.grad[run], parameter.grad)
