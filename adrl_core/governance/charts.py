"""Control charts and drift: pure functions on series (rows, time), each row watched by itself.

Charts take numbers standardised by what was seen in control, z = (x - mean) / sd. The average run lengths
given here, in observations until an alarm, hold for independent normal z and known mean and sd; our unit is
the episode, which is independent of the others, and not the step, which is not. How often a chart cries wolf
on a skewed metric has to be measured.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.spatial.distance import jensenshannon

Series = NDArray[np.float64]
Alarms = NDArray[np.bool_]

EWMA_WEIGHT, EWMA_WIDTH = 0.1, 2.814
"""Average run length 500 in control and 10.3 after a shift by one sd (Lucas & Saccucci 1990, Technometrics
32:1-12; Montgomery, Introduction to Statistical Quality Control, table 9.11)."""
CUSUM_SLACK, CUSUM_LIMIT = 0.5, 5.0
"""Average run length 465 in control and 10.4 after a shift by one sd, two-sided (Montgomery, table 9.3)."""


class Reference(NamedTuple):
    """Mean and standard deviation of a metric in control."""

    mean: float
    sd: float


def reference(in_control: Series) -> Reference:
    """What a metric was when all was well, from values of any shape."""
    return Reference(float(in_control.mean()), float(in_control.std(ddof=1)))


def standardised(values: Series, usual: Reference) -> Series:
    """Distance from the mean in control, in its standard deviations."""
    return (values - usual.mean) / usual.sd


def ewma(z: Series, weight: float = EWMA_WEIGHT) -> Series:
    """Exponentially weighted moving average, s_t = (1 - w) s_{t-1} + w z_t with s_0 = 0 (Roberts 1959)."""
    return lfilter([weight], [1.0, weight - 1.0], z, axis=-1)


def ewma_alarms(z: Series, weight: float = EWMA_WEIGHT, width: float = EWMA_WIDTH) -> Alarms:
    """Where the average is off 0 by more than `width` times its long-run sd, sqrt(w / (2 - w))."""
    return np.abs(ewma(z, weight)) > width * (weight / (2.0 - weight)) ** 0.5


def cusum(z: Series, slack: float = CUSUM_SLACK) -> Series:
    """Upper sum, c_t = max(0, c_{t-1} + z_t - k) with c_0 = 0 (Page 1954); the lower sum is of -z.

    It equals the height of the plain sum of z - k above the lowest point it has had.
    """
    total = (z - slack).cumsum(-1)
    return total - np.minimum(np.minimum.accumulate(total, axis=-1), 0.0)


def cusum_alarms(z: Series, slack: float = CUSUM_SLACK, limit: float = CUSUM_LIMIT) -> Alarms:
    """Where the upper or the lower sum is above the limit."""
    return np.maximum(cusum(z, slack), cusum(-z, slack)) > limit


def misaligned_alarms(
    reward: Series, profit: Series, slack: float = CUSUM_SLACK, limit: float = CUSUM_LIMIT
) -> Alarms:
    """Where the reward has risen and the profit fallen: what is maximised is not what is wanted.

    Args:
        reward, profit: standardised, (rows, time).
        slack, limit: of the upper sum of the reward and the lower one of the profit, both of which must pass.
    """
    return (cusum(reward, slack) > limit) & (cusum(-profit, slack) > limit)


def run_length(alarms: Alarms) -> Series:
    """Observations up to and with the first alarm, (rows,); infinite where there was none."""
    return np.where(alarms.any(-1), alarms.argmax(-1) + 1.0, np.inf)


def drift(counts: Series, usual: Series) -> Series:
    """Jensen-Shannon distance, in [0, 1], of distributions from the usual one (Endres & Schindelin 2003).

    Args:
        counts: how often each value occurred in each window, (..., values).
        usual: the same in control, (values,).

    Returns:
        Shape (...,).
    """
    return np.asarray(jensenshannon(counts, np.broadcast_to(usual, counts.shape), base=2, axis=-1))


def drift_limit(in_control: Series, usual: Series, false_alarm: float = 0.002) -> float:
    """Distance that a share `false_alarm` of the windows in control exceeds, (windows, values).

    The default is one alarm in 500 windows, as often as the charts. There is no table for it: the values of a
    window depend on each other, so tests that take them as independent, such as Kolmogorov and Smirnov's,
    would find drift everywhere.
    """
    return float(np.quantile(drift(in_control, usual), 1.0 - false_alarm))
