"""Rates of clicks and conversions: a base rate for each channel, and one season for all."""

from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

from adrl_core.calibrate.blocks import small_sample
from adrl_core.calibrate.log import Floats
from adrl_core.market.channels import PHASES

LARGEST = 0.99
"""Of a season's amplitude."""
LEAST_EVENTS = 30
"""Clicks or conversions below which no season is sought."""


class Rates(NamedTuple):
    """Fitted rates of events: the channels' base rates and then the amplitude of the season."""

    values: Floats
    """Shape (channels + 1,); the amplitude is 0 where none was sought."""
    covariance: Floats
    """Shape (channels + 1, channels + 1), the sandwich over blocks of the log."""
    events: Floats
    """Events of each channel, shape (channels,)."""
    other_phase: float
    """Chance of a season at other phases as clear as this by chance alone, where there is none; NaN if not
    sought."""


def market_season(steps: int) -> Floats:
    """Season S of each channel and step, shape (channels, steps)."""
    time = np.arange(steps) / steps
    return np.sin(2.0 * np.pi * (time + np.asarray(PHASES)[:, None]))


def fit_rates(
    events_by_block: Floats, trials_by_block: Floats, factor: Floats, season: Floats, assumed: float | None
) -> Rates:
    """Maximum-likelihood base rates r_c and amplitude A of binomial counts with the chance r_c (1 + A S) f.

    Args:
        events_by_block, trials_by_block: counts, shape (blocks, channels, steps), with one step where the log
            has no time.
        factor: what else multiplies the chance, such as the mean position effect; shape (channels, steps).
        season: S, same shape.
        assumed: an amplitude to take as given; sought if None and the events are many enough.
    """
    events, trials = events_by_block.sum(0), trials_by_block.sum(0)
    channels = len(events)
    base = events.sum(1) / np.maximum((trials * factor).sum(1), 1e-12)
    sought = assumed is None and events.sum() >= LEAST_EVENTS and bool((base > 0.0).all())
    if sought:
        values, deviance = _fit(events, trials, factor, base, season[None])
    else:
        swing = 1.0 + (assumed or 0.0) * season
        base = events.sum(1) / np.maximum((trials * factor * swing).sum(1), 1e-12)
        values = np.array([*base, assumed or 0.0])
    chance = _chances(values, factor, season[None])
    slopes = _slopes(values, factor, season)
    weight = 1.0 / (chance * (1.0 - chance))
    scores = np.einsum("ict,bct->bi", slopes * weight, events_by_block - trials_by_block * chance)
    information = np.einsum("ict,jct,ct->ij", slopes, slopes, weight * trials)
    kept = channels + 1 if sought else channels
    bread = np.zeros_like(information)
    bread[:kept, :kept] = np.linalg.pinv(information[:kept, :kept])
    blocks = np.append((trials_by_block > 0.0).any(2).sum(0), len(trials_by_block))
    covariance = small_sample(bread @ (scores.T @ scores) @ bread, blocks)
    if not sought:
        return Rates(values, covariance, events.sum(1), np.nan)
    sines, cosines = (
        np.stack([np.where(np.arange(channels)[:, None] == c, wave, 0.0) for c in range(channels)])
        for wave in (season, np.roll(season, -season.shape[1] // 4, axis=1))
    )
    _, free = _fit(events, trials, factor, base, np.concatenate((sines, cosines)))
    other = float(stats.chi2.sf(max(deviance - free, 0.0), 2 * channels - 1))
    return Rates(values, covariance, events.sum(1), other)


def _chances(values: Floats, factor: Floats, waves: Floats) -> Floats:
    rates, amplitudes = values[: len(factor), None], values[len(factor) :]
    return np.clip(rates * (1.0 + np.tensordot(amplitudes, waves, 1)) * factor, 1e-9, 1.0 - 1e-9)


def _fit(events: Floats, trials: Floats, factor: Floats, base: Floats, waves: Floats) -> tuple[Floats, float]:
    """Values at the maximum for waves (amplitudes, channels, steps), and minus twice the log-likelihood."""

    def loss(scaled: Floats) -> tuple[float, Floats]:
        values = scaled * scale
        chance = _chances(values, factor, waves)
        swing = 1.0 + np.tensordot(values[len(base) :], waves, 1)
        value = -(events * np.log(chance) + (trials - events) * np.log1p(-chance)).sum()
        slope = (trials - events) / (1.0 - chance) - events / chance
        by_rate = (slope * swing * factor).sum(1)
        by_wave = np.tensordot(waves, slope * values[: len(base), None] * factor, 2)
        return value / size, np.array([*by_rate, *by_wave]) * scale / size

    size, scale = events.sum(), np.array([*base, *np.ones(len(waves))])
    bounds = [(1e-3, 1e3)] * len(base) + [(-LARGEST, LARGEST)] * len(waves)
    start = np.array([*np.ones(len(base)), *np.zeros(len(waves))])
    found = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9}
    )
    return found.x * scale, 2.0 * float(found.fun) * size


def _slopes(values: Floats, factor: Floats, season: Floats) -> Floats:
    """Derivatives of the chances by base rates and amplitude, shape (channels + 1, channels, steps)."""
    rates, own = values[:-1, None], np.eye(len(factor))[:, :, None]
    return np.concatenate((own * (1.0 + values[-1] * season) * factor, (rates * season * factor)[None]))


class Counts(NamedTuple):
    """How many auctions a step brings."""

    mean: float
    """Auctions a step and channel."""
    error: float
    """Its standard error, from the differences between episodes, or of a Poisson count if there is one."""
    demand_sd: float
    """Standard deviation of the episodes' demand about 1, beyond what a Poisson count does; NaN for one."""


def count_auctions(by_episode: Floats, steps: int, channels: int) -> Counts:
    """Mean and spread of the auctions a step and channel.

    Args:
        by_episode: auctions of each episode, shape (episodes,).
        steps, channels: of an episode, over which they are spread.
    """
    cells = steps * channels
    mean = float(by_episode.mean())
    if len(by_episode) == 1:
        return Counts(mean / cells, float(np.sqrt(mean)) / cells, np.nan)
    variance = float(by_episode.var(ddof=1))
    error = float(np.sqrt(variance / len(by_episode)))
    demand = np.sqrt(max(variance - mean, 0.0)) / mean
    return Counts(mean / cells, error / cells, float(demand))
