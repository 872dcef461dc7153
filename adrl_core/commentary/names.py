"""Names of roles, policies, parts and markets, as the commentary writes them.

Other ways to name them, which are understood, stand in vocabulary.csv.
"""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """Who comments on it."""

    PERFORMANCE = "Performance Analyst"
    STRATEGY = "Strategy Analyst"
    BUSINESS = "Business Advisor"


MARKETS: Mapping[str, str] = {
    **{market: f"the {market} market" for market in ("published", "channels", "margin", "pacing", "shift")},
    "channels_fee_2": "the channels market with a fee",
}
SIMPLE = {"published": "constant_max", "channels": "best_constant"}
"""The markets whose policies are compared, each with the best one that does not look at its state.

A market that is added here is commented on as soon as there are facts of it, and named as missing before.
"""
TEAMS = ("full", "tuned")
"""The teams that are compared on every market."""
POLICIES: Mapping[str, str] = {
    "tuned": "the tuned team",
    "full": "the team with the published settings",
    "random": "random bidding",
    "constant_max": "the constant maximum bid",
    "best_constant": "the best constant policy",
    "oracle": "the state oracle",
    "planner": "the planning team",
    "lookahead": "the lookahead",
    "oracle_threshold": "the threshold oracle",
    "ppo": "PPO",
    "dqn": "DQN",
    "bandit": "the bandit",
    "online_lp": "the online linear program",
    "guarded": "the guarded team",
    "fair": "the fair team",
    "private": "the private team",
    "unprepared": "the unprepared team",
    "shaped": "the shaped team",
    "for_profit": "the profit team",
}
RIVALS = ("ppo", "dqn", "bandit", "online_lp")
LEARNERS = frozenset(
    {"tuned", "full", "planner", "guarded", "fair", "private", "unprepared", "shaped", "for_profit"}
)
"""The teams, all of which have learned."""
RULES = frozenset({"constant_max", "best_constant"})
"""Those that do the same at every step."""
PARTS: Mapping[str, str] = {
    "no_controller": "the Controller",
    "no_bidding": "the Bidding agent",
    "no_budget": "the Budget agent",
    "uniform_replay": "prioritised replay",
    "plain_head": "the dueling head",
    "single_q": "double Q-learning",
    "profit_reward": "the shaped reward",
    "no_entropy": "the entropy bonus",
}
"""The part that each ablation takes away."""


SHORT: Mapping[str, str] = {
    "full": "the published team",
    "constant_max": "the maximum bid",
    "oracle": "the oracle",
}
"""What some are called once they have been named in a paragraph."""


def name(of: str, known: bool = False) -> str:
    """How the commentary calls a policy, a part or a market; `known`, where it has been named before."""
    return {**POLICIES, **PARTS, **MARKETS, **(SHORT if known else {})}[of]
