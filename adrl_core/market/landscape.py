"""What is known of a market before bidding starts: its winning prices and its click rate in training."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adrl_core.config import ConfigurationError

SMOOTHING = 1.0
"""Auctions added to each price of the histogram, as in the published bidders (Laplace)."""
KEYS = ("price_counter_train", "imp_train", "clk_train", "cost_train")


@dataclass(frozen=True)
class Landscape:
    """The winning prices of a training log and how many of its impressions were clicked."""

    counts: NDArray[np.int64]
    """Auctions at each winning price 0, 1, 2 ..., shape (cap + 1,)."""
    clicks: int
    """Clicks on the impressions of the log."""

    @property
    def cap(self) -> int:
        """The highest price of the histogram, and so the highest bid that makes sense."""
        return len(self.counts) - 1

    @cached_property
    def impressions(self) -> int:
        """Impressions of the log."""
        return int(self.counts.sum())

    @cached_property
    def cost(self) -> int:
        """What they cost together, in the smallest unit for a thousand impressions."""
        return int(self.counts @ np.arange(len(self.counts)))

    @property
    def mean_price(self) -> float:
        """Cost of an impression."""
        return self.cost / self.impressions

    @property
    def mean_ctr(self) -> float:
        """Clicks an impression."""
        return self.clicks / self.impressions

    @property
    def cost_per_click(self) -> float:
        """What a click cost."""
        return self.cost / self.clicks

    @cached_property
    def probability(self) -> NDArray[np.float64]:
        """Smoothed probability of each winning price, shape (cap + 1,)."""
        smoothed = self.counts + SMOOTHING
        return np.asarray(smoothed / smoothed.sum(), np.float64)

    def budget(self, share: float, auctions: int) -> int:
        """Money for an episode, enough to win the given share of its auctions at the mean price."""
        return int(self.mean_price * share * auctions)


def read_landscape(path: Path) -> Landscape:
    """The landscape of a file `<advertiser>.json`: prices, impressions, clicks and cost of the training log.

    Raises:
        ConfigurationError: the file is missing or damaged, lacks an entry, or its entries disagree.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        counts = np.array([int(count) for count in content[KEYS[0]]], np.int64)
        impressions, clicks, cost = (int(content[key]) for key in KEYS[1:])
    except OSError:
        raise ConfigurationError(f"landscape = {path}: not found") from None
    except KeyError as error:
        raise ConfigurationError(f"landscape = {path}: lacks {error}; expected {', '.join(KEYS)}") from None
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"landscape = {path}: damaged ({error})") from None
    if len(counts) < 2 or (counts < 0).any():
        raise ConfigurationError(f"landscape = {path}: {KEYS[0]}: expected two or more counts, none below 0")
    found = Landscape(counts, clicks)
    if (found.impressions, found.cost) != (impressions, cost):
        raise ConfigurationError(
            f"landscape = {path}: {KEYS[0]} holds {found.impressions} impressions at a cost of {found.cost}, "
            f"but imp_train = {impressions} and cost_train = {cost}"
        )
    if not 0 < clicks <= impressions:
        raise ConfigurationError(f"landscape = {path}: clk_train = {clicks}: expected 1 to {impressions}")
    return found
