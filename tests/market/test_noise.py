"""Counts by quantile against SciPy, and the independence of keyed streams."""

import numpy as np
import pytest
import torch
from scipy import stats

from adrl_core.market.noise import Purpose, binomial_quantile, draw, poisson_quantile, stream

LARGEST_SINGLE = 120
"""Trials up to which half ** trials does not underflow in single precision."""
EVEN = stats.norm.ppf((np.arange(50_000) + 0.5) / 50_000)


@pytest.mark.parametrize("mean", [0.0, 1e-3, 0.1, 0.7, 2.0, 3.99])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_small_poisson_is_the_exact_inverse(mean, dtype):
    normal = torch.tensor(EVEN, dtype=dtype)
    count = poisson_quantile(normal, torch.full_like(normal, mean)).numpy()
    exact = stats.poisson.ppf(stats.norm.cdf(EVEN), mean)
    assert np.mean(count != exact) < 1e-4
    assert np.abs(count - exact).max() <= 1


@pytest.mark.parametrize("mean", [4.0, 6.5, 12.0, 30.0, 75.0, 150.0])
def test_large_poisson_differs_rarely_and_keeps_its_moments(mean):
    normal = torch.tensor(EVEN)
    count = poisson_quantile(normal, torch.full_like(normal, mean)).numpy()
    exact = stats.poisson.ppf(stats.norm.cdf(EVEN), mean)
    assert np.mean(count != exact) < 2e-3
    assert np.abs(count - exact).max() <= 1
    assert count.mean() == pytest.approx(mean, rel=3e-4)
    assert count.var() == pytest.approx(mean, rel=2e-3)


@pytest.mark.parametrize("normal", [-6.0, -4.0, 4.0, 6.0])
@pytest.mark.parametrize("mean", [0.5, 3.0, 5.0, 40.0, 150.0])
def test_poisson_tails(normal, mean):
    count = float(poisson_quantile(torch.tensor([normal]), torch.tensor([mean])))
    exact = stats.poisson.ppf(stats.norm.cdf(normal), mean)
    assert np.isfinite(count) and count >= 0
    # Beyond 1 - 2**-20 the search for small means stops early.
    assert exact - 4 <= count <= exact + 1


def test_poisson_of_mixed_means_equals_each_alone():
    normal, mean = torch.randn(1000), 20 * torch.rand(1000)
    together = poisson_quantile(normal, mean)
    alone = torch.cat([poisson_quantile(*pair) for pair in zip(normal.split(1), mean.split(1), strict=True)])
    assert torch.equal(together, alone)


@pytest.mark.parametrize("trials", [0, 1, 5, 12, 80, 300])
@pytest.mark.parametrize("chance", [0.0, 0.02, 0.3, 0.5, 0.77, 0.99])
def test_binomial_is_the_exact_inverse(trials, chance):
    uniform = (np.arange(20_000) + 0.5) / 20_000
    tensors = (torch.tensor(uniform), torch.full((20_000,), float(trials)), torch.full((20_000,), chance))
    double = binomial_quantile(*(t.double() for t in tensors)).numpy()
    exact = stats.binom.ppf(uniform, trials, chance)
    # A failure rate read as 1 - chance can round the last bit of a boundary.
    assert np.mean(double != np.maximum(exact, 0)) < 1e-3
    assert double.mean() == pytest.approx(trials * chance, rel=1e-3, abs=1e-3)
    if trials <= LARGEST_SINGLE:
        single = binomial_quantile(*(t.float() for t in tensors)).numpy()
        assert np.abs(single - double).max() <= 1
        assert np.mean(single != double) < 1e-3


def test_binomial_certain_success():
    assert binomial_quantile(torch.tensor([0.3]), torch.tensor([7.0]), torch.tensor([1.0])).item() == 7.0


def test_a_stream_is_its_key_alone():
    first = stream(3, Purpose.MARKET, 5, 7).random(4)
    stream(4, Purpose.MARKET, 5, 7).random(100)
    np.testing.assert_array_equal(first, stream(3, Purpose.MARKET, 5, 7).random(4))


def test_streams_of_different_keys_are_uncorrelated():
    keys = [(0, Purpose.MARKET, 0, 0), (1, Purpose.MARKET, 0, 0), (0, Purpose.POLICY, 0, 0)]
    keys += [(0, Purpose.MARKET, 1, 0), (0, Purpose.MARKET, 0, 1), (2**31, Purpose.MARKET, 0, 0)]
    samples = np.stack([stream(*key).standard_normal(20_000) for key in keys])
    correlation = np.corrcoef(samples) - np.eye(len(keys))
    assert np.abs(correlation).max() < 4.5 / np.sqrt(20_000)


def test_drawn_rows_do_not_depend_on_their_neighbours():
    uniforms, normals = draw([1, 2, 3], [4, 5, 6], Purpose.MARKET, 2, 3)
    alone = draw([2], [5], Purpose.MARKET, 2, 3)
    np.testing.assert_array_equal(uniforms[1], alone[0][0])
    np.testing.assert_array_equal(normals[1], alone[1][0])
    assert uniforms.min() >= 0.0 and uniforms.max() < 1.0
