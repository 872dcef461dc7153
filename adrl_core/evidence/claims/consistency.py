"""Figures recomputed from other printed figures alone: what the published numbers imply for each other."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import Literal

import numpy as np
from scipy import integrate, optimize, stats

from adrl_core.evidence.published import Printed, claim_text, printed
from adrl_core.evidence.tests import pooled_t_from_summary, welch_t_from_summary

NORMAL_95 = float(stats.norm.ppf(0.975))
EPISODES_OF_WINDOWS = np.array([100.0, 200.0, 300.0, 400.0])
"""Lengths of the windows of the printed trajectory, 0-100, 100-300, 300-600 and 600-1000."""


@dataclass(frozen=True)
class Reading:
    """One way to compute a figure from printed ones."""

    sources: tuple[str, ...]
    """Claims whose printed numbers go in, in the order of the formula's arguments."""
    formula: Callable[..., float]
    words: str
    form: str
    unit: str
    side: Literal["equal", "at least", "at most"]

    @cached_property
    def value(self) -> float:
        """From the numbers as printed."""
        return float(self.formula(*(printed(source).value for source in self.sources)))

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value that the roundings of the printed numbers allow.

        Taken over the corners of the box of roundings, which is exact for the monotone formulas used here.
        """
        corners = product(*({printed(s).low, printed(s).high} - {-math.inf, math.inf} for s in self.sources))
        values = [float(self.formula(*corner)) for corner in corners]
        return min(values), max(values)

    def admits(self, expected: Printed) -> bool:
        """Whether a number printed so could come from this computation."""
        low, high = self.bounds
        slack = 1e-9 * max(1.0, abs(high))
        return expected.admits(
            -math.inf if self.side == "at most" else low - slack,
            math.inf if self.side == "at least" else high + slack,
        )

    @property
    def text(self) -> str:
        """The value as shown, with its side."""
        shown = format(self.value, self.form).replace("-", "\N{MINUS SIGN}")
        return shown if self.side == "equal" else f"{self.side} {shown}"


def lowest_paired_t(mean_a: float, sd_a: float, mean_b: float, sd_b: float, n: float) -> float:
    """The least paired t statistic: at correlation -1 the differences have SD sd_a + sd_b."""
    return (mean_a - mean_b) / ((sd_a + sd_b) / math.sqrt(n))


def pooled_d(mean_a: float, sd_a: float, mean_b: float, sd_b: float) -> float:
    """Cohen's d of two equally large groups."""
    return (mean_a - mean_b) / math.sqrt((sd_a**2 + sd_b**2) / 2.0)


def unpaired_t(mean_a: float, sd_a: float, mean_b: float, sd_b: float, n: float) -> float:
    """Student's t of two groups of n."""
    return pooled_t_from_summary(mean_a, sd_a, round(n), mean_b, sd_b, round(n)).statistic


def welch_df(mean_a: float, sd_a: float, mean_b: float, sd_b: float, n: float) -> float:
    """Welch's degrees of freedom of two groups of n."""
    df = welch_t_from_summary(mean_a, sd_a, round(n), mean_b, sd_b, round(n)).df
    assert isinstance(df, float)
    return df


def n_for_t(mean_a: float, sd_a: float, mean_b: float, sd_b: float, t: float) -> float:
    """Group size at which the unpaired t statistic of two groups is t."""
    return t**2 * (sd_a**2 + sd_b**2) / (mean_a - mean_b) ** 2


def critical_t(df: float) -> float:
    """Two-sided 5 % point of Student's t."""
    return float(stats.t.ppf(0.975, df))


def level_of_interval(half: float, error: float, df: float) -> float:
    """Confidence, in percent, of mean ± half with the given standard error."""
    return 100.0 * float(1.0 - 2.0 * stats.t.sf(half / error, df))


def likelihood_ratio(a: float, b: float) -> float:
    """Likelihood-ratio chi-square of two Poisson counts with equal exposure."""
    middle = (a + b) / 2.0
    return 2.0 * (a * math.log(a / middle) + b * math.log(b / middle))


def windows_mean(*means: float) -> float:
    """Mean over all episodes of the four windows."""
    return float(np.average(means, weights=EPISODES_OF_WINDOWS))


def windows_sd(*values: float) -> float:
    """SD over all episodes of the four windows, from their means and SDs."""
    means, sds = np.array(values[:4]), np.array(values[4:])
    variance = np.average(sds**2 + (means - windows_mean(*means)) ** 2, weights=EPISODES_OF_WINDOWS)
    return float(math.sqrt(variance))


def share_between(low: float, high: float, mean: float, sd: float) -> float:
    """Percentage of a normal distribution between two values."""
    return 100.0 * float(stats.norm.cdf(high, mean, sd) - stats.norm.cdf(low, mean, sd))


def share_above(level: float, mean: float, sd: float) -> float:
    """Percentage of a normal distribution above a value."""
    return 100.0 * float(stats.norm.sf(level, mean, sd))


def expected_maximum(mean: float, sd: float, n: float) -> float:
    """Expected largest of n normal values."""
    return mean + sd * _expected_standard_maximum(round(n))


@cache
def _expected_standard_maximum(n: int) -> float:
    def weighted_density(z: float) -> float:
        return float(z * n * stats.norm.pdf(z) * stats.norm.cdf(z) ** (n - 1))

    return float(integrate.quad(weighted_density, -10.0, 10.0, points=[0.0, 3.0])[0])


def largest_entropy(share: float, options: float) -> float:
    """Largest entropy in nats of a choice whose modal option has the given share (a fraction)."""
    rest = 1.0 - share
    return -share * math.log(share) - (rest * math.log(rest / (options - 1.0)) if rest else 0.0)


def largest_share(entropy: float, options: float) -> float:
    """Largest modal share, in percent, of a choice with at least the given entropy in nats."""
    if entropy >= math.log(options):
        return 100.0 / options
    share = optimize.brentq(lambda share: largest_entropy(share, options) - entropy, 1.0 / options, 1.0)
    return 100.0 * float(share)


def effective_size(n: float, correlation: float) -> float:
    """Independent episodes worth n episodes of a first-order autoregression."""
    return n * (1.0 - correlation) / (1.0 + correlation)


def exact_rate_p(a: float, b: float) -> float:
    """Two-sided exact p value of two Poisson counts with equal exposure."""
    return float(stats.binomtest(round(a), round(a + b)).pvalue)


def fall(before: float, after: float) -> float:
    """Fall in percent."""
    return 100.0 * (1.0 - after / before)


def rise(before: float, after: float) -> float:
    """Rise in percent."""
    return 100.0 * (after / before - 1.0)


def objective_has_a_direction(surrogate: float, value_loss: float, entropy: float) -> bool:
    """Whether maximising or minimising the objective raises the surrogate, lowers the value loss and raises
    the entropy."""
    return any(
        direction * surrogate > 0 and direction * value_loss < 0 and direction * entropy > 0
        for direction in (1.0, -1.0)
    )


def signs(claim: str) -> list[float]:
    """A printed list such as +1|+0.5|-0.01."""
    return [float(part) for part in claim_text(claim).split("|")]


def compared_windows() -> list[int]:
    """Episodes of the windows that the variance test compares, both ends included."""
    spans = (part.split("-") for part in claim_text("C194").split("|"))
    return [int(last) - int(first) + 1 for first, last in spans]


def printed_df() -> tuple[int, ...]:
    """The variance test's printed degrees of freedom."""
    return tuple(int(part) for part in claim_text("C192").split(","))
