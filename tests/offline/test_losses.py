"""The losses against hand-computed numbers and SciPy."""

import numpy as np
import pytest
import torch
from scipy import special, stats

from adrl_core.agents.networks import ActorCritic
from adrl_core.offline.cloning import (
    bid_cloning_loss,
    cloned_value,
    negative_log_likelihood,
    share_logits,
)
from adrl_core.offline.conservative import LARGEST_WEIGHT, advantage_weights, conservative_penalty

VALUES = torch.tensor([[[0.2, -0.1, 0.5], [1.0, 1.0, 1.0]]], dtype=torch.float64, requires_grad=True)
LEVEL = torch.tensor([[2, 0]])


def test_cloning_of_bids_is_cross_entropy_at_a_temperature() -> None:
    found = bid_cloning_loss(VALUES, LEVEL, 0.1).detach()
    expected = -special.log_softmax(VALUES.detach().numpy() / 0.1, axis=2)
    np.testing.assert_allclose(found, [[expected[0, 0, 2], np.log(3.0)]])


def test_the_value_of_the_clone_moves_the_level_only() -> None:
    value = cloned_value(VALUES, 0.1)
    chances = special.softmax(VALUES.detach().numpy() / 0.1, axis=2)
    np.testing.assert_allclose(value.detach(), (chances * VALUES.detach().numpy()).sum(2))
    (gradient,) = torch.autograd.grad(value.sum(), VALUES)
    np.testing.assert_allclose(gradient, chances)


def test_share_logits_undo_the_softmax() -> None:
    logits = share_logits(torch.tensor([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]]))
    torch.testing.assert_close(logits.softmax(-1)[0], torch.tensor([0.5, 0.3, 0.2]))
    torch.testing.assert_close(logits.sum(-1), torch.zeros(2), atol=1e-5, rtol=0.0)
    # Nothing counts as a thousandth: (ln 1 + 2 ln 0.001) / 3 below the logs.
    assert logits[1].tolist() == pytest.approx([4.6052, -2.3026, -2.3026], abs=1e-4)


def test_likelihoods_of_modes_and_shares() -> None:
    logits, mode = torch.tensor([[[0.1, 0.7, -0.2]]]), torch.tensor([[1]])
    modes = negative_log_likelihood(ActorCritic(1, 10, 3, 16), logits, mode)
    np.testing.assert_allclose(modes, [[-special.log_softmax([0.1, 0.7, -0.2])[1]]], rtol=1e-6)
    action = torch.tensor([[[0.0, 1.0, -1.0]]])
    shares = negative_log_likelihood(ActorCritic(1, 10, 3, 16, log_sd=0.5), logits, action).detach()
    expected = -stats.norm(logits, np.exp(0.5)).logpdf(action).sum(2)
    np.testing.assert_allclose(shares, expected, rtol=1e-6)


def test_the_conservative_penalty_and_its_gradient() -> None:
    penalty = conservative_penalty(VALUES, LEVEL)
    values = VALUES.detach().numpy()
    np.testing.assert_allclose(
        penalty.detach(), special.logsumexp(values, axis=2) - np.array([[0.5, 1.0]]), rtol=1e-12
    )
    assert (penalty > 0).all()
    (gradient,) = torch.autograd.grad(penalty.sum(), VALUES)
    logged = np.array([[[0, 0, 1], [1, 0, 0]]])
    np.testing.assert_allclose(gradient, special.softmax(values, axis=2) - logged, atol=1e-12)


def test_weights_of_advantages_by_hand() -> None:
    weights = advantage_weights(torch.tensor([1.0, 0.0, 9.0]), torch.tensor([0.5, 0.5, 0.5]), 0.5)
    assert weights.tolist() == pytest.approx([np.e, 1 / np.e, LARGEST_WEIGHT])
