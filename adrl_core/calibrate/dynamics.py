"""How the price level moves within episodes: the market's own equations as a state-space model.

The log price level of a channel is a + x + g (H - 0.65): x, the log cost per click about its centre, and H,
the competition, each return towards a mean with the pull that the equations of the market give, disturbed in
proportion to the episode's volatility. Both are linear and Gaussian but for their bounds; a step that may
reach them is taken as normal with the right moments (assumed density filtering; Maybeck 1982, Stochastic
Models, Estimation and Control 2, chapter 12). So the fit is a quasi-likelihood, and its errors come from the
sandwich over episodes, which hold all the same (White 1982, Econometrica 50:1, 1-25).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import optimize
from scipy.special import ndtr

from adrl_core.calibrate.blocks import small_sample
from adrl_core.calibrate.cells import Cells, Prior
from adrl_core.calibrate.log import Floats
from adrl_core.market.channels import (
    COMPETITION_BOUNDS,
    COMPETITION_CENTRE,
    COMPETITION_REVERSION,
    COMPETITION_SWING,
    COST_BOUNDS,
    COST_CENTRE,
    COST_SWING,
)
from adrl_core.market.presets import ChannelConstants

LEAST_EPISODES = 8
"""Episodes below which nothing is said of how they differ."""
SMALLEST_VOLATILITY = 1e-3
SMALLEST_VARIANCE = 1e-10
STEP = 1e-3
"""Of numerical derivatives."""
SPREAD, PULL, VOLATILITY = -3, -2, -1
"""Places of s0, kc and the mean volatility among the parameters, after the channels' levels."""


class Dynamics(NamedTuple):
    """Fitted parameters: the channels' levels, then s0, kc and the mean volatility; shape (parameters,)."""

    values: Floats
    covariance: Floats
    """Shape (parameters, parameters)."""
    surprise: float
    """Mean squared standardised one-step prediction error; 1 where the equations describe the moves."""


class Belief(NamedTuple):
    """Normal belief about log cost x and competition h, less their centres; arrays of one shape."""

    cost: Floats
    competition: Floats
    var_cost: Floats
    var_competition: Floats
    covariance: Floats


class Filtered(NamedTuple):
    """One step of the Kalman filter."""

    before: Belief
    """Before the step's levels are seen."""
    after: Belief
    value: Floats
    """Log-likelihood of the step."""
    surprise: Floats
    """Sum of squared standardised errors of prediction."""
    inside: tuple[Floats, Floats]
    """Chance that cost and competition came to `before` without meeting their bounds."""


class Bounded(NamedTuple):
    """Moments of a normal variable that is kept within bounds."""

    mean: Floats
    variance: Floats
    inside: Floats
    """Chance not to meet a bound, by Stein's lemma the factor on a covariance, too."""


def bounded(mean: Floats, variance: Floats, low: float, high: float) -> Bounded:
    """Moments of min(max(X, low), high) for normal X; all arrays of one shape."""
    sd = np.sqrt(variance)
    a, b = (low - mean) / sd, (high - mean) / sd
    below, above = ndtr(a), ndtr(-b)
    density_a, density_b = (np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) for z in (a, b))
    inside = 1.0 - below - above
    # Of the standardised variable, kept between a and b.
    first = a * below + b * above + density_a - density_b
    second = inside + a * density_a - b * density_b + a * a * below + b * b * above
    return Bounded(mean + sd * first, np.maximum(variance * (second - first**2), SMALLEST_VARIANCE), inside)


def kalman_filter(
    parameters: Floats, cells: Cells, wobble: Floats, slope: Floats, base: ChannelConstants
) -> Iterator[Filtered]:
    """Go through the steps of all episodes, for several sets of parameters at once.

    Args:
        parameters: shape (sets, parameters).
        cells: observed levels.
        wobble: volatility of each episode less the mean, shape (episodes,).
        slope: g of each channel, shape (channels,).
        base: how competition starts and where it returns to.

    Yields:
        Arrays of shape (sets, episodes).
    """
    channels = len(slope)
    levels, (spread, pull, volatility) = parameters[:, :channels], parameters[:, channels:].T
    shape = (len(parameters), len(wobble))
    variance = np.maximum(volatility[:, None] + wobble, SMALLEST_VOLATILITY) ** 2
    keep, keep_level = 1.0 - pull[:, None], 1.0 - COMPETITION_REVERSION
    low, high = base.competition_start
    drift = COMPETITION_REVERSION * (base.competition_mean - COMPETITION_CENTRE)
    first = np.zeros(shape), np.broadcast_to(spread[:, None] ** 2, shape)
    even = np.full(shape, 0.5 * (low + high) - COMPETITION_CENTRE), np.full(shape, (high - low) ** 2 / 12.0)
    belief, inside = _within_bounds(first, even, np.zeros(shape))
    observed = cells.precision > 0.0
    noise = 1.0 / np.where(observed, cells.precision, 1.0)
    for t in range(cells.level.shape[1]):
        before, value, surprise = belief, np.zeros(shape), np.zeros(shape)
        for c, g in enumerate(slope):
            there = observed[:, t, c]
            cost, competition, var_cost, var_competition, covariance = belief
            gain_cost, gain_competition = var_cost + g * covariance, covariance + g * var_competition
            expected = gain_cost + g * gain_competition + noise[:, t, c]
            error = there * (cells.level[:, t, c] - levels[:, c, None] - cost - g * competition)
            value = value - 0.5 * (there * np.log(2.0 * np.pi * expected) + error**2 / expected)
            surprise = surprise + error**2 / expected
            share = there / expected
            belief = Belief(
                cost + gain_cost * error / expected,
                competition + gain_competition * error / expected,
                var_cost - share * gain_cost**2,
                var_competition - share * gain_competition**2,
                covariance - share * gain_cost * gain_competition,
            )
        yield Filtered(before, belief, value, surprise, inside)
        belief, inside = _within_bounds(
            (keep * belief.cost, keep**2 * belief.var_cost + COST_SWING**2 * variance),
            (
                keep_level * belief.competition + drift,
                keep_level**2 * belief.var_competition + COMPETITION_SWING**2 * variance,
            ),
            keep * keep_level * belief.covariance,
        )


def _within_bounds(
    cost: tuple[Floats, Floats], competition: tuple[Floats, Floats], covariance: Floats
) -> tuple[Belief, tuple[Floats, Floats]]:
    """Belief with cost and competition (mean and variance) kept within bounds, and chances to be inside."""
    low, high = (bound - COST_CENTRE for bound in COST_BOUNDS)
    kept = bounded(*cost, low, high)
    low, high = (bound - COMPETITION_CENTRE for bound in COMPETITION_BOUNDS)
    level = bounded(*competition, low, high)
    belief = Belief(
        kept.mean, level.mean, kept.variance, level.variance, covariance * kept.inside * level.inside
    )
    return belief, (kept.inside, level.inside)


def log_likelihood(
    parameters: Floats, cells: Cells, wobble: Floats, slope: Floats, base: ChannelConstants
) -> Floats:
    """Log-likelihood of each episode, shape (sets, episodes); arguments as in `kalman_filter`."""
    return np.sum([step.value for step in kalman_filter(parameters, cells, wobble, slope, base)], axis=0)


def fit_dynamics(
    cells: Cells, wobble: Floats, slope: Floats, base: ChannelConstants, start: Floats | None = None
) -> Dynamics:
    """Quasi-maximum-likelihood levels, s0, kc and mean volatility.

    Args:
        cells: observed levels of LEAST_EPISODES episodes or more.
        wobble, slope, base: as in `kalman_filter`.
        start: where to start, shape (parameters,).
    """
    channels, episodes = len(slope), len(wobble)
    weight = cells.precision.sum((0, 1))
    middle = (cells.level * cells.precision).sum((0, 1)) / weight
    if start is None:
        start = np.array([*middle, base.price_spread, base.price_reversion, float(np.mean(base.volatility))])
    count, shifts = len(start), STEP * np.eye(len(start))
    around = np.concatenate((np.zeros((1, count)), shifts, -shifts))
    lowest = SMALLEST_VOLATILITY
    bounds = [(None, None)] * channels + [(2 * STEP, 5.0), (2 * STEP, 0.98), (lowest + 2 * STEP, 3.0)]

    def scores(points: Floats) -> tuple[Floats, Floats]:
        """Log-likelihoods (points, episodes), and gradients (points, parameters, episodes) by differences."""
        sets = (points[:, None] + around).reshape(-1, count)
        value = log_likelihood(sets, cells, wobble, slope, base).reshape(len(points), -1, episodes)
        return value[:, 0], (value[:, 1 : count + 1] - value[:, count + 1 :]) / (2.0 * STEP)

    def loss(point: Floats) -> tuple[float, Floats]:
        value, gradient = scores(point[None])
        return -value[0].mean(), -gradient[0].mean(1)

    point = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    gradient = scores(point[None])[1][0]
    beside = scores(point + np.concatenate((shifts, -shifts)))[1].sum(2)
    hessian = (beside[:count] - beside[count:]) / (2.0 * STEP)
    bread = np.linalg.pinv(-0.5 * (hessian + hessian.T))
    told = (cells.precision > 0.0).any(1).sum(0)
    meat = small_sample(gradient @ gradient.T, np.append(told, [episodes] * (count - channels)))
    steps = kalman_filter(point[None], cells, wobble, slope, base)
    surprise = sum(float(step.surprise.sum()) for step in steps) / int((cells.precision > 0.0).sum())
    return Dynamics(point, bread @ meat @ bread, surprise)


def smoothed_prior(
    parameters: Floats, cells: Cells, wobble: Floats, slope: Floats, base: ChannelConstants
) -> Prior:
    """What all other cells tell of each cell's level, by the Rauch-Tung-Striebel smoother.

    The smoothed level of a cell less what the cell itself had told.
    """
    steps = list(kalman_filter(parameters[None], cells, wobble, slope, base))
    carry = np.array([1.0 - parameters[PULL], 1.0 - COMPETITION_REVERSION])
    moments = [(_moments(step.before), _moments(step.after)) for step in steps]
    mean, covariance = moments[-1][1]
    smooth = [(mean, covariance)]
    for t in reversed(range(len(steps) - 1)):
        (now, spread), (ahead, ahead_spread) = moments[t][1], moments[t + 1][0]
        inside = np.stack([part[0] for part in steps[t + 1].inside], 1)
        gain = (spread * (carry * inside)[:, None, :]) @ np.linalg.inv(ahead_spread)
        mean, covariance = (
            now + np.einsum("eij,ej->ei", gain, mean - ahead),
            spread + gain @ (covariance - ahead_spread) @ gain.swapaxes(1, 2),
        )
        smooth.append((mean, covariance))
    loading = np.stack([np.ones_like(slope), slope], 1)
    level = np.stack([m @ loading.T for m, _ in smooth[::-1]], 1) + parameters[: len(slope)]
    variance = np.stack([np.einsum("ci,eij,cj->ec", loading, v, loading) for _, v in smooth[::-1]], 1)
    precision = np.maximum(1.0 / variance - cells.precision, 1e-6 / variance)
    return Prior((level / variance - cells.precision * cells.level) / precision, precision)


def _moments(belief: Belief) -> tuple[Floats, Floats]:
    """Mean (episodes, 2) and covariance (episodes, 2, 2) of a belief with one set of parameters."""
    cost, competition, var_cost, var_competition, covariance = (part[0] for part in belief)
    rows = np.stack([var_cost, covariance, covariance, var_competition], 1)
    return np.stack([cost, competition], 1), rows.reshape(-1, 2, 2)
