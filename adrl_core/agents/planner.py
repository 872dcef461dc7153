"""The planning team: Controller, Bidding and Budget agent choose by one learned model of the auctions.

Each step is chosen for its expected value less the price of the money it takes. The price is what makes the
money last: the smallest at which the spending still to come, as past episodes would have it, fits what is
left. Where the budget does not bind it is zero, and the team is myopic. If it recalls what an episode has
shown so far (`recall`), the model sees that too, and past episodes count by how like they were.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from adrl_core.agents.oracle import Expected, expected_value
from adrl_core.agents.outcomes import CONTEXT, OutcomeModel, Outcomes, Plans, bid_coordinate, context
from adrl_core.agents.policy import Action
from adrl_core.agents.population import clip_gradients, ordered_mean
from adrl_core.agents.recall import RECALLED, LikePlans, Recall
from adrl_core.agents.team import BIDDING_ONLY, BOTH, BUDGET_ONLY, Episode, combine
from adrl_core.config import Planning, RewardName, Team
from adrl_core.market import Market, Step
from adrl_core.market.noise import Purpose, draw
from adrl_core.market.presets import BID_LEVELS, CHANNELS, DEFAULT_LEVEL, STATE_SIZE, STEPS
from adrl_core.market.reward import PROFIT_DIVISOR

PRICES = 16
HIGHEST_PRICE = 1.0
"""Reward that a unit of money may cost at most."""
ROW = 1 + CHANNELS + 3 + 1
"""What is remembered of a step besides its context: level, allocation, clicks, conversions, spend, whether it
counts."""


def exploration(config: Planning, number: int, episodes: int) -> float:
    """Share of random choices in an episode: from 1 down in a straight line, then constant."""
    falling = 1.0 - number / max(1.0, config.exploration_share * episodes)
    return max(config.exploration_end, falling)


def learning_rate(config: Planning, number: int, episodes: int) -> float:
    """Learning rate of an episode, falling in a straight line towards zero at the end."""
    return config.learning_rate * (1.0 - number / episodes)


def step_value(by: RewardName, expected: Expected) -> Tensor:
    """Expected reward that the team learns from, of means of any shape."""
    value = expected_value(by, expected)
    return value / PROFIT_DIVISOR if by == "profit" else value


class PlanningTeam:
    """The planning team of every run.

    Args:
        config: the team's configuration; `config.planning` is set.
        seeds: one training seed a run.
        device: where model and memory live.
    """

    def __init__(self, config: Team, seeds: Sequence[int], device: torch.device | str = "cpu") -> None:
        assert config.planning is not None
        self.config, self.planning = config, config.planning
        self.seeds, self.device = list(seeds), torch.device(device)
        runs = len(self.seeds)
        recalled = len(RECALLED) if self.planning.recall else 0
        self.seen = len(CONTEXT) + recalled
        """Entries of the context."""
        self.model = OutcomeModel(runs, recalled).to(self.device)
        self.optimiser = torch.optim.Adam(self.model.parameters(), eps=1e-5, fused=True)
        self.memory = torch.zeros(runs, self.planning.memory, self.seen + ROW, device=self.device)
        self.stored = 0
        """Steps remembered so far, also those that newer ones have replaced since."""
        self.prices = HIGHEST_PRICE * torch.linspace(0.0, 1.0, PRICES, device=self.device).square()
        self.spend_to_go = torch.zeros(runs, STEPS, PRICES, device=self.device)
        """Money that episodes so far would have taken from each step on, at each price."""
        self.plans = LikePlans(runs, PRICES, recalled, self.device) if recalled else None

    def exploration(self, number: int, episodes: int) -> float:
        """Share of random choices in training episode `number` of `episodes`."""
        return exploration(self.planning, number, episodes)

    def policy(self) -> "PlanningPolicy":
        """The teams as they act without exploring."""
        return PlanningPolicy(self)

    def price(self, state: Tensor, budget: float) -> Tensor:
        """Price of money (runs, n) in states (runs, n, ...); linear between the prices tried.

        Teams that recall need states that are all of the same step.
        """
        step = (STEPS * (1.0 - state[..., 3])).round().long().clamp_max(STEPS - 1)
        run = torch.arange(len(self.seeds), device=self.device)[:, None]
        if self.plans:
            needed = self.plans.spend_to_go(int(step[0, 0]), state[..., STATE_SIZE:])
        else:
            needed = self.spend_to_go[run, step]
        # It falls with the price.
        left = (budget * self.planning.spend_target * state[..., 0])[..., None]
        upper = (needed > left).sum(-1).clamp_max(PRICES - 1)
        lower = (upper - 1).clamp_min(0)
        at = [needed.gather(-1, index[..., None])[..., 0] for index in (lower, upper)]
        share = ((at[0] - left[..., 0]) / (at[0] - at[1]).clamp_min(1e-9)).clamp(0.0, 1.0)
        price = self.prices[lower] + share * (self.prices[upper] - self.prices[lower])
        return torch.where(upper > 0, price, 0.0)

    def choose(self, state: Tensor, market: Market) -> tuple[Tensor, Tensor, Tensor]:
        """Mode and level (runs, n) and allocation (runs, n, CHANNELS) of highest value in the states given.

        States (runs, n, ...) are those of the market, with what is recalled behind if anything is. The
        Controller asks whom it pays to ask after the fee; with equal worth, fewer.
        """
        plans = Plans(market.bids)
        expected = plans.expect(self.model, context(state))
        price = self.price(state, market.budget)[..., None, None]
        value = step_value(self.config.reward, expected) - price * expected.spend
        by_bidding, by_budget = value[..., 0].max(-1), value[:, :, DEFAULT_LEVEL].max(-1)
        by_both = value.flatten(2).max(-1)
        worth = torch.stack((by_bidding.values, by_budget.values, by_both.values), -1)
        worth = worth - market.fee * worth.new_tensor((1.0, 1.0, 2.0))
        mode = worth.argmax(-1)
        candidates = len(plans.allocations)
        level = torch.where(mode == BIDDING_ONLY, by_bidding.indices, by_both.indices // candidates)
        candidate = torch.where(mode == BUDGET_ONLY, by_budget.indices, by_both.indices % candidates)
        return mode, level, plans.allocations[candidate]

    @torch.no_grad()
    def play_episode(self, market: Market, number: int, episodes: int = 1) -> Episode:
        """Play training episode `number` of `episodes` in every run, exploring, and remember the steps."""
        runs, share = len(self.seeds), self.exploration(number, episodes)
        uniforms, _ = draw(self.seeds, [number] * runs, Purpose.EXPLORATION, STEPS * (3 + CHANNELS), 0)
        noise = torch.from_numpy(uniforms).to(self.device).reshape(runs, STEPS, 3 + CHANNELS)
        # Normalised exponentials are Dirichlet(1, 1, 1); cubed, they put most of the money on one channel,
        # of which the sums over channels then tell most.
        weights = (-torch.log1p(-noise[..., 3:])).pow(3)
        random_allocation = weights / weights.sum(-1, keepdim=True)
        random_level = (BID_LEVELS * noise[..., 2]).long()
        state = market.reset(self.seeds, [number] * runs)
        recall = Recall(self.planning.recall, runs, self.device)
        records, steps, rows = [], [], []
        for t in range(STEPS):
            seen = recall.extend(state)
            mode, level, allocation = (choice[:, 0] for choice in self.choose(seen[:, None], market))
            explores = noise[:, t, :2] < share
            mode = torch.where(explores.any(1), BOTH, mode)
            level = torch.where(explores[:, 0], random_level[:, t], level)
            allocation = torch.where(explores[:, 1, None], random_allocation[:, t], allocation)
            level, bid, allocation, asked = combine(mode, level, allocation, market.bids)
            solvent = market.remaining >= bid
            step = market.step(bid, allocation, asked)
            sums = step.auctions
            counts = torch.stack(
                (sums.clicks, sums.conversions, sums.spend, solvent & (market.remaining > 0)), 1
            )
            rows.append(torch.cat((context(seen), level[:, None], allocation, counts), 1))
            recall.observe(state, sums)
            records.append((state, mode, level, allocation, step.reward))
            steps.append(step)
            state = step.state
        self.bids = market.bids
        slots = torch.arange(self.stored, self.stored + STEPS, device=self.device) % self.planning.memory
        self.memory[:, slots] = torch.stack(rows, 1)
        self.stored += STEPS
        return Episode(*(torch.stack(column, 1) for column in zip(*records, strict=True)), steps)  # type: ignore

    def learn(self, number: int, episodes: int) -> dict[str, dict[str, Tensor]]:
        """Fit the model after episode `number` of `episodes`; returns metrics (runs,) by agent."""
        config, runs = self.planning, len(self.seeds)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(config, number, episodes)
        shape = (runs, config.updates_per_episode, config.batch_size)
        uniforms, _ = draw(self.seeds, [number] * runs, Purpose.LEARNING, shape[1] * shape[2], 0)
        filled = min(self.stored, self.planning.memory)
        slots = (torch.from_numpy(uniforms).to(self.device) * filled).long().reshape(shape)
        run = torch.arange(runs, device=self.device)[:, None]
        records = []
        for slot in slots.unbind(1):
            records.append(self._update(self.memory[run, slot]))
        latest = torch.arange(self.stored - STEPS, self.stored, device=self.device) % config.memory
        self._plan_ahead(self.memory[:, latest, : self.seen], 1.0 / min(number + 1, config.horizon))
        return {"planner": dict(zip(("loss", "gradient_norm"), ordered_mean(records), strict=True))}

    def _update(self, rows: Tensor) -> Tensor:
        sizes = (self.seen, 1, CHANNELS, 1, 1, 1, 1)
        seen, level, allocation, clicks, conversions, spend, counts = rows.split(sizes, 2)
        bid = self.bids[level[..., 0].long()]
        outcome = Outcomes(clicks[..., 0], conversions[..., 0], spend[..., 0])
        losses = self.model.loss(seen, bid_coordinate(bid, self.bids), bid, allocation, outcome)
        loss = (losses * counts[..., 0]).mean(1)
        self.optimiser.zero_grad(set_to_none=True)
        loss.sum().backward()
        norm = clip_gradients(self.model.parameters(), self.planning.gradient_norm)
        self.optimiser.step()
        return torch.stack((loss.detach(), norm))

    @torch.no_grad()
    def _plan_ahead(self, contexts: Tensor, weight: float) -> None:
        """Take the spending that the model plans for the last episode's markets into `spend_to_go`."""
        expected = Plans(self.bids).expect(self.model, contexts)
        value, spend = step_value(self.config.reward, expected).flatten(2), expected.spend.flatten(2)
        best = [(value - price * spend).argmax(2, keepdim=True) for price in self.prices]
        planned = spend.gather(2, torch.cat(best, 2))
        to_go = planned.flip(1).cumsum(1).flip(1)
        self.spend_to_go += weight * (to_go - self.spend_to_go)
        if self.plans:
            self.plans.add(to_go, contexts[..., len(CONTEXT) :])

    def state_dict(self) -> dict[str, Any]:
        """Everything that learning goes on from."""
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "memory": self.memory[:, : self.stored].clone(),
            "stored": self.stored,
            "spend_to_go": self.spend_to_go,
            **({"plans": self.plans.state_dict()} if self.plans else {}),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.memory[:, : state["memory"].shape[1]] = state["memory"]
        self.stored, self.spend_to_go = state["stored"], state["spend_to_go"]
        if self.plans:
            self.plans.load_state_dict(state["plans"])

    def networks(self) -> dict[str, dict[str, Tensor]]:
        """What acts, on the CPU."""
        model = {key: value.detach().cpu() for key, value in self.model.state_dict().items()}
        acting = {"planner": {**model, "spend_to_go": self.spend_to_go.cpu()}}
        return acting | ({"plans": self.plans.state_dict()} if self.plans else {})

    def load_networks(self, networks: dict[str, dict[str, Tensor]]) -> None:
        """Take up what acts."""
        model = dict(networks["planner"])
        self.spend_to_go = model.pop("spend_to_go").to(self.device)
        self.model.load_state_dict(model)
        if self.plans:
            self.plans.load_state_dict(networks["plans"])


class PlanningPolicy:
    """The planning teams without exploration; rows are ordered run by run, as in `TeamPolicy`."""

    name = "team"

    def __init__(self, team: PlanningTeam) -> None:
        self.team = team

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to."""
        self.market = market
        self.recall = Recall(self.team.planning.recall, market.rows, market.device)

    def act(self, state: Tensor) -> Action:
        """The planned actions in states (rows, STATE_SIZE)."""
        self.state, seen = state, self.recall.extend(state)
        by_run = seen.reshape(len(self.team.seeds), -1, seen.shape[1])
        mode, level, allocation = self.team.choose(by_run, self.market)
        self.mode = mode.flatten()
        self.level, bid, allocation, asked = combine(
            self.mode, level.flatten(), allocation.flatten(0, 1), self.market.bids
        )
        return Action(bid, allocation, asked)

    def observe(self, step: Step) -> None:
        """Take in what the last action brought, for the rest of the episode."""
        self.recall.observe(self.state, step.auctions)
