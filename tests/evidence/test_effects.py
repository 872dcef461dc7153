"""Effect sizes against hand calculation, published tables and the distribution they invert."""

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from adrl_core.evidence.effects import paired_d, probability_of_improvement


def probability_below(t: float, df: int, noncentrality: float) -> float:
    """P(T <= t) from the definition T = (Z + noncentrality) / sqrt(V / df), by quadrature over V."""

    def integrand(chi: float) -> float:
        return stats.norm.cdf(t * chi / math.sqrt(df) - noncentrality) * stats.chi.pdf(chi, df)

    centre = stats.chi.ppf([1e-12, 0.5, 1 - 1e-12], df)
    return integrate.quad(integrand, centre[0], centre[2], points=[centre[1]], epsabs=1e-12, limit=400)[0]


def with_effect(effect: float, n: int) -> np.ndarray:
    """Values with standard deviation one and the mean that is asked for."""
    values = np.linspace(-1.0, 1.0, n)
    return values / values.std(ddof=1) + effect


def test_paired_d_by_hand() -> None:
    assert paired_d([1.0, 2.0, 3.0, 4.0, 5.0]).mean == pytest.approx(3.0 / math.sqrt(2.5))


def test_interval_of_the_published_example() -> None:
    """Kelley's MBESS manual, conf.limits.nct(ncp=2.83, df=126): 0.8337502 to 4.815359."""
    root = math.sqrt(127.0)
    estimate = paired_d(with_effect(2.83 / root, 127))
    low, high = (bound * root for bound in estimate[1:3])
    assert (low, high) == pytest.approx((0.8337502, 4.815359), rel=1e-5)


@pytest.mark.parametrize(
    ("effect", "n"), [(0.0, 5), (-0.7, 3), (0.9, 20), (7.0, 20), (-60.0, 20), (400.0, 20)]
)
def test_interval_inverts_the_noncentral_t(effect: float, n: int) -> None:
    t, root = effect * math.sqrt(n), math.sqrt(n)
    reach = 8.0 + 3.0 * abs(t)

    def bound(share: float) -> float:
        return (
            optimize.brentq(lambda nc: probability_below(t, n - 1, nc) - share, t - reach, t + reach) / root
        )

    estimate = paired_d(with_effect(effect, n))
    assert estimate == pytest.approx((effect, bound(0.975), bound(0.025), n), rel=2e-4, abs=1e-6)


@pytest.mark.parametrize("difference", [1e3, -1e9])
def test_huge_effects_have_finite_ordered_bounds(difference: float) -> None:
    estimate = paired_d(difference + np.array([0.0, 1e-3, 0.0, 1e-3]))
    assert estimate.low < estimate.mean < estimate.high
    assert abs(estimate.high) < math.inf


def test_values_without_spread() -> None:
    assert paired_d([0.0, 0.0, 0.0]) == (0.0, 0.0, 0.0, 3)
    assert paired_d([2.0, 2.0]) == (math.inf, math.inf, math.inf, 2)
    assert paired_d([-1.0, -1.0]).mean == -math.inf


def share_of_wins(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean([1.0 if x > y else 0.5 if x == y else 0.0 for x, y in product(a, b)]))


def test_probability_of_improvement_counts_pairs() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, 12), rng.integers(0, 5, 9)
    estimate = probability_of_improvement(a, b)
    assert estimate.mean == pytest.approx(share_of_wins(a, b))
    assert estimate.mean == pytest.approx(stats.mannwhitneyu(a, b).statistic / (12 * 9))
    assert estimate.n == 21


def test_probability_of_improvement_approaches_the_enumeration_of_all_resamples() -> None:
    a, b = [1.0, 4.0, 6.0], [2.0, 3.0, 5.0]
    shares = [share_of_wins(x, y) for x in product(a, repeat=3) for y in product(b, repeat=3)]
    estimate = probability_of_improvement(a, b, resamples=20_000)
    # Shares are ninths; a bound may fall on the neighbour of the exact one.
    assert estimate[1:3] == pytest.approx(np.quantile(shares, [0.025, 0.975]), abs=1 / 9)
    assert estimate.low < 0.3 and estimate.high > 0.9


def test_interval_of_improvement_on_a_constant_is_binomial() -> None:
    """Resampled, the 20 values of which 12 exceed the constant count as Binomial(20, 0.6) does."""
    estimate = probability_of_improvement(np.arange(20.0), [7.5, 7.5], resamples=20_000)
    assert estimate[:3] == pytest.approx((0.6, *stats.binom.ppf([0.025, 0.975], 20, 0.6) / 20), abs=1e-9)


def test_probability_of_improvement_of_apart_and_of_equal_samples() -> None:
    assert probability_of_improvement([3.0, 4.0], [1.0, 2.0]) == (1.0, 1.0, 1.0, 4)
    assert probability_of_improvement([1.0, 1.0], [1.0, 1.0]) == (0.5, 0.5, 0.5, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_d([1.0]), r"differences of shape \(1,\): expected one axis with at least two values"),
        (lambda: paired_d([1.0, np.nan]), "differences holds nan"),
        (lambda: probability_of_improvement([1.0, 2.0], [1.0, np.inf]), "b holds inf"),
    ],
)
def test_errors_name_what_is_wrong(call: Callable, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
