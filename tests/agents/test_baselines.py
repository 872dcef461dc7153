"""Reference policies by hand; their results against the reference tables of the markets (check 11)."""

from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from adrl_core.agents.baselines import (
    CHAIN_LENGTH,
    UNIFORM,
    Constant,
    Greedy,
    Pacing,
    Random,
    best_constant,
    reference_policies,
    rounds,
)
from adrl_core.agents.lookahead import Lookahead
from adrl_core.agents.oracle import AskingOracle, Oracle
from adrl_core.evaluate import Traced, play
from adrl_core.market import Auctions, Step, make_market
from adrl_core.market.presets import CHANNELS_BIDS

SEED = 77
EPISODES = 1000


def started(policy, name="channels", rows=1):
    market = make_market(name)
    state = market.reset(np.zeros(rows, int), np.arange(rows))
    policy.reset(market)
    return market, state


def rewarded(value):
    reward = torch.tensor([float(value)])
    nothing = Auctions(reward, reward, reward, reward)
    return Step(torch.zeros(1, 10), reward, reward, nothing, reward)


def test_random_draws_all_modes_levels_and_shares():
    policy = Random()
    market, _ = started(policy, rows=500)
    bid, allocation, asked = policy.bid, policy.allocation, policy.asked
    uniform = (allocation == 1 / 3).all(-1)
    default = bid == market.bids[4]
    assert uniform.float().mean().item() == pytest.approx(1 / 3, abs=0.01)
    assert default.float().mean().item() == pytest.approx(1 / 3 + 2 / 3 / 10, abs=0.01)
    assert bool((asked[uniform] == 1).all()) and set(asked.unique().tolist()) == {1.0, 2.0}
    assert set(bid.unique().tolist()) == set(market.bids.tolist())
    shares = allocation[~uniform]
    torch.testing.assert_close(shares.sum(-1), torch.ones(len(shares)))
    # A coordinate of Dirichlet(1, 1, 1) has mean 1/3 and variance 1/18.
    torch.testing.assert_close(shares.mean(0), torch.full((3,), 1 / 3), rtol=0, atol=0.005)
    torch.testing.assert_close(shares.var(0), torch.full((3,), 1 / 18), rtol=0.03, atol=0)


def test_random_row_is_its_key_alone():
    alone, together = Random(), Random()
    started(together, rows=9)
    started(alone, rows=1)
    assert torch.equal(alone.bid[:, 0], together.bid[:, 0])
    assert torch.equal(alone.allocation[:, 0], together.allocation[:, 0])


def test_ungated_random_bids_uniformly():
    policy = Random(gated=False)
    market, _ = started(policy, "published", rows=500)
    assert (policy.bid == market.default_bid).float().mean().item() == pytest.approx(0.1, abs=0.01)


def test_constant_bids_its_default():
    policy = Constant("fixed")
    market, state = started(policy, rows=3)
    bid, allocation, _ = policy.act(state)
    assert bid.tolist() == [market.default_bid] * 3
    torch.testing.assert_close(allocation, torch.full((3, 3), 1 / 3))


@pytest.mark.parametrize(("reward", "direction"), [(-1.0, -1), (0.0, 0), (10.0, 0), (10.5, 1)])
def test_greedy_moves_from_the_seventh_step_by_one_level(reward, direction):
    policy = Greedy("greedy")
    market, state = started(policy)
    levels = []
    for _ in range(14):
        bid = policy.act(state).bid
        levels.append(int((market.bids == bid).nonzero()))
        policy.observe(rewarded(reward))
    expected = [5] * 6 + [min(max(5 + direction * i, 0), 9) for i in range(1, 9)]
    assert levels == expected


def test_greedy_window_holds_ten_rewards():
    policy = Greedy("greedy")
    _, state = started(policy)
    for value in [1000.0] + [-1.0] * 10:
        policy.act(state)
        policy.observe(rewarded(value))
    level = policy.level.item()
    policy.act(state)
    assert policy.level.item() == level - 1


@pytest.mark.parametrize("carried", [True, False])
def test_greedy_carries_its_state_or_not(carried):
    policy = Greedy("greedy", carried)
    market, state = started(policy)
    for _ in range(8):
        policy.act(state)
        policy.observe(rewarded(-1.0))
    policy.reset(market)
    assert policy.seen == (8 if carried else 0)
    assert policy.level.item() == (3 if carried else 5)


@pytest.mark.parametrize("count", [1, 8, 100, 250, 400])
def test_rounds_lay_out_chains_in_order(count):
    played = rounds(Greedy("greedy", carried=True), np.arange(count))
    assert sorted(np.concatenate(played)) == list(range(count))
    assert [len(r) for r in played] == sorted((len(r) for r in played), reverse=True)
    first = [r[0] for r in played]
    assert first == list(range(min(count, CHAIN_LENGTH)))
    assert all(np.array_equal(r % CHAIN_LENGTH, np.full(len(r), i)) for i, r in enumerate(played))
    assert len(rounds(Greedy("greedy"), np.arange(count))) == 1


def test_chains_of_different_length_do_not_disturb_each_other():
    """A chain gives the same episodes whether a longer one is played beside it or not."""
    market = make_market("published")
    frames = []
    for bank in (np.arange(104), np.arange(100)):
        policy = Greedy("greedy", carried=True)
        plays = [play(policy, market, np.full(len(r), SEED), r) for r in rounds(policy, bank)[:6]]
        frames.append(pd.concat(plays).query("episode < 6").reset_index(drop=True))
    pd.testing.assert_frame_equal(*frames)


def test_pacing_bids_by_what_is_left():
    policy = Pacing()
    market, state = started(policy, "pacing", rows=3)
    state[:, 0], state[:, 3] = torch.tensor([0.5, 0.9, 0.1]), torch.tensor([0.5, 0.5, 0.5])
    bid, allocation, _ = policy.act(state)
    assert market.bids.tolist().index(bid[0].item()) == 3
    assert bid[1] > bid[0] > bid[2]
    torch.testing.assert_close(allocation[0], torch.tensor([0.4, 0.2, 0.4]))


@pytest.mark.parametrize("name", ["published", "channels", "margin", "pacing", "shift"])
def test_reference_policies_of_each_market(name, monkeypatch):
    def found(market, seed, by="shaped"):
        return Constant("best_constant" if by == "shaped" else "best_constant_profit", 4.5)

    monkeypatch.setattr("adrl_core.agents.baselines.best_constant", found)
    names = [policy.name for policy in reference_policies(name, SEED)]
    expected = {"random", "fixed", "greedy_carried", "greedy_reset"}
    expected |= {"constant_max"} if name == "published" else {"max_uniform", "best_constant"}
    profitable = {"oracle_profit", "best_constant_profit"}
    expected |= {
        "published": set(),
        "margin": {"oracle"} | profitable,
        "pacing": {"oracle", "pacing", "lookahead", "lookahead_profit"} | profitable,
        "shift": {"oracle_threshold", "oracle_stale", "oracle_known"},
    }.get(name, {"oracle"})
    assert len(names) == len(set(names)) and set(names) == expected
    if name != "published":
        with_fee = {policy.name for policy in reference_policies(name, SEED, fee=2.0)}
        assert with_fee == expected | {"oracle_asking"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "by", "tabled", "column"),
    [
        ("channels", "shaped", (4.5, (0.5, 0.0, 0.5)), "reward"),
        ("margin", "profit", (CHANNELS_BIDS[4], (0.6, 0.0, 0.4)), "profit"),
        ("pacing", "shaped", (CHANNELS_BIDS[3], UNIFORM), "reward"),
    ],
)
def test_best_constant_is_no_worse_than_the_tabled_one(name, by, tabled, column):
    market, bank = make_market(name), np.arange(600)
    found = play(best_constant(name, SEED + 1, 400, by), market, np.full(600, SEED), bank)[column]
    difference = found - play(Constant("tabled", *tabled), market, np.full(600, SEED), bank)[column]
    assert difference.mean() > -3 * difference.std() / np.sqrt(600) - 1e-9


TOP = CHANNELS_BIDS[-1]
POLICIES = {
    "published": {
        "random": lambda: Random(gated=False),
        "fixed": lambda: Constant("fixed"),
        "constant_5": lambda: Constant("constant_5", 5.0),
        "constant_4.5": lambda: Constant("constant_4.5", 4.5),
        "greedy_reset": lambda: Greedy("greedy_reset"),
    },
    "channels": {
        "random": Random,
        "fixed": lambda: Constant("fixed"),
        "constant_2.5": lambda: Constant("constant", 2.5),
        "uniform": lambda: Constant("uniform", TOP),
        "best_constant": lambda: Constant("best", TOP, (0.5, 0.0, 0.5)),
        "oracle": lambda: Oracle("oracle"),
        "oracle_bidding": lambda: Oracle("oracle", free="bidding"),
        "oracle_budget": lambda: Oracle("oracle", free="budget"),
    },
    "margin": {
        "random": Random,
        "fixed": lambda: Constant("fixed"),
        "uniform": lambda: Constant("uniform", TOP),
        "best_constant": lambda: Constant("best", TOP, (0.5, 0.1, 0.4)),
        "best_constant_profit": lambda: Constant("best", CHANNELS_BIDS[4], (0.6, 0.0, 0.4)),
        "oracle": lambda: Oracle("oracle"),
        "oracle_profit": lambda: Oracle("oracle", by="profit"),
    },
    "pacing": {
        "random": Random,
        "fixed": lambda: Constant("fixed"),
        "uniform": lambda: Constant("uniform", TOP),
        "oracle": lambda: Oracle("oracle"),
        "oracle_profit": lambda: Oracle("oracle", by="profit"),
        "best_constant": lambda: Constant("best", CHANNELS_BIDS[3]),
        "best_constant_profit": lambda: Constant("best", CHANNELS_BIDS[4], (0.9, 0.0, 0.1)),
        "pacing": Pacing,
        "lookahead": lambda: Lookahead("lookahead"),
        "lookahead_profit": lambda: Lookahead("lookahead", by="profit"),
    },
    "shift": {
        "random": Random,
        "fixed": lambda: Constant("fixed"),
        "best_constant": lambda: Constant("best", TOP, (0.2, 0.4, 0.4)),
        "oracle_budget": lambda: Oracle("oracle", belief="known", free="budget"),
        "oracle_stale": lambda: Oracle("oracle"),
        "oracle_threshold": lambda: Oracle("oracle", belief="threshold"),
        "oracle_known": lambda: Oracle("oracle", belief="known"),
    },
}

# market, policy, episodes behind the reference, then reward, conversions, spend and profit.
TABLE = [
    ("published", "random", 20_000, 247.6, 10.28, 67.6, 446.5),
    ("published", "fixed", 20_000, 204.3, 8.03, 56.7, 344.7),
    ("published", "constant_5", 20_000, 530.1, 22.92, 143.6, 1002.2),
    ("published", "constant_4.5", 5_000, 476.0, 20.33, 128.8, 887.9),
    ("published", "greedy_reset", 20_000, 273.9, 11.57, 61.7, 516.9),
    ("channels", "random", 4_000, 232.2, 10.02, 75.3, 425.5),
    ("channels", "fixed", 4_000, 187.8, 7.57, 50.2, 328.4),
    ("channels", "constant_2.5", 4_000, 235.2, 9.69, 66.3, 418.1),
    ("channels", "oracle_budget", 4_000, 287.6, 12.16, 67.7, 540.3),
    ("channels", "oracle_bidding", 4_000, 645.3, 30.24, 258.4, 1253.5),
    ("channels", "uniform", 4_000, 645.3, 30.24, 258.4, 1253.5),
    ("channels", "best_constant", 4_000, 795.3, 38.39, 279.0, 1640.4),
    ("channels", "oracle", 4_000, 987.4, 49.02, 330.8, 2120.3),
    ("margin", "random", 4_000, 410.3, 22.95, 1047.5, 100.1),
    ("margin", "fixed", 4_000, 464.6, 24.46, 1037.7, 185.2),
    ("margin", "uniform", 4_000, 640.9, 42.81, 2243.4, -103.0),
    ("margin", "best_constant", 4_000, 658.8, 47.98, 2422.0, -22.9),
    ("margin", "best_constant_profit", 4_000, 430.7, 25.04, 910.7, 341.2),
    ("margin", "oracle", 4_000, 773.9, 55.15, 2447.3, 310.4),
    ("margin", "oracle_profit", 4_000, 600.7, 38.87, 1335.1, 608.2),
    ("pacing", "random", 4_000, 238.4, 13.67, 599.6, 83.9),
    ("pacing", "fixed", 4_000, 270.7, 14.45, 598.0, 124.7),
    ("pacing", "uniform", 4_000, 180.1, 11.93, 598.9, -2.3),
    ("pacing", "oracle", 4_000, 193.1, 14.11, 599.0, 106.3),
    ("pacing", "oracle_profit", 4_000, 253.6, 17.59, 596.8, 282.9),
    ("pacing", "best_constant", 4_000, 302.1, 14.26, 550.7, 162.2),
    ("pacing", "best_constant_profit", 4_000, 284.3, 16.74, 550.2, 286.7),
    ("pacing", "pacing", 4_000, 318.6, 15.35, 582.1, 185.5),
    ("pacing", "lookahead", 4_000, 384.5, 19.41, 598.4, 372.4),
    ("pacing", "lookahead_profit", 4_000, 360.5, 20.05, 571.2, 431.2),
    ("shift", "random", 4_000, 318.0, 13.74, 90.3, 596.6),
    ("shift", "fixed", 4_000, 298.7, 12.15, 67.6, 540.0),
    ("shift", "oracle_budget", 4_000, 479.3, 21.05, 102.9, 949.6),
    ("shift", "best_constant", 4_000, 723.9, 34.02, 271.1, 1430.2),
    ("shift", "oracle_stale", 4_000, 812.3, 39.13, 298.5, 1657.8),
    ("shift", "oracle_threshold", 4_000, 997.4, 50.04, 352.2, 2149.8),
    ("shift", "oracle_known", 4_000, 1025.6, 51.60, 359.9, 2219.8),
]


@cache
def played(name, policy):
    seeds, bank = np.full(EPISODES, SEED), np.arange(EPISODES)
    return play(POLICIES[name][policy](), make_market(name), seeds, bank)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "policy", "reference_episodes", "expected"), [(*row[:3], row[3:]) for row in TABLE]
)
def test_reference_table(name, policy, reference_episodes, expected):
    frame = played(name, policy)
    error = np.sqrt(1 / EPISODES + 1 / reference_episodes)
    for column, value in zip(("reward", "conversions", "spend", "profit"), expected, strict=True):
        rounding = 0.05
        assert abs(frame[column].mean() - value) < 4 * frame[column].std() * error + rounding, column


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "order", "column"),
    [
        ("channels", ("oracle", "best_constant", "uniform", "oracle_budget", "fixed"), "reward"),
        ("pacing", ("lookahead", "pacing", "best_constant", "uniform"), "reward"),
        ("shift", ("oracle_known", "oracle_threshold", "oracle_stale", "best_constant"), "reward"),
        ("margin", ("oracle_profit", "oracle", "best_constant"), "profit"),
    ],
)
def test_paired_orderings(name, order, column):
    for better, worse in pairwise(order):
        difference = played(name, better)[column] - played(name, worse)[column]
        assert difference.mean() > 4 * difference.std() / np.sqrt(EPISODES), (better, worse)


@pytest.mark.slow
def test_the_best_reward_loses_money():
    assert played("margin", "best_constant")["profit"].mean() < 0
    assert played("margin", "best_constant_profit")["profit"].mean() > 300


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "better", "worse", "gain", "halfwidth"),
    [
        ("channels", "oracle", "best_constant", 192.1, 3.4),
        ("pacing", "lookahead", "best_constant", 82.5, 1.9),
        ("pacing", "lookahead", "pacing", 66.0, 1.8),
        ("shift", "oracle_threshold", "oracle_stale", 185.1, 3.9),
        ("shift", "oracle_known", "oracle_threshold", 28.2, 1.6),
    ],
)
def test_paired_gains(name, better, worse, gain, halfwidth):
    difference = played(name, better)["reward"] - played(name, worse)["reward"]
    error = np.hypot(difference.std() / np.sqrt(EPISODES), halfwidth / 1.96)
    assert abs(difference.mean() - gain) < 4 * error


@pytest.mark.slow
def test_carried_greedy_collapses_over_a_chain():
    """The first twenty episodes of a hundred chains, against the tabled fall of the first ten."""
    chains = 100
    policy, market = Greedy("greedy_carried", carried=True), make_market("published")
    bank = np.arange(chains * CHAIN_LENGTH)
    plays = [play(policy, market, np.full(len(r), SEED), r) for r in rounds(policy, bank)[:20]]
    by_episode = pd.concat(plays).assign(index=lambda f: f["episode"] % CHAIN_LENGTH)
    curve = by_episode.groupby("index")["reward"]
    mean, error = curve.mean(), curve.std() * np.sqrt(1 / chains + 1 / 400)
    tabled = [269, 199, 130, 84, 50, 25, 20, 15, 12, 5]
    assert (np.abs(mean[:10] - tabled) < 4 * error[:10] + 1).all()
    assert mean[10:].mean() < 20 < played("published", "greedy_reset")["reward"].mean()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "fee", "chosen", "always", "shares"),
    [("channels", 2.0, 642.0, 598.0, (0.35, 0.01, 0.64)), ("margin", 1.0, 594.0, 580.0, (0.33, 0.07, 0.60))],
)
def test_asking_for_a_fee(name, fee, chosen, always, shares):
    market, seeds, bank = make_market(name, fee=fee), np.full(500, SEED), np.arange(500)
    traced = Traced(AskingOracle("asking"))
    asking = play(traced, market, seeds, bank)["reward"]
    both = play(Oracle("oracle"), market, seeds, bank)["reward"]
    for frame, tabled in ((asking, chosen), (both, always)):
        assert abs(frame.mean() - tabled) < 4 * frame.std() * np.sqrt(1 / 500 + 1 / 4_000) + 0.5
    assert (asking - both).mean() > 4 * (asking - both).std() / np.sqrt(500)
    assert traced.steps()["asked"].mean() == pytest.approx(1.0 + shares[2], abs=0.04)
