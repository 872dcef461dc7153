"""The operational verbs, as a person at the keyboard meets them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adrl_core.agents.team import TeamLearner
from adrl_core.cli import app
from adrl_core.config import TRAINING
from adrl_core.files import write_text
from adrl_core.governance import vault
from adrl_core.governance.audit import Trail, anchor_path, read
from adrl_core.governance.explanations import single_run
from adrl_core.governance.oversight import approvals, team_hash
from adrl_core.governance.vault import KEY_VARIABLE
from adrl_core.market.presets import STEPS
from adrl_core.report import jobs
from tests.governance.test_minimisation import RECORD

RUN = CliRunner()


def adrl(*arguments: object) -> tuple[int, str]:
    result = RUN.invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TeamLearner:
    """A team on file where the smoke study would leave it."""
    import torch

    monkeypatch.setenv("ADRL_RESULTS", str(tmp_path))
    job = jobs.job("train", "smoke", "channels", "tuned")
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


def test_one_run_is_approved_by_itself(trained: TeamLearner, tmp_path: Path) -> None:
    team = ("--profile", "smoke", "--approvals", tmp_path / "approvals.json", "--who", "A. Person")
    assert adrl("approve", *team, "--run", 1)[0] == 0
    (approval,) = approvals(tmp_path / "approvals.json")
    assert approval.policy_hash == team_hash(single_run(trained, 1)) != team_hash(trained)
    code, said = adrl("approve", *team, "--run", 2)
    assert code == 2 and "run = 2" in said


def test_the_kill_switch_is_thrown_and_taken_back(tmp_path: Path) -> None:
    switch = tmp_path / "stop.json"
    assert adrl("kill", "--who", "A. Person", "--switch", switch, "--dry-run")[0] == 0 and not switch.exists()
    assert adrl("kill", "--who", "A. Person", "--note", "odd bids", "--switch", switch)[0] == 0
    assert json.loads(switch.read_text())["note"] == "odd bids"
    code, said = adrl("kill", "--who", "B. Person", "--switch", switch)
    assert code == 0 and "already thrown by A. Person" in said and "(odd bids)" in said
    code, said = adrl("resume", "--who", "C. Person", "--switch", switch, "--dry-run")
    assert code == 0 and "thrown by B. Person" in said and switch.exists()
    assert adrl("resume", "--who", "C. Person", "--switch", switch)[0] == 0 and not switch.exists()
    code, said = adrl("resume", "--who", "C. Person", "--switch", switch)
    assert code == 2 and "not thrown" in said
    log = tmp_path / "operations.jsonl"
    assert [(entry["what"], entry["who"]) for entry in read(log)] == [
        ("kill", "A. Person"),
        ("kill", "B. Person"),
        ("resume", "C. Person"),
    ]
    assert adrl("audit", "verify", log)[0] == 0


@pytest.mark.parametrize("verb", ["kill", "resume"])
@pytest.mark.parametrize(
    ("who", "place", "named"),
    [("  ", "stop.json", "who"), ("A", "no/stop.json", "no folder"), ("A", ".", "a folder")],
)
def test_a_blank_name_and_a_wrong_place_are_refused(
    verb: str, who: str, place: str, named: str, tmp_path: Path
) -> None:
    """A switch thrown where no policy looks would stop nothing, so no folder is made for it."""
    for dry in ((), ("--dry-run",)):
        code, said = adrl(verb, "--who", who, "--switch", tmp_path / place, *dry)
        assert code == 2 and named in said
    assert not list(tmp_path.iterdir())


def test_a_switch_is_thrown_even_if_that_cannot_go_on_record_but_not_taken_back(tmp_path: Path) -> None:
    (tmp_path / "operations.jsonl").write_text("not a record")
    code, said = adrl("kill", "--who", "A. Person", "--switch", tmp_path / "stop.json")
    assert code == 0 and "not on record" in said and (tmp_path / "stop.json").exists()
    code, said = adrl("resume", "--who", "A. Person", "--switch", tmp_path / "stop.json")
    assert code == 1 and "operations.jsonl" in said and (tmp_path / "stop.json").exists()


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


def test_a_long_list_of_problems_is_cut(tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("no trail\n" * 30)
    code, said = adrl("audit", "verify", tmp_path / "other.txt")
    assert code == 1 and said.count("edited") == 9 and "and 21 more" in said


def test_a_trail_is_held_against_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    with Trail(path) as trail:
        trail.append([RECORD, {"recovered_bytes": 7}])
    assert adrl("audit", "verify", path, "--schema")[0] == 0
    with Trail(path) as trail:
        trail.append([RECORD | {"email": "a@b.c"}])
    assert adrl("audit", "verify", path)[0] == 0
    code, said = adrl("audit", "verify", path, "--schema")
    assert code == 1 and "record 2: unforeseen: email" in said


def test_weights_are_sealed_and_only_their_key_opens_them(
    trained: TeamLearner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, adrl("vault", "key")[1].strip())
    file, team = tmp_path / "team.vault", ("--profile", "smoke")
    assert "would" in adrl("vault", "seal", file, *team, "--dry-run")[1] and not file.exists()
    code, said = adrl("vault", "seal", file, *team)
    assert code == 0 and ", encrypted" in said and file.stat().st_mode & 0o777 == 0o600
    code, said = adrl("vault", "verify", file, *team)
    assert code == 0 and team_hash(trained) in said
    monkeypatch.setenv(KEY_VARIABLE, adrl("vault", "key")[1].strip())
    code, said = adrl("vault", "verify", file, *team)
    assert code == 2 and "wrong key" in said
    monkeypatch.delenv(KEY_VARIABLE)
    assert "not encrypted" in adrl("vault", "seal", file, *team)[1]
    file.chmod(0o644)
    assert "mode 644" in adrl("vault", "verify", file, *team)[1]
    vault.save(file, {"other": {"w": trained.scale}})
    code, said = adrl("vault", "verify", file, *team)
    assert code == 2 and "holds no team" in said


@pytest.mark.slow
def test_a_rehearsal_needs_an_approval_and_heeds_the_switch(trained: TeamLearner, tmp_path: Path) -> None:
    team = ("--profile", "smoke", "--approvals", tmp_path / "approvals.json")
    files = ("--switch", tmp_path / "stop.json", "--trail", tmp_path / "trail.jsonl", "--baseline", "fixed")
    code, said = adrl("rehearse", *team, *files)
    assert code == 1 and team_hash(trained) in said
    assert adrl("approve", "--who", "A. Person", *team)[0] == 0
    code, said = adrl("rehearse", *team, *files)
    assert code == 0 and "2 of 2 teams act" in said and f"{2 * STEPS} by the team" in said
    adrl("kill", "--who", "A. Person", "--switch", tmp_path / "stop.json")
    code, said = adrl("rehearse", *team, *files)
    assert code == 0 and "0 of 2 teams act, the baseline fixed for 2" in said
    code, said = adrl("audit", "verify", tmp_path / "trail.jsonl", "--schema")
    assert code == 0 and f"{4 * STEPS} records" in said
    assert [record["live"] for record in read(tmp_path / "trail.jsonl")] == [True] * 2 * STEPS + [
        False
    ] * 2 * STEPS
    code, said = adrl("rehearse", *team, *files[:-1], "best")
    assert code == 2 and "greedy_reset" in said


@pytest.mark.parametrize("missing", ["trail", "anchor"])
def test_files_that_are_not_there_are_named(missing: str, tmp_path: Path) -> None:
    (tmp_path / "trail").touch()
    path = tmp_path / ("nothing" if missing == "trail" else "trail")
    code, said = adrl("audit", "verify", path, "--anchor", tmp_path / "nothing")
    assert code == 2 and "not found" in said
    (tmp_path / "nothing").write_text("no anchor")
    code, said = adrl("audit", "verify", tmp_path / "trail", "--anchor", tmp_path / "nothing")
    assert code == 2 and "damaged" in said
