"""Injected manipulations of auctions, and deployments in which charts have to find them.

Of our own side: bidders who collude by rotation take turns, so that each stands aside at the lowest bid for
part of the time (McAfee & McMillan 1992, American Economic Review 82:579-599); where all stand aside always,
bids are suppressed; inflated bids are above what the policy asked for. Of the other side: shills raise the
price that has to be beaten and paid, and a rival who outbids everybody makes the win rate collapse; both are
one factor on the median rival price. These are plain models of patterns, not of what colluders would do to
stay hidden.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adrl_core.agents.policy import Action, Policy
from adrl_core.governance.charts import (
    Alarms,
    Reference,
    cusum_alarms,
    drift,
    drift_limit,
    ewma_alarms,
    misaligned_alarms,
    reference,
    run_length,
    standardised,
)
from adrl_core.governance.faults import Fault
from adrl_core.governance.monitors import Metrics
from adrl_core.market.channels import ChannelsMarket
from adrl_core.market.presets import PRESETS

CHARTED = ("bid", "win_rate", "quality", "reward", "profit")
"""Metrics that control charts watch."""
MISALIGNED_SLACK, MISALIGNED_LIMIT = 0.25, 8.01
"""For shifts by half a standard deviation: average run length 370 in control, two-sided (Montgomery, table
9.4), for each of the two charts that must both raise the alarm."""
LEAST_SPREAD = 1e-9
"""A metric that never varied in control raises the alarm at any change."""
ORDERS = 50
"""Deployments drawn for each run, by putting its episodes in random order: they are independent."""
ORDERS_SEED = 0


class Rotation(Fault):
    """Stands aside, at the lowest bid, in the first `idle` of each `cycle` steps.

    Args:
        idle, cycle: numbers of steps; equal ones are suppression.
    """

    kind = "rotation"

    def __init__(self, policy: Policy, idle: int = 1, cycle: int = 2, after: int = 0) -> None:
        super().__init__(policy, after)
        self.idle, self.cycle = idle, cycle

    def done(self, action: Action) -> Action:
        """The lowest bid while standing aside, else the policy's."""
        if self.market.t % self.cycle >= self.idle:
            return action
        return action._replace(bid=self.market.bids[0].expand_as(action.bid))


class Inflated(Fault):
    """Bids a factor above what the policy asked for, up to the highest bid."""

    kind = "inflated bids"

    def __init__(self, policy: Policy, factor: float, after: int = 0) -> None:
        super().__init__(policy, after)
        self.factor = factor

    def done(self, action: Action) -> Action:
        """The inflated bid."""
        return action._replace(bid=(action.bid * self.factor).clamp_max(self.market.bids[-1]))


def dearer_market(name: str, factor: float) -> ChannelsMarket:
    """A market of the channels family whose median rival prices are raised by a factor."""
    constants = PRESETS[name]
    search, display, video = (level * factor for level in constants.price_level)
    return ChannelsMarket(replace(constants, price_level=(search, display, video)))


class Usual(NamedTuple):
    """What one run's metrics were in control."""

    levels: Mapping[str, Reference]
    """Mean and standard deviation of each metric in CHARTED."""
    bids: NDArray[np.float64]
    """How often each level was bid, (BID_LEVELS,)."""
    drift_limit: float
    """Distance from it that hardly an episode in control exceeds."""


def usual(in_control: Metrics) -> Usual:
    """What is usual, from episodes in control."""
    levels = {}
    for name in CHARTED:
        mean, sd = reference(getattr(in_control, name))
        levels[name] = Reference(mean, max(sd, LEAST_SPREAD))
    total = in_control.bids.sum(0)
    return Usual(levels, total, drift_limit(in_control.bids, total))


def alarms(series: Metrics, expected: Usual) -> dict[tuple[str, str], Alarms]:
    """What each chart says of series whose arrays have shape (rows, time), `bids` (rows, time, BID_LEVELS).

    Returns:
        By metric and chart, (rows, time); `integrity` is any alarm on bids, win rate and quality.
    """
    z = {name: standardised(getattr(series, name), expected.levels[name]) for name in CHARTED}
    found = {("bids", "drift"): drift(series.bids, expected.bids) > expected.drift_limit}
    for name, values in z.items():
        found[name, "ewma"], found[name, "cusum"] = ewma_alarms(values), cusum_alarms(values)
    watched = [raised for (name, _), raised in found.items() if name not in ("reward", "profit")]
    found["integrity", "any"] = np.logical_or.reduce(watched)
    found["reward_and_profit", "misaligned"] = misaligned_alarms(
        z["reward"], z["profit"], MISALIGNED_SLACK, MISALIGNED_LIMIT
    )
    return found


def deployments(healthy: Metrics, changed: Metrics | None, onset: int) -> Metrics:
    """Deployments of one run, ORDERS of them: healthy episodes until the onset, then changed ones.

    Args:
        healthy, changed: episodes to draw from, each once a deployment; without changed ones, the
            deployment stays healthy.
        onset: number of healthy episodes before the change.

    Returns:
        Arrays of shape (ORDERS, time, ...).
    """
    draw = np.random.default_rng(ORDERS_SEED)

    def shuffled(metrics: Metrics) -> Metrics:
        count = len(metrics.bid)
        order = draw.permuted(np.tile(np.arange(count), (ORDERS, 1)), axis=1)
        return Metrics(*(values[order] for values in metrics))

    first = shuffled(healthy)
    if changed is None:
        return first
    pairs = zip(first, shuffled(changed), strict=True)
    return Metrics(*(np.concatenate((before[:, :onset], after), 1) for before, after in pairs))


def delays(raised: Alarms, onset: int) -> NDArray[np.float64]:
    """Episodes from the onset to and with the first alarm, (rows,); infinite where there is none.

    Rows with an alarm before the onset are left out: it was false, and somebody is already looking.
    """
    return run_length(raised[~raised[:, :onset].any(1), onset:])
