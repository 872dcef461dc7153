"""The trial of the safety layer: its conditions, its second look at each action, and what it counts."""

import numpy as np
import pytest
import torch

from adrl_core.agents.baselines import Constant
from adrl_core.agents.policy import Action
from adrl_core.agents.team import TeamLearner
from adrl_core.config import parse_variant
from adrl_core.evaluate import BANK_SEED, play
from adrl_core.governance.faults import SlippedPoint
from adrl_core.governance.guardrails import Constraints, Guarded
from adrl_core.governance.trials.guardrails import (
    LOOSE,
    PARTS,
    Inspected,
    alone,
    limits_of,
    play_guarded,
    try_caps,
    try_guardrails,
)
from adrl_core.market import make_market
from adrl_core.market.presets import STEPS

EPISODES = 2


@pytest.fixture(scope="module")
def learner() -> TeamLearner:
    """Untrained teams will do."""
    return TeamLearner(parse_variant("tuned"), [0, 1])


def test_a_part_alone_is_the_limit_itself_and_all_else_is_loose() -> None:
    limits = limits_of("pacing")
    fields = [field for part in PARTS.values() for field in part]
    assert sorted(fields) == sorted(Constraints.model_fields)
    for part, own in PARTS.items():
        found = alone(limits, part)
        for field in fields:
            assert getattr(found, field) == getattr(limits if field in own else LOOSE, field)


def test_limits_of_a_market_that_has_none_of_its_own_are_the_defaults() -> None:
    assert limits_of("margin") == Constraints()
    assert limits_of("pacing").spend_per_episode < 600.0


class Leaky(Guarded):
    """A layer that lets every third action through."""

    def act(self, state: torch.Tensor) -> Action:
        action = super().act(state)
        return self.proposed if self.t % 3 == 0 else action


def test_the_second_look_finds_what_a_broken_layer_lets_through() -> None:
    keys = np.full(4, 1), np.arange(4)
    rules = Constraints(quality_floor=0.0)
    for layer, reached in ((Guarded, 0), (Leaky, 34)):
        inspected = Inspected(layer(Constant("high", 9.0), rules))
        play(inspected, make_market("channels"), *keys)
        assert inspected.overridden.tolist() == [STEPS] * 4
        assert inspected.reached.tolist() == [reached] * 4


def test_counting_alone_changes_nothing_and_is_a_mean_over_the_episodes_of_each_run() -> None:
    market = make_market("channels")
    frame = play_guarded(Constant("high", 9.0), Constraints(), market, [3, 5], 3, enforce=False)
    alone_ = play(Constant("high", 9.0), market, np.full(3, BANK_SEED), np.arange(3))
    assert frame["seed"].tolist() == [3, 5]
    np.testing.assert_allclose(frame["reward"], alone_["reward"].mean())
    assert frame["wanted_bid"].tolist() == frame["reached"].tolist() == [STEPS] * 2


def test_all_conditions_are_there_and_none_that_is_enforced_is_broken(learner: TeamLearner) -> None:
    frame = try_guardrails(learner, "channels", EPISODES)
    assert frame.groupby(["policy", "condition"]).ngroups == 4 + len(PARTS)
    enforced = frame["condition"] != "counted"
    assert (frame.loc[enforced, ["reached", "overspent"]] == 0).all(axis=None)
    slipped = frame["policy"] == SlippedPoint.kind
    assert (frame.loc[slipped, "wanted_bid"] == STEPS).all()
    team = frame[~slipped].set_index("condition")
    free, bids = team.loc["counted", "reward"], team.loc["only bid range", "reward"]
    assert free.tolist() == bids.tolist()  # a team can only name bids in range


def test_caps_are_tried_from_tight_to_loose(learner: TeamLearner) -> None:
    frame = try_caps(learner, "channels", EPISODES)
    runs = frame.pivot(index="cap", columns="seed", values="overridden")
    assert (runs.diff().dropna() <= 0).all(axis=None)
    assert (frame["reached"] == 0).all()


def test_a_negative_bid_spoils_the_market_and_never_gets_there() -> None:
    keys = np.full(3, 1), np.arange(3)
    bad = Constant("negative", -1.0)
    assert not np.isfinite(play(bad, make_market("channels"), *keys)["reward"]).any()
    kept = play(Guarded(bad, Constraints()), make_market("channels"), *keys)
    assert np.isfinite(kept["reward"]).all() and (kept["spend"] == 0.0).all()


def test_the_point_slips_in_the_bid_alone() -> None:
    market = make_market("channels")
    state = market.reset([1], [0])
    slipped = SlippedPoint(Constant("fixed", 1.5, (0.2, 0.3, 0.5)))
    slipped.reset(market)
    action = slipped.act(state)
    assert action.bid.tolist() == [15.0]
    np.testing.assert_allclose(action.allocation, [[0.2, 0.3, 0.5]])
