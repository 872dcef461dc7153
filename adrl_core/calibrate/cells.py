"""Price levels of single steps: each episode, step and channel is a cell with a level of its own.

Within a cell prices are independent draws; between cells the level moves. Lost auctions count as prices above
their bids.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from adrl_core.calibrate.log import Floats, Integers
from adrl_core.calibrate.prices import LogNormal, hazard

ROUNDS = 100
TOLERANCE = 1e-6
LARGEST_MOVE = 2.0
"""Longest step of a level in one round, in standard deviations of a price."""
LARGEST_CHANGE = 0.5
"""Longest step of a log standard deviation in one round."""
TINY = 1e-300


class CellPrices(NamedTuple):
    """Log prices seen and log bids lost, each with the cell that it belongs to."""

    shape: tuple[int, int, int]
    """Episodes, steps, channels."""
    where: Integers
    """Flat index of the cell of each price, shape (n,)."""
    log_price: Floats
    """Shape (n,)."""
    where_lost: Integers
    """Flat index of the cell of each lost auction, shape (m,)."""
    log_bid: Floats
    """Shape (m,)."""


class Prior(NamedTuple):
    """What is known of each cell's level beforehand; arrays of shape (episodes, steps, channels)."""

    mean: Floats
    precision: Floats


class Cells(NamedTuple):
    """What the auctions tell of each cell's level, summed up as one normal observation."""

    level: Floats
    """Log price level, shape (episodes, steps, channels)."""
    precision: Floats
    """Inverse of its variance, same shape; 0 where a cell has no auction."""
    log_sd: Floats
    """Standard deviation of log prices within a cell, shape (episodes, channels)."""
    log_sd_error: Floats
    """Its standard error, same shape; infinite where a channel has too few auctions in an episode."""


def overall_prior(auctions: CellPrices, overall: list[LogNormal]) -> Prior:
    """The channels' overall log-normals, for the cells in which every auction was lost; elsewhere nothing."""
    size = int(np.prod(auctions.shape))
    seen = np.bincount(auctions.where, minlength=size).reshape(auctions.shape)
    mean = np.broadcast_to([float(fit.mean) for fit in overall], auctions.shape)
    return Prior(mean, np.where(seen > 0, 0.0, [float(fit.sd) ** -2 for fit in overall]))


def fit_cells(auctions: CellPrices, prior: Prior, log_sd: Floats) -> Cells:
    """Levels of all cells, and a spread for each episode and channel, by Newton's method on all at once.

    The spread maximises the likelihood in which the levels are integrated out by Laplace's method (Tierney
    and Kadane 1986, JASA 81:393, 82-86). Without lost auctions and prior that is the pooled variance with its
    degrees of freedom.

    Args:
        auctions: prices and lost bids.
        prior: of the levels; with precision 0 a level is estimated from its own cell alone.
        log_sd: where to start, shape (channels,) or (episodes, channels).
    """
    shape, where, log_price, where_lost, log_bid = auctions
    size, groups = int(np.prod(shape)), (shape[0], shape[2])
    group_of = np.broadcast_to(np.arange(shape[0] * shape[2]).reshape(shape[0], 1, shape[2]), shape).ravel()

    def by_cell(values: Floats) -> Floats:
        return np.bincount(where_lost, values, size).astype(float)

    def by_group(values: Floats) -> Floats:
        return np.bincount(group_of, values, shape[0] * shape[2]).astype(float)

    middle, held = prior.mean.ravel(), prior.precision.ravel()
    seen, total = np.bincount(where, minlength=size).astype(float), np.bincount(where, log_price, size)
    centre = np.where(seen > 0, total / np.maximum(seen, 1.0), middle)
    squares = by_group(np.bincount(where, (log_price - centre[where]) ** 2, size).astype(float))
    spread = np.log(np.broadcast_to(log_sd, groups).ravel())
    level = centre
    for _ in range(ROUNDS):
        sd = np.exp(spread)[group_of]
        z = (log_bid - level[where_lost]) / sd[where_lost]
        rate, bend = hazard(z)
        pull = by_cell(rate)
        precision = (seen + by_cell(bend)) / sd**2
        score = (total - seen * level) / sd**2 + pull / sd
        stiff = np.maximum(precision + held, TINY)
        move = ((score - held * (level - middle)) / stiff).clip(-LARGEST_MOVE * sd, LARGEST_MOVE * sd)
        move[precision + held == 0.0] = 0.0
        # Squared residuals about the present level, from those about the cells' means.
        residual = (squares + by_group(seen * (level - centre) ** 2)) / np.exp(2.0 * spread)
        freedom = _freedom(by_cell, (z, rate, bend), sd, precision, stiff, held * (level - middle))
        gradient = residual - by_group(seen) + by_group(by_cell(rate * z) + freedom)
        curvature = np.maximum(2.0 * residual + by_group(by_cell(rate * z + z * z * bend)), TINY)
        enough = by_group(seen) > 1.0 + by_group(precision / stiff)
        change = np.where(enough, gradient / curvature, 0.0).clip(-LARGEST_CHANGE, LARGEST_CHANGE)
        if max(np.abs(move).max(initial=0.0), np.abs(change).max(initial=0.0)) < TOLERANCE:
            break
        level, spread = level + move, spread + change
    error = np.where(enough, np.exp(spread) / np.sqrt(curvature), np.inf)
    told = np.where(precision > 0.0, level + score / np.maximum(precision, TINY), 0.0)
    return Cells(
        told.reshape(shape),
        precision.reshape(shape),
        np.exp(spread).reshape(groups),
        error.reshape(groups),
    )


def _freedom(
    by_cell: Callable[[Floats], Floats],
    lost: tuple[Floats, Floats, Floats],
    sd: Floats,
    precision: Floats,
    stiff: Floats,
    held_back: Floats,
) -> Floats:
    """What estimating a level costs: minus half the derivative of log `stiff` by the log spread, (cells,).

    The level follows the spread, by the implicit function theorem. Without lost auctions this is the share of
    the level that comes from the cell itself: one degree of freedom where there is no prior.

    Args:
        by_cell: sums what belongs to lost auctions over their cells.
        lost: standardised bids of the lost auctions, their hazard and its derivative.
        sd: spread of the cell's prices, shape (cells,), as all that follow.
        precision, stiff: curvature of likelihood and posterior.
        held_back: force of the prior on the level.
    """
    z, rate, bend = lost
    twist = bend * (rate - z) + rate * (bend - 1.0)
    follows = ((by_cell(rate) - by_cell(bend * z)) / sd - 2.0 * held_back) / stiff
    return (precision + 0.5 * (by_cell(twist * z) / sd**2 + by_cell(twist) * follows / sd**3)) / stiff
