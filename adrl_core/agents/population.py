"""Layers with a leading axis of runs: many independently trained networks as one tensor program."""

from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrl_core.market.noise import Purpose, stream

# CPU kernels round differently at the ragged end of a row, and where that end lies depends on the number of
# runs in the batch. Parameters padded to this width have no ragged end, which keeps a run bitwise equal
# whether it trains alone or among others. The padding is zero, gets no gradient, and stays zero.
KERNEL_WIDTH = 16


def padded(size: int) -> int:
    """The next multiple of KERNEL_WIDTH."""
    return size + -size % KERNEL_WIDTH


class Linear(nn.Module):
    """One affine map a run: (runs, batch, inputs) to (runs, batch, outputs)."""

    def __init__(self, runs: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        self.weight = nn.Parameter(torch.zeros(runs, inputs, padded(outputs)))
        self.bias = nn.Parameter(torch.zeros(runs, 1, padded(outputs)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)[..., : self.outputs]


class Vector(nn.Module):
    """A free vector a run, (runs, 1, size), every entry of which starts at `start`."""

    def __init__(self, runs: int, size: int, start: float) -> None:
        super().__init__()
        self.size = size
        self.values = nn.Parameter(torch.full((runs, 1, padded(size)), start))

    def forward(self) -> Tensor:
        return self.values[..., : self.size]


class LayerNorm(nn.Module):
    """Layer normalisation with one gain and shift a run (Ba et al. 2016)."""

    def __init__(self, runs: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(runs, 1, size))
        self.bias = nn.Parameter(torch.zeros(runs, 1, size))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[-1:]) * self.weight + self.bias


def initialise(network: nn.Module, seeds: Sequence[int], agent: int) -> None:
    """Fill every Linear from the runs' weight streams, uniform in +-1/sqrt(inputs) as PyTorch does.

    Args:
        network: holds population layers for len(seeds) runs.
        seeds: one training seed a run.
        agent: number of the agent in the team, so that no two networks of a run start alike.
    """
    generators = [stream(seed, Purpose.WEIGHTS, agent) for seed in seeds]
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, Linear):
                bound = layer.weight.shape[1] ** -0.5
                for parameter in (layer.weight, layer.bias):
                    shape = (parameter.shape[1], layer.outputs)
                    values = [g.uniform(-bound, bound, shape) for g in generators]
                    parameter[..., : layer.outputs] = torch.from_numpy(np.stack(values))


def parameters_per_run(network: nn.Module) -> int:
    """Number of trained parameters of one run, padding left out."""
    total = 0
    for layer in network.modules():
        if isinstance(layer, Linear):
            total += (layer.weight.shape[1] + 1) * layer.outputs
        elif isinstance(layer, LayerNorm):
            total += 2 * layer.weight.shape[2]
        elif isinstance(layer, Vector):
            total += layer.size
    return total


def clip_gradients(parameters: Iterable[nn.Parameter], largest: float) -> Tensor:
    """Scale each run's gradients to a norm of at most `largest`; returns the norms before, (runs,)."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    # Added one by one: a stacked sum regroups its terms with the number of runs.
    norms = gradients[0].new_zeros(len(gradients[0]))
    for gradient in gradients:
        norms += torch.linalg.vector_norm(gradient, dim=(1, 2)).square()
    norms.sqrt_()
    scale = (largest / (norms + 1e-6)).clamp_max(1.0)
    for gradient in gradients:
        gradient.mul_(scale[:, None, None])
    return norms


def ordered_mean(records: Sequence[Tensor]) -> Tensor:
    """Mean of equally shaped tensors, added one by one for the same reason."""
    return reduce(torch.add, records) / len(records)
