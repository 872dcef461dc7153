"""Approvals, the kill switch (from another process too), and the shutdown of what degrades."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from adrl_core.agents.baselines import Constant, Random
from adrl_core.agents.team import TeamLearner
from adrl_core.config import ConfigurationError, parse_variant
from adrl_core.evaluate import play
from adrl_core.governance.faults import StuckBid
from adrl_core.governance.oversight import (
    NotApprovedError,
    Stop,
    Supervised,
    approvals,
    approve,
    kill,
    policy_hash,
    resume,
    team_hash,
)
from adrl_core.governance.sequential import performance_bound
from adrl_core.market import make_market
from adrl_core.market.presets import STEPS

HASH = "a" * 64
ROWS = 5
SEEDS = np.full(ROWS, 4)


class Desk:
    """A folder with approvals and a kill switch, and supervisions that use them."""

    def __init__(self, folder: Path) -> None:
        self.approvals, self.switch = folder / "approvals.json", folder / "kill.json"
        approve(self.approvals, HASH, "R. Officer", "tried on the bank")

    def supervise(self, policy, baseline=None, bound=None) -> Supervised:
        baseline = baseline or Constant("fixed", 1.0)
        return Supervised(policy, baseline, lambda: HASH, self.approvals, self.switch, bound)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def started(policy, rows: int = ROWS):
    market = make_market("channels")
    state = market.reset(np.full(rows, 4), np.arange(rows))
    policy.reset(market)
    return market, state


def test_approvals_are_kept_in_order(desk: Desk) -> None:
    approve(desk.approvals, "b" * 64, "Second", "")
    first, second = approvals(desk.approvals)
    assert (first.policy_hash, first.who, first.note) == (HASH, "R. Officer", "tried on the bank")
    assert second.who == "Second" and second.when >= first.when
    assert json.loads(desk.approvals.read_text())[0]["who"] == "R. Officer"


@pytest.mark.parametrize(("fields", "named"), [(("a" * 63, "R."), "policy_hash"), ((HASH, ""), "who")])
def test_an_approval_needs_a_hash_and_a_name(desk: Desk, fields, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        approve(desk.approvals, *fields)
    assert len(approvals(desk.approvals)) == 1


def test_without_an_approval_of_its_hash_nothing_starts(desk: Desk) -> None:
    policy = desk.supervise(Constant("team", 3.0))
    for content in (
        "[]",
        json.dumps([json.loads(desk.approvals.read_text())[0] | {"policy_hash": "b" * 64}]),
    ):
        desk.approvals.write_text(content)
        with pytest.raises(NotApprovedError, match=HASH):
            started(policy)
    desk.approvals.unlink()
    with pytest.raises(NotApprovedError, match=HASH):
        started(policy)
    desk.approvals.write_text("[{")
    with pytest.raises(ConfigurationError, match="damaged"):
        started(policy)


def test_the_hash_is_taken_at_every_start(desk: Desk) -> None:
    now = [HASH]
    policy = Supervised(
        Constant("team", 3.0), Constant("fixed", 1.0), lambda: now[0], desk.approvals, desk.switch
    )
    started(policy)
    now[0] = "c" * 64
    with pytest.raises(NotApprovedError, match="c" * 64):
        started(policy)


def test_the_hash_sees_every_weight_name_shape_type_and_setting() -> None:
    def networks() -> dict[str, dict[str, torch.Tensor]]:
        return {"a": {"w": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(1)}, "c": {"w": torch.ones(2)}}

    digest = policy_hash(networks(), {"ask": "both"})
    reordered = {"c": networks()["c"], "a": dict(reversed(networks()["a"].items()))}
    assert policy_hash(reordered, {"ask": "both"}) == digest
    changed = [networks() for _ in range(5)]
    changed[0]["a"]["w"][1, 2] += 1e-6
    changed[1]["a"]["w"] = changed[1]["a"]["w"].reshape(3, 2)
    changed[2]["a"]["v"] = changed[2]["a"].pop("w")
    changed[3]["c"]["w"] = changed[3]["c"]["w"].to(torch.int32)
    changed[4]["a"]["b"], changed[4]["c"]["w"] = changed[4]["c"]["w"], changed[4]["a"]["b"]
    others = {policy_hash(each, {"ask": "both"}) for each in changed}
    assert len(others | {digest, policy_hash(networks(), {"ask": "budget"})}) == 7


def test_the_hash_of_a_team_is_that_of_its_networks() -> None:
    learner, same = (TeamLearner(parse_variant("full"), [0, 1]) for _ in range(2))
    assert team_hash(learner) == team_hash(same)
    assert team_hash(TeamLearner(parse_variant("full+roi_scale=0.5"), [0, 1])) != team_hash(learner)
    with torch.no_grad():
        learner.budget.network.actor[0].bias[1, 0, 3] += 1e-3
    assert team_hash(learner) != team_hash(same)


def test_an_approved_policy_plays_as_without_supervision(desk: Desk) -> None:
    keys = SEEDS, np.arange(ROWS)
    alone = play(Random(), make_market("channels"), *keys)
    assert play(desk.supervise(Random()), make_market("channels"), *keys).equals(alone)


def test_the_kill_switch_works_at_the_next_decision_from_another_process(desk: Desk) -> None:
    policy = desk.supervise(Constant("team", 3.0))
    market, state = started(policy)
    code = (
        "from pathlib import Path; from adrl_core.governance import oversight\n"
        f"oversight.{{}}(Path({str(desk.switch)!r}){{}})"
    )

    def elsewhere(verb: str, arguments: str = "") -> None:
        environment = {**os.environ, "PYTHONPATH": os.getcwd()}
        subprocess.run([sys.executable, "-c", code.format(verb, arguments)], check=True, env=environment)

    def decide() -> tuple[set[float], bool]:
        nonlocal state
        action = policy.act(state)
        step = market.step(*action)
        policy.observe(step)
        state = step.state
        return set(action.bid.tolist()), bool(policy.live.any())

    assert decide() == ({3.0}, True)
    elsewhere("kill", ", 'night shift', 'odd bids'")
    assert decide() == ({1.0}, False) and decide() == ({1.0}, False)
    stop = Stop.model_validate_json(desk.switch.read_bytes())
    assert (stop.who, stop.note) == ("night shift", "odd bids")
    elsewhere("resume")
    assert decide() == ({3.0}, True)


def test_a_thrown_switch_outlasts_a_restart_and_needs_no_content(desk: Desk) -> None:
    desk.switch.touch()
    policy = desk.supervise(Constant("team", 3.0))
    _, state = started(policy)
    assert policy.act(state).bid.tolist() == [1.0] * ROWS
    resume(desk.switch)
    with pytest.raises(ConfigurationError, match="nothing to resume"):
        resume(desk.switch)
    with pytest.raises(ConfigurationError, match="who"):
        kill(desk.switch, "")


def bank(policy, market_name: str = "channels", episodes: int = 300) -> np.ndarray:
    frame = play(policy, make_market(market_name), np.full(episodes, 9), np.arange(episodes))
    return frame["reward"].to_numpy()


def deployed(policy: Supervised, episodes: int) -> None:
    """Play episodes of ROWS deployments, all on markets of their own."""
    for episode in range(episodes):
        play(policy, make_market("channels"), np.arange(ROWS), np.full(ROWS, episode))


def test_a_degraded_policy_is_shut_down_and_its_baseline_takes_over(desk: Desk) -> None:
    """Well for ten episodes, then stuck at a bid that buys nothing; the baseline itself is never stopped."""
    good, baseline = Constant("good", 4.5), Constant("fixed", 2.5)
    bound = performance_bound(bank(baseline))
    policy = desk.supervise(StuckBid(good, 0.01, after=10), baseline, bound)
    deployed(policy, 40)
    stopped = policy.stopped_after
    assert bool((stopped > 10).all()) and bool((stopped <= 40).all())
    _, state = started(policy)
    assert policy.act(state).bid.tolist() == [2.5] * ROWS
    # No row is left, so the switch is thrown and a restarted policy does not come back by itself.
    assert "degraded" in Stop.model_validate_json(desk.switch.read_bytes()).note
    again = desk.supervise(good, baseline, bound)
    _, state = started(again)
    assert again.act(state).bid.tolist() == [2.5] * ROWS


def test_rows_are_shut_down_one_by_one(desk: Desk) -> None:
    class Halves(Constant):
        """The first two deployments bid next to nothing."""

        def reset(self, market) -> None:
            super().reset(market)
            self.action.bid[:2] = 0.01

    baseline = Constant("fixed", 2.5)
    bound = performance_bound(bank(baseline))
    policy = desk.supervise(Halves("half", 4.5), baseline, bound)
    deployed(policy, 30)
    assert bool((policy.stopped_after[:2] > 0).all()) and bool((policy.stopped_after[2:] == 0).all())
    assert not desk.switch.exists()
    _, state = started(policy)
    action = policy.act(state)
    assert action.bid.tolist() == [2.5, 2.5, 4.5, 4.5, 4.5]
    assert action.allocation.shape == (ROWS, 3) and action.asked.tolist() == [0.0] * ROWS


def test_episodes_under_the_kill_switch_do_not_count_for_or_against(desk: Desk) -> None:
    baseline = Constant("fixed", 2.5)
    policy = desk.supervise(Constant("nothing", 0.01), baseline, performance_bound(bank(baseline)))
    for episode in range(6):
        market, state = started(policy)
        for t in range(STEPS):
            if t == 50:
                kill(desk.switch, "R. Officer")
            step = market.step(*policy.act(state))
            policy.observe(step)
            state = step.state
        resume(desk.switch)
        assert policy.episode == episode + 1
    assert bool((policy.test.log_wealth == 0.0).all())
    assert bool((policy.test.mean == policy.test.reference).all())


def test_supervision_keeps_its_deployments(desk: Desk) -> None:
    policy = desk.supervise(Constant("team", 3.0))
    started(policy)
    with pytest.raises(ValueError, match="rows = 3"):
        started(policy, rows=3)


def test_an_approval_runs_out_until_a_person_has_looked_again(desk: Desk) -> None:
    policy = Supervised(
        Constant("team", 3.0),
        Constant("fixed", 1.0),
        lambda: HASH,
        desk.approvals,
        desk.switch,
        review_every=3,
    )
    bids = []
    for episode in range(10):
        if episode == 5:
            approve(desk.approvals, "b" * 64, "R. Officer", "another policy")
        if episode == 6:
            approve(desk.approvals, HASH, "R. Officer", "reviewed")
        _, state = started(policy)
        bids.append(policy.act(state).bid[0].item())
    assert bids == [3.0] * 3 + [1.0] * 3 + [3.0] * 3 + [1.0]
