"""Gaps in a log: long stretches without auctions, as when a campaign paused or a day's file is missing.

What lies within a gap was not quiet but not logged: it says nothing of the market, least of all that it had
no auctions.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from adrl_core.calibrate.log import AuctionLog, Flags, Integers
from adrl_core.market.presets import STEPS

EXPECTED = 20.0
"""Auctions that a gap would have at the rate of the rest; with fewer it may be empty by chance."""
LARGEST_LACK = 0.05
"""Share of its usual auctions that an episode beside a gap may lack and still count as whole."""


class Closed(NamedTuple):
    """A log's episodes with its gaps closed."""

    episode: Integers
    """New number of each row's episode, without those within gaps; shape (n,)."""
    cut_short: Flags
    """Rows of episodes of which a gap took a part, to be left out; shape (n,)."""
    skipped: int
    """Episodes that lay within gaps as a whole."""


def without_gaps(log: AuctionLog) -> AuctionLog:
    """A log in order of time, its episodes numbered over its gaps, less those that a gap cut short."""
    if log.episode is None or log.step is None:
        return log
    closed = close_gaps(log.episode, log.step)
    numbered = replace(
        log, episode=closed.episode, skipped=closed.skipped, beside_gaps=int(closed.cut_short.sum())
    )
    return numbered.only(~closed.cut_short)


def close_gaps(episode: Integers, step: Integers) -> Closed:
    """Find stretches of STEPS steps or more in which auctions are missing, and number episodes without them.

    An episode beside a gap is cut short if the gap covers steps that usually have auctions: those in which
    episodes that are not beside a gap have more than LARGEST_LACK of theirs. So a Friday is whole where every
    night is quiet.

    Args:
        episode: of each row, from 0, in order of time; shape (n,).
        step: within the episode, shape (n,).
    """
    apart = np.diff(episode * STEPS + step, prepend=0)
    rate = len(episode) / len(np.unique(episode)) / STEPS
    after = np.flatnonzero((apart > STEPS) & (apart * rate >= EXPECTED))
    jump = np.diff(episode, prepend=0)
    skipped = int((jump[after] - 1).sum())
    jump[after] = 1
    number = np.cumsum(jump)
    beside = number[after - 1], number[after]
    usual = np.bincount(step[~np.isin(number, beside)], minlength=STEPS)
    up_to = np.cumsum(usual) / max(usual.sum(), 1)
    lacks = np.zeros(number[-1] + 1)
    np.add.at(lacks, beside[0], up_to[-1] - up_to[step[after - 1]])
    np.add.at(lacks, beside[1], (up_to - usual / max(usual.sum(), 1))[step[after]])
    short = np.flatnonzero(lacks > LARGEST_LACK)
    return Closed(number - np.searchsorted(short, number), np.isin(number, short), skipped)
