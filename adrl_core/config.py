"""The configuration of a study: one frozen, validated model, one documented line a field.

The defaults are the published configuration; what the published report leaves open is marked
"not published" and is our choice.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field

from adrl_core.config_base import ConfigurationError, Count, Finite, Frozen, Positive, Share, validate
from adrl_core.config_markets import MARKET_NAMES, MarketName, known_market, own_markets, own_preset

__all__ = [
    "ABLATIONS",
    "DDQN",
    "EVALUATION",
    "MARKET_NAMES",
    "PPO",
    "PROFILES",
    "TRAINING",
    "TUNED",
    "TUNING",
    "VARIANTS",
    "ConfigurationError",
    "Count",
    "Finite",
    "Frozen",
    "MarketName",
    "Positive",
    "RewardName",
    "Share",
    "Study",
    "Team",
    "completed",
    "own_markets",
    "parse_variant",
    "profile_study",
    "validate",
]

RewardName = Literal["shaped", "profit"]


class PPO(Finite):
    """Proximal policy optimisation (Schulman et al. 2017), for the Controller and the Budget agent."""

    learning_rate: Positive = 3e-4
    """Adam learning rate."""
    discount: Share = 0.99
    """Discount factor of the return."""
    gae_lambda: Share = 0.95
    """Trace parameter of generalised advantage estimation."""
    clip: Positive = 0.2
    """Half-width of the clip on the probability ratio."""
    value_weight: Annotated[float, Field(ge=0)] = 0.5
    """Weight of the value loss in the minimised objective."""
    entropy_weight: Annotated[float, Field(ge=0)] = 0.01
    """Weight of the entropy bonus in the minimised objective."""
    batch_size: Count = 64
    """Steps in a minibatch."""
    epochs: Count = 4
    """Passes over each rollout (not published)."""
    rollout_episodes: Count = 1
    """Episodes collected between two updates (not published)."""
    gradient_norm: Positive = 0.5
    """Largest gradient norm of one run's network; longer gradients are scaled down to it."""
    hidden: Count = 256
    """Width of every hidden layer."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Dropout probability of the shared trunk, active while learning only."""
    initial_log_sd: float = 0.0
    """Log standard deviation of the Budget agent's Gaussian at the start (not published)."""


class DDQN(Finite):
    """Double deep Q-network with dueling heads and prioritised replay, for the Bidding agent."""

    learning_rate: Positive = 3e-4
    """Adam learning rate."""
    discount: Share = 0.99
    """Discount factor of the bootstrapped target."""
    batch_size: Count = 64
    """Transitions in a gradient step."""
    updates_per_episode: Count = 25
    """Gradient steps after each episode (not published)."""
    replay_capacity: Annotated[int, Field(ge=100)] = 50_000
    """Transitions the replay memory holds; no fewer than an episode brings."""
    target_period: Count = 100
    """Environment steps between two copies of the online into the target network."""
    epsilon_start: Share = 1.0
    """Exploration rate of the first episode."""
    epsilon_end: Share = 0.01
    """Floor of the exploration rate."""
    epsilon_decay: Share = 0.995
    """Factor applied to the exploration rate at each decay."""
    epsilon_decays_per_episode: Count = 4
    """Decays an episode; four give the published rate after ten episodes."""
    priority_exponent: Share = 0.6
    """Exponent alpha on the priorities; 0 is uniform replay."""
    importance_start: Share = 0.4
    """Importance-weight exponent beta at the start of training."""
    importance_end: Share = 1.0
    """Importance-weight exponent beta at the end of training."""
    gradient_norm: Positive = 0.5
    """Largest gradient norm of one run's network."""
    hidden: Annotated[int, Field(ge=2)] = 256
    """Width of the trunk; the two streams are half as wide."""
    dueling: bool = True
    """Separate value and advantage streams; false is a single stream."""
    double: bool = True
    """Online network selects and target network values the next action; false is plain Q-learning."""


class Planning(Finite):
    """The planning team: one learned model of the auctions, from which all three agents choose."""

    learning_rate: Positive = 3e-3
    """Adam learning rate at the start; it falls to zero over the training."""
    batch_size: Count = 256
    """Steps in a gradient step."""
    updates_per_episode: Count = 25
    """Gradient steps after each episode."""
    memory: Annotated[int, Field(ge=100)] = 100_000
    """Latest steps remembered."""
    gradient_norm: Positive = 5.0
    """Largest gradient norm of one run's model."""
    exploration_share: Positive = 0.8
    """Share of the training over which random choices fall from all to `exploration_end`."""
    exploration_end: Share = 0.05
    """Share of random choices in the rest of the training."""
    horizon: Count = 50
    """Episodes over which the plan of the spending to come is averaged."""
    spend_target: Positive = 1.0
    """Planned spending as a share of the money left."""
    recall: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of what an episode has shown of its market that is kept from step to step; 0 is no memory."""


class Team(Finite):
    """The three agents and what they share."""

    controller: PPO = PPO()
    """The agent that decides who is asked."""
    budget: PPO = PPO()
    """The agent that splits the budget over the channels."""
    bidding: DDQN = DDQN()
    """The agent that chooses the bid level."""
    reward: RewardName = "shaped"
    """Reward the team learns from: the published shaped one, or profit / 10."""
    reward_scale: Positive = 1.0
    """Factor on the reward the agents learn from; logged rewards are never scaled."""
    roi_scale: Annotated[float, Field(ge=0)] = 1.0
    """Factor on the two ROI features before they enter a network (not published)."""
    planning: Planning | None = None
    """Choose by a learned model of the auctions, in place of the three networks."""
    ask: Literal["controller", "both_first", "bidding", "budget", "both"] = "controller"
    """Whom to ask: what the Controller decides; both in the first half of the training, and only then what it
    decides; or always the named."""


TUNED: dict[str, Any] = {
    "controller": {"discount": 0.0, "dropout": 0.0},
    "bidding": {"discount": 0.0},
    "budget": {"discount": 0.0, "dropout": 0.0, "learning_rate": 6e-4, "initial_log_sd": 0.5},
    "reward_scale": 0.1,
    "roi_scale": 0.05,
    "ask": "both_first",
}
"""What the tuned configuration changes; the book's chapter on design says how it was found."""

TUNING = MappingProxyType({"configurations": 6, "runs": 6, "episodes": 500, "evaluation_episodes": 400})
"""What was spent to find it: configurations tried, and at most so many runs and episodes for each."""

PLANNING_SEARCH = MappingProxyType(
    {"forms": 4, "settings": 5, "runs": 5, "episodes": 1000, "bank_episodes": 200, "search_episodes": 150}
)
"""What was spent to find the planning team: forms of its model, compared on `margin` on the first episodes of
the bank, and settings, compared on episodes kept for searches; at most so many runs and episodes for each."""

RECALL_SEARCH = MappingProxyType({"forms": 3, "runs": 6, "episodes": 300, "search_episodes": 100})
"""What was spent to find its memory: forms tried, on `shift` or on all presets, and at most so many runs and
episodes for each, compared on episodes kept for searches."""

ABLATIONS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "no_controller": {"ask": "both"},
        "no_bidding": {"ask": "budget"},
        "no_budget": {"ask": "bidding"},
        "uniform_replay": {"bidding": {"priority_exponent": 0.0}},
        "plain_head": {"bidding": {"dueling": False}},
        "single_q": {"bidding": {"double": False}},
        "profit_reward": {"reward": "profit"},
        "no_entropy": {"controller": {"entropy_weight": 0.0}, "budget": {"entropy_weight": 0.0}},
    }
)
"""The published configuration with one part taken away, each trained anew."""

VARIANTS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {"full": {}, "tuned": TUNED, "planner": {"planning": {}}, **ABLATIONS}
)
"""Named team configurations, as changes against the published one (`full`)."""

TEAMS = ("full", "tuned")
"""The published team, in the two configurations that most of the report is about."""


class Study(Finite):
    """Everything that decides the outcome of training and evaluating one team on one market."""

    market: Annotated[MarketName, AfterValidator(known_market)] = "published"
    """Market to act in: a built-in one, or the name of a preset file of one's own."""
    variant: str = "full"
    """Team configuration: a name, optionally followed by +field=value changes."""
    fee: Annotated[float, Field(ge=0)] = 0.0
    """Reward subtracted for each agent asked in a step."""
    seeds: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Number of independent training runs, with seeds 0, 1, 2 ..."""
    episodes: Annotated[int, Field(ge=1, le=1_000_000)] = 300
    """Training episodes a run."""
    evaluation_episodes: Annotated[int, Field(ge=2, le=100_000)] = 200
    """Held-out episodes in the bank on which every policy is evaluated."""
    checkpoint_every: Count = 50
    """Training episodes between two saves of the resumable state."""

    @property
    def team(self) -> Team:
        """The agents' configuration that the variant names."""
        return parse_variant(self.variant)

    @classmethod
    def validated(cls, **parameters: Any) -> Self:
        """Build a study, or raise ConfigurationError naming field, value and what is allowed."""
        study = validate(cls, parameters)
        parse_variant(study.variant)
        return study

    def settings(self, fields: tuple[str, ...]) -> dict[str, Any]:
        """Plain values of some fields; `team` is the configuration that the variant stands for.

        With `market`, the constants of a market of one's own come too, as `preset`: other constants are
        another market, whatever its name.
        """
        content = self.model_dump(mode="json") | {"team": self.team.model_dump(mode="json")}
        chosen = {field: content[field] for field in fields}
        if "market" in fields and self.market not in MARKET_NAMES:
            chosen["preset"] = own_preset(self.market).constants.model_dump(mode="json")
        return chosen


SYNTHETIC = "synthetic"
"""Name of the log that the package makes up itself."""


class Auctions(Finite):
    """Everything that decides the outcome of bidding on a log of single auctions."""

    log: str = SYNTHETIC
    """Log to bid on: synthetic, or the name of a real one, such as 2997, in the folder ADRL_LOGS."""
    seeds: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Number of independent training runs of the Bidding agent, with seeds 0, 1, 2 ..."""
    rounds: Count = 30
    """Rounds of simulated episodes that each run is trained for."""
    simulated: Annotated[int, Field(ge=2, le=100_000)] = 50
    """Held-out simulated episodes that every bidder plays with each budget."""

    def settings(self, fields: tuple[str, ...]) -> dict[str, Any]:
        """Plain values of some fields."""
        return self.model_dump(include=set(fields))


TRAINING = ("market", "fee", "seeds", "episodes", "team")
"""What decides a training; `team` stands for the variant."""
EVALUATION = ("market", "fee", "evaluation_episodes")
"""What decides an evaluation, besides the policy."""


def completed(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Settings recorded by an earlier version, with the defaults of all fields added since.

    A new field therefore makes no result stale as long as its default leaves things as they were.
    """
    defaults = Study().settings(tuple(field for field in (*Study.model_fields, "team") if field in recorded))
    if recorded.get("team", {}).get("planning"):
        defaults["team"]["planning"] = Planning().model_dump(mode="json")
    return _laid_over(defaults, recorded)


def _laid_over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    nested = {
        key: _laid_over(base[key], value)
        for key, value in changes.items()
        if isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
    }
    return {**base, **changes, **nested}


PROFILES = MappingProxyType(
    {
        "smoke": {"seeds": 2, "episodes": 6, "evaluation_episodes": 8, "checkpoint_every": 2},
        "quick": {"seeds": 5, "episodes": 150, "evaluation_episodes": 200, "checkpoint_every": 25},
        "paper": {"seeds": 20, "episodes": 1000, "evaluation_episodes": 1000, "checkpoint_every": 50},
    }
)
"""Sizes of the named profiles."""

AUCTION_PROFILES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "smoke": {"seeds": 2, "rounds": 3, "simulated": 4},
        "quick": {"seeds": 5, "rounds": 30, "simulated": 50},
        "paper": {"log": "2997", "seeds": 20, "rounds": 150, "simulated": 200},
    }
)
"""The same for bidding on single auctions; small profiles do without a real log."""


def profile_study(profile: str, market: str, variant: str, **changes: Any) -> Study:
    """The study of one market and variant in a named profile, with changes laid over it."""
    _check_profile(profile)
    parameters: dict[str, Any] = {"market": market, "variant": variant, **PROFILES[profile]}
    return Study.validated(**(parameters | changes))


def profile_auctions(profile: str, **changes: Any) -> Auctions:
    """The bidding on single auctions of a named profile, with changes laid over it."""
    _check_profile(profile)
    parameters: dict[str, Any] = dict(AUCTION_PROFILES[profile])
    return validate(Auctions, parameters | changes)


def _check_profile(profile: str) -> None:
    if profile not in PROFILES:
        raise ConfigurationError(f"profile = {profile!r}: unknown; allowed: {', '.join(PROFILES)}")


def parse_variant(variant: str) -> Team:
    """Turn `name+path.to.field=value+...` into a team, e.g. `full+bidding.discount=0`.

    Raises:
        ConfigurationError: unknown name or field, or a value out of range.
    """
    name, *changes = variant.split("+")
    if name not in VARIANTS:
        raise ConfigurationError(f"variant = {name!r}: unknown; allowed: {', '.join(VARIANTS)}")
    content = validate(Team, VARIANTS[name]).model_dump()
    for change in changes:
        path, separator, value = change.partition("=")
        *parents, field = path.split(".")
        node: Any = content
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        if not separator or not isinstance(node, dict) or field not in node:
            raise ConfigurationError(f"variant change {change!r}: expected field=value with a field of Team")
        node[field] = value
    return validate(Team, content)
