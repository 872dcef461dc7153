"""What the package itself says about the published system: read from its code, not from prose."""

from functools import cache
from inspect import signature

import torch
from torch import nn

from adrl_core.agents.ddqn import exploration_rate
from adrl_core.agents.networks import ActorCritic, QNetwork
from adrl_core.agents.population import LayerNorm, Linear, parameters_per_run
from adrl_core.agents.team import MODES
from adrl_core.config import DDQN, MARKET_NAMES, PPO, MarketName, Team, parse_variant
from adrl_core.governance.monitors import Metrics
from adrl_core.market import Market, make_market, reward
from adrl_core.market.presets import BID_LEVELS, CHANNELS, STATE_NAMES, STATE_SIZE, STEPS

PERSONAL = ("user", "name", "age", "gender", "address", "email", "device", "location", "income")
"""Words that the name of a personal or demographic state feature would hold."""
LARGE = 1e9


def team() -> Team:
    """The published configuration."""
    return parse_variant("full")


def learners() -> list[PPO | DDQN]:
    """The settings of every learning agent of a team."""
    settings = (getattr(team(), name) for name in Team.model_fields)
    return [part for part in settings if isinstance(part, PPO | DDQN)]


@cache
def actor_critic() -> ActorCritic:
    """The Controller's network."""
    return ActorCritic(1, STATE_SIZE, MODES, team().controller.hidden)


@cache
def q_network() -> QNetwork:
    """The Bidding agent's network."""
    return QNetwork(1, STATE_SIZE, BID_LEVELS, team().bidding.hidden)


def parameters(network: nn.Module) -> int:
    """Weights of one run's network."""
    return parameters_per_run(network)


def shape(stream: nn.Sequential) -> str:
    """Widths of a stream of linear layers, such as 256-128-1."""
    layers = [layer for layer in stream if isinstance(layer, Linear)]
    return "-".join(str(width) for width in (layers[0].weight.shape[1], *(layer.outputs for layer in layers)))


def head_shape() -> str:
    """Both heads of the actor-critic network, the output width left open; empty if they differ."""
    network = actor_critic()
    heads = {shape(head).rpartition("-")[0] for head in (network.actor, network.critic)}
    return f"{heads.pop()}-out" if len(heads) == 1 else ""


def stream_shape(stream: nn.Sequential | None) -> str:
    """Widths of a stream, or nothing where there is none."""
    return shape(stream) if stream is not None else ""


def hidden_width() -> int:
    """Width of both trunks; 0 if they differ."""
    widths = {int(network.trunk[0].outputs) for network in (actor_critic(), q_network())}  # type: ignore[arg-type]
    return widths.pop() if len(widths) == 1 else 0


def norm_placement() -> str:
    """Which hidden layers a layer normalisation follows, in both networks as drawn."""
    norms = sum(isinstance(m, LayerNorm) for n in (actor_critic(), q_network()) for m in n.modules())
    hidden = sum(isinstance(m, nn.ReLU) for n in (actor_critic(), q_network()) for m in n.modules())
    return "after hidden layers" if norms == hidden else f"after {norms} of {hidden} hidden layers"


def value_update() -> str:
    """Whether the critic learns apart from the actor, or through a shared trunk and one objective."""
    state = torch.zeros(1, 1, STATE_SIZE)
    value = actor_critic()(state)[1].sum()
    trunk = list(actor_critic().trunk.parameters())
    shared = any(g is not None for g in torch.autograd.grad(value, trunk, allow_unused=True))
    return "joint with the actor" if shared else "separate"


def _opened(market: MarketName = "published") -> Market:
    opened = make_market(market)
    opened.reset([0], [0])
    return opened


def observed_size() -> int:
    """Length of the state that a market shows."""
    return int(make_market("published").reset([0], [0]).shape[1])


def divisor(feature: int) -> float:
    """Raw over scaled value of a state feature, after half an episode at the top bid."""
    market = _opened()
    for _ in range(STEPS // 2):
        step = market.step(market.bids[-1:], torch.full((1, CHANNELS), 1.0 / CHANNELS))
    conversions, clicks, impressions = market.totals[:, 0]
    raw = {
        0: market.remaining[0],
        1: market.path.cost_per_click[market.t, 0],
        4: conversions,
        5: clicks,
        6: impressions,
    }[feature]
    return round(float(raw / step.state[0, feature]), 3)


def dynamics() -> str:
    """Whether the market's path answers the bids: static if low and high bids meet the same prices."""
    paths = []
    for level in (0, -1):
        market = _opened()
        for _ in range(STEPS):
            market.step(market.bids[level][None], torch.full((1, CHANNELS), 1.0 / CHANNELS))
        paths.append(market.path.cost_per_click)
    return "static" if torch.equal(*paths) else "reacting"


def shaped(conversions: float, clicks: float, spend: float) -> float:
    """The reward of one step."""
    outcome = (torch.tensor([x], dtype=torch.float64) for x in (conversions, clicks, spend))
    return float(reward.shaped_reward(*outcome))


def reward_terms() -> int:
    """Weighted terms of the shaped reward."""
    return sum(name.endswith(("_WEIGHT", "_DIVISOR")) for name in vars(reward))


def rewarded() -> list[str]:
    """The outcomes of a step that the reward reads."""
    return list(signature(reward.shaped_reward).parameters)


def promised(*words: str) -> str:
    """A kept promise if the reward reads an outcome whose name holds one of the words; else what it reads."""
    found = any(word in name for word in words for name in rewarded())
    return "promised" if found else ", ".join(rewarded())


def personal_features() -> int:
    """State features that name a person's attribute."""
    words = [word for name in STATE_NAMES for word in name.lower().split()]
    return sum(word in PERSONAL for word in words)


def monitored() -> int:
    """How many of the metrics that the report promises to track the monitor of the package has."""
    promised = {"lifetime_value", "returns", "sentiment", "quality"}
    return len(promised & set(Metrics._fields))


def live_markets() -> int:
    """Markets that are not simulators of this package."""
    markets = (make_market(name) for name in MARKET_NAMES)
    return sum(not type(market).__module__.startswith("adrl_core.market") for market in markets)


def epsilon(episode: int) -> float:
    """Exploration rate of the published configuration, rounded as the report prints it."""
    return round(exploration_rate(team().bidding, episode), 4)
