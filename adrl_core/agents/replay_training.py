"""Training the Bidding agent on auctions simulated from a landscape, all runs at once.

The simulation knows what the agent must infer, how many rivals there are and how likely clicks are, and the
reward uses it. It is the expected clicks of a decision's auctions, winning prices averaged out, plus what the
money that would then be left is worth in that market; less the same for the paced bid on the same auctions.
Without prices and clicks as dice there is little noise. The money's worth is a potential (Ng et al. 1999),
close to what the rest of the episode brings, so that a decision answers for its consequences and a discount
of 0 will do.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from adrl_core.agents.bidders import Floats, Integers, whole
from adrl_core.agents.ddqn import DDQNAgent, exploration_rate
from adrl_core.agents.pacing import Worth, rivals_law
from adrl_core.agents.replay import Transitions
from adrl_core.agents.replay_bidder import Choice, ReplayBidder, States
from adrl_core.config import DDQN
from adrl_core.market.landscape import Landscape
from adrl_core.market.noise import Purpose, stream
from adrl_core.market.presets import STEPS
from adrl_core.market.replay import Campaign, play
from adrl_core.market.simulated import Simulated, simulate

LEARNER = DDQN(
    learning_rate=1e-3,
    discount=0.0,
    batch_size=128,
    updates_per_episode=50,
    replay_capacity=200_000,
    epsilon_end=0.1,
    epsilon_decay=0.985,
    epsilon_decays_per_episode=1,
    priority_exponent=0.0,
    hidden=64,
)
"""Settings of the learner; what is an episode there is a round of BATCH episodes here."""
BATCH = 16
"""Episodes that each run plays in a round."""
SHARES = (1 / 64, 1.0)
"""Budgets in training are log-uniform between these shares: one agent learns to bid with any of them."""
AGENT = 1
"""Number of the Bidding agent in the team, for its streams."""


class Practice(ReplayBidder):
    """Plays simulated episodes and keeps states, levels and rewards, one array (rows, ...) a decision."""

    def __init__(self, landscape: Landscape, choose: Choice) -> None:
        super().__init__(landscape, choose)
        self.worth = Worth(landscape)

    def meet(self, market: Simulated) -> None:
        """Take up what the simulation knows of the episodes about to be played."""
        self.market, self.law = market, rivals_law(self.landscape, market.rivalry)
        self.rows = np.arange(len(market.rivalry))

    def reset(self, campaign: Campaign) -> None:
        """Start the episodes."""
        super().reset(campaign)
        planned = self.pacing.worth(campaign.budget / campaign.auctions)
        self.unit = planned * self.landscape.mean_ctr * self.block
        self.states: list[States] = []
        self.chosen: list[Integers] = []
        self.rewards: list[Floats] = []

    def state(self, auction: int, money: Integers) -> States:
        """The features, which are kept."""
        self.states.append(super().state(auction, money))
        return self.states[-1]

    def decide(self, auction: int, money: Integers) -> None:
        """Choose as before, and start to count what the choice is worth."""
        super().decide(auction, money)
        self.chosen.append(self.level)
        self.start = money.copy()
        self.clicks, self.cost = np.zeros((2, 2, len(money)))

    def bid(self, auction: int, ctr: Floats, money: Integers) -> Integers:
        """Bid, and count what the bid and the paced bid are expected to bring."""
        bids = super().bid(auction, ctr, money)
        for way, scale in enumerate((self.scale, self.paced)):
            tried = np.minimum(whole(ctr * scale, self.landscape.cap), self.start)
            self.clicks[way] += ctr * self.law.win[self.rows, tried]
            self.cost[way] += self.law.spend[self.rows, tried]
        left = self.campaign.auctions - auction - 1
        if (auction + 1) % self.block == 0 or left == 0:
            ours, paced = (c + self.kept(s, left) for c, s in zip(self.clicks, self.cost, strict=True))
            self.rewards.append((ours - paced) / self.unit)
        return bids

    def kept(self, cost: Floats, left: int) -> Floats:
        """Clicks that the money left after so much cost is worth in the auctions left."""
        money = np.maximum(self.start - cost, 0.0)
        mean_ctr = self.market.level * self.landscape.mean_ctr
        return mean_ctr * self.worth(money, left, self.market.rivalry, self.market.spread)


def train_bidder(
    landscape: Landscape, seeds: Sequence[int], rounds: int, auctions: int
) -> tuple[DDQNAgent, pd.DataFrame]:
    """Train one agent a seed.

    Args:
        landscape: the training log; nothing else is known.
        seeds: of the runs, which do not depend on each other.
        rounds: rounds of BATCH episodes and LEARNER.updates_per_episode updates.
        auctions: in an episode, a multiple of the decisions.

    Returns:
        The agents and a row for each run and round: epsilon, mean reward of its decisions, and td_loss.
    """
    # More threads would split sums differently.
    torch.set_num_threads(1)
    runs, rows = len(seeds), np.repeat(seeds, BATCH)
    agent = DDQNAgent(LEARNER, seeds, AGENT)
    practice = Practice(landscape, greedy(agent))
    journal: list[dict[str, Any]] = []
    for number in range(rounds):
        numbers = np.tile(number * BATCH + np.arange(BATCH), runs)
        market = simulate(landscape, rows, numbers, auctions)
        low, high = np.log(SHARES)
        draws = [stream(s, Purpose.POLICY, number).uniform(low, high, BATCH) for s in seeds]
        budgets = [landscape.budget(share, auctions) for share in np.exp(np.concatenate(draws))]
        practice.choose = exploring(agent, number)
        practice.meet(market)
        play(market.episodes, practice, np.array(budgets))
        _remember(agent, practice)
        shape = (LEARNER.updates_per_episode, LEARNER.batch_size)
        uniforms = [stream(s, Purpose.LEARNING, number).random(shape, np.float32) for s in seeds]
        metrics = agent.learn(torch.from_numpy(np.stack(uniforms)), number, rounds)
        rewards = np.stack(practice.rewards).reshape(STEPS, runs, BATCH).mean((0, 2))
        journal.append(
            {
                "seed": list(seeds),
                "round": [number] * runs,
                "epsilon": [exploration_rate(LEARNER, number)] * runs,
                "reward": rewards.tolist(),
                "td_loss": metrics["td_loss"].tolist(),
            }
        )
    return agent, pd.concat([pd.DataFrame(row) for row in journal], ignore_index=True)


def _remember(agent: DDQNAgent, practice: Practice) -> None:
    """Store the transitions of the episodes just played."""

    def by_run(steps: Sequence[np.ndarray]) -> torch.Tensor:
        """Arrays (runs * BATCH, ...), one a decision, as (runs, BATCH * decisions, ...)."""
        stacked = torch.from_numpy(np.stack(steps, 1))
        return stacked.view(len(agent.seeds), -1, *stacked.shape[2:])

    state, reward = by_run(practice.states), by_run(practice.rewards).float()
    # No decision looks beyond itself, so what comes after does not matter.
    after, goes_on = torch.zeros_like(state), torch.zeros_like(reward)
    transitions = Transitions(state, by_run(practice.chosen), reward, after, goes_on)
    agent.replay.add(transitions, torch.ones_like(reward, dtype=torch.bool))


def exploring(agent: DDQNAgent, number: int) -> Choice:
    """Epsilon-greedy choices of a round, a decision after the other."""
    runs, epsilon = len(agent.seeds), exploration_rate(LEARNER, number)
    noise = [
        stream(s, Purpose.EXPLORATION, number).random((STEPS, 2, BATCH), np.float32) for s in agent.seeds
    ]
    decisions = iter(np.stack(noise, 2))

    def choose(states: States) -> Integers:
        explore, level = torch.from_numpy(next(decisions))
        with torch.no_grad():
            levels = agent.sample(torch.from_numpy(states).view(runs, BATCH, -1), explore, level, epsilon)
        return levels.numpy().ravel()

    return choose


def greedy(agent: DDQNAgent) -> Choice:
    """The levels of highest value; rows are runs, and for each of them its episodes."""

    def choose(states: States) -> Integers:
        with torch.no_grad():
            levels = agent.greedy(torch.from_numpy(states).view(len(agent.seeds), -1, states.shape[1]))
        return levels.numpy().ravel()

    return choose
