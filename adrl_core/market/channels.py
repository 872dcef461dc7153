"""The channels family: three channels with their own prices, seasons and reach, where every choice matters.

Pure functions hold the equations, with trailing axis = channels; `ChannelsMarket` draws from them.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adrl_core.market.base import Auctions, Market, Path
from adrl_core.market.noise import Purpose, binomial_quantile, poisson_quantile, stream
from adrl_core.market.presets import CHANNELS, CHANNELS_BIDS, PRESETS, STEPS, ChannelConstants

PHASES = (0.0, 1.0 / 3.0, 2.0 / 3.0)
COMPETITION_CENTRE = 0.65
COST_CENTRE = math.log(2.0)
COST_BOUNDS = (math.log(0.5), math.log(5.0))
COST_SWING = 0.5
COMPETITION_REVERSION = 0.1
COMPETITION_BOUNDS = (0.3, 1.0)
COMPETITION_SWING = 0.25
SHIFT_RISE = 0.35
SHIFT_WINDOW = (30, 70)
EXCHANGED = [1, 0, 2]


def season(t: Tensor) -> Tensor:
    """Seasonal swing sin(2 pi (t / T + phase)) of each channel; shape (*t.shape, CHANNELS)."""
    return torch.sin(2.0 * math.pi * (t[..., None] / STEPS + t.new_tensor(PHASES)))


def pulled_log_cost(constants: ChannelConstants, log_cost: Tensor) -> Tensor:
    """Mean of the next log cost per click before clipping, pulled towards log 2."""
    return log_cost + constants.price_reversion * (COST_CENTRE - log_cost)


def pulled_competition(competition: Tensor, mean: Tensor | float) -> Tensor:
    """Mean of the next competition level before clipping, pulled towards its mean."""
    return competition + COMPETITION_REVERSION * (mean - competition)


def log_median_price(constants: ChannelConstants, cost_per_click: Tensor, competition: Tensor) -> Tensor:
    """Log median rival price log cpc + log m + g (H - 0.65); shape (*cpc.shape, CHANNELS)."""
    level = cost_per_click.new_tensor(constants.price_level).log()
    slope = cost_per_click.new_tensor(constants.price_slope)
    return cost_per_click.log()[..., None] + level + slope * (competition[..., None] - COMPETITION_CENTRE)


def price_log_sd(constants: ChannelConstants, volatility: Tensor) -> Tensor:
    """Standard deviation of the log rival price, noise + volatility; shape (*volatility.shape, CHANNELS)."""
    return volatility.new_tensor(constants.price_noise) + volatility[..., None]


def base_click_rate(constants: ChannelConstants, t: Tensor, shifted: Tensor | None = None) -> Tensor:
    """Clicks per win before the position effect, ctr (1 + Ac S); shape (*t.shape, CHANNELS)."""
    return _rate(constants.click_rate, t, shifted) * (1.0 + constants.click_season * season(t))


def conversion_rate(
    constants: ChannelConstants, t: Tensor, competition: Tensor, shifted: Tensor | None = None
) -> Tensor:
    """Conversions per click, min(0.6, cvr (1 + Aq S) (1 - chi (H - 0.65)))."""
    swing = 1.0 + constants.conversion_season * season(t)
    pressure = 1.0 - constants.competition_effect * (competition[..., None] - COMPETITION_CENTRE)
    return (_rate(constants.conversion_rate, t, shifted) * swing * pressure).clamp_max(0.6)


def _rate(rate: tuple[float, float, float], t: Tensor, shifted: Tensor | None) -> Tensor:
    """A channel constant, with search and display exchanged where the regime has shifted."""
    before = t.new_tensor(rate)
    return before if shifted is None else torch.where(shifted[..., None], before[EXCHANGED], before)


def click_rate(constants: ChannelConstants, base: Tensor, log_bid: Tensor, log_median: Tensor) -> Tensor:
    """Clicks per win, min(0.5, base * clip((bid / median price)^eta, 1 / cap, cap))."""
    limit = math.log(constants.position_cap)
    position = (constants.position_exponent * (log_bid - log_median)).clamp(-limit, limit).exp()
    return (base * position).clamp_max(0.5)


def reach(constants: ChannelConstants, allocation: Tensor) -> Tensor:
    """Concave share of a channel's auctions that an allocation share reaches; 0 at 0 and 1 at 1."""
    curvature = constants.reach_curvature
    return torch.expm1(-curvature * allocation) / math.expm1(-curvature)


def price_moments(log_median: Tensor, log_sd: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the price paid, a log-normal truncated at the bid.

    `z` is (log bid - log median) / log sd. Where the win probability underflows, price and bid coincide.
    """
    win = torch.special.ndtr(z)
    certain = win > torch.finfo(z.dtype).tiny * 1e6
    win = torch.where(certain, win, 1.0)
    variance = log_sd * log_sd
    mean = (log_median + 0.5 * variance).exp() * torch.special.ndtr(z - log_sd) / win
    second = (2.0 * (log_median + variance)).exp() * torch.special.ndtr(z - 2.0 * log_sd) / win
    bid = (log_median + z * log_sd).exp()
    mean = torch.where(certain, torch.minimum(mean, bid), bid)
    spread = torch.where(certain, (second - mean * mean).clamp_min(0.0).sqrt(), 0.0)
    return mean, spread


class ChannelsMarket(Market):
    """Second-price auctions in search, display and video; counts are independent Poissons.

    Args:
        constants: a preset, or constants of one's own.
        overlay: lay the regime shift over the preset (True), take it off (False), or keep (None).
    """

    def __init__(self, constants: ChannelConstants, overlay: bool | None = None, **options: Any) -> None:
        super().__init__(bids=CHANNELS_BIDS, budget=constants.budget, **options)
        self.constants = constants if overlay is None else replace(constants, overlay=overlay)

    def _open_market(self) -> Path:
        constants = self.constants
        start, walk, noise = self._draw_noise(4 * CHANNELS)
        self.noise = noise.reshape(STEPS, 4, CHANNELS, self.rows).transpose(2, 3).contiguous()
        calm, wild = constants.volatility
        volatility, demand = calm + (wild - calm) * start[0], 0.8 + 0.4 * start[1]
        low, high = constants.competition_start
        first, last = SHIFT_WINDOW
        self.shift_time = first + ((last - first + 1) * start[3]).floor()
        log_cost = (COST_CENTRE + constants.price_spread * walk[0, 0]).clamp(*COST_BOUNDS)
        level = low + (high - low) * start[2]
        mean = torch.full_like(level, constants.competition_mean)
        costs, levels = [log_cost], [level]
        for t in range(STEPS):
            cost_shock, level_shock = walk[t + 1]
            log_cost = pulled_log_cost(constants, log_cost) + COST_SWING * volatility * cost_shock
            log_cost = log_cost.clamp(*COST_BOUNDS)
            level = pulled_competition(level, mean) + COMPETITION_SWING * volatility * level_shock
            level = level.clamp(*COMPETITION_BOUNDS)
            if constants.overlay:
                now = self.shift_time == t + 1
                level = torch.where(now, (level + SHIFT_RISE).clamp(*COMPETITION_BOUNDS), level)
                mean = torch.where(now, mean + SHIFT_RISE, mean)
            costs.append(log_cost)
            levels.append(level)
        path = Path(torch.stack(costs).exp(), torch.stack(levels), volatility, demand)
        self._prepare(path)
        return path

    def _prepare(self, path: Path) -> None:
        """Work out what no action changes, for all steps at once; each has shape (STEPS, rows, CHANNELS)."""
        time = torch.arange(STEPS, device=self.device, dtype=self.dtype)[:, None].expand(STEPS, self.rows)
        shifted = time >= self.shift_time if self.constants.overlay else None
        cost, competition = path.cost_per_click[:STEPS], path.competition[:STEPS]
        self.log_median = log_median_price(self.constants, cost, competition)
        self.log_sd = price_log_sd(self.constants, path.volatility)
        self.base_click_rate = base_click_rate(self.constants, time, shifted)
        self.conversion_rate = conversion_rate(self.constants, time, competition, shifted)

    def _hold_auctions(self, bid: Tensor, allocation: Tensor) -> Auctions:
        constants, t = self.constants, self.t
        log_bid, log_median = bid.log()[:, None], self.log_median[t]
        win, price, spread = self.win_and_pay(log_bid, log_median)
        clicked = click_rate(constants, self.base_click_rate[t], log_bid, log_median)
        converted = self.conversion_rate[t]
        solvent = self.remaining >= bid
        entered = constants.auctions * (self.path.demand * solvent)[:, None] * reach(constants, allocation)
        wins = entered * win
        clicks = wins * clicked
        means = torch.stack((clicks * converted, clicks * (1.0 - converted), wins - clicks))
        count_noise, spend_noise = self.noise[t, :3], self.noise[t, 3]
        counts = poisson_quantile(count_noise, means)
        clicks = counts[0] + counts[1]
        spend = clicks * price + clicks.sqrt() * spread * spend_noise
        spend = spend.clamp_min(0.0).minimum(bid[:, None] * clicks)
        total = spend.sum(1)
        over = total > self.remaining
        if bool(over.any()):
            self._thin(over.nonzero().squeeze(1), counts, spend)
            total = spend.sum(1)
        conversions, unconverted, unclicked = counts.sum(2)
        clicks = conversions + unconverted
        return Auctions(clicks + unclicked, clicks, conversions, total)

    def win_and_pay(self, log_bid: Tensor, log_median: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Chance to win an auction, mean and standard deviation of the price then paid; (rows, CHANNELS)."""
        z = (log_bid - log_median) / self.log_sd
        return torch.special.ndtr(z), *price_moments(log_median, self.log_sd, z)

    def _thin(self, rows: Tensor, counts: Tensor, spend: Tensor) -> None:
        """Cut counts (3, rows, CHANNELS) and spend of some rows, in place, to what their money allows."""
        remaining = self.remaining[rows]
        kept_share = (remaining / spend[rows].sum(1))[:, None]
        uniforms = np.stack(
            [
                stream(self.seeds[row], Purpose.THINNING, self.episodes[row], self.t).random((3, CHANNELS))
                for row in rows.tolist()
            ]
        )
        before = counts[:, rows]
        chances = torch.as_tensor(uniforms.swapaxes(0, 1).copy(), device=self.device)
        # In double precision, in which the chance of keeping none of many does not underflow.
        after = binomial_quantile(chances, before.double(), kept_share.double().expand_as(before)).to(before)
        clicks_before, clicks_after = before[0] + before[1], after[0] + after[1]
        kept = spend[rows] * clicks_after / clicks_before.clamp_min(1.0)
        excess = (kept.sum(1) / remaining).clamp_min(1.0)[:, None]
        counts[:, rows], spend[rows] = after, kept / excess


def preset_market(name: str, overlay: bool | None = None, **options: Any) -> ChannelsMarket:
    """A market of the channels family by the name of its preset."""
    return ChannelsMarket(PRESETS[name], overlay=overlay, **options)
