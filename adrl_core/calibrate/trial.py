"""Calibration on trial: logs of markets whose constants are known, and what comes back."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from adrl_core.calibrate.fit import Calibrated, calibrate, fit
from adrl_core.calibrate.log import AuctionLog
from adrl_core.calibrate.money import Terms
from adrl_core.calibrate.simulate import simulate_log
from adrl_core.config_markets import Estimated, MarketName
from adrl_core.market.noise import Purpose, stream
from adrl_core.market.presets import CHANNEL_NAMES, CHANNELS_BIDS, PRESETS, ChannelConstants

MARKET: MarketName = "channels"
"""Whose constants are to come back."""
TERMS = Terms(price_per="click", unit=1.0)
SEED = 0
EPISODES = (10, 60)
"""Least and most in each log."""
MIXED = (0.5, 3.0)
"""Two typical prices of a log that no log-normal describes."""
MIXED_SD = 0.2
"""Spread of its log prices about each."""
SMALL = MappingProxyType({"logs": 200, "episodes": 10, "auctions": 5.0})
"""The small logs on which the intervals are checked: how many at most, their episodes and auctions a step."""


def episodes_of(size: int) -> int:
    """Episodes of each log in a study with so many held-out episodes."""
    least, most = EPISODES
    return min(max(size, least), most)


def trial_logs(episodes: int) -> Mapping[str, AuctionLog]:
    """The logs by name, of so many episodes.

    `full` shows all prices, episodes and steps; `lost` the prices of won auctions only, and all bids; `still`
    has no time; `mixed` has prices of two kinds.
    """
    constants = PRESETS[MARKET]
    full = simulate_log(constants, SEED, episodes)
    rng = stream(SEED, Purpose.POLICY, episodes, 1)
    typical = np.log(rng.choice(MIXED, len(full)))
    mixed = np.exp(typical + MIXED_SD * rng.standard_normal(len(full)))
    return {
        "full": full,
        "lost": simulate_log(constants, SEED, episodes, CHANNELS_BIDS),
        "still": replace(full, episode=None, step=None),
        "mixed": replace(full, price=mixed, episode=None, step=None),
    }


def truth(constants: ChannelConstants, name: str) -> float:
    """The constant that an estimate is of, such as click_season, price_level.video or volatility.high."""
    field, _, part = name.partition(".")
    value = getattr(constants, field)
    if not part:
        return float(value)
    return float(value[("low", "high").index(part) if field == "volatility" else CHANNEL_NAMES.index(part)])


def recovery(name: str, estimates: Mapping[str, Estimated], constants: ChannelConstants) -> pd.DataFrame:
    """What came back of the constants: a row an estimate, with log, constant, truth, value, error, bounds."""
    rows = [
        {"log": name, "constant": constant, "truth": truth(constants, constant), **one.model_dump()}
        for constant, one in estimates.items()
    ]
    return pd.DataFrame(rows)


def matches(name: str, log: AuctionLog, found: Calibrated) -> pd.DataFrame:
    """How well prices are described: a row a channel, with the auctions in the log, and the distances."""
    rows = [
        {"log": name, "rows": len(log), "channel": channel, **one.match.model_dump()}
        for channel, one in found.comparisons.items()
    ]
    return pd.DataFrame(rows)


def try_recovery(size: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Recovery and matches of all logs, in a study with so many held-out episodes."""
    recovered, matched = [], []
    for name, log in trial_logs(episodes_of(size)).items():
        found = calibrate(log, TERMS)
        matched.append(matches(name, log, found))
        if name != "mixed":
            recovered.append(recovery(name, found.estimates, PRESETS[MARKET]))
    return pd.concat(recovered, ignore_index=True), pd.concat(matched, ignore_index=True)


def try_coverage(size: int) -> pd.DataFrame:
    """Recovery of as many small logs as SMALL allows, a row an estimate; the column `log` counts them."""
    constants = replace(PRESETS[MARKET], auctions=float(SMALL["auctions"]))
    frames = [
        recovery(
            str(number),
            fit(simulate_log(constants, SEED + 1 + number, int(SMALL["episodes"])), TERMS).work.estimates,
            constants,
        )
        for number in range(min(size, int(SMALL["logs"])))
    ]
    return pd.concat(frames, ignore_index=True)
