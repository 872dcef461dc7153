"""From what a log's prices are paid for, and its currency, to prices per click in the market's money."""

from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from adrl_core.calibrate.log import AuctionLog, Floats, Integers
from adrl_core.config import ConfigurationError, Frozen, Positive
from adrl_core.market.reward import CONVERSION_VALUE

PricePer = Literal["click", "impression", "mille"]
Base = Literal["channels", "margin", "pacing"]
IMPRESSIONS = {"impression": 1.0, "mille": 1000.0}
MISCALIBRATED = 0.1
"""Relative difference of predicted from real clicks that a user is told of."""


class Terms(Frozen):
    """What a log does not say of itself, and what is to be taken from elsewhere."""

    price_per: PricePer
    """What prices and bids are paid for: a click, an impression, or a thousand impressions."""
    base: Base = "channels"
    """Built-in preset that gives what the log cannot tell."""
    unit: Positive | None = None
    """How much of the log's money is one unit of the market's."""
    conversion_value: Positive | None = None
    """What a conversion is worth in the log's money; says the same as `unit`, in other words."""
    conversion_rate: Annotated[float, Field(gt=0, le=1)] | None = None
    """Conversions per click, where the log has none."""
    budget: Positive | None = None
    """Money for an episode, in the log's money."""
    auctions: Positive | None = None
    """Auctions a step and channel, in place of the log's."""

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if self.unit is not None and self.conversion_value is not None:
            raise ValueError("unit and conversion_value say the same; give one of them")
        return self

    @property
    def known_unit(self) -> float | None:
        """The log's money in one unit of the market's, if given: a conversion is worth CONVERSION_VALUE."""
        if self.conversion_value is not None:
            return self.conversion_value / CONVERSION_VALUE
        return self.unit


class ByClick(NamedTuple):
    """Prices and bids per click, in the log's money."""

    price: Floats
    """Shape (n,)."""
    bid: Floats | None
    notes: tuple[str, ...]


def per_click(log: AuctionLog, group: Integers, names: list[str], price_per: PricePer) -> ByClick:
    """Prices and bids per click.

    A price per impression is divided by the click rate of that impression: its predicted rate, scaled so that
    the predictions of the won auctions add up to their clicks; or else the click rate of its channel.

    Args:
        log: the log.
        group: channel of each row, shape (n,).
        names: of those channels.
        price_per: what its prices are paid for.

    Raises:
        ConfigurationError: a channel has no clicks, so that its prices per click are unknown; the message
            names it.
    """
    if price_per == "click":
        return ByClick(log.price, log.bid, ())
    won, notes = log.is_won, []
    clicks, impressions = np.bincount(group, log.click), np.bincount(group, won)
    for name, clicked, shown in zip(names, clicks, impressions, strict=True):
        if not clicked:
            raise ConfigurationError(
                f"channel {name}: log: 0 clicks in {shown:,.0f} won auctions; to turn a price per "
                f"{price_per} into one per click, 1 or more are needed"
            )
    if log.predicted is not None:
        expected = float(log.predicted[won].sum())
        scale = float(log.click.sum()) / expected
        rate = scale * log.predicted
        if abs(scale - 1.0) > MISCALIBRATED:
            notes.append(
                f"the predicted click rates promise {expected:,.0f} clicks where there were "
                f"{log.click.sum():,}; they were scaled to the clicks"
            )
    else:
        rate = (clicks / impressions)[group]
    divisor = IMPRESSIONS[price_per] * rate
    return ByClick(log.price / divisor, None if log.bid is None else log.bid / divisor, tuple(notes))
