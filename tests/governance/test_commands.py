"""The operational verbs, as a person at the keyboard meets them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adrl_core.agents.team import TeamLearner
from adrl_core.cli import app
from adrl_core.config import TRAINING
from adrl_core.files import write_text
from adrl_core.governance.audit import Trail, anchor_path
from adrl_core.governance.oversight import approvals, team_hash
from adrl_core.report import stages

RUN = CliRunner()


def adrl(*arguments: object) -> tuple[int, str]:
    result = RUN.invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TeamLearner:
    """A team on file where the smoke study would leave it."""
    import torch

    monkeypatch.setenv("ADRL_RESULTS", str(tmp_path))
    job = stages.job("train", "smoke", "channels", "tuned")
    assert job.study
    learner = TeamLearner(job.study.team, [0, 1])
    job.directory.mkdir(parents=True)
    content = {
        "settings": job.study.settings(TRAINING),
        "seeds": learner.seeds,
        "networks": learner.networks(),
    }
    torch.save(content, job.directory / "checkpoint.pt")
    return learner


def test_an_approval_is_bound_to_the_policy_and_to_a_name(trained: TeamLearner, tmp_path: Path) -> None:
    file = tmp_path / "approvals.json"
    team = ("--profile", "smoke", "--market", "channels", "--variant", "tuned", "--approvals", file)
    code, said = adrl("approve", "--who", "A. Person", *team, "--dry-run")
    assert code == 0 and team_hash(trained) in said and not file.exists()
    assert adrl("approve", "--who", "A. Person", *team, "--note", "looked at it")[0] == 0
    (approval,) = approvals(file)
    assert (approval.policy_hash, approval.who, approval.note) == (
        team_hash(trained),
        "A. Person",
        "looked at it",
    )
    code, said = adrl("approve", "--who", "", *team)
    assert code == 2 and "who" in said and len(approvals(file)) == 1


def test_a_team_that_was_never_trained_cannot_be_approved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADRL_RESULTS", str(tmp_path))
    code, said = adrl("approve", "--who", "A. Person", "--profile", "smoke")
    assert code == 2 and "checkpoint" in said


def test_the_kill_switch_is_thrown_and_taken_back(tmp_path: Path) -> None:
    switch = tmp_path / "stop.json"
    assert adrl("kill", "--who", "A. Person", "--switch", switch, "--dry-run")[0] == 0 and not switch.exists()
    assert adrl("kill", "--who", "A. Person", "--note", "odd bids", "--switch", switch)[0] == 0
    assert json.loads(switch.read_text())["note"] == "odd bids"
    assert adrl("resume", "--switch", switch, "--dry-run")[0] == 0 and switch.exists()
    assert adrl("resume", "--switch", switch)[0] == 0 and not switch.exists()
    code, said = adrl("resume", "--switch", switch)
    assert code == 2 and "not thrown" in said


def test_a_trail_is_verified(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    with Trail(path) as trail:
        trail.append({"bid": bid} for bid in (1.0, 2.0, 3.0))
    code, said = adrl("audit", "verify", path)
    assert code == 0 and "3 records" in said
    copy = tmp_path / "anchor.json"
    copy.write_bytes(anchor_path(path).read_bytes())
    lines = path.read_text().splitlines(keepends=True)
    write_text(path, "".join([lines[0].replace("1.0", "9.0"), *lines[1:]]))
    code, said = adrl("audit", "verify", path)
    assert code == 1 and "record 0: edited" in said
    write_text(path, "".join(lines[:2]))
    anchor_path(path).unlink()
    code, said = adrl("audit", "verify", path, "--anchor", copy)
    assert code == 1 and "truncated" in said


@pytest.mark.parametrize("missing", ["trail", "anchor"])
def test_files_that_are_not_there_are_named(missing: str, tmp_path: Path) -> None:
    (tmp_path / "trail").touch()
    path = tmp_path / ("nothing" if missing == "trail" else "trail")
    code, said = adrl("audit", "verify", path, "--anchor", tmp_path / "nothing")
    assert code == 2 and "not found" in said
    (tmp_path / "nothing").write_text("no anchor")
    code, said = adrl("audit", "verify", tmp_path / "trail", "--anchor", tmp_path / "nothing")
    assert code == 2 and "damaged" in said
