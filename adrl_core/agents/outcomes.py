"""A log-linear model of what a step's auctions bring, one a run: clicks, conversions and spend by channel.

What it takes for granted is what any buyer of advertising knows: a channel's outcome depends on the bid and
on its own share of the budget, and reach saturates with the share. The rest is learned from the sums over
channels that a market shows. It knows none of a market's equations or constants.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adrl_core.agents.oracle import Expected, grid_allocations
from adrl_core.agents.population import Linear, Vector
from adrl_core.market.presets import CHANNELS, STATE_SIZE

CONTEXT = ("cost per click", "competition", "time", "time of day, cosine", "time of day, sine", "volatility")
"""What the model sees of the state: what no action moves, and the clock as a circle."""
FIRST_LOG_CLICKS, FIRST_LOGIT_CONVERSION = -1.0, -2.0
SMALLEST = 1e-6


def number_of_terms(recalled: int = 0) -> int:
    """Of the polynomial: the variables, their products, and the square of the bid times each of them.

    The variables are the context, entries of it that are recalled, and the bid.
    """
    variables = len(CONTEXT) + recalled + 1
    return variables + variables * (variables + 1) // 2 + variables


TERMS = number_of_terms()
"""Of a team without memory."""


def context(state: Tensor) -> Tensor:
    """The context, each entry of the order of one: (..., STATE_SIZE) to (..., len(CONTEXT)).

    What a team recalls stands behind the state and comes behind the context, as it is.
    """
    time = 1.0 - state[..., 3]
    angle = 2.0 * math.pi * time
    visible = torch.stack(
        (
            2.5 * (2.5 * state[..., 1]).clamp_min(SMALLEST).log(),
            6.0 * (state[..., 2] - 0.65),
            2.0 * time - 1.0,
            angle.cos(),
            angle.sin(),
            15.0 * (state[..., 7] - 0.2),
        ),
        -1,
    )
    recalled = state[..., STATE_SIZE:]
    return torch.cat((visible, recalled), -1) if recalled.shape[-1] else visible


def bid_coordinate(bid: Tensor, bids: Tensor) -> Tensor:
    """Log bid, scaled so that a market's bid levels span -1 to 1."""
    low, high = bids[0].log(), bids[-1].log()
    return 2.0 * (bid.log() - low) / (high - low) - 1.0


def terms(context: Tensor, coordinate: Tensor) -> Tensor:
    """Polynomial terms of contexts (..., len(CONTEXT) + recalled) and bid coordinates (...).

    Their shape is (..., number_of_terms(recalled)).
    """
    variables = torch.cat((context, coordinate[..., None]), -1)
    size = variables.shape[-1]
    first, second = torch.triu_indices(size, size, device=context.device)
    products = variables[..., first] * variables[..., second]
    return torch.cat((variables, products, coordinate[..., None].square() * variables), -1)


class Outcomes(NamedTuple):
    """Sums over channels in a step, each (runs, n)."""

    clicks: Tensor
    conversions: Tensor
    spend: Tensor


class OutcomeModel(nn.Module):
    """Expected clicks, conversions and spend of a step, by channel at full reach and for allocations.

    Log clicks, the logit of conversions a click and the logit of the price a click as a share of the bid are
    polynomials of context and bid; reach is (1 - exp(-k share)) / (1 - exp(-k)), with k learned.
    """

    def __init__(self, runs: int, recalled: int = 0) -> None:
        super().__init__()
        self.runs = runs
        self.weights = Linear(runs, number_of_terms(recalled), 3 * CHANNELS)
        self.curvature = Vector(runs, 1, 0.5)

    def by_channel(self, context: Tensor, coordinate: Tensor, bid: Tensor) -> Expected:
        """Means at full reach, each (runs, ..., CHANNELS).

        Args:
            context: (runs, ..., len(CONTEXT)).
            coordinate, bid: (runs, ...), the bid as the model sees it and in currency units.
        """
        features = terms(context, coordinate)
        raw = self.weights(features.flatten(1, -2)).unflatten(1, features.shape[1:-1])
        log_clicks, conversion, price = raw.unflatten(-1, (3, CHANNELS)).unbind(-2)
        clicks = (FIRST_LOG_CLICKS + log_clicks).exp()
        conversions = clicks * torch.sigmoid(FIRST_LOGIT_CONVERSION + conversion)
        return Expected(clicks, conversions, clicks * torch.sigmoid(price) * bid[..., None])

    def reach(self, allocation: Tensor) -> Tensor:
        """Share of a channel's auctions that shares of the budget reach, same shape: (runs, n, CHANNELS)."""
        curvature = F.softplus(self.curvature()) + 1e-3
        return torch.expm1(-curvature * allocation) / torch.expm1(-curvature)

    def loss(
        self, context: Tensor, coordinate: Tensor, bid: Tensor, allocation: Tensor, seen: Outcomes
    ) -> Tensor:
        """Negative Poisson log-likelihood of the sums, spend counted in bids, up to a constant; (runs, n).

        The mean of a quasi-Poisson quantity such as spend is fitted without bias whatever its spread.
        """
        reached = self.reach(allocation)
        means = self.by_channel(context, coordinate, bid)
        clicks, conversions, spend = ((mean * reached).sum(2).clamp_min(SMALLEST) for mean in means)
        spend, spent = spend / bid, seen.spend / bid
        return (
            (clicks - seen.clicks * clicks.log())
            + (conversions - seen.conversions * conversions.log())
            + (spend - spent * spend.log())
        )


class Plans:
    """The actions that a planner chooses from, and what a model expects of each.

    Args:
        bids: a market's bid levels.
    """

    def __init__(self, bids: Tensor) -> None:
        uniform = torch.full((1, CHANNELS), 1.0 / CHANNELS, dtype=torch.float64)
        self.bids = bids
        self.coordinates = bid_coordinate(bids, bids)
        self.allocations = torch.cat((uniform, grid_allocations())).to(bids)
        """Candidates (67, CHANNELS): the uniform one, then those in tenths."""

    def expect(self, model: OutcomeModel, context: Tensor) -> Expected:
        """Means, each (runs, n, levels, candidates), in contexts (runs, n, len(CONTEXT))."""
        runs, n, _ = context.shape
        levels = len(self.bids)
        spread = context[:, :, None].expand(runs, n, levels, context.shape[2])
        grid = self.coordinates.expand(runs, n, levels), self.bids.expand(runs, n, levels)
        by_channel = model.by_channel(spread, *grid)
        reached = model.reach(self.allocations.expand(runs, -1, -1)).transpose(1, 2)
        return Expected(
            *(torch.bmm(mean.flatten(1, 2), reached).unflatten(1, (n, levels)) for mean in by_channel)
        )
