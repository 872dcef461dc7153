"""A contextual bandit: Thompson sampling with a linear model of the reward of every joint action.

It takes each step for itself, as a bandit does: what a bid leaves of the budget is no concern of it.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from adrl_core.agents.policy import Action
from adrl_core.market import Market, Step
from adrl_core.market.noise import Purpose, draw
from adrl_core.market.presets import BID_LEVELS, STEPS
from adrl_core.rivals.actions import FlatActions
from adrl_core.rivals.regression import SHARE_TERMS, Posterior, context_size, context_terms, share_terms
from adrl_core.rivals.settings import LinearSettings

REWARD_SCALE = 0.1
"""Brings the noise of a step's reward near the unit that the regression takes it to have."""


class LinearBidder(ABC):
    """A policy that regresses outcomes of a step on state and action, and plays what it predicts to be best.

    While `learning` it plays one episode a run, with weights drawn from the posterior once an episode, and
    learns from it at its end. Otherwise it plays the posterior's means, with rows ordered run by run.

    Args:
        name: of the policy.
        settings: see there.
        runs: independent bidders, one posterior each.
        targets: outcomes that are regressed on.
    """

    def __init__(self, name: str, settings: LinearSettings, runs: int, targets: int) -> None:
        self.name, self.settings, self.runs = name, settings, runs
        self.actions = FlatActions(settings.parts)
        self.shares = share_terms(self.actions.allocations)
        self.terms = context_size(settings.harmonics)
        self.posterior = Posterior(runs, self.terms * SHARE_TERMS, targets, settings.ridge)
        self.learning = True

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to."""
        self.bids, self.budget = market.bids, market.budget
        if self.learning:
            size = self.terms * SHARE_TERMS
            _, normal = draw(market.seeds, market.episodes, Purpose.EXPLORATION, 0, size)
            weights = self.posterior.draw(torch.from_numpy(normal), self.settings.width)
        else:
            weights = self.posterior.mean()
        # One matrix a target, (targets, runs, terms, SHARE_TERMS), in the market's precision.
        self.weights = weights.unflatten(1, (self.terms, SHARE_TERMS)).permute(3, 0, 1, 2).to(market.dtype)
        self.seen: list[Tensor] = []
        self.brought: list[Tensor] = []

    def act(self, state: Tensor) -> Action:
        """The actions predicted to be best in states (rows, STATE_SIZE)."""
        context = context_terms(state, self.bids, self.settings.harmonics)
        by_run = context.reshape(self.runs, -1, self.terms)
        predicted = (by_run @ self.weights @ self.shares.T).reshape(
            len(self.weights), len(state), BID_LEVELS, -1
        )
        level, choice = self.actions.split(self.scores(predicted, state).flatten(1).argmax(1))
        if self.learning:
            features = context[torch.arange(len(state)), level][:, :, None] * self.shares[choice][:, None]
            # Whoever cannot pay his bid is in no auction, and learns nothing of them.
            paying = state[:, 0] * self.budget >= self.bids[level]
            self.seen.append(features.flatten(1) * paying[:, None])
        return self.actions.action(level, choice, self.bids)

    def observe(self, step: Step) -> None:
        """Keep what the last action brought, and learn from the episode at its end."""
        if self.learning:
            self.brought.append(self.outcomes(step))
            if len(self.brought) == STEPS:
                self.posterior.update(torch.stack(self.seen, 1), torch.stack(self.brought, 1))

    @abstractmethod
    def outcomes(self, step: Step) -> Tensor:
        """What is regressed on, (rows, targets)."""

    @abstractmethod
    def scores(self, predicted: Tensor, state: Tensor) -> Tensor:
        """What is maximised, (rows, bids, allocations); `predicted` is (targets, rows, bids, allocations)."""


class Bandit(LinearBidder):
    """Thompson sampling on the reward of a step (Agrawal and Goyal 2013)."""

    def __init__(self, name: str, settings: LinearSettings, runs: int) -> None:
        super().__init__(name, settings, runs, targets=1)

    def outcomes(self, step: Step) -> Tensor:
        """The reward."""
        return REWARD_SCALE * step.reward[:, None]

    def scores(self, predicted: Tensor, state: Tensor) -> Tensor:
        """The reward."""
        return predicted[0]
