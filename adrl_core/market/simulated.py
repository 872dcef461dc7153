"""Auctions simulated from a landscape, for training: nothing of the log that is bid on later is known.

What a training log tells is the law of the winning prices and the mean click rate. How predicted click rates
scatter around it, and how far the market of a day departs from that of the training log, it does not tell;
both are drawn anew for each episode (domain randomisation, Tobin et al. 2017), from ranges stated here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adrl_core.market.bid_log import Records
from adrl_core.market.landscape import Landscape
from adrl_core.market.noise import Purpose, stream
from adrl_core.market.replay import Episodes


@dataclass(frozen=True)
class Variation:
    """How far the market of an episode may depart from the landscape."""

    rivalry: float = 0.3
    """Standard deviation of log r: with r times as many rivals the price is distributed as F(price)^r."""
    level: float = 0.3
    """Standard deviation of the log of the episode's mean click rate over that of the landscape."""
    spread: tuple[float, float] = (0.2, 0.8)
    """Range of the standard deviation of the log of predicted click rates within an episode."""


TYPICAL_SPREAD = 0.5
"""Standard deviation of log click rates where one has to be assumed: the middle of the range."""
VARIED = Variation()
NOMINAL = Variation(0.0, 0.0, (TYPICAL_SPREAD, TYPICAL_SPREAD))
"""Every episode is as the landscape has it."""


class Simulated(NamedTuple):
    """Simulated episodes and what only the simulation knows of them, each of shape (rows,)."""

    episodes: Episodes
    rivalry: NDArray[np.float64]
    """r, the number of rivals over that of the landscape."""
    level: NDArray[np.float64]
    """Mean click rate over that of the landscape."""
    spread: NDArray[np.float64]
    """Standard deviation of the log of predicted click rates."""


def simulate(
    landscape: Landscape,
    seeds: Sequence[int] | NDArray[np.int64],
    numbers: Sequence[int] | NDArray[np.int64],
    auctions: int,
    variation: Variation = VARIED,
) -> Simulated:
    """Episodes of so many auctions, one a row, each from the keyed stream of (seeds[i], numbers[i]).

    Prices are drawn by quantile from the smoothed histogram, predicted click rates from a log-normal law, the
    two independently of each other, and clicks with the predicted rates.
    """
    rows = len(seeds)
    distribution = np.cumsum(landscape.probability)
    price = np.empty((auctions, rows), np.int64)
    ctr, click = np.empty((auctions, rows)), np.empty((auctions, rows), bool)
    rivalry, level, spread = np.empty((3, rows))
    for row, (seed, number) in enumerate(zip(seeds, numbers, strict=True)):
        generator = stream(int(seed), Purpose.MARKET, int(number))
        shifts = generator.standard_normal(2)
        rivalry[row] = np.exp(variation.rivalry * shifts[0])
        level[row] = np.exp(variation.level * shifts[1])
        spread[row] = generator.uniform(*variation.spread)
        uniform = generator.random(auctions) ** (1.0 / rivalry[row])
        price[:, row] = np.minimum(np.searchsorted(distribution, uniform), landscape.cap)
        noise = spread[row] * generator.standard_normal(auctions) - spread[row] ** 2 / 2.0
        ctr[:, row] = np.minimum(landscape.mean_ctr * level[row] * np.exp(noise), 1.0)
        click[:, row] = generator.random(auctions) < ctr[:, row]
    return Simulated(Episodes(click, price, ctr), rivalry, level, spread)


SYNTHETIC_CAP, SYNTHETIC_IMPRESSIONS, SYNTHETIC_CTR = 60, 50_000, 0.02
SYNTHETIC_EPISODES, SYNTHETIC_AUCTIONS = 20, 1000
SYNTHETIC_SEED = 1_000_000
"""Not the seed of any training run."""


def synthetic_log() -> tuple[Landscape, Records]:
    """A made-up landscape and a log that departs from it, of the same form as real ones, always the same."""
    prices = np.arange(SYNTHETIC_CAP + 1)
    weights = np.exp(-0.5 * (np.log(np.maximum(prices, 1) / 9.0) / 0.9) ** 2) / np.maximum(prices, 1)
    counts = np.rint(SYNTHETIC_IMPRESSIONS * weights / weights.sum()).astype(np.int64)
    landscape = Landscape(counts, round(SYNTHETIC_CTR * counts.sum()))
    numbers = np.arange(SYNTHETIC_EPISODES)
    played = simulate(
        landscape, np.full(SYNTHETIC_EPISODES, SYNTHETIC_SEED), numbers, SYNTHETIC_AUCTIONS
    ).episodes
    return landscape, Records._make(column.T.ravel() for column in played)
