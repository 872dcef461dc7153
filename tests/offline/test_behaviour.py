"""The house rule and its log."""

import numpy as np
import torch

from adrl_core.agents.team import BIDDING_ONLY, BOTH, BUDGET_ONLY
from adrl_core.evaluate import play
from adrl_core.market import make_market
from adrl_core.market.presets import DEFAULT_LEVEL, STEPS
from adrl_core.offline.behaviour import FIRST_LOG_SEED, HouseRule, record

SEEDS, EPISODES = [0, 3], 4


def test_the_rule_by_hand() -> None:
    market, rule = make_market("channels"), HouseRule(deviates=False)
    state = market.reset([7] * 3, [0, 1, 2])
    state[:, 1] = torch.tensor([0.1, 0.3, 1.0])  # a fifth of the cost per click
    rule.reset(market)
    action = rule.act(state)
    # Twice 0.5, 1.5 and 5.0; the levels lie 4/9 apart from 0.5 to 4.5.
    torch.testing.assert_close(action.bid, torch.tensor([0.5 + 4 / 9, 0.5 + 6 * 4 / 9, 4.5]))
    torch.testing.assert_close(action.allocation, torch.tensor([[0.4, 0.2, 0.4]] * 3))
    assert action.asked is not None and action.asked.tolist() == [2.0] * 3


def test_deviations_are_as_frequent_as_stated() -> None:
    log = record(make_market("channels"), [0], 50)
    n = log.mode.numel()
    for mode in (BIDDING_ONLY, BUDGET_ONLY):
        assert abs((log.mode == mode).sum() / n - HouseRule.NEGLECTED) < 4 * (0.05 * 0.95 / n) ** 0.5
    usual = (log.allocation[log.mode != BIDDING_ONLY] == torch.tensor(HouseRule.ALLOCATION)).all(1)
    assert abs((1 - usual.double().mean()) - HouseRule.TESTED) < 4 * (0.2 * 0.8 / n) ** 0.5
    assert (log.level[log.mode == BUDGET_ONLY] == DEFAULT_LEVEL).all()
    assert (log.mode == BOTH).any()


def test_the_log_is_what_the_rule_does_on_markets_of_its_own() -> None:
    market = make_market("channels")
    log = record(market, SEEDS, EPISODES)
    seeds = np.repeat([FIRST_LOG_SEED + seed for seed in SEEDS], EPISODES)
    played = play(HouseRule(), market, seeds, np.tile(np.arange(EPISODES), len(SEEDS)))
    for name, column in (("reward", log.reward), ("clicks", log.clicks), ("spend", log.spend)):
        totals = column.double().unflatten(1, (EPISODES, STEPS)).sum(2).flatten()
        np.testing.assert_allclose(played[name], totals, rtol=1e-6)
    assert torch.equal(log.state[:, 1:STEPS], log.next_state[:, : STEPS - 1])
    assert log.solvent.all()


def test_a_run_has_the_same_log_alone() -> None:
    together, alone = (record(make_market("channels"), seeds, EPISODES) for seeds in (SEEDS, SEEDS[1:]))
    for both, one in zip(together, alone, strict=True):
        assert torch.equal(both[1:], one)
