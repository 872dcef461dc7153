"""Facts that no run decides: settings, constants of the markets, network sizes, and the published figures."""

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from adrl_core.agents import outcomes, planner
from adrl_core.agents.baselines import CHAIN_LENGTH, Greedy, Pacing
from adrl_core.agents.lookahead import SPEND_SHARE
from adrl_core.agents.networks import ActorCritic, QNetwork
from adrl_core.agents.oracle import SHIFT_THRESHOLD
from adrl_core.agents.population import parameters_per_run
from adrl_core.config import PLANNING_SEARCH, PROFILES, RECALL_SEARCH, TUNING, VARIANTS, Study, parse_variant
from adrl_core.evidence.equations import equation_constants
from adrl_core.evidence.published import CITATION, claims
from adrl_core.evidence.quantities import TYPICAL, Facts
from adrl_core.market import presets, published, reward
from adrl_core.market.base import ROI_WINDOW
from adrl_core.report.facts import Fact


def configuration_facts() -> Facts:
    """Settings, market constants and network sizes, read from the code."""
    facts: Facts = {}
    for variant in VARIANTS:
        _flatten(f"config.{variant}", parse_variant(variant), facts)
    constants: dict[str, Any] = {
        "steps": presets.STEPS,
        "state_size": presets.STATE_SIZE,
        "channels": presets.CHANNELS,
        "bid_levels": presets.BID_LEVELS,
        "published.bid_min": presets.PUBLISHED_BIDS[0],
        "published.bid_max": presets.PUBLISHED_BIDS[-1],
        "published.bid_default": presets.PUBLISHED_BIDS[presets.DEFAULT_LEVEL],
        "channels.bid_min": presets.CHANNELS_BIDS[0],
        "channels.bid_max": presets.CHANNELS_BIDS[-1],
        "channels.bid_default": round(presets.CHANNELS_BIDS[presets.DEFAULT_LEVEL], 2),
        "published.budget": published.BUDGET,
        "published.auctions": published.MEAN_AUCTIONS,
        "conversion_value": reward.CONVERSION_VALUE,
        "reward_low": reward.REWARD_CLIP[0],
        "reward_high": reward.REWARD_CLIP[1],
        "roi_window": ROI_WINDOW,
        "greedy.window": Greedy.WINDOW,
        "greedy.upper": Greedy.UPPER,
        "greedy.chain": CHAIN_LENGTH,
        "pacing_rule.bid": Pacing.BID,
        "pacing_rule.gain": Pacing.GAIN,
        "lookahead.spend": SPEND_SHARE["shaped"],
        "shift.threshold": SHIFT_THRESHOLD,
    }
    shares = zip(presets.CHANNEL_NAMES, Pacing.ALLOCATION, strict=True)
    constants |= {f"pacing_rule.{channel}": share for channel, share in shares}
    constants |= {f"typical.{name}": value for name, value in TYPICAL.items()}
    constants |= equation_constants()
    for name, preset in presets.PRESETS.items():
        constants |= {f"{name}.{field}": value for field, value in asdict(preset).items()}
    team = parse_variant("full")
    controller = ActorCritic(1, presets.STATE_SIZE, presets.CHANNELS, team.controller.hidden)
    bidding = QNetwork(1, presets.STATE_SIZE, presets.BID_LEVELS, team.bidding.hidden)
    constants["network.actor_critic.parameters"] = parameters_per_run(controller)
    constants["network.dueling.parameters"] = parameters_per_run(bidding)
    constants["planning.terms"] = outcomes.TERMS
    constants["planning.parameters"] = parameters_per_run(outcomes.OutcomeModel(1))
    constants["planning.prices"] = planner.PRICES
    constants["planning.highest_price"] = planner.HIGHEST_PRICE
    for key, value in constants.items():
        facts[f"constant.{key}"] = setting(value)
    for key, value in TUNING.items():
        facts[f"config.tuning.{key}"] = setting(value)
    for key, value in PLANNING_SEARCH.items():
        facts[f"config.planning_search.{key}"] = setting(value)
    for key, value in RECALL_SEARCH.items():
        facts[f"config.recall_search.{key}"] = setting(value)
    for name, field in Study.model_fields.items():
        if isinstance(field.default, int | float):
            facts[f"config.study.{name}"] = setting(field.default)
    for name, sizes in PROFILES.items():
        facts |= {f"config.profile.{name}.{field}": setting(size) for field, size in sizes.items()}
    return facts


def _flatten(prefix: str, model: BaseModel, facts: Facts) -> None:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            _flatten(f"{prefix}.{name}", value, facts)
        elif value is not None:
            facts[f"{prefix}.{name}"] = setting(value)


def setting(value: Any) -> Fact:
    """A setting or constant as a fact; a list of numbers as one text."""
    if isinstance(value, tuple):
        return Fact(value=", ".join(f"{part:g}" for part in value), source="adrl_core")
    if isinstance(value, bool | str):
        return Fact(value=str(value), source="adrl_core")
    whole = float(value).is_integer() and abs(value) > 1
    return Fact(value=int(value) if whole else value, format="," if whole else "g", source="adrl_core")


def claim_facts() -> Facts:
    """What the published report prints, word for word where it is no plain number."""
    facts: Facts = {}
    for claim, row in claims().iterrows():
        text, unit = str(row["published"]), str(row["unit"])
        value: float | str = text
        form = ""
        try:
            value = float(text)
            decimals = len(text.partition(".")[2]) if "e" not in text else None
            form = "g" if decimals is None else f".{decimals}f"
        except ValueError:
            pass
        facts[f"claim.{claim}"] = Fact(
            value=value, unit=unit, format=form, source=CITATION, row=f"section {row['section']}"
        )
    return facts
