"""Data minimisation: all that the record of a decision may hold, and nothing that could name a person.

No field takes free text: strings are hashes or words from a fixed list, all else is numbers about the market.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from adrl_core.config import Frozen, validate
from adrl_core.governance.guardrails import Override
from adrl_core.market.presets import BID_LEVELS, CHANNELS, STATE_SIZE, STEPS

Whole = Annotated[int, Field(ge=0)]
Level = Annotated[int, Field(ge=0, lt=BID_LEVELS)]
Shares = Annotated[tuple[float, ...], Field(min_length=CHANNELS, max_length=CHANNELS)]
Values = Annotated[tuple[float, ...], Field(min_length=BID_LEVELS, max_length=BID_LEVELS)]
State = Annotated[tuple[float, ...], Field(min_length=STATE_SIZE, max_length=STATE_SIZE)]


class BidAndShares(Frozen):
    """An action; what a policy wanted may hold NaN and infinities, which the safety layer is there for."""

    bid: float
    """Bid, in currency units."""
    allocation: Shares
    """Share of the budget of each channel."""


class Proposals(Frozen):
    """What the two specialists said, asked or not."""

    level: Level
    """Bid level of the Bidding agent."""
    allocation: Shares
    """Shares of the Budget agent."""


class DecisionRecord(Frozen):
    """One decision: every field there is, and any other is an error."""

    seed: Whole
    """Seed of the market."""
    episode: Whole
    """Number of the episode."""
    step: Annotated[int, Field(ge=0, lt=STEPS)]
    """Step of the episode."""
    policy_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the policy."""
    live: bool
    """False where the baseline acted."""
    state: State
    """The ten features, all of them sums and averages; as shown, so with what a fault made of them."""
    mode: Annotated[int, Field(ge=0, le=2)] | None
    """Who was asked; null, as the next two, where the team was not consulted."""
    q_values: Values | None
    """The Bidding agent's value of each bid level."""
    proposals: Proposals | None
    """What the specialists said."""
    wanted: BidAndShares
    """The action before the safety layer."""
    final: BidAndShares
    """The action that reached the market."""
    asked: FiniteFloat | None
    """Number of agents asked."""
    overrides: tuple[Override, ...]
    """What the safety layer found wrong."""


def minimal(record: Mapping[str, Any]) -> DecisionRecord:
    """The record, if it holds what it may and no more.

    Raises:
        ConfigurationError: a field is missing, not foreseen, or out of range; the message names it.
    """
    return validate(DecisionRecord, dict(record))
