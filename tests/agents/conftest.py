"""What the agents' tests share: one thread, and a puzzle in the place of a market."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from adrl_core.market import Auctions, Step
from adrl_core.market.noise import Purpose, stream
from adrl_core.market.presets import CHANNELS_BIDS, STATE_SIZE, STEPS

Rule = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """More threads sum in another order, and gain nothing on networks of this size."""
    torch.set_num_threads(1)


class Puzzle:
    """The interface of a market; each step shows fresh random features in {0, 1} and pays by a rule.

    Args:
        rule: reward (rows,) of state (rows, STATE_SIZE), bid, allocation and number of agents asked.
    """

    fee = 0.0
    device = torch.device("cpu")
    bids = torch.tensor(CHANNELS_BIDS)

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def reset(self, seeds: Sequence[int], episodes: Sequence[int]) -> Tensor:
        """Draw the features of all steps."""
        features = [
            stream(int(s), Purpose.MARKET, int(e)).integers(0, 2, (STEPS + 1, STATE_SIZE))
            for s, e in zip(seeds, episodes, strict=True)
        ]
        self.features = torch.from_numpy(np.stack(features, 1)).float()
        self.rows, self.t = len(seeds), 0
        return self.features[0]

    def step(self, bid: Tensor, allocation: Tensor, asked: Tensor) -> Step:
        """Pay for the actions and show the next features."""
        reward = self.rule(self.features[self.t], bid, allocation, asked).float()
        self.t += 1
        nothing = torch.zeros_like(reward)
        return Step(self.features[self.t], reward, reward, Auctions(*[nothing] * 4), nothing)
