"""A state oracle that sees its rivals, as no team does."""

import torch
from torch import Tensor

from adrl_core.agents.oracle import ActionGrid, Expected, expected_by_action, expected_value
from adrl_core.agents.policy import Action
from adrl_core.config import RewardName
from adrl_core.market import Market, Step
from adrl_core.market.channels import click_rate
from adrl_core.market.contested import ContestedMarket


class InformedOracle:
    """Maximises the expected value of each step, given the multipliers and bids that rivals have now.

    Like the state oracle it looks no further than the step: what its choice does to the rivals it ignores.

    Args:
        name: of the policy.
        by: what is maximised.
    """

    def __init__(self, name: str, by: RewardName = "shaped") -> None:
        self.name, self.by = name, by

    def reset(self, market: Market) -> None:
        """Take the actions and equations of the market.

        Raises:
            TypeError: the market is not contested.
        """
        if not isinstance(market, ContestedMarket):
            raise TypeError(f"{type(market).__name__}: expected a contested market")
        self.market, self.grid = market, ActionGrid(market)

    def act(self, state: Tensor) -> Action:
        """The best action of each row."""
        expected = expected_by_action(expected_against(self.market), self.grid.reach)
        return self.grid.action(expected_value(self.by, expected).flatten(1).argmax(1))

    def observe(self, step: Step) -> None:
        """Nothing to learn: it sees all it uses."""


def expected_against(market: ContestedMarket) -> Expected:
    """Means of the coming step in each channel at full reach and unit demand, (rows, bids, CHANNELS)."""
    constants, t = market.constants, market.t
    log_median = market.log_median[t] + market.log_factor()
    means = []
    for log_bid in market.bids.log():
        bids = log_bid.expand(market.rows, 1)
        win, price, _ = market.win_and_pay(bids, log_median)
        clicks = constants.auctions * win * click_rate(constants, market.base_click_rate[t], bids, log_median)
        means.append(torch.stack((clicks, clicks * market.conversion_rate[t], clicks * price)))
    return Expected(*torch.stack(means, 2))
