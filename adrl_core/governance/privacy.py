"""Differential privacy of the state: Laplace noise, what it adds up to, and what a record may hold.

Protected is one impression: two episodes are neighbours if they differ in whether one person saw one ad, with
the click and the conversion that may have followed. Who sees k ads is protected k times less (Dwork & Roth
2014, The Algorithmic Foundations of Differential Privacy, theorem 2.2).

Sensitive are the six features that outcomes enter: conversions, clicks, impressions, the remaining budget (a
click is paid for) and both ROI features. Cost per click, competition, time and volatility describe the
market, which nobody's click moves; they are shown as they are.

Two limits. Where money runs out (`pacing`), one click less may let the policy enter auctions it would have
missed: what others do then changes too, which no sensitivity here covers. And the noise is drawn from keyed
streams, so that runs repeat: whoever knows the key can take it off. A live system draws it with OpenDP's own
sampler, which is also safe against the gaps between floating-point numbers (Mironov 2012).
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adrl_core.agents.policy import Action, Policy
from adrl_core.config import ConfigurationError
from adrl_core.market import Market, Step
from adrl_core.market.channels import ChannelsMarket
from adrl_core.market.presets import STEPS

NOISE_KEY = 1_000
"""Second word of the Philox key of the noise; far from those of `market.noise.Purpose`, 0 to 5."""
HIGHEST_COUNT = 2.0
"""Counts, as scaled in the state, are shown up to this, which hardly an episode reaches."""
ROI_BOUNDS = (-1.0, 20.0)
"""ROI is clipped to this range, where it nearly always is; unclipped, a click can move it by any amount."""
PUBLISHED_PRICE = 25.0
"""Most that a click costs in the published market: its highest cost per click, 10, and five standard
deviations of 30 %. Prices are normal there, so the bound fails with a chance below 3e-7 a click."""


class Sensitive(NamedTuple):
    """A sensitive feature: its column, the range it is clipped to, and how far one impression moves it."""

    column: int
    low: float
    high: float
    sensitivity: float


COLUMNS = (0, 4, 5, 6, 8, 9)
"""Remaining budget, conversions, clicks, impressions, mean and standard deviation of the ROI."""
FEATURES = len(COLUMNS)


def sensitive_features(budget: float, price: float) -> tuple[Sensitive, ...]:
    """The sensitive features, in the order of COLUMNS, as `Market.state` scales them.

    An impression adds at most 1 to the impressions, clicks and conversions and at most `price` to the spend.
    It can move the mean ROI across its whole range, if nothing else was bought, and the standard deviation of
    numbers in that range across half of it (Popoviciu's inequality), to which it is clipped.

    Args:
        budget: money for an episode, in currency units.
        price: most that a click costs.
    """
    low, high = ROI_BOUNDS
    half = (high - low) / 2.0
    return tuple(
        Sensitive(column, *values)
        for column, values in zip(
            COLUMNS,
            (
                (0.0, 1.0, min(1.0, price / budget)),
                (0.0, HIGHEST_COUNT, 1.0 / 100.0),
                (0.0, HIGHEST_COUNT, 1.0 / 1000.0),
                (0.0, HIGHEST_COUNT, 1.0 / 10_000.0),
                (low, high, high - low),
                (0.0, half, half),
            ),
            strict=True,
        )
    )


def highest_price(market: Market) -> float:
    """Most that a click costs in a market: the highest bid, where the second price is paid."""
    return float(market.bids.max()) if isinstance(market, ChannelsMarket) else PUBLISHED_PRICE


def noise_scale(sensitivity: float, epsilon: float, releases: int) -> float:
    """Scale of the Laplace noise on each of `releases` numbers that share a budget epsilon evenly.

    Basic composition: each gets epsilon / releases, so b = sensitivity releases / epsilon.
    """
    return sensitivity * releases / epsilon


def keyed_laplace(seeds: Sequence[int] | NDArray, episodes: Sequence[int] | NDArray) -> NDArray[np.float64]:
    """Laplace noise of unit scale for whole episodes, shape (STEPS, rows, FEATURES).

    Row i depends on (seeds[i], episodes[i]) alone, by a Philox stream keyed (seed, NOISE_KEY), so policies
    meet the same noise as they meet the same market, from which it is independent.
    """
    noise = [
        np.random.Generator(
            np.random.Philox(key=[int(seed), NOISE_KEY], counter=[0, 0, 0, int(episode)])
        ).laplace(size=(STEPS, FEATURES))
        for seed, episode in zip(seeds, episodes, strict=True)
    ]
    return np.stack(noise, 1)


class PrivateState:
    """Releases the state of each step once, with noise on its sensitive features.

    Released values are clipped to their ranges, which costs no privacy.

    Args:
        epsilon: budget of an episode, split evenly over its steps and features.

    Raises:
        ConfigurationError: epsilon is not a finite number above 0.
    """

    def __init__(self, epsilon: float) -> None:
        if not 0.0 < epsilon < math.inf:
            raise ConfigurationError(f"epsilon = {epsilon!r}: allowed is a finite number above 0")
        self.epsilon = epsilon

    def reset(self, market: Market) -> None:
        """Draw the noise of the episodes that `market` has just been reset to."""
        features = sensitive_features(market.budget, highest_price(market))
        _, low, high, sensitivity = zip(*features, strict=True)
        self.low, self.high = market.bids.new_tensor(low), market.bids.new_tensor(high)
        scales = [noise_scale(value, self.epsilon, STEPS * FEATURES) for value in sensitivity]
        unit = torch.as_tensor(
            keyed_laplace(market.seeds, market.episodes), device=market.device, dtype=market.dtype
        )
        self.noise = unit * market.bids.new_tensor(scales)
        self.t = 0

    def release(self, state: Tensor) -> Tensor:
        """The state (rows, STATE_SIZE) of the next step as it may be seen."""
        columns = list(COLUMNS)
        clipped = state[:, columns].clamp(self.low, self.high)
        released = state.clone()
        released[:, columns] = (clipped + self.noise[self.t]).clamp(self.low, self.high)
        self.t += 1
        return released


class Private:
    """A policy that sees only noised states.

    What `observe` brings is not noised: the guarantee is for policies that decide by states, as teams do.

    Args:
        policy: whose decisions they are.
        epsilon: budget of an episode.

    Raises:
        ConfigurationError: epsilon is not a finite number above 0.
    """

    def __init__(self, policy: Policy, epsilon: float) -> None:
        self.policy, self.name, self.states = policy, policy.name, PrivateState(epsilon)

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to."""
        self.policy.reset(market)
        self.states.reset(market)

    def act(self, state: Tensor) -> Action:
        """The policy's actions in the noised states."""
        return self.policy.act(self.states.release(state))

    def observe(self, step: Step) -> None:
        """See what the last action brought."""
        self.policy.observe(step)


class PrivateMarket:
    """A market that shows only noised states, for a team to learn in; rewards are as they were.

    The rewards a team learns from depend on outcomes too: its weights are not private, its states are.

    Args:
        market: the market behind it.
        epsilon: budget of an episode.

    Raises:
        ConfigurationError: epsilon is not a finite number above 0.
    """

    def __init__(self, market: Market, epsilon: float) -> None:
        self.market, self.states = market, PrivateState(epsilon)

    def __getattr__(self, name: str) -> Any:
        """All else is the market's."""
        return getattr(self.market, name)

    def reset(self, seeds: Sequence[int] | NDArray, episodes: Sequence[int] | NDArray) -> Tensor:
        """Start the episodes; returns noised states (rows, STATE_SIZE)."""
        state = self.market.reset(seeds, episodes)
        self.states.reset(self.market)
        self.seen = self.states.release(state)
        return self.seen

    def step(self, bid: Tensor, allocation: Tensor, asked: Tensor | None = None) -> Step:
        """Play one step; nobody acts in the state after the last one, which stays as last shown."""
        step = self.market.step(bid, allocation, asked)
        if self.market.t < STEPS:
            self.seen = self.states.release(step.state)
        return replace(step, state=self.seen)
