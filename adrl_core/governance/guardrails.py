"""The safety layer between policy and market: the nearest allowed action takes the place of a forbidden one.

An action is allowed when

    b in {0} or [lowest, min(highest, money)],   0 <= a_c <= cap_c,   sum_c a_c = min(1, sum_c cap_c),

where `money` is what the spend limits leave for the step, and cap_c the largest share of channel c, or 0
where its quality score is below the floor. A bid of 0 buys no click in any market, so it is always allowed;
what the caps leave no room for is not allocated; where no channel is allowed, nothing is, and the bid is 0.
"""

from typing import Annotated, Literal, NamedTuple, Self, get_args

import torch
from pydantic import Field, model_validator
from torch import Tensor

from adrl_core.agents.policy import Action, Policy
from adrl_core.config import Frozen, Positive
from adrl_core.governance.quality import QualityModel, Score, quality_paths
from adrl_core.market import Market, Step
from adrl_core.market.presets import CHANNELS

Cap = Annotated[float, Field(gt=0, le=1)]
SUM_TOLERANCE = 1e-6
"""How far shares may be from their sum: a softmax in single precision is off by a few 1e-7."""
ROUNDING = 1e-6
"""Relative rounding of an account in single precision."""
Override = Literal["number", "bid", "spend", "shares", "exposure", "quality", "abstain"]
"""What can be wrong with an action: no finite number; a bid out of range; a bid above what the spend limits
leave; shares negative or not adding up; a share above its channel's largest; a share for a channel of low
quality; a bid where no channel is allowed."""
KINDS: tuple[str, ...] = get_args(Override)
"""The same in order, as they are counted."""


class Constraints(Frozen):
    """What no action may break."""

    lowest_bid: Positive = 0.5
    """Lowest bid, in currency units; a bid of 0, which buys nothing, is allowed besides."""
    highest_bid: Positive = 4.5
    """Highest bid, in currency units."""
    spend_per_step: Positive = 15.0
    """Largest spend in a step, in currency units."""
    spend_per_episode: Positive = 450.0
    """Largest spend in an episode, in currency units."""
    largest_share: tuple[Cap, Cap, Cap] = (0.8, 0.8, 0.8)
    """Largest share of the allocation for search, display and video: the exposure to one channel."""
    quality_floor: Score = 7.0
    """Score below which a channel may not be bought."""

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.lowest_bid > self.highest_bid:
            raise ValueError(f"lowest_bid {self.lowest_bid} is above highest_bid {self.highest_bid}")
        if sum(self.largest_share) < 1.0:
            raise ValueError(f"largest_share {self.largest_share} adds to less than 1")
        return self


class Limits(NamedTuple):
    """What the constraints come to in one step."""

    money: Tensor
    """The most that may be spent, in currency units, (rows,)."""
    allowed: Tensor
    """Whether a channel may be bought, (rows, CHANNELS)."""


def capped_simplex(values: Tensor, caps: Tensor) -> Tensor:
    """The point of {0 <= a_c <= cap_c, sum a = min(1, sum cap)} nearest to each row, in Euclidean distance.

    It is a_c = clip(v_c - tau, 0, cap_c) (Wang & Lu 2015, arXiv:1503.01002). The sum falls in tau along
    straight lines that meet where a channel reaches 0 or its cap; tau is interpolated between two of those.

    Args:
        values: finite, (rows, channels).
        caps: in [0, 1], (rows, channels).

    Returns:
        Shape (rows, channels), in double precision.
    """
    caps = caps.double()
    ordered, order = values.double().sort(1, descending=True)
    # Of two channels more than 1 apart the lower gets nothing before the upper is at its cap, so a wider gap
    # changes nothing; without this, sums of huge values would lose the shares in rounding.
    gaps = (ordered[:, :-1] - ordered[:, 1:]).clamp_max(1.0)
    fallen = torch.cat((torch.zeros_like(ordered[:, :1]), -gaps.cumsum(1)), 1)
    close = torch.zeros_like(ordered).scatter(1, order, fallen)
    total = caps.sum(1, keepdim=True).clamp_max(1.0)
    taus = torch.cat((close, close - caps), 1).sort(1).values
    sums = (close[:, None] - taus[..., None]).clamp_min(0.0).minimum(caps[:, None]).sum(2)
    left = ((sums >= total).sum(1, keepdim=True) - 1).clamp_min(0)
    right = (left + 1).clamp_max(taus.shape[1] - 1)
    sum_left, sum_right = sums.gather(1, left), sums.gather(1, right)
    weight = (sum_left - total) / (sum_left - sum_right).clamp_min(torch.finfo(torch.float64).tiny)
    tau = torch.lerp(taus.gather(1, left), taus.gather(1, right), weight.clamp(0.0, 1.0))
    return (close - tau).clamp_min(0.0).minimum(caps)


def shares_caps(limits: Limits, constraints: Constraints, like: Tensor) -> Tensor:
    """Largest share of each channel in this step, (rows, CHANNELS), in the precision of `like`."""
    return torch.where(limits.allowed, like.new_tensor(constraints.largest_share), 0.0)


def violations(action: Action, limits: Limits, constraints: Constraints) -> Tensor:
    """Which of KINDS each row's action breaks: booleans (rows, len(KINDS)).

    A row with a number that is not finite has no other fault.
    """
    bid, allocation, _ = action
    finite = bid.isfinite() & allocation.isfinite().all(1)
    in_range = (bid == 0.0) | ((bid >= constraints.lowest_bid) & (bid <= constraints.highest_bid))
    caps = shares_caps(limits, constraints, allocation)
    total = allocation.sum(1)
    target = caps.sum(1).clamp_max(1.0)
    # Shares that add to one are what a policy is asked for; that caps leave less room is not its fault.
    adds_up = torch.minimum((total - 1.0).abs(), (total - target).abs()) <= SUM_TOLERANCE
    broken = (
        ~in_range,
        bid > limits.money,
        ~adds_up | (allocation < 0.0).any(1),
        (allocation > allocation.new_tensor(constraints.largest_share)).any(1),
        (~limits.allowed & (allocation > 0.0)).any(1),
        (bid > 0.0) & ~limits.allowed.any(1),
    )
    return torch.stack((~finite, *(finite & kind for kind in broken)), 1)


def nearest_allowed(action: Action, limits: Limits, constraints: Constraints, default_bid: float) -> Action:
    """The nearest allowed action of each row; what is allowed already is left bitwise as it is.

    Where a policy gives no finite number, a default is projected instead, as for an agent that is not asked:
    the middle bid, or the uniform allocation. The number of agents asked, which buys nothing, passes.

    Args:
        action: what the policy wants; any floating-point values.
        limits: those of this step.
        constraints: those of the episode.
        default_bid: in currency units.
    """
    bid = torch.where(action.bid.isfinite(), action.bid, default_bid)
    money = torch.where(limits.allowed.any(1), limits.money, 0.0)
    lowest = constraints.lowest_bid
    bid = bid.minimum(money.to(bid)).clamp_max(constraints.highest_bid)
    worth = (bid > 0.5 * lowest) & (money >= lowest)
    bid = torch.where((bid < lowest) & (bid != 0.0), worth.to(bid) * lowest, bid)
    finite = action.allocation.isfinite().all(1, keepdim=True)
    allocation = torch.where(finite, action.allocation, 1.0 / CHANNELS)
    caps = shares_caps(limits, constraints, allocation)
    unchanged = finite.squeeze(1) & _fits(allocation, caps)
    projected = capped_simplex(allocation, caps).to(allocation.dtype)
    return Action(bid, torch.where(unchanged[:, None], allocation, projected), action.asked)


def _fits(allocation: Tensor, caps: Tensor) -> Tensor:
    within = ((allocation >= 0.0) & (allocation <= caps)).all(1)
    return within & ((allocation.sum(1) - caps.sum(1).clamp_max(1.0)).abs() <= SUM_TOLERANCE)


class Guarded:
    """A policy whose actions reach the market only as the nearest allowed ones.

    A bid alone cannot bound spend: a step costs at most bid x clicks, and clicks are random without a bound.
    The layer therefore also keeps the purse: before each step the market's account holds no more than the
    limits leave, and after it all that is left. The channels family never charges more than the account
    holds, so there both limits are hard, to the rounding of single precision. The `published` market charges
    what it likes: there bidding stops once the episode limit is reached, and a step may overshoot either
    limit by all that this one step costs.

    Place it outermost of what chooses actions. `observe` writes the money that is left into the state that
    the step brought, in place, so that nobody sees the purse in its stead.

    Args:
        policy: whose actions are guarded.
        constraints: what they may not break.
        quality: the model of the channels' scores.
        enforce: false only counts, and lets every action pass, for a comparison with and without.

    After each `act`, `proposed` is what the policy wanted and `overridden` (rows, len(KINDS)) what was wrong
    with it. Since the episodes started, `overrides` (rows, len(KINDS)) counts the steps with each fault, and
    `overspent` (rows,) those that cost more than the limits left.
    """

    def __init__(
        self,
        policy: Policy,
        constraints: Constraints,
        quality: QualityModel | None = None,
        enforce: bool = True,
    ) -> None:
        self.policy, self.name, self.constraints = policy, policy.name, constraints
        self.quality_model, self.enforce = quality or QualityModel(), enforce

    def reset(self, market: Market) -> None:
        """Start the episodes that `market` has just been reset to, with full limits and no overrides."""
        self.policy.reset(market)
        self.market, self.t = market, 0
        scores = quality_paths(self.quality_model, market.seeds, market.episodes)
        self.quality = torch.as_tensor(scores, device=market.device, dtype=market.dtype)
        self.remaining = market.remaining
        self.unspent = torch.full_like(market.remaining, self.constraints.spend_per_episode)
        self.overrides = torch.zeros((market.rows, len(KINDS)), dtype=torch.int64, device=market.device)
        self.overspent = torch.zeros_like(self.overrides[:, 0])

    def limits(self) -> Limits:
        """What the constraints come to in the coming step."""
        return Limits(
            self.unspent.clamp_max(self.constraints.spend_per_step),
            self.quality[self.t] >= self.constraints.quality_floor,
        )

    def act(self, state: Tensor) -> Action:
        """The nearest allowed actions to the policy's, and the purse for the step."""
        limits = self.limits()
        self.proposed = self.policy.act(state)
        self.overridden = violations(self.proposed, limits, self.constraints)
        self.overrides += self.overridden
        if not self.enforce:
            return self.proposed
        self.market.remaining = self.remaining.minimum(limits.money)
        return nearest_allowed(self.proposed, limits, self.constraints, self.market.default_bid)

    def observe(self, step: Step) -> None:
        """Book the spend, and put the rest of the money back."""
        spend = step.auctions.spend
        self.overspent += spend > self.limits().money * (1.0 + ROUNDING)
        self.unspent = (self.unspent - spend).clamp_min(0.0)
        self.remaining = (self.remaining - spend).clamp_min(0.0)
        self.market.remaining = self.remaining
        step.state[:, 0] = self.remaining / self.market.budget
        self.t += 1
        self.policy.observe(step)
