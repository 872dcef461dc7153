"""The distributions against `torch.distributions`."""

import pytest
import torch
from torch.distributions import Categorical, Independent, Normal

from adrl_core.agents import distributions as dist

SHAPE = (2, 5, 3)


@pytest.fixture
def logits() -> torch.Tensor:
    """Unnormalised logits of any level."""
    return 3.0 * torch.randn(SHAPE, generator=torch.Generator().manual_seed(0)) + 7.0


def test_categorical_density_and_entropy(logits: torch.Tensor) -> None:
    reference = Categorical(logits=logits)
    for action in range(3):
        actions = torch.full(SHAPE[:2], action)
        torch.testing.assert_close(dist.categorical_log_prob(logits, actions), reference.log_prob(actions))
    torch.testing.assert_close(dist.categorical_entropy(logits), reference.entropy())


def test_categorical_sample_has_the_probabilities(logits: torch.Tensor) -> None:
    n = 100_000
    uniform = (torch.arange(n) + 0.5) / n
    drawn = dist.categorical_sample(logits[0, 0].expand(n, 3), uniform)
    shares = torch.bincount(drawn, minlength=3) / n
    torch.testing.assert_close(shares, logits[0, 0].softmax(0), atol=1e-4, rtol=0)
    extremes = torch.tensor([0.0, 1.0 - 2.0**-24])
    assert dist.categorical_sample(torch.zeros(2, 3), extremes).tolist() == [0, 2]


def test_gaussian_density_entropy_and_sample(logits: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(1)
    log_sd, noise = torch.randn(2, 1, 3, generator=generator), torch.randn(SHAPE, generator=generator)
    reference = Independent(Normal(logits, log_sd.exp().expand(SHAPE)), 1)
    value = dist.gaussian_sample(logits, log_sd, noise)
    torch.testing.assert_close(value, logits + log_sd.exp() * noise)
    torch.testing.assert_close(dist.gaussian_log_prob(logits, log_sd, value), reference.log_prob(value))
    torch.testing.assert_close(dist.gaussian_entropy(log_sd).expand(SHAPE[:2]), reference.entropy())


def test_allocations_are_scored_by_their_logits_not_their_shares(logits: torch.Tensor) -> None:
    """Logits shifted along the line that softmax ignores give one allocation but another density."""
    log_sd = torch.zeros(2, 1, 3)
    shifted = logits + 1.0
    torch.testing.assert_close(shifted.softmax(2), logits.softmax(2))
    at_mean = dist.gaussian_log_prob(logits, log_sd, logits)
    torch.testing.assert_close(dist.gaussian_log_prob(logits, log_sd, shifted), at_mean - 1.5)
