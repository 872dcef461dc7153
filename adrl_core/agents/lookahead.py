"""The lookahead of a binding budget: a shadow price of money, found by backward recursion on a grid.

Each step maximises expected value less the shadow price times expected spend. The price is such that this
rule would spend a given multiple of the money left by the end of the episode. Demand, which is hidden, is
taken as 1.
"""

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

from adrl_core.agents.oracle import CHUNK, ActionGrid, Free, expected_value, read_state
from adrl_core.agents.policy import Action
from adrl_core.config import RewardName
from adrl_core.market import Market, Step
from adrl_core.market.channels import (
    COMPETITION_BOUNDS,
    COMPETITION_SWING,
    COST_BOUNDS,
    COST_SWING,
    ChannelsMarket,
    pulled_competition,
    pulled_log_cost,
)
from adrl_core.market.presets import STEPS, ChannelConstants

LOG_COSTS = torch.linspace(*COST_BOUNDS, 25)
COMPETITIONS = torch.linspace(*COMPETITION_BOUNDS, 9)
VOLATILITIES = torch.linspace(0.1, 0.3, 5)
SHADOW_PRICES = torch.cat((torch.zeros(1), torch.logspace(math.log10(0.02), math.log10(20.0), 27)))
QUADRATURE_NODES = 15
SPEND_SHARE = {"shaped": 1.05, "profit": 1.0}
"""Multiple of the money left that the rule plans to spend; a little more makes up for spending by chance."""


def interpolation(nodes: Tensor, points: Tensor) -> Tensor:
    """Weights (*points.shape, nodes) of linear interpolation between evenly spaced nodes, clipped to them."""
    position = ((points - nodes[0]) / (nodes[1] - nodes[0])).clamp(0.0, len(nodes) - 1.0)
    index = torch.arange(len(nodes), device=points.device)
    return (1.0 - (position[..., None] - index).abs()).clamp_min(0.0)


def transition(nodes: Tensor, mean: Tensor, sd: float) -> Tensor:
    """Expectation over the next value, normal around `mean` (nodes,) and clipped: (nodes, nodes)."""
    points, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_NODES)
    share = torch.as_tensor(weights / weights.sum(), dtype=nodes.dtype)
    following = mean[:, None] + sd * torch.as_tensor(points, dtype=nodes.dtype)
    return (interpolation(nodes, following) * share[:, None]).sum(1)


def spend_to_go(grid: ActionGrid, by: RewardName) -> Tensor:
    """Expected spend from each step to the end under each shadow price.

    Returns:
        Shape (STEPS, log costs, competitions, volatilities, shadow prices).
    """
    constants = grid.constants
    cost_steps, level_steps = _transitions(constants)
    cost, level, volatility = (
        axis.flatten() for axis in torch.meshgrid(LOG_COSTS.exp(), COMPETITIONS, VOLATILITIES, indexing="ij")
    )
    unshifted = torch.zeros_like(cost, dtype=torch.bool)
    shape = (len(LOG_COSTS), len(COMPETITIONS), len(VOLATILITIES), len(SHADOW_PRICES))
    ahead = torch.zeros(shape)
    plan = torch.empty((STEPS, *shape))
    for t in reversed(range(STEPS)):
        expected = grid.expect(torch.full_like(cost, t), cost, level, volatility, unshifted)
        value, spend = expected_value(by, expected).flatten(1), expected.spend.flatten(1)
        best = [(value - price * spend).argmax(1, keepdim=True) for price in SHADOW_PRICES]
        now = spend.gather(1, torch.cat(best, 1)).reshape(shape)
        ahead = now + torch.einsum("vij,vkl,jlvp->ikvp", cost_steps, level_steps, ahead)
        plan[t] = ahead
    return plan


def _transitions(constants: ChannelConstants) -> tuple[Tensor, Tensor]:
    """Expectation matrices of log cost and competition for each volatility (markets' own equations)."""
    pulled_cost = pulled_log_cost(constants, LOG_COSTS)
    pulled_level = pulled_competition(COMPETITIONS, constants.competition_mean)
    volatilities = VOLATILITIES.tolist()
    return (
        torch.stack([transition(LOG_COSTS, pulled_cost, COST_SWING * v) for v in volatilities]),
        torch.stack([transition(COMPETITIONS, pulled_level, COMPETITION_SWING * v) for v in volatilities]),
    )


class Lookahead:
    """Spends so that the money lasts: the oracle with a shadow price on money.

    Args:
        name: of the policy.
        by: what is maximised.
        free: which agents may choose.
    """

    def __init__(self, name: str, by: RewardName = "shaped", free: Free = "both") -> None:
        self.name, self.by, self.free = name, by, free

    def reset(self, market: Market) -> None:
        """Take the actions of the market and plan its spending, once for all episodes."""
        self.grid, self.budget = ActionGrid(market, self.free), market.budget
        self.plan = _plan(self.grid.constants, self.by, self.free).to(market.device)

    def act(self, state: Tensor) -> Action:
        """The best action of each row at the shadow price of its money."""
        return self.grid.action(torch.cat([self._best(rows) for rows in state.split(CHUNK)]))

    def observe(self, step: Step) -> None:
        """Nothing to learn: the state shows all it uses."""

    def _best(self, state: Tensor) -> Tensor:
        t, cost, level, volatility = read_state(state)
        planned = torch.einsum(
            "ri,rj,rv,ijvp->rp",
            interpolation(LOG_COSTS.to(state), cost.log()),
            interpolation(COMPETITIONS.to(state), level),
            interpolation(VOLATILITIES.to(state), volatility),
            self.plan[int(t[0])].to(state),
        )
        price = shadow_price(planned, SPEND_SHARE[self.by] * self.budget * state[:, 0])
        unshifted = torch.zeros_like(t, dtype=torch.bool)
        expected = self.grid.expect(t, cost, level, volatility, unshifted)
        value = expected_value(self.by, expected) - price[:, None, None] * expected.spend
        return value.flatten(1).argmax(1)


def shadow_price(planned: Tensor, money: Tensor) -> Tensor:
    """The price at which planned spend (rows, shadow prices), falling in the price, equals money (rows,).

    Interpolated between the prices of the grid; its ends where all planned spends lie below or above money.
    """
    prices = SHADOW_PRICES.to(planned)
    upper = (planned > money[:, None]).sum(1, keepdim=True).clamp(1, len(prices) - 1)
    more, less = planned.gather(1, upper - 1), planned.gather(1, upper)
    share = ((more - money[:, None]) / (more - less).clamp_min(1e-9)).clamp(0.0, 1.0)
    return torch.lerp(prices[upper - 1], prices[upper], share).squeeze(1)


@cache
def _plan(constants: ChannelConstants, by: RewardName, free: Free) -> Tensor:
    return spend_to_go(ActionGrid(ChannelsMarket(constants), free), by)
