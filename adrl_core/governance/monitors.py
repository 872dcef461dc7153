"""What is watched about a policy: its bids, win rate, quality, reward and profit, a value an episode."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adrl_core.agents.policy import Action, Policy
from adrl_core.governance.fairness import channels_market
from adrl_core.market import Market, Step
from adrl_core.market.channels import reach
from adrl_core.market.presets import BID_LEVELS, STEPS


class Metrics(NamedTuple):
    """What was seen of each episode; each array has shape (episodes,), `bids` (episodes, BID_LEVELS)."""

    bids: NDArray[np.float64]
    """Number of steps at each bid level, or at the one nearest to the bid."""
    bid: NDArray[np.float64]
    """Mean bid, in currency units."""
    win_rate: NDArray[np.float64]
    """Impressions per auction entered; 0 where none was."""
    quality: NDArray[np.float64]
    """Mean quality score of the channels, weighted by the allocation."""
    reward: NDArray[np.float64]
    """Sum of the published shaped reward."""
    profit: NDArray[np.float64]
    """Sum of the profit, in currency units."""


class Monitored:
    """A policy whose metrics are kept, episode by episode.

    Args:
        policy: the policy to watch.
        quality: scores of the episodes that a market was reset to, (STEPS, rows, CHANNELS).
    """

    def __init__(self, policy: Policy, quality: Callable[[Market], NDArray[np.float64]]) -> None:
        self.policy, self.name, self.quality = policy, policy.name, quality
        self.plays: list[dict[str, Tensor]] = []

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to.

        Raises:
            TypeError: the market is not of the channels family.
        """
        self.market = channels_market(market)
        self.policy.reset(market)
        self.scores = torch.as_tensor(self.quality(market), device=market.device, dtype=torch.float64)
        zeros = torch.zeros(market.rows, device=market.device, dtype=torch.float64)
        names = ("bid", "entered", "impressions", "quality", "reward", "profit")
        self.sums = {"bids": zeros[:, None].repeat(1, BID_LEVELS)} | {name: zeros.clone() for name in names}
        self.plays.append(self.sums)

    def act(self, state: Tensor) -> Action:
        """The policy's actions."""
        market, sums = self.market, self.sums
        action = self.policy.act(state)
        level = (action.bid[:, None] - market.bids).abs().argmin(1, keepdim=True)
        sums["bids"].scatter_add_(1, level, torch.ones_like(level, dtype=torch.float64))
        sums["bid"] += action.bid
        sums["quality"] += (action.allocation * self.scores[market.t]).sum(1)
        solvent = market.path.demand * (market.remaining >= action.bid)
        sums["entered"] += (
            market.constants.auctions * solvent * reach(market.constants, action.allocation).sum(1)
        )
        return action

    def observe(self, step: Step) -> None:
        """See what the last action brought."""
        self.policy.observe(step)
        self.sums["impressions"] += step.auctions.impressions
        self.sums["reward"] += step.shaped
        self.sums["profit"] += step.profit

    def episodes(self) -> Metrics:
        """Metrics of each episode played, in the order of the rows and plays."""
        sums = {name: torch.cat([play[name] for play in self.plays]).cpu().numpy() for name in self.sums}
        entered = sums["entered"]
        return Metrics(
            bids=sums["bids"],
            bid=sums["bid"] / STEPS,
            win_rate=np.divide(sums["impressions"], entered, out=np.zeros_like(entered), where=entered > 0.0),
            quality=sums["quality"] / STEPS,
            reward=sums["reward"],
            profit=sums["profit"],
        )
