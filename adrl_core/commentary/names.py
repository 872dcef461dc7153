"""Names of roles, policies, parts, markets and measures: the first is used, the others are understood."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """Who comments on it."""

    PERFORMANCE = "Performance Analyst"
    STRATEGY = "Strategy Analyst"
    BUSINESS = "Business Advisor"


MARKETS: Mapping[str, tuple[str, ...]] = {
    "published": ("the published market",),
    "channels": ("the channels market",),
}
POLICIES: Mapping[str, tuple[str, ...]] = {
    "tuned": ("the tuned team", "the team with tuned settings", "the tuned settings", "the tuned one"),
    "full": (
        "the team with the published settings",
        "the published settings",
        "the team with its published settings",
        "the team with published settings",
        "the published team",
        "the published configuration of the team",
        "the team that uses the published settings",
        "the team under the published settings",
    ),
    "random": ("random bidding", "the Random baseline", "bidding at random", "bids placed at random"),
    "constant_max": (
        "the constant maximum bid",
        "always bidding the maximum",
        "a constant maximum bid",
        "bidding the maximum",
        "simply bidding the maximum",
        "constant maximum bid",
        "constant maximum bidding",
    ),
    "best_constant": (
        "the best constant policy",
        "the best constant",
        "best constant policy",
        "the best of the constant policies",
        "the best fixed policy",
    ),
    "oracle": ("the state oracle", "the oracle"),
}
PARTS: Mapping[str, tuple[str, ...]] = {
    "no_controller": ("the Controller",),
    "no_bidding": ("the Bidding agent",),
    "no_budget": ("the Budget agent",),
    "uniform_replay": ("prioritised replay", "prioritized replay"),
    "plain_head": ("the dueling head",),
    "single_q": ("double Q-learning",),
    "profit_reward": ("the shaped reward",),
    "no_entropy": ("the entropy bonus",),
}
"""The part that each ablation takes away."""

MEASURES: Mapping[str, tuple[str, ...]] = {
    "reward": ("reward",),
    "profit": ("profit", "profitable"),
    "conversions": ("conversions",),
    "bid": ("bid", "bids", "bidding", "mean bid", "mean bids", "average bid", "average bids"),
    "episodes": ("episodes",),
}


def name(of: str) -> str:
    """How the commentary calls a policy, a part or a market."""
    return next(table[of][0] for table in (POLICIES, PARTS, MARKETS) if of in table)
