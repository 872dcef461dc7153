"""Injected faults: what may go wrong between a policy and the world, to measure what oversight catches."""

import numpy as np
import torch
from torch import Tensor

from adrl_core.agents.policy import Action, Policy
from adrl_core.market import Market, Step
from adrl_core.market.noise import Purpose, stream
from adrl_core.market.presets import CHANNELS, STATE_SIZE, STEPS

BLOCK = 1
"""Block of a policy's key for the corruption; policies that draw use block 0 alone."""


class Fault:
    """A policy that is well for some episodes and faulty from then on.

    Args:
        policy: the policy that the fault befalls.
        after: episodes before the fault sets in.
    """

    kind: str

    def __init__(self, policy: Policy, after: int = 0) -> None:
        self.policy, self.name, self.after, self.episode = policy, policy.name, after, 0

    def reset(self, market: Market) -> None:
        """Start the next episode of every row."""
        self.policy.reset(market)
        self.market = market
        self.faulty = self.episode >= self.after
        self.episode += 1

    def act(self, state: Tensor) -> Action:
        """The policy's actions as the fault leaves them."""
        if not self.faulty:
            return self.policy.act(state)
        return self.done(self.policy.act(self.seen(state)))

    def observe(self, step: Step) -> None:
        """See what the last action brought."""
        self.policy.observe(step)

    def seen(self, state: Tensor) -> Tensor:
        """The state that the policy is shown."""
        return state

    def done(self, action: Action) -> Action:
        """The action that is carried out."""
        return action


class StuckBid(Fault):
    """The bid no longer moves.

    Args:
        bid: where it is stuck, in currency units.
    """

    kind = "stuck bid"

    def __init__(self, policy: Policy, bid: float, after: int = 0) -> None:
        super().__init__(policy, after)
        self.bid = bid

    def done(self, action: Action) -> Action:
        """The stuck bid with the policy's allocation."""
        return action._replace(bid=torch.full_like(action.bid, self.bid))


class SlippedPoint(Fault):
    """The decimal point of every bid slips one place to the right."""

    kind = "slipped point"

    def done(self, action: Action) -> Action:
        """Ten times the bid with the policy's allocation."""
        return action._replace(bid=10.0 * action.bid)


class InvertedActions(Fault):
    """High bids become low and preferred channels neglected: lowest + highest - b, and (1 - a) / (C - 1)."""

    kind = "inverted actions"

    def done(self, action: Action) -> Action:
        """The opposite of the policy's action."""
        bids = self.market.bids
        return action._replace(
            bid=bids[0] + bids[-1] - action.bid, allocation=(1.0 - action.allocation) / (CHANNELS - 1)
        )


class CorruptedState(Fault):
    """Each feature of each step is, with a given chance, a standard normal instead; a stream a row.

    Args:
        chance: that a feature is corrupted.
    """

    kind = "corrupted state"

    def __init__(self, policy: Policy, chance: float = 0.5, after: int = 0) -> None:
        super().__init__(policy, after)
        self.chance = chance

    def reset(self, market: Market) -> None:
        """Draw the corruption of the whole episode."""
        super().reset(market)
        self.t = 0
        shape = (STEPS, STATE_SIZE)
        streams = [
            stream(int(seed), Purpose.POLICY, int(episode), BLOCK)
            for seed, episode in zip(market.seeds, market.episodes, strict=True)
        ]
        hit = np.stack([generator.random(shape) < self.chance for generator in streams], 1)
        noise = np.stack([generator.standard_normal(shape) for generator in streams], 1)
        self.hit = torch.as_tensor(hit, device=market.device)
        self.noise = torch.as_tensor(noise, device=market.device, dtype=market.dtype)

    def seen(self, state: Tensor) -> Tensor:
        """The corrupted state."""
        return torch.where(self.hit[self.t], self.noise[self.t], state)

    def observe(self, step: Step) -> None:
        """Go on to the next step."""
        super().observe(step)
        self.t += 1


class StaleState(Fault):
    """The state arrives late: that of some steps before, or the episode's first until there is one.

    Args:
        delay: in steps; STEPS shows the first state throughout.
    """

    kind = "stale state"

    def __init__(self, policy: Policy, delay: int = STEPS, after: int = 0) -> None:
        super().__init__(policy, after)
        self.delay = delay

    def reset(self, market: Market) -> None:
        """Forget the states of the episode before."""
        super().reset(market)
        self.states: list[Tensor] = []

    def seen(self, state: Tensor) -> Tensor:
        """The state of `delay` steps before."""
        self.states.append(state)
        return self.states[max(0, len(self.states) - 1 - self.delay)]
