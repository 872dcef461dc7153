"""Bidding on a log, from end to end on a made-up one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adrl_core import auctions
from adrl_core.agents.bidders import MCPC, RLB, Lin
from adrl_core.agents.value_function import value_function
from adrl_core.auctions import AUCTIONS, SHARES, bid_on_log, open_log, tuned_base
from adrl_core.config import Auctions, ConfigurationError
from adrl_core.market.bid_log import Records
from adrl_core.market.replay import episodes, hindsight, joined, play
from adrl_core.market.simulated import synthetic_log

EPISODES = 20
STUDY = Auctions(seeds=2, rounds=2, simulated=3)


@pytest.mark.slow
def test_every_bidder_meets_the_log_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables against single plays; a log that comes in chunks gives the same."""
    tables = bid_on_log(STUDY)
    landscape, records = synthetic_log()
    market = joined(episodes([records], AUCTIONS))
    runs = tables.log.groupby(["share", "bidder", "seed"])
    assert (runs.size() == EPISODES).all()
    assert tables.log.groupby("bidder")["seed"].nunique().to_dict() == {
        **dict.fromkeys(("ss_mdp", "mcpc", "lin", "lin_published", "rlb", "paced", "paced_as_seen"), 1),
        "agent": 2,
    }
    budget = landscape.budget(1 / 4, AUCTIONS)
    for bidder in (RLB(landscape, value_function(landscape, AUCTIONS, budget)), MCPC(landscape)):
        outcome = play(market, bidder, budget)
        table = runs.get_group((1 / 4, bidder.name, 0))
        for name, column in outcome._asdict().items():
            np.testing.assert_array_equal(table[name], column)
    described = tables.episodes[tables.episodes["share"] == 1 / 4]
    np.testing.assert_allclose(described["hindsight"], hindsight(market, budget))
    bound = tables.episodes.set_index(["share", "episode"])["hindsight"]
    most = tables.log.groupby(["share", "episode"])["expected"].max()
    assert (most <= bound + 1e-9).all()
    assert (runs["cost"].max() <= [landscape.budget(share, AUCTIONS) for share, _, _ in runs.groups]).all()
    assert tables.setting["auctions"].tolist() == [EPISODES * AUCTIONS]
    assert len(tables.training) == STUDY.seeds * STUDY.rounds
    imagined = tables.simulated.groupby(["share", "bidder", "seed"])
    assert (imagined.size() == STUDY.simulated).all()

    def in_pieces(name: str) -> tuple[object, Iterator[Records]]:
        return landscape, (Records(*(c[i : i + 7300] for c in records)) for i in range(0, 20_000, 7300))

    monkeypatch.setattr(auctions, "open_log", in_pieces)
    pieces = bid_on_log(STUDY)
    for whole, part in zip(tables, pieces, strict=True):
        pd.testing.assert_frame_equal(whole, part)


def test_the_linear_bid_is_tuned_to_its_budget() -> None:
    """More money allows higher bids, and bases far from the tuned one win less on a log that was not used."""
    landscape = synthetic_log()[0]
    bases = [tuned_base(landscape, landscape.budget(share, AUCTIONS)) for share in SHARES[::2]]
    assert sorted(bases) == bases
    assert bases[0] < bases[-1]
    market = joined(episodes([synthetic_log()[1]], AUCTIONS))
    budget = landscape.budget(SHARES[0], AUCTIONS)
    tuned = play(market, Lin(landscape, bases[0]), budget).expected.sum()
    assert all(tuned > play(market, Lin(landscape, base), budget).expected.sum() for base in (1, 20, 60))


def test_an_absent_log_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADRL_LOGS", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"log = '2997': not found; ADRL_LOGS must name a folder"):
        open_log("2997")
