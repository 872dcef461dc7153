"""The nearest allocation that meets the four-fifths rule, and the policy held to it.

Where channel c is won with chance w_c, a group's exposure is the sum over c of its share of the channel times
w_c reach(a_c). Reach is not linear, so the allocations that expose every group at least 0.8 times as often as
any other are not a convex set, and the nearest is sought on a grid, whatever the equation of reach.

The rule is about all who were exposed, so it is kept over an episode: at every step, by the exposure so far
and of that step. Kept in each step by itself it is kept over the episode too, as its inequalities add up, but
then nothing that one step shows to few may be made good by another.

The rule compares rates and does not ask how high they are: it can also be met by levelling down, with money
for channels that the bid hardly wins. What it costs has to be read beside it.
"""

from typing import Literal

import torch
from torch import Tensor

from adrl_core.agents.oracle import read_state
from adrl_core.agents.policy import Action, Policy
from adrl_core.governance.fairness import AUDIENCE, FOUR_FIFTHS, channels_market
from adrl_core.market import Market, Step
from adrl_core.market.channels import log_median_price, price_log_sd, reach
from adrl_core.market.presets import CHANNELS, ChannelConstants

Over = Literal["episode", "step"]

GRID = 50
"""An allocation on the grid is made of fiftieths."""
ROUNDING = 1e-6
"""Kept from the rule's edge, so that rounding to single precision does not cross it."""
CHUNK = 1024
"""Rows whose whole grid is held in memory at a time."""


def simplex_grid(parts: int = GRID) -> Tensor:
    """All allocations in multiples of 1 / parts, shape ((parts + 1) (parts + 2) / 2, CHANNELS)."""
    cells = [(i, j, parts - i - j) for i in range(parts + 1) for j in range(parts + 1 - i)]
    return torch.tensor(cells, dtype=torch.float64) / parts


def win_chances(constants: ChannelConstants, state: Tensor, bid: Tensor) -> Tensor:
    """Chance to win an auction in each channel, (rows, CHANNELS), as far as the state shows prices."""
    _, cost, competition, volatility = read_state(state)
    log_median = log_median_price(constants, cost, competition)
    return torch.special.ndtr((bid.log()[:, None] - log_median) / price_log_sd(constants, volatility))


def exposure_ratio(exposed: Tensor, nobody: float = 1.0) -> Tensor:
    """Lowest over highest exposure rate of the groups, shape (...,).

    Args:
        exposed: share of each channel's auctions that are won, or a sum of such, (..., CHANNELS).
        nobody: what counts as the ratio where nobody is exposed.
    """
    # All channels offer the same number of auctions, so a group's size is the sum of its shares.
    low, high = (exposed @ exposed.new_tensor(AUDIENCE / AUDIENCE.sum(0))).aminmax(dim=-1)
    return torch.where(high > 0.0, low / high.clamp_min(torch.finfo(high.dtype).tiny), nobody)


def nearest_fair(
    constants: ChannelConstants,
    allocation: Tensor,
    chances: Tensor,
    before: Tensor,
    least: float = FOUR_FIFTHS,
) -> Tensor:
    """The allocation itself where its exposure ratio is at least `least`, else the nearest one on the grid.

    Nearest in Euclidean distance, and within two cells of the grid from the nearest of all. Where no
    allocation will do, because hardly any channel can be won, it is the one with the highest ratio.

    Args:
        constants: of the market.
        allocation: (rows, CHANNELS).
        chances: to win an auction in each channel, (rows, CHANNELS).
        before: what was exposed in earlier steps, (rows, CHANNELS); zeros for this step by itself.
        least: ratio that the rule asks for.

    Returns:
        Shape (rows, CHANNELS).
    """
    threshold = least + ROUNDING
    chances, before = chances.double(), before.double()
    ratio = exposure_ratio(before + reach(constants, allocation.double()) * chances)
    grid = simplex_grid().to(allocation.device)
    reached = reach(constants, grid)
    fair = allocation.clone()
    for rows in (ratio < threshold).nonzero().squeeze(1).split(CHUNK):
        # An unfair allocation is not mended by one that reaches nobody.
        ratios = exposure_ratio(before[rows, None] + reached * chances[rows, None], nobody=0.0)
        distances = torch.cdist(allocation[rows].double(), grid)
        # Distances on the simplex are below 2, so any fair allocation comes before all others.
        fair[rows] = grid[torch.where(ratios >= threshold, distances, 3.0 - ratios).argmin(1)].to(fair)
    return fair


class Fair:
    """A policy whose allocations are held to the four-fifths rule of exposure.

    After `act`, `moved` and `met` say of each row whether its allocation was changed, and whether the rule is
    kept now.

    Args:
        policy: whose bids and allocations they are.
        over: what the rule is kept over, the episode so far or each step by itself.
        least: ratio that the rule asks for.
    """

    def __init__(self, policy: Policy, over: Over = "episode", least: float = FOUR_FIFTHS) -> None:
        self.policy, self.name, self.over, self.least = policy, policy.name, over, least

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to.

        Raises:
            TypeError: the market is not of the channels family.
        """
        self.constants = channels_market(market).constants
        self.before = market.bids.new_zeros((market.rows, CHANNELS), dtype=torch.float64)
        self.policy.reset(market)

    def act(self, state: Tensor) -> Action:
        """The policy's actions with the nearest fair allocations."""
        action = self.policy.act(state)
        solvent = state[:, 0] * self.constants.budget >= action.bid
        chances = win_chances(self.constants, state, action.bid).double() * solvent[:, None]
        allocation = nearest_fair(self.constants, action.allocation, chances, self.before, self.least)
        exposed = self.before + reach(self.constants, allocation.double()) * chances
        self.moved = (allocation != action.allocation).any(1)
        self.met = exposure_ratio(exposed) >= self.least
        if self.over == "episode":
            self.before = exposed
        return action._replace(allocation=allocation)

    def observe(self, step: Step) -> None:
        """See what the last action brought."""
        self.policy.observe(step)
