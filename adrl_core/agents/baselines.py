"""Reference policies that do not learn, and the search for the best constant one."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adrl_core.agents.lookahead import Lookahead
from adrl_core.agents.oracle import (
    AskingOracle,
    Oracle,
    expected_by_action,
    expected_by_channel,
    expected_value,
    grid_allocations,
)
from adrl_core.agents.policy import Action, Policy
from adrl_core.config import MarketName, RewardName
from adrl_core.market import Market, Step
from adrl_core.market.channels import ChannelsMarket, reach
from adrl_core.market.noise import Purpose, draw
from adrl_core.market.presets import (
    BID_LEVELS,
    CHANNELS,
    CHANNELS_BIDS,
    PRESETS,
    PUBLISHED_BIDS,
    STEPS,
    ChannelConstants,
)

UNIFORM = (1.0 / CHANNELS,) * CHANNELS
CHAIN_LENGTH = 100
"""Episodes over which a carried Greedy keeps its state, as long as the published evaluation."""
PROFITABLE = ("margin", "pacing")
"""Markets with thin margins, on which profit and the shaped reward ask for different policies."""
SHORTLIST = 20
SHORTLIST_EPISODES = 200


class Constant:
    """The same bid and allocation in every step.

    Args:
        name: of the policy.
        bid: in currency units; the market's default bid if omitted.
        allocation: shares that add to one.
    """

    def __init__(self, name: str, bid: float | None = None, allocation: tuple[float, ...] = UNIFORM) -> None:
        self.name, self.bid, self.allocation = name, bid, allocation

    def reset(self, market: Market) -> None:
        """Lay out the action for all rows."""
        bid = market.default_bid if self.bid is None else self.bid
        self.action = Action(
            torch.full_like(market.remaining, bid),
            market.bids.new_tensor(self.allocation).expand(market.rows, CHANNELS),
        )

    def act(self, state: Tensor) -> Action:
        """The constant action."""
        return self.action

    def observe(self, step: Step) -> None:
        """Nothing to learn."""


class Random:
    """Mode and bid level uniform, allocation Dirichlet(1, 1, 1).

    Args:
        gated: who is not asked gives the default; otherwise, as in the published baseline, the mode has no
            effect and every step plays the drawn bid and allocation.
    """

    name = "random"

    def __init__(self, gated: bool = True) -> None:
        self.gated = gated

    def reset(self, market: Market) -> None:
        """Draw the actions of the whole episode, each row from its own stream."""
        uniforms, _ = draw(market.seeds, market.episodes, Purpose.POLICY, (2 + CHANNELS) * STEPS, 0)
        drawn = torch.as_tensor(uniforms, device=market.device, dtype=market.dtype)
        drawn = drawn.reshape(market.rows, 2 + CHANNELS, STEPS).permute(2, 0, 1)
        mode = (3.0 * drawn[..., 0]).floor() if self.gated else torch.full_like(drawn[..., 0], 2.0)
        level = (BID_LEVELS * drawn[..., 1]).long()
        # Normalised exponentials are Dirichlet(1, 1, 1).
        weights = -torch.log1p(-drawn[..., 2:])
        self.bid = torch.where(mode == 1.0, market.default_bid, market.bids[level])
        self.allocation = torch.where(
            mode[..., None] == 0.0, 1.0 / CHANNELS, weights / weights.sum(-1, keepdim=True)
        )
        self.asked = 1.0 + (mode == 2.0)
        self.t = 0

    def act(self, state: Tensor) -> Action:
        """The actions drawn for this step."""
        return Action(self.bid[self.t], self.allocation[self.t], self.asked[self.t])

    def observe(self, step: Step) -> None:
        """Go on to the next step."""
        self.t += 1


class Greedy:
    """The published heuristic: a level down when recent rewards are negative, up when they are above 10.

    Once more than five rewards are in its window of ten, their mean moves the bid before every step.

    Args:
        name: of the policy.
        carried: keep level and window when the next episodes start. Rows are then chains of episodes, played
            as `rounds` lays them out; a new bank needs a new policy.
    """

    START_LEVEL = 5
    WINDOW = 10
    ENOUGH = 5
    LOWER, UPPER = 0.0, 10.0

    def __init__(self, name: str, carried: bool = False) -> None:
        self.name, self.carried = name, carried
        self.level: Tensor | None = None
        self.window = torch.empty(0)

    def reset(self, market: Market) -> None:
        """Start anew, or go on with the chains that still have episodes."""
        self.bids = market.bids
        self.allocation = market.bids.new_tensor(UNIFORM).expand(market.rows, CHANNELS)
        if self.carried and self.level is not None:
            self.level, self.window = self.level[: market.rows], self.window[:, : market.rows]
            return
        self.level = torch.full((market.rows,), self.START_LEVEL, device=market.device)
        self.window = market.bids.new_zeros((self.WINDOW, market.rows))
        self.seen = 0

    def act(self, state: Tensor) -> Action:
        """Move the level by the window's mean and bid it."""
        assert self.level is not None
        if self.seen > self.ENOUGH:
            mean = self.window.sum(0) / min(self.seen, self.WINDOW)
            moved = self.level + (mean > self.UPPER).long() - (mean < self.LOWER).long()
            self.level = moved.clamp(0, BID_LEVELS - 1)
        return Action(self.bids[self.level], self.allocation)

    def observe(self, step: Step) -> None:
        """Take the published reward into the window in place of the oldest."""
        self.window[self.seen % self.WINDOW] = step.shaped
        self.seen += 1


class Pacing:
    """Proportional pacing: the level nearest 1.83 exp(2 e), e the share of money left less that of time."""

    BID = 1.83
    GAIN = 2.0
    ALLOCATION = (0.4, 0.2, 0.4)

    def __init__(self, name: str = "pacing") -> None:
        self.name = name

    def reset(self, market: Market) -> None:
        """Take the market's bid levels."""
        self.bids = market.bids
        self.allocation = market.bids.new_tensor(self.ALLOCATION).expand(market.rows, CHANNELS)

    def act(self, state: Tensor) -> Action:
        """Bid higher the further spending lags behind time."""
        target = self.BID * (self.GAIN * (state[:, 0] - state[:, 3])).exp()
        level = (target[:, None] - self.bids).abs().argmin(1)
        return Action(self.bids[level], self.allocation)

    def observe(self, step: Step) -> None:
        """Nothing to learn: the state shows all it uses."""


def rounds(policy: Policy, episodes: NDArray) -> list[NDArray]:
    """The plays, in order, by which a policy meets the episodes, each a set of rows played together.

    A carried Greedy plays chains of CHAIN_LENGTH consecutive episodes: round i holds the i-th episode of
    every chain, and only the last chain may be shorter. All others play everything in one round.
    """
    if isinstance(policy, Greedy) and policy.carried:
        return [episodes[i::CHAIN_LENGTH] for i in range(min(CHAIN_LENGTH, len(episodes)))]
    return [episodes]


def best_constant(
    market_name: MarketName, seed: int, episodes: int = 1000, by: RewardName = "shaped"
) -> Constant:
    """The constant action with the highest mean outcome on the episodes 0 ... of a seed kept for the search.

    All 10 bids x (66 allocations in tenths and the uniform one) are ranked by their expected outcome on the
    first SHORTLIST_EPISODES markets, money running out in expectation; the best SHORTLIST are then simulated
    on all episodes. Only for the channels family.
    """
    return _best_constant(PRESETS[market_name], seed, episodes, by)


# Kept by its constants: a preset file may come to hold others under the same name.
@cache
def _best_constant(constants: ChannelConstants, seed: int, episodes: int, by: RewardName) -> Constant:
    market = ChannelsMarket(constants)
    allocations = torch.cat((grid_allocations(), torch.tensor([UNIFORM], dtype=torch.float64)))
    bank = np.arange(episodes)
    shortlist = bank[:SHORTLIST_EPISODES]
    market.reset(np.full(len(shortlist), seed), shortlist)
    ranked = _expected_outcomes(market, allocations, by).flatten().argsort(descending=True)[:SHORTLIST]
    name = "best_constant" if by == "shaped" else f"best_constant_{by}"
    candidates = [
        Constant(
            name,
            CHANNELS_BIDS[index // len(allocations)],
            tuple(allocations[index % len(allocations)].tolist()),
        )
        for index in ranked.tolist()
    ]
    return max(candidates, key=lambda policy: _mean_outcome(policy, market, seed, bank, by))


def _expected_outcomes(market: ChannelsMarket, allocations: Tensor, by: RewardName) -> Tensor:
    """Mean over the market's rows of the expected outcome of an episode, shape (bids, allocations)."""
    reached = reach(market.constants, allocations.to(market.bids))
    outcomes = []
    for bid in market.bids.split(1):
        by_channel = expected_by_channel(
            market.constants,
            bid,
            market.log_median,
            market.log_sd,
            market.base_click_rate,
            market.conversion_rate,
        )
        expected = expected_by_action(by_channel, reached)
        spent = expected.spend.cumsum(0)
        afforded = ((market.budget - spent) / expected.spend.clamp_min(1e-9) + 1.0).clamp(0.0, 1.0)
        outcomes.append((expected_value(by, expected) * afforded).sum(0).mean(0))
    return torch.cat(outcomes)


@torch.inference_mode()
def _mean_outcome(policy: Constant, market: Market, seed: int, episodes: NDArray, by: RewardName) -> float:
    state = market.reset(np.full(len(episodes), seed), episodes)
    policy.reset(market)
    total = 0.0
    for _ in range(STEPS):
        step = market.step(*policy.act(state))
        total += float((step.profit if by == "profit" else step.shaped).mean())
    return total


def reference_policies(market_name: MarketName, search_seed: int, fee: float = 0.0) -> list[Policy]:
    """The policies that a market's evaluation is compared with, made anew; play each in its `rounds`.

    Args:
        market_name: of the market.
        search_seed: market seed on which the best constant is searched, apart from the evaluation bank.
        fee: of the market, for each agent asked; with one, there is an oracle that chooses whom to ask.
    """
    published = market_name == "published"
    top = (PUBLISHED_BIDS if published else CHANNELS_BIDS)[-1]
    policies: list[Policy] = [
        Random(gated=not published),
        Constant("fixed"),
        Constant("constant_max" if published else "max_uniform", top),
        Greedy("greedy_carried", carried=True),
        Greedy("greedy_reset"),
    ]
    if published:
        return policies
    policies.append(best_constant(market_name, search_seed))
    if market_name == "shift":
        policies.append(Oracle("oracle_threshold", belief="threshold"))
        policies.append(Oracle("oracle_stale"))
        policies.append(Oracle("oracle_known", belief="known"))
    else:
        policies.append(Oracle("oracle"))
    if market_name in PROFITABLE:
        policies.append(best_constant(market_name, search_seed, by="profit"))
        policies.append(Oracle("oracle_profit", by="profit"))
    if market_name == "pacing":
        policies += [Pacing(), Lookahead("lookahead"), Lookahead("lookahead_profit", by="profit")]
    if fee:
        policies.append(AskingOracle("oracle_asking"))
    return policies
