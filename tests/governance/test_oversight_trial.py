"""The trials of oversight and of the trail, on teams that never learned anything."""

from pathlib import Path

import numpy as np
import pytest
import torch

from adrl_core.agents.baselines import Constant
from adrl_core.agents.team import TeamLearner, TeamPolicy
from adrl_core.config import parse_variant
from adrl_core.evaluate import BANK_SEED, play
from adrl_core.governance.audit import Trail, verify
from adrl_core.governance.sequential import performance_bound
from adrl_core.governance.trials import oversight, trail
from adrl_core.governance.trials.oversight import (
    LOOKS,
    LOSSES,
    Watch,
    simulate_bound,
    try_detection,
    try_switches,
)
from adrl_core.governance.trials.trail import (
    KINDS,
    STACKS,
    one_run,
    record_run,
    time_stacks,
    try_tampering,
)
from adrl_core.market import make_market
from adrl_core.market.presets import STEPS

RUNS = 2


@pytest.fixture(scope="module")
def learner() -> TeamLearner:
    return TeamLearner(parse_variant("tuned"), range(RUNS))


@pytest.fixture(scope="module")
def watch() -> Watch:
    """A baseline and the bound that its own episodes set."""
    baseline = Constant("fixed", 3.0)
    frame = play(baseline, make_market("channels"), np.full(200, BANK_SEED), np.arange(200))
    rewards = frame["reward"].to_numpy()
    return Watch(baseline, performance_bound(rewards), rewards)


def test_stops_are_counted_from_the_rewards_that_were_drawn(watch: Watch) -> None:
    frame = simulate_bound(watch, deployments=300, episodes=100)
    share = (frame["stopped"] / frame["deployments"]).groupby([frame["loss"], frame["watched"]]).first()
    table = share.unstack()
    assert list(table.index) == list(LOSSES) and list(table.columns) == [n for n in LOOKS if n <= 100]
    assert (table.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert (table[100].diff().dropna() >= 0).all()
    assert table.loc[0.0, 100] <= 0.03 and table.loc[0.4, 100] > 0.9


def test_a_fault_changes_the_rewards_from_its_onset_only(learner: TeamLearner, watch: Watch) -> None:
    frame = try_detection(learner, "channels", watch, episodes=5).set_index(["condition", "seed"])
    assert (frame["onset"] == 1).all() and len(frame) == 7 * RUNS
    before = frame["before"].unstack()
    assert (before == before.loc["healthy"]).all(axis=None)
    after = frame["after"].unstack()
    assert (after.loc["stuck bid"] != after.loc["healthy"]).all()
    assert frame["instead"].isna().all()  # five episodes are too few to shut anything down


def test_whoever_is_shut_down_is_replaced_by_the_baseline(
    learner: TeamLearner, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound that nobody meets, so that even the healthy are shut down."""
    monkeypatch.setattr(oversight, "conditions", lambda team, lowest_bid, onset: {"healthy": team})
    strict = Watch(watch.baseline, performance_bound(np.r_[0.0, [5000.0] * 50]), watch.rewards)
    healthy = try_detection(learner, "channels", strict, episodes=12)
    stopped = healthy["stopped_after"].to_numpy()
    assert ((stopped > 0) & (stopped < 12)).all()
    for row in healthy.itertuples():
        numbers = np.arange(row.stopped_after, 12)
        seeds = np.full(len(numbers), BANK_SEED + 1000 + row.seed)
        expected = play(watch.baseline, make_market("channels"), seeds, numbers)["reward"].mean()
        assert row.instead == pytest.approx(expected, rel=1e-5)


def test_switches_and_reviews_hold_and_leave_the_weights_alone(learner: TeamLearner, watch: Watch) -> None:
    before = {name: tensor.clone() for name, tensor in learner.networks()["bidding"].items()}
    frame = try_switches(learner, "channels", watch, repetitions=2)
    assert frame["held"].all()
    assert (frame["decisions"].dropna() == 1).all()
    counts = frame["drill"].value_counts()
    assert counts["review due"] == RUNS and counts["thrown by another process"] == 1
    assert all(torch.equal(before[name], now) for name, now in learner.networks()["bidding"].items())


def test_one_run_acts_as_it_did_among_the_others(learner: TeamLearner) -> None:
    market = make_market("channels")
    keys = np.full(RUNS, 5), np.zeros(RUNS, dtype=int)
    together = play(TeamPolicy(learner), market, *keys)
    for run in range(RUNS):
        single = play(TeamPolicy(one_run(learner, run)), market, keys[0][:1], keys[1][:1])
        np.testing.assert_allclose(single["reward"], together["reward"].iloc[[run]], rtol=1e-4)


def test_every_decision_is_found_and_every_tampering_named(
    learner: TeamLearner, watch: Watch, tmp_path: Path
) -> None:
    path = tmp_path / "trail.jsonl"
    row = record_run(one_run(learner, 1), "channels", watch, path)
    assert row["seed"] == 1 and row["decisions"] == row["on_record"] == 3 * STEPS
    assert row["bytes"] == path.stat().st_size
    frame = try_tampering(path, repetitions=3).set_index("kind")
    assert set(frame.index) == set(KINDS)
    harmless = frame.index == "rewritten"
    assert not frame.loc[harmless, "found"].any() and frame.loc[~harmless, "named"].all()
    assert (frame.loc["crash", "lost"] == 1).all() and (frame.loc["edited", "lost"] == 0).all()
    assert verify(path).problems == []


def test_a_trail_of_other_decisions_is_not_taken_for_a_record(
    learner: TeamLearner, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coverage compares actions: a trail that drops and garbles records does not cover."""
    append = Trail.append

    def garbled(self: Trail, records) -> None:
        for number, record in enumerate(records, self.records):
            wrong = {"final": record["final"] | {"bid": record["final"]["bid"] + 1.0}}
            append(self, [record | wrong if number % 2 else record])

    monkeypatch.setattr(Trail, "append", garbled)
    row = record_run(one_run(learner, 0), "channels", watch, tmp_path / "trail.jsonl")
    assert row["on_record"] == row["decisions"] / 2


def test_decisions_of_every_stack_are_timed(
    learner: TeamLearner, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "TIMED_EPISODES", 1)
    frame = time_stacks(learner, "channels", watch)
    counts = frame.groupby(["stack", "seed"], sort=False).size()
    assert list(counts.index.unique("stack")) == list(STACKS) and (counts == counts.iloc[0]).all()
    assert (frame[["elapsed", "computing"]] > 0.0).all(axis=None)
    medians = frame.groupby("stack")["computing"].median()
    assert medians["team"] < medians["recorded"]
