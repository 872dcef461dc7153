"""The whole stack, from a team through oversight and safety layer to the trail."""

from pathlib import Path

import numpy as np
import pytest
import torch

from adrl_core.agents.baselines import Constant
from adrl_core.agents.team import TeamLearner, TeamPolicy
from adrl_core.config import parse_variant
from adrl_core.evaluate import play
from adrl_core.governance.audit import Trail, read, verify
from adrl_core.governance.decisions import Recorded, overhearing
from adrl_core.governance.guardrails import KINDS, Constraints, Guarded
from adrl_core.governance.oversight import Supervised, approve, kill, team_hash
from adrl_core.market import make_market
from adrl_core.market.presets import BID_LEVELS, CHANNELS, STATE_SIZE, STEPS
from adrl_core.report.stages import ROOT

RUNS, EPISODES = 2, 3
ROWS = RUNS * EPISODES
KEYS = np.full(ROWS, 8), np.tile(np.arange(EPISODES), RUNS)
FREE = Constraints(spend_per_step=1e4, spend_per_episode=1e5, largest_share=(1, 1, 1), quality_floor=0.0)


@pytest.fixture(scope="module")
def learner() -> TeamLearner:
    """An untrained team: its decisions are as good as any to be recorded."""
    return TeamLearner(parse_variant("full"), range(RUNS))


def stack(learner: TeamLearner, folder: Path, constraints: Constraints, trail: Trail) -> Recorded:
    team = TeamPolicy(learner)
    approve(folder / "approvals.json", team_hash(learner), "R. Officer")
    supervised = Supervised(
        team,
        Constant("fixed", 1.0),
        lambda: team_hash(learner),
        folder / "approvals.json",
        folder / "kill.json",
    )
    return Recorded(Guarded(supervised, constraints), supervised, team, trail)


def test_without_interference_the_stack_plays_as_the_team(learner: TeamLearner, tmp_path: Path) -> None:
    alone = play(TeamPolicy(learner), make_market("channels"), *KEYS)
    with Trail(tmp_path / "trail.jsonl") as trail:
        recorded = stack(learner, tmp_path, FREE, trail)
        assert play(recorded, make_market("channels"), *KEYS).equals(alone)


@torch.inference_mode()
def test_every_decision_is_on_record_with_what_led_to_it(learner: TeamLearner, tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    market = make_market("channels")
    state = market.reset(*KEYS)
    with Trail(path) as trail:
        recorded = stack(learner, tmp_path, Constraints(), trail)
        recorded.reset(market)
        states, actions = [], []
        for t in range(STEPS):
            if t == 60:
                kill(tmp_path / "kill.json", "R. Officer")
            states.append(state)
            actions.append(recorded.act(state))
            step = market.step(*actions[-1])
            recorded.observe(step)
            state = step.state
    assert verify(path).problems == []
    records = list(read(path))
    assert len(records) == STEPS * ROWS
    counts = np.zeros((ROWS, len(KINDS)), int)
    for i, record in enumerate(records):
        t, row = divmod(i, ROWS)
        run, episode = divmod(row, EPISODES)
        assert (record["step"], record["seed"], record["episode"]) == (t, 8, episode)
        assert record["state"] == states[t][row].tolist() and len(record["state"]) == STATE_SIZE
        assert record["policy_hash"] == team_hash(learner)
        assert record["final"]["bid"] == actions[t].bid[row].item()
        assert record["final"]["allocation"] == actions[t].allocation[row].tolist()
        counts[row] += [kind in record["overrides"] for kind in KINDS]
        assert bool(record["overrides"]) == (record["wanted"] != record["final"])
        if t >= 60:
            assert not record["live"]
            assert record["mode"] is record["q_values"] is record["proposals"] is record["asked"] is None
            assert record["wanted"]["bid"] == 1.0
            continue
        assert record["live"] and len(record["q_values"]) == BID_LEVELS
        seen = states[t][row].expand(RUNS, 1, STATE_SIZE)
        values = learner.bidding.online(seen)[run, 0]
        shares = learner.budget.network.policy(seen)[run, 0].softmax(0)
        np.testing.assert_allclose(record["q_values"], values.numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(record["proposals"]["allocation"], shares.numpy(), rtol=1e-5)
        level, mode = record["proposals"]["level"], record["mode"]
        assert level == int(np.argmax(record["q_values"]))
        assert mode == int(learner.controller.greedy(seen)[run, 0])
        assert record["wanted"]["bid"] == market.bids[4 if mode == 1 else level].item()
        proposed = record["proposals"]["allocation"]
        assert record["wanted"]["allocation"] == pytest.approx([1 / 3] * CHANNELS if mode == 0 else proposed)
        assert record["asked"] == (2 if mode == 2 else 1)
    np.testing.assert_array_equal(counts, recorded.guarded.overrides.numpy())
    assert counts.sum() > 0


def test_the_path_of_a_decision_in_the_book_works_as_printed(
    learner: TeamLearner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chapter shows how the layers are put round a team."""
    chapter = (ROOT / "book" / "governance.md").read_text(encoding="utf-8")
    code = chapter.split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    approve(Path("approvals.json"), team_hash(learner), "R. Officer")
    names = {"learner": learner, "market": make_market("channels")}
    exec(code, names | {"seeds": KEYS[0], "episodes": KEYS[1]})
    assert verify(Path("trail.jsonl")).end.records == STEPS * ROWS


def test_a_decision_that_cannot_be_recorded_is_not_made(learner: TeamLearner, tmp_path: Path) -> None:
    market = make_market("channels")
    state = market.reset(*KEYS)
    with Trail(tmp_path / "trail.jsonl") as trail:
        recorded = stack(learner, tmp_path, Constraints(), trail)
        recorded.reset(market)
        trail.file.close()
        with pytest.raises(ValueError, match="closed"):
            recorded.act(state)


def test_listening_ends_with_its_block(learner: TeamLearner) -> None:
    seen = torch.zeros(RUNS, 1, STATE_SIZE)
    with overhearing(q_values=learner.bidding.online) as heard:
        assert heard == {}
        values = learner.bidding.online(seen)
    assert torch.equal(heard["q_values"], values.flatten(0, 1))
    learner.bidding.online(seen + 1.0)
    assert torch.equal(heard["q_values"], values.flatten(0, 1))
