"""Bad parameters stop the command with one line and exit code 2, before a kernel starts."""

import subprocess
from pathlib import Path

import papermill
import pytest
from typer.testing import CliRunner

from adrl_core.cli import app
from adrl_core.commentary import weights
from adrl_core.commentary.cassettes import CassetteMiss
from adrl_core.report.facts import FactError

NAMES = "letters, digits, - and _, beginning with a letter"


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["run", "training"], ["stage = 'training'", "train", "evaluate"]),
        (["run", "train", "--profile", "huge"], ["profile = 'huge'", "smoke", "quick", "paper"]),
        (["run", "train", "--market", "moon"], ["market = 'moon'", "published", "channels"]),
        (["run", "train", "--variant", "best"], ["variant = 'best'", "full", "tuned"]),
        (["run", "train", "--variant", "full+bidding.luck=1"], ["bidding.luck=1", "field of Team"]),
        (
            ["run", "train", "--variant", "full+bidding.discount=7"],
            ["bidding.discount = '7'", "less than or equal"],
        ),
        (["run", "train", "--set", "episdoes=3"], ["episdoes: unknown", "episodes"]),
        (["run", "train", "--set", "episodes=-3"], ["episodes = -3", "greater than or equal to 1"]),
        (["run", "train", "--set", "episodes=many"], ["episodes = 'many'", "integer"]),
        (["run", "train", "--set", "episodes"], ["--set 'episodes'", "FIELD=VALUE"]),
        (["run", "train", "--set", "market=channels"], ["market", "--market"]),
        (["run", "train", "--name", "../elsewhere"], ["name = '../elsewhere'", NAMES]),
        (["run", "market", "--market", "channels+fee=inf"], ["fee = 'inf'", "finite"]),
        (["run", "market", "--market", "channels+fee=much"], ["'channels+fee=much'", "must be a number"]),
        (["run", "market", "--set", "fee=NaN"], ["fee = nan", "finite"]),
        (
            ["run", "train", "--variant", "full+bidding.learning_rate=inf"],
            ["learning_rate = 'inf'", "finite"],
        ),
        (["check", ""], ["name = ''", NAMES]),
        (["resign", "../x"], ["name = '../x'", NAMES]),
        (["approve", "--who", "me", "--name", "7"], ["name = '7'", NAMES]),
        (["vault", "seal", "file", "--name", "a/b"], ["name = 'a/b'", NAMES]),
        (["study", "huge"], ["profile = 'huge'", "paper"]),
        (["study", "smoke", "--markets", "published,moon"], ["market = 'moon'"]),
        (["study", "smoke", "--variants", "best"], ["variant = 'best'"]),
        (["study", "smoke", "--until", "dinner"], ["until = 'dinner'", "summary"]),
        (["study", "smoke", "--workflow-profile", "nowhere"], ["workflow_profile = 'nowhere'"]),
        (["calibrate", "no.csv", "--name", "mine", "--price-per", "click"], ["log = no.csv: not found"]),
        (["calibrate", "no.csv", "--name", "mine", "--price-per", "view"], ["price_per = 'view'", "mille"]),
        (["calibrate", "no.csv", "--name", "pacing", "--price-per", "click"], ["name = 'pacing'"]),
        (
            ["calibrate", "no.csv", "--name", "mine", "--price-per", "click", "--column", "price"],
            ["--column 'price'", "NAME=VALUE"],
        ),
    ],
)
def test_bad_parameters(
    arguments: list[str], names: list[str], results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papermill, "execute_notebook", lambda *_, **__: pytest.fail("a kernel would start"))
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 2
    lines = outcome.stderr.strip().splitlines()
    assert len(lines) == 1
    assert all(name in lines[0] for name in names), lines[0]
    assert not results.exists()


@pytest.mark.parametrize("name", ["2026", "007", "a b", "a;b", "a\n", "-a", ".a", "ü"])
def test_names_of_studies(name: str, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("the workflow would start"))
    outcome = CliRunner().invoke(app, ["study", "smoke", f"--name={name}", "--dry-run"])
    assert outcome.exit_code == 2
    assert outcome.stderr.splitlines() == [f"adrl: name = {name!r}: allowed are {NAMES}"]
    assert not results.exists()


@pytest.mark.parametrize("error", [weights.WeightsError, CassetteMiss, FactError])
def test_expected_errors_are_one_line(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise error("what is wrong")

    monkeypatch.setattr(weights, "fetch", fail)
    outcome = CliRunner().invoke(app, ["weights"])
    assert (outcome.exit_code, outcome.stderr) == (1, "adrl: what is wrong\n")


@pytest.mark.parametrize("damaged", [False, True])
def test_readme_without_facts(damaged: bool, results: Path) -> None:
    facts = results / "paper" / "facts.json"
    if damaged:
        facts.parent.mkdir(parents=True)
        facts.write_text('{"profile": "paper"')
    outcome = CliRunner().invoke(app, ["readme"])
    assert outcome.exit_code == 1
    assert len(outcome.stderr.splitlines()) == 1 and str(facts) in outcome.stderr


def test_unwritable_folder(results: Path) -> None:
    results.mkdir()
    (results / "smoke").write_text("a file where a folder should be")
    outcome = CliRunner().invoke(app, ["run", "market"])
    assert outcome.exit_code == 1
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert str(results / "smoke") in outcome.stderr


def test_evaluation_needs_its_training(results: Path) -> None:
    outcome = CliRunner().invoke(app, ["run", "evaluate"])
    assert outcome.exit_code == 1
    assert "smoke/published/full/train, which has not run" in outcome.stderr
    assert not results.exists()


@pytest.mark.parametrize("command", ["check", "resign"])
def test_no_results(command: str, results: Path) -> None:
    outcome = CliRunner().invoke(app, [command, "paper"])
    assert outcome.exit_code == 1
    assert "no results" in outcome.output


def test_info(results: Path) -> None:
    (results / "mine").mkdir(parents=True)
    outcome = CliRunner().invoke(app, ["info"])
    assert outcome.exit_code == 0
    for text in ("torch 2.13.0", "paper: seeds 20", "mine: 0 stages", "cores"):
        assert text in outcome.output


def test_a_failed_check_says_nothing_beside_its_problems(results: Path) -> None:
    checked = CliRunner().invoke(app, ["check", "nosuch"])
    assert checked.exit_code == 1
    assert "no results" in checked.stdout
    assert checked.stderr == ""
