"""Bidding on a log of single auctions: published bidders and the trained Bidding agent, with five budgets.

Everything is tuned and trained on the landscape of the training log alone, and then meets the log once.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from adrl_core.agents.bidders import MCPC, RLB, SSMDP, Lin, Paced
from adrl_core.agents.pacing import pacing
from adrl_core.agents.replay_bidder import CENTRE, STEP, ReplayBidder
from adrl_core.agents.replay_training import greedy, train_bidder
from adrl_core.agents.value_function import value_function
from adrl_core.config import SYNTHETIC, Auctions, ConfigurationError
from adrl_core.files import LOGS, log_files
from adrl_core.market.bid_log import Records, read_log
from adrl_core.market.landscape import Landscape, read_landscape
from adrl_core.market.replay import UNWINNABLE, Bidder, Episodes, episodes, hindsight, play
from adrl_core.market.simulated import NOMINAL, simulate, synthetic_log

AUCTIONS = 1000
"""Auctions in an episode."""
SHARES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Budgets: shares of an episode's auctions that the money could win at the mean price of the training log."""
PUBLISHED_SHARE, PUBLISHED_BASE = 1 / 32, 10
"""The budget of the published figures, and the base with which the linear bidder got them."""
TUNING, HELD_OUT = 2_000_000, 2_000_001
"""Seeds of simulated episodes in which the linear bid is tuned, and in which all bidders are compared."""
TUNING_EPISODES, CANDIDATES = 100, 40
CHUNK = 100 * AUCTIONS
"""Auctions replayed at once: all runs of the agent play them side by side."""


class Tables(NamedTuple):
    """What bidding on a log left."""

    setting: pd.DataFrame
    """One row: the training log, and the log that was bid on."""
    log: pd.DataFrame
    """A row a bidder, share, run and episode of the log: impressions, clicks, cost, expected clicks."""
    episodes: pd.DataFrame
    """A row a share and episode of the log: its market, the bound of hindsight, the agent's mean multiple."""
    simulated: pd.DataFrame
    """A row a bidder, share, run and held-out simulated episode: cost, expected clicks."""
    training: pd.DataFrame
    """A row a run and round: epsilon, reward, td_loss."""


class Round(NamedTuple):
    """One budget, and who bids with it."""

    share: float
    budget: int
    base: int
    """Base of the tuned linear bid."""
    bidders: list[Bidder]


def bid_on_log(study: Auctions) -> Tables:
    """Train the agents, then let every bidder play the log and held-out simulated episodes.

    Raises:
        ConfigurationError: the log is not here, or is no valid log.
    """
    landscape, log = open_log(study.log)
    seeds = list(range(study.seeds))
    agent, training = train_bidder(landscape, seeds, study.rounds, AUCTIONS)
    learned = ReplayBidder(landscape, greedy(agent))
    rounds = list(published_rounds(landscape))
    numbers = np.arange(study.simulated)
    market = simulate(landscape, np.full(len(numbers), HELD_OUT), numbers, AUCTIONS).episodes
    simulated = [_contest(market, 0, entry, learned, seeds) for entry in rounds]
    found: list[pd.DataFrame] = []
    described: list[pd.DataFrame] = []
    first = 0
    for part in episodes(log, AUCTIONS):
        for entry in rounds:
            found.append(_contest(part, first, entry, learned, seeds))
            described.append(_described(part, first, entry, learned, len(seeds)))
        first += part.price.shape[1]
    held = pd.concat(described, ignore_index=True)
    return Tables(
        _setting(study.log, landscape, held[held["share"] == SHARES[0]]),
        _ordered(found),
        held.sort_values(["share", "episode"], ignore_index=True),
        _ordered(simulated).drop(columns=["impressions", "clicks"]),
        training,
    )


def published_rounds(landscape: Landscape) -> Iterator[Round]:
    """For each budget the published bidders and the paced ones."""
    values = value_function(landscape, AUCTIONS, landscape.budget(max(SHARES), AUCTIONS))
    plan = pacing(landscape)
    for share in SHARES:
        budget = landscape.budget(share, AUCTIONS)
        base = tuned_base(landscape, budget)
        bidders: list[Bidder] = [
            SSMDP(landscape, values),
            MCPC(landscape),
            Lin(landscape, base),
            RLB(landscape, values),
            Paced(landscape, plan, as_seen=False),
            Paced(landscape, plan, as_seen=True),
        ]
        if share == PUBLISHED_SHARE:
            bidders.append(Lin(landscape, PUBLISHED_BASE, "lin_published"))
        yield Round(share, budget, base, bidders)


def open_log(name: str) -> tuple[Landscape, Iterable[Records]]:
    """Landscape and auctions of a log: the made-up one, or a real one by its name.

    Raises:
        ConfigurationError: the files are not here.
    """
    if name == SYNTHETIC:
        landscape, records = synthetic_log()
        return landscape, [records]
    files = log_files(name)
    if files is None:
        raise ConfigurationError(
            f"log = {name!r}: not found; {LOGS} must name a folder with {name}.json and "
            f"{name}-auctions.csv (.parquet, .txt); allowed without: {SYNTHETIC}"
        )
    return read_landscape(files[0]), read_log(files[1], CHUNK)


def tuned_base(landscape: Landscape, budget: int) -> int:
    """The base of the linear bid that wins most in episodes as the landscape has them, with this budget."""
    numbers = np.arange(TUNING_EPISODES)
    market = simulate(landscape, np.full(TUNING_EPISODES, TUNING), numbers, AUCTIONS, NOMINAL).episodes
    bases = np.unique(np.geomspace(2, landscape.cap, CANDIDATES).astype(int))
    won = [play(market, Lin(landscape, int(base)), budget).expected.sum() for base in bases]
    return int(bases[np.argmax(won)])


def beside_itself(played: Episodes, runs: int) -> Episodes:
    """The same episodes for each run, run by run."""
    return Episodes._make(np.tile(column, (1, runs)) for column in played)


def _contest(
    part: Episodes, first: int, entry: Round, learned: ReplayBidder, seeds: Sequence[int]
) -> pd.DataFrame:
    """What every bidder brought home from some episodes, the first of them having that number."""
    rows = part.price.shape[1]
    outcomes = [(bidder.name, [0], play(part, bidder, entry.budget)) for bidder in entry.bidders]
    # The agent comes last: what it played is read off it afterwards.
    outcomes.append((learned.name, list(seeds), play(beside_itself(part, len(seeds)), learned, entry.budget)))
    tables = []
    for name, runs, outcome in outcomes:
        episode = np.tile(first + np.arange(rows), len(runs))
        index = {"bidder": name, "share": entry.share, "seed": np.repeat(runs, rows), "episode": episode}
        tables.append(pd.DataFrame(index | outcome._asdict()))
    return pd.concat(tables)


def _ordered(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables).sort_values(
        ["share", "bidder", "seed", "episode"], kind="stable", ignore_index=True
    )


def _described(part: Episodes, first: int, entry: Round, learned: ReplayBidder, runs: int) -> pd.DataFrame:
    """The market of some episodes of the log, and what the agents just made of it."""
    held = part.price != UNWINNABLE
    count = held.sum(0)
    level = learned.levels.reshape(runs, -1).mean(0)
    return pd.DataFrame(
        {
            "share": entry.share,
            "episode": first + np.arange(len(count)),
            "auctions": count,
            "clicks": part.click.sum(0),
            "price": np.where(held, part.price, 0).sum(0) / count,
            "ctr": part.ctr.sum(0) / count,
            "budget": entry.budget,
            "base": entry.base,
            "hindsight": hindsight(part, entry.budget),
            "multiple": np.exp(STEP * (level - CENTRE)),
        }
    )


def _setting(log: str, landscape: Landscape, held: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "log": [log],
            "cap": landscape.cap,
            "training_auctions": landscape.impressions,
            "training_clicks": landscape.clicks,
            "training_cost": landscape.cost,
            "auctions": held["auctions"].sum(),
            "clicks": held["clicks"].sum(),
            "price": np.average(held["price"], weights=held["auctions"]),
            "ctr": np.average(held["ctr"], weights=held["auctions"]),
        }
    )
