"""Shapley values against a brute-force sum over orders, and decisions told in plain words."""

from itertools import permutations

import numpy as np
import pytest
import torch

from adrl_core.agents.team import BIDDING_ONLY, BOTH, BUDGET_ONLY, TeamLearner
from adrl_core.config import parse_variant
from adrl_core.governance.explanations import (
    asks_both,
    channel_share,
    choices,
    explained,
    greedy_bid,
    permutation_importance,
    shapley_values,
    single_run,
)
from adrl_core.market import make_market
from adrl_core.market.presets import CHANNEL_NAMES, CHANNELS_BIDS, STATE_SIZE

STATES = np.random.default_rng(0).uniform(0, 1, (6, STATE_SIZE))
BACKGROUND = np.random.default_rng(1).uniform(0, 1, (5, STATE_SIZE))


def of_three(x):
    """Reads features 0, 3 and 7 only, and not additively."""
    return x[:, 0] * x[:, 3] + np.maximum(x[:, 7], x[:, 0])


def by_orders(choice, state, background, read):
    """Mean of what each feature adds, over all orders in which the features that are read can come."""
    values = np.zeros(STATE_SIZE)
    orders = list(permutations(read))
    for order in orders:
        mixed = background.copy()
        worth = choice(mixed).mean()
        for feature in order:
            mixed[:, feature] = state[feature]
            after = choice(mixed).mean()
            values[feature] += (after - worth) / len(orders)
            worth = after
    return values


def test_values_are_those_of_all_orders():
    found = shapley_values(of_three, STATES, BACKGROUND)
    truth = [by_orders(of_three, state, BACKGROUND, (0, 3, 7)) for state in STATES]
    np.testing.assert_allclose(found, truth, atol=1e-12)


def test_values_add_up_and_unread_features_get_nothing():
    found = shapley_values(of_three, STATES, BACKGROUND)
    np.testing.assert_allclose(found.sum(1), of_three(STATES) - of_three(BACKGROUND).mean())
    unread = [k for k in range(STATE_SIZE) if k not in (0, 3, 7)]
    np.testing.assert_allclose(found[:, unread], 0.0, atol=1e-12)


def test_shuffling_finds_what_is_read():
    states = np.random.default_rng(2).uniform(0, 1, (200, STATE_SIZE))
    importance = permutation_importance(lambda x: 3.0 * x[:, 2] + x[:, 5], states)
    assert set(np.flatnonzero(importance)) == {2, 5}
    assert importance[2] > importance[5] > 0.0


def test_single_run_acts_as_among_others():
    """The choices of a run by itself are those it makes in the population."""
    learner = TeamLearner(parse_variant("tuned"), [0, 1, 2])
    bids = make_market("channels").bids
    rows = torch.as_tensor(STATES, dtype=torch.float32) * learner.scale
    together = rows.expand(3, -1, -1).contiguous()
    team = single_run(learner, 1)
    np.testing.assert_array_equal(greedy_bid(team, bids)(STATES), bids[learner.bidding.greedy(together)[1]])
    share = learner.budget.greedy(together).softmax(2)[1, :, 0].detach()
    np.testing.assert_allclose(channel_share(team, 0)(STATES), share)
    probability = learner.controller.network.policy(together).softmax(2)[1, :, BOTH].detach()
    np.testing.assert_allclose(asks_both(team)(STATES), probability)
    mode, values, shares = choices(team, STATES[0])
    assert mode == learner.controller.greedy(together)[1, 0]
    assert values.argmax() == learner.bidding.greedy(together)[1, 0]
    assert shares[0] == pytest.approx(float(share[0]))


def told(mode):
    shapley = np.zeros(STATE_SIZE)
    shapley[3], shapley[2] = -0.75, 0.25
    state = np.full(STATE_SIZE, 0.5)
    return explained(mode, 8, CHANNELS_BIDS, (0.1, 0.0, 0.9), CHANNEL_NAMES, state, shapley, 4.5)


def test_a_decision_in_plain_words():
    assert told(BOTH) == (
        "The Controller asked both specialists. The bid is 4.06, level 9 of 10, 0.44 below this team's usual "
        "bid of 4.50: time remaining at 0.50 lowered it by 0.75 and competition at 0.50 raised it by 0.25. "
        "Most of the budget, 90%, went to video."
    )


def test_who_was_not_asked_is_told():
    assert "nobody was asked how to split it" in told(BIDDING_ONLY)
    assert "The bid is the default, 2.28" in told(BUDGET_ONLY)
    with pytest.raises(ValueError, match="mode = 3"):
        told(3)
