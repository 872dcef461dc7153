"""Early stopping: the rule by hand, and the networks that it keeps; passes counted by hand."""

import numpy as np
import pandas as pd
import pytest
import torch

from adrl_core.agents.ddqn import importance_exponent
from adrl_core.agents.team import TeamLearner
from adrl_core.config import Team
from adrl_core.governance.energy import Passes
from adrl_core.governance.learning import learn
from adrl_core.governance.stopping import EarlyStopping, StoppingRule, gains, planned_rule, stops
from adrl_core.market import make_market

SMALL = {
    "controller": {"hidden": 8},
    "budget": {"hidden": 8},
    "bidding": {"hidden": 8, "updates_per_episode": 2},
}
TEAM = Team.model_validate(SMALL)


class Interrupting:
    """Ends the training when it has seen some episodes."""

    def __init__(self, after):
        self.after, self.seen = after, 0

    def watch(self, number, rewards, learner):
        self.seen += 1
        if self.seen == self.after:
            raise KeyboardInterrupt

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        self.after = None


def learned(path, *watchers, numbers=range(5), schedule=5):
    learner = TeamLearner(TEAM, [0, 3])
    frame = learn(learner, make_market("channels"), numbers, schedule, path, 2, watchers)
    return learner, frame


def test_an_interrupted_training_is_an_uninterrupted_one(tmp_path):
    path, rule = tmp_path / "resume.pt", StoppingRule(window=2, gain=10.0, looks=1)
    whole, expected = learned(path, stopping := EarlyStopping(rule))
    with pytest.raises(KeyboardInterrupt):
        learned(path, EarlyStopping(rule), Interrupting(3))
    resumed, frame = learned(path, again := EarlyStopping(rule), Interrupting(3))
    pd.testing.assert_frame_equal(frame, expected)
    assert again.rewards == stopping.rewards
    for agent, weights in whole.networks().items():
        for name, weight in weights.items():
            assert torch.equal(weight, resumed.networks()[agent][name])
            assert torch.equal(stopping.networks[agent][name], again.networks[agent][name])


def test_past_the_schedule_exponents_stay_at_their_end(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "adrl_core.agents.ddqn.importance_exponent",
        lambda *arguments: seen.append(importance_exponent(*arguments)) or seen[-1],
    )
    learned(tmp_path / "resume.pt", numbers=range(4, 8), schedule=5)
    assert seen == pytest.approx([TEAM.bidding.importance_end] * 4)


def test_networks_are_those_of_the_stop(tmp_path):
    """Any gain is too small for this rule: all stop at the first look, after four episodes."""
    stopping = EarlyStopping(StoppingRule(window=2, gain=10.0, looks=1))
    last, _ = learned(tmp_path / "a.pt", stopping)
    early, _ = learned(tmp_path / "b.pt", numbers=range(4))
    assert stops(np.array(stopping.rewards), stopping.rule).tolist() == [4, 4]
    for agent, weights in early.networks().items():
        for name, weight in weights.items():
            assert torch.equal(stopping.networks[agent][name], weight)
    assert not torch.equal(
        last.networks()["bidding"]["trunk.0.weight"], stopping.networks["bidding"]["trunk.0.weight"]
    )


def test_networks_of_a_run_that_never_stops_are_its_last(tmp_path):
    stopping = EarlyStopping(StoppingRule(window=100))
    last, _ = learned(tmp_path / "resume.pt", stopping)
    for agent, weights in last.networks().items():
        for name, weight in weights.items():
            assert torch.equal(stopping.networks[agent][name], weight)


def test_gains_and_stops_by_hand():
    rule = StoppingRule(window=2, settled=1, gain=0.1, looks=2)
    rewards = np.array([[99, 1, 1, 2, 2, 2, 2, 2, 2], [9, 1, 2, 3, 4, 5, 6, 7, 8]], dtype=float).T
    played, gain = gains(rewards, rule)
    np.testing.assert_array_equal(played, [5, 6, 7, 8, 9])
    np.testing.assert_allclose(gain[:, 0], [1.0, 1 / 3, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(stops(rewards, rule), [8, 9])


def test_a_look_that_finds_a_gain_starts_the_count_anew():
    rule = StoppingRule(window=2, gain=0.1, looks=2)
    rewards = np.array([[1, 1, 1, 1, 5, 5, 5, 5, 5, 5]], dtype=float).T
    np.testing.assert_array_equal(stops(rewards, rule), [9])  # at rest after 4; gains at 5 to 7; at rest 8, 9


def test_the_planned_rule_waits_for_the_controller():
    assert planned_rule(Team(ask="both_first"), 1000) == StoppingRule(window=100, settled=500)
    assert planned_rule(Team(), 1000).settled == 0
    assert planned_rule(Team(), 6).window == 2


def test_passes_by_hand(tmp_path):
    """Acting: three agents in each of the 100 steps, and nobody looks beyond the last."""
    learner = TeamLearner(TEAM, [0, 3])
    passes = Passes(learner)
    learn(learner, make_market("channels"), range(2), 2, tmp_path / "resume.pt", 2, [passes])
    assert passes.counts["acting"] == 2 * 300
    # Bidding: a minibatch through the online network, and next states through both networks for the target.
    bidding = 2 * 3 * TEAM.bidding.batch_size
    # PPO: the rollout's values, and every epoch its steps.
    ppo = 2 * 100 * (1 + TEAM.budget.epochs)
    assert passes.counts["learning"] == 2 * (bidding + ppo)
