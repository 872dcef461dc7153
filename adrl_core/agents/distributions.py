"""The policies' distributions, on any leading axes, sampled by given noise."""

import math

import torch
from torch import Tensor


def categorical_sample(logits: Tensor, uniform: Tensor) -> Tensor:
    """Actions (...,) by inversion of the uniforms (...,) under softmax(logits), logits (..., actions)."""
    below = logits.softmax(-1).cumsum(-1)
    return (uniform[..., None] > below[..., :-1]).sum(-1)


def categorical_log_prob(logits: Tensor, action: Tensor) -> Tensor:
    """Log-probability (...,) of whole-number actions (...,)."""
    return logits.log_softmax(-1).gather(-1, action[..., None]).squeeze(-1)


def categorical_entropy(logits: Tensor) -> Tensor:
    """Entropy (...,) in nats."""
    log_probability = logits.log_softmax(-1)
    return -(log_probability.exp() * log_probability).sum(-1)


def gaussian_log_prob(mean: Tensor, log_sd: Tensor, value: Tensor) -> Tensor:
    """Log-density (...,) of independent Gaussians at value (..., dimensions).

    The Budget agent scores its logits here, before the softmax: the softmax maps a line of logits to one
    allocation, so that only the density of the logits themselves is well defined.
    """
    standard = (value - mean) * (-log_sd).exp()
    return (-0.5 * standard.square() - log_sd - 0.5 * math.log(2.0 * math.pi)).sum(-1)


def gaussian_entropy(log_sd: Tensor) -> Tensor:
    """Entropy (...,) in nats of independent Gaussians with log standard deviations (..., dimensions)."""
    return (log_sd + 0.5 * math.log(2.0 * math.pi * math.e)).sum(-1)


def gaussian_sample(mean: Tensor, log_sd: Tensor, normal: Tensor) -> Tensor:
    """mean + sd * normal; all (..., dimensions)."""
    return torch.addcmul(mean, log_sd.exp(), normal)
