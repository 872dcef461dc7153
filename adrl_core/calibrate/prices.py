"""The log-normal of a channel's prices by maximum likelihood, also where they are seen up to the bid only."""

from typing import NamedTuple

import numpy as np
from scipy import optimize
from scipy.special import log_ndtr

from adrl_core.calibrate.blocks import LEAST_BLOCKS
from adrl_core.calibrate.log import Floats, Integers
from adrl_core.config import ConfigurationError

HALF_LOG_TWO_PI = 0.5 * np.log(2.0 * np.pi)
LEAST = 10
"""Prices below which nothing is fitted."""


class LogNormal(NamedTuple):
    """A fitted log-normal price."""

    mean: float
    """Mean of the log price."""
    sd: float
    """Standard deviation of the log price."""
    covariance: Floats
    """Of mean and sd, shape (2, 2)."""
    n: int
    """Prices seen."""


def hazard(z: Floats) -> tuple[Floats, Floats]:
    """Hazard phi(z) / (1 - Phi(z)) of the standard normal and its derivative; same shape as z."""
    rate = np.exp(-0.5 * z * z - HALF_LOG_TWO_PI - log_ndtr(-z))
    return rate, rate * (rate - z)


def fit_lognormal(
    seen: Floats,
    censored_at: Floats | None = None,
    truncated_at: Floats | None = None,
    blocks: tuple[Integers, Integers] | None = None,
) -> LogNormal:
    """Maximum-likelihood log-normal from log prices.

    A lost auction tells that its price was above the bid (right-censored: log-likelihood log(1 - Phi(z)) with
    z the standardised log bid). Where lost auctions are not in the log at all, each price seen is one from
    below its bid (truncated: less log Phi(z)). In the parameters mean / sd and 1 / sd the censored likelihood
    is concave (Olsen 1978, Econometrica 46:5, 1211-1215).

    Args:
        seen: log prices, shape (n,).
        censored_at: log bids of the lost auctions, shape (m,).
        truncated_at: log bids of the auctions seen, shape (n,), where lost ones are missing.
        blocks: stretch of the log of each price and of each bid given. Auctions of a stretch may depend on
            each other then: the covariance is the sandwich over stretches (White 1982, Econometrica 50:1,
            1-25). Without, all are independent.

    Raises:
        ConfigurationError: fewer than LEAST prices, all of one stretch, all prices equal, or bids too low to
            tell the spread.
    """
    count = len(seen)
    if count < LEAST:
        raise ConfigurationError(f"log: {count} usable prices; a log-normal needs {LEAST} or more")
    centre, spread = float(seen.mean()), float(seen.std())
    if spread <= 1e-9 * max(1.0, abs(centre)):
        raise ConfigurationError("log: all prices are equal; there is no distribution to fit")
    stretches = 0 if blocks is None else len(np.unique(np.concatenate(blocks)))
    if blocks is not None and stretches < LEAST_BLOCKS:
        raise ConfigurationError(
            f"log: its auctions lie in {stretches} block (an episode, or a stretch of the log); a standard "
            f"error needs {LEAST_BLOCKS} blocks or more"
        )
    # Standardised, so that the search starts near (0, 1) whatever the currency.
    total, squares = 0.0, float(count)
    side, given = (-1.0, truncated_at) if truncated_at is not None else (1.0, censored_at)
    given = np.empty(0) if given is None else given
    values, back, counts = np.unique(given, return_inverse=True, return_counts=True)
    limits, weights = (values - centre) / spread, counts.astype(float)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        shift, scale = parameters
        if scale <= 0.0:
            return np.inf, np.zeros(2)
        z = scale * limits - shift
        likelihood = count * np.log(scale) - 0.5 * (
            scale * scale * squares - 2.0 * scale * shift * total + count * shift * shift
        )
        likelihood += side * float(weights @ log_ndtr(-side * z))
        rate = weights * hazard(side * z)[0]
        gradient = np.array(
            [
                scale * total - count * shift + rate.sum(),
                count / scale - scale * squares + shift * total - float(rate @ limits),
            ]
        )
        return -likelihood / count, -gradient / count

    def curvature(parameters: Floats) -> Floats:
        shift, scale = parameters
        bend = side * weights * hazard(side * (scale * limits - shift))[1]
        cross = total + float(bend @ limits)
        second = np.array(
            [
                [-count - bend.sum(), cross],
                [cross, -count / scale**2 - squares - float(bend @ limits**2)],
            ]
        )
        return -second / count

    found = optimize.minimize(
        loss, np.array([0.0, 1.0]), jac=True, hess=curvature, method="trust-exact", options={"gtol": 1e-8}
    )
    shift, scale = found.x
    information = count * curvature(found.x)
    jacobian = np.array([[1.0 / scale, -shift / scale**2], [0.0, -1.0 / scale**2]])
    covariance = np.linalg.pinv(information)
    # A mean that is known no better than a single price would tell it is not known.
    if np.linalg.eigvalsh(information)[0] <= 0.0 or (jacobian @ covariance @ jacobian.T)[0, 0] > scale**-2:
        raise ConfigurationError("log: the bids are too low to tell how prices spread above them")
    if blocks is not None:
        of_seen, of_bids = blocks
        prices = (seen - centre) / spread
        error = scale * prices - shift
        rate = hazard(side * (scale * limits - shift))[0][back]
        size = int(max(of_seen.max(), of_bids.max(initial=0))) + 1
        scores = np.stack(
            [
                np.bincount(of_seen, error, size) + np.bincount(of_bids, rate, size),
                np.bincount(of_seen, 1.0 / scale - error * prices, size)
                - np.bincount(of_bids, rate * limits[back], size),
            ]
        )
        covariance = covariance @ (scores @ scores.T) @ covariance * stretches / (stretches - 1)
    covariance = spread**2 * jacobian @ covariance @ jacobian.T
    return LogNormal(centre + spread * shift / scale, spread / scale, covariance, count)
