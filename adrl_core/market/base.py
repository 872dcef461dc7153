"""What every market shares: budget, state, reward and the record of a step, on a leading axis of rows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adrl_core.config import RewardName
from adrl_core.market.noise import Purpose, draw
from adrl_core.market.presets import CHANNELS, DEFAULT_LEVEL, STATE_SIZE, STEPS
from adrl_core.market.reward import learning_reward, profit, roi, shaped_reward

ROI_WINDOW = 10


@dataclass(frozen=True)
class Path:
    """The market itself over an episode; no action moves it.

    `cost_per_click` and `competition` have shape (STEPS + 1, rows), `volatility` and `demand` (rows,).
    Time leads in all tensors that are read step by step: a step is then contiguous, which is fast, and keeps
    a row bitwise the same in batches of any size.
    """

    cost_per_click: Tensor
    competition: Tensor
    volatility: Tensor
    demand: Tensor


@dataclass(frozen=True)
class Auctions:
    """What a step's auctions brought, summed over channels; each tensor has shape (rows,)."""

    impressions: Tensor
    clicks: Tensor
    conversions: Tensor
    spend: Tensor


@dataclass(frozen=True)
class Step:
    """Outcome of one step; each tensor has shape (rows,), `state` (rows, STATE_SIZE)."""

    state: Tensor
    reward: Tensor
    """Reward the team learns from, less the fee for the agents asked."""
    shaped: Tensor
    """The published shaped reward, in which results are reported."""
    auctions: Auctions
    profit: Tensor


class Market(ABC):
    """A population of independent episodes, one a row, stepped together.

    Args:
        bids: the bid levels in currency units.
        budget: money for an episode.
        reward: which reward `Step.reward` carries.
        fee: amount subtracted from it for each agent asked.
        device: where the tensors live.
        dtype: floating-point type of the simulation.
    """

    path: Path

    def __init__(
        self,
        bids: Sequence[float],
        budget: float,
        reward: RewardName = "shaped",
        fee: float = 0.0,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.device, self.dtype = torch.device(device), dtype
        self.bids = torch.tensor(bids, device=device, dtype=dtype)
        self.budget, self.reward_name, self.fee = budget, reward, fee

    @property
    def default_bid(self) -> float:
        """Bid used when the Bidding agent is not asked."""
        return float(self.bids[DEFAULT_LEVEL])

    def reset(self, seeds: Sequence[int] | NDArray, episodes: Sequence[int] | NDArray) -> Tensor:
        """Start row i on the market of (seeds[i], episodes[i]); returns states (rows, STATE_SIZE)."""
        self.seeds, self.episodes = np.asarray(seeds), np.asarray(episodes)
        self.rows, self.t = len(self.seeds), 0
        self.remaining = torch.full((self.rows,), self.budget, device=self.device, dtype=self.dtype)
        self.totals = torch.zeros((3, self.rows), device=self.device, dtype=self.dtype)
        self.roi_history = torch.zeros((STEPS, self.rows), device=self.device, dtype=self.dtype)
        self.path = self._open_market()
        return self.state()

    def step(self, bid: Tensor, allocation: Tensor, asked: Tensor | None = None) -> Step:
        """Play one step.

        Args:
            bid: (rows,) in currency units.
            allocation: (rows, CHANNELS), shares that add to one.
            asked: (rows,) number of agents asked, for the fee; none if omitted.

        Raises:
            ValueError: wrong shapes, or the episode is over.
        """
        if bid.shape != (self.rows,) or allocation.shape != (self.rows, CHANNELS):
            raise ValueError(
                f"bid {tuple(bid.shape)}, allocation {tuple(allocation.shape)}: "
                f"expected ({self.rows},) and ({self.rows}, {CHANNELS})"
            )
        if self.t >= STEPS:
            raise ValueError(f"step {self.t}: the episode ended after {STEPS} steps; reset first")
        auctions = self._hold_auctions(bid, allocation)
        earned = profit(auctions.conversions, auctions.spend)
        self.remaining = (self.remaining - auctions.spend).clamp_min(0.0)
        self.totals += torch.stack((auctions.conversions, auctions.clicks, auctions.impressions))
        self.roi_history[self.t] = roi(earned, auctions.spend)
        self.t += 1
        outcome = (auctions.conversions, auctions.clicks, auctions.spend)
        reward = learning_reward(self.reward_name, *outcome)
        if asked is not None and self.fee:
            reward = reward - self.fee * asked
        return Step(self.state(), reward, shaped_reward(*outcome), auctions, earned)

    def state(self) -> Tensor:
        """The ten published state features, scaled as published; shape (rows, STATE_SIZE)."""
        state = torch.empty((self.rows, STATE_SIZE), device=self.device, dtype=self.dtype)
        state[:, 0] = self.remaining / self.budget
        state[:, 1] = self.path.cost_per_click[self.t] / 5.0
        state[:, 2] = self.path.competition[self.t]
        state[:, 3] = (STEPS - self.t) / STEPS
        state[:, 4] = self.totals[0] / 100.0
        state[:, 5] = self.totals[1] / 1000.0
        state[:, 6] = self.totals[2] / 10_000.0
        state[:, 7] = self.path.volatility
        recent = self.roi_history[max(0, self.t - ROI_WINDOW) : max(1, self.t)]
        mean = _mean_over_time(recent)
        state[:, 8] = mean
        state[:, 9] = _mean_over_time((recent - mean).square()).sqrt()
        return state

    def _draw_noise(self, outcomes: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw the episode's noise, all of it before the first action.

        Returns uniforms (4, rows) for the start, normals (1 + STEPS, 2, rows) for the path, and normals
        (STEPS, outcomes, rows) for what the auctions bring.
        """
        path = 2 * (1 + STEPS)
        noise = draw(self.seeds, self.episodes, Purpose.MARKET, 4, path + outcomes * STEPS)
        start, normals = (
            torch.as_tensor(a, device=self.device, dtype=self.dtype).T.contiguous() for a in noise
        )
        walk, outcome = normals.split((path, outcomes * STEPS))
        return start, walk.reshape(-1, 2, self.rows), outcome.reshape(STEPS, outcomes, self.rows)

    @abstractmethod
    def _open_market(self) -> Path:
        """Draw the episode's path and its outcome noise from the keyed streams."""

    @abstractmethod
    def _hold_auctions(self, bid: Tensor, allocation: Tensor) -> Auctions:
        """Draw what the current step brings."""


def _mean_over_time(window: Tensor) -> Tensor:
    """Mean over the first axis, added in order of time whatever the number of rows (`sum` regroups terms)."""
    return window.cumsum(0)[-1] / len(window)
