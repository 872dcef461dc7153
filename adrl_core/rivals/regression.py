"""Bayesian linear regression in closed form, one posterior a run, and the features that bidders regress on.

An outcome is modelled as linear in the products of three things: the season, the bid against the market's
price and competition, and the channels' shares with their squares. So the features hold that channels add up,
that reach is concave and that the season is a wave; everything else is left to the data.
"""

import math

import torch
from torch import Tensor

from adrl_core.agents.oracle import read_state
from adrl_core.market.presets import CHANNELS, STEPS

KNOTS = (-1.2, -0.8, -0.4, 0.0, 0.4, 0.8, 1.2, 1.6)
"""Logs of bid over cost per click between which the response is interpolated, evenly spaced."""
COMPETITION_MIDDLE, COMPETITION_RANGE = 0.65, 0.35
"""Competition lies between their difference and their sum."""
PRICE_TERMS = 2 * len(KNOTS)
SHARE_TERMS = 2 * CHANNELS


def season_terms(t: Tensor, harmonics: int) -> Tensor:
    """1, sin(2 pi k t / T), cos(2 pi k t / T) for k up to `harmonics`; (rows,) -> (rows, 1 + 2 harmonics)."""
    phase = 2.0 * math.pi * t / STEPS
    waves = [wave(k * phase) for k in range(1, harmonics + 1) for wave in (torch.sin, torch.cos)]
    return torch.stack([torch.ones_like(t), *waves], 1)


def price_terms(cost: Tensor, competition: Tensor, bids: Tensor) -> Tensor:
    """Linear interpolation in log(bid / cost) between KNOTS, and the same times the centred competition.

    Args:
        cost, competition: (rows,); bids: (bids,), in currency units.

    Returns:
        (rows, bids, PRICE_TERMS).
    """
    knots = cost.new_tensor(KNOTS)
    ratio = (bids.log() - cost.log()[:, None]).clamp(KNOTS[0], KNOTS[-1])
    hats = (1.0 - (ratio[..., None] - knots).abs() / (KNOTS[1] - KNOTS[0])).clamp_min(0.0)
    centred = (competition - COMPETITION_MIDDLE) / COMPETITION_RANGE
    return torch.cat((hats, hats * centred[:, None, None]), 2)


def context_terms(state: Tensor, bids: Tensor, harmonics: int) -> Tensor:
    """Products of season and price terms of states (rows, STATE_SIZE); (rows, bids, terms)."""
    t, cost, competition, _ = read_state(state)
    season, price = season_terms(t, harmonics), price_terms(cost, competition, bids)
    return (season[:, None, :, None] * price[:, :, None, :]).flatten(2)


def context_size(harmonics: int) -> int:
    """Number of terms that `context_terms` gives."""
    return (1 + 2 * harmonics) * PRICE_TERMS


def share_terms(allocation: Tensor) -> Tensor:
    """Shares and their squares, (..., CHANNELS) -> (..., SHARE_TERMS)."""
    return torch.cat((allocation, allocation * allocation), -1)


class Posterior:
    """Gaussian posteriors of regression weights, one a run, in double precision.

    With unit noise and prior N(0, I / ridge) a target's weights are N(A^-1 b, A^-1), where A = ridge I + X'X
    and b = X'y (Agrawal and Goyal 2013, section 2.1).

    Args:
        runs: independent regressions.
        features: of an observation.
        targets: regressed on the same features.
        ridge: precision of the prior.
    """

    def __init__(self, runs: int, features: int, targets: int, ridge: float) -> None:
        self.precision = ridge * torch.eye(features, dtype=torch.float64).repeat(runs, 1, 1)
        self.moment = torch.zeros(runs, features, targets, dtype=torch.float64)

    def update(self, features: Tensor, targets: Tensor) -> None:
        """Take in observations, (runs, n, features) and (runs, n, targets)."""
        features, targets = features.double(), targets.double()
        self.precision += features.mT @ features
        self.moment += features.mT @ targets

    def mean(self) -> Tensor:
        """Posterior means, (runs, features, targets)."""
        return torch.cholesky_solve(self.moment, torch.linalg.cholesky(self.precision))

    def draw(self, normal: Tensor, width: float) -> Tensor:
        """Weights of which those of the first target are drawn from its posterior and the others are means.

        Args:
            normal: standard normals (runs, features).
            width: factor on the posterior's standard deviation.

        Returns:
            (runs, features, targets).
        """
        root = torch.linalg.cholesky(self.precision)
        weights = torch.cholesky_solve(self.moment, root)
        # With A = L L' the vector L'^-1 z has covariance A^-1.
        spread = torch.linalg.solve_triangular(root.mT, normal.double()[..., None], upper=True)
        weights[..., :1] += width * spread
        return weights
