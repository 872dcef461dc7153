"""Layers with a leading axis of runs: many independently trained networks as one tensor program."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrl_core.market.noise import Purpose, stream

# Matrix kernels for narrow outputs round differently with the number of runs in the batch; at this width
# they do not, which keeps a run bitwise equal whether it trains alone or among others.
KERNEL_WIDTH = 16


class Linear(nn.Module):
    """One affine map a run: (runs, batch, inputs) to (runs, batch, outputs)."""

    def __init__(self, runs: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(runs, inputs, outputs))
        self.bias = nn.Parameter(torch.empty(runs, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        outputs = self.weight.shape[2]
        padding = (0, -outputs % KERNEL_WIDTH)
        if not padding[1]:
            return torch.baddbmm(self.bias, x, self.weight)
        wide = torch.baddbmm(F.pad(self.bias, padding), x, F.pad(self.weight, padding))
        return wide[..., :outputs]


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
                    values = [g.uniform(-bound, bound, parameter.shape[1:]) for g in generators]
                    parameter.copy_(torch.from_numpy(np.stack(values)))


def clip_gradients(parameters: Iterable[nn.Parameter], largest: float) -> Tensor:
    """Scale each run's gradients to a norm of at most `largest`; returns the norms before, (runs,)."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    norms = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0).sqrt()
    scale = (largest / (norms + 1e-6)).clamp_max(1.0)
    for gradient in gradients:
        gradient *= scale[:, None, None]
    return norms
