"""The world: markets on a leading axis of rows, with no knowledge of learning."""

from typing import Any

from adrl_core.config import MarketName
from adrl_core.market.base import Auctions, Market, Step
from adrl_core.market.channels import preset_market
from adrl_core.market.published import PublishedMarket

__all__ = ["Auctions", "Market", "Step", "make_market"]


def make_market(name: MarketName, **options: Any) -> Market:
    """A market by name; options are those of `Market` and, for the channels family, `overlay`."""
    return PublishedMarket(**options) if name == "published" else preset_market(name, **options)
