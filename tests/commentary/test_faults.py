"""Whatever befalls a model, there is a commentary: in plain sentences, with one warning, and in time."""

import os
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest

from adrl_core.commentary import crew, process, report, weights
from adrl_core.commentary.models import LocalModel
from adrl_core.commentary.report import MODE, Commentary, comment
from adrl_core.report import manifest
from adrl_core.report.jobs import job
from adrl_core.report.stages import MANIFEST, NOTEBOOK, ROOT
from tests.commentary.providers import ENDING, KEY, answering, provider
from tests.commentary.providers import process as run

PAPER = ROOT / "results" / "paper"
REPLIES = {
    "is empty": "",
    "never ends": "and so on " * 200,
    "is not Latin": "привет мир, команда победила.",
    "is no sentence": "{}",
    "lies": "The tuned team always wins.",
}

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def few_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two findings and short limits, so that a test takes seconds."""
    chosen = report.chosen
    monkeypatch.setattr(report, "chosen", lambda findings: chosen(findings)[:2])
    monkeypatch.setattr(report, "along_the_training", lambda *_: [])
    monkeypatch.setattr(process, "SECONDS_TO_START", 20.0)
    monkeypatch.setattr(process, "SECONDS_TO_REPLY", 5.0)


def with_local(command: list[str], monkeypatch: pytest.MonkeyPatch, cassette: Path) -> Commentary:
    monkeypatch.setenv(MODE, "live")
    monkeypatch.setattr(report, "LocalModel", lambda: LocalModel(command))
    return comment(PAPER, cassette)


def plain(said: Commentary) -> bool:
    return said.source == "template" and {s.origin for s in (*said.final, *said.periodic)} == {"template"}


@pytest.mark.parametrize("fault", ENDING)
def test_a_model_that_breaks(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, message = ENDING[fault]
    monkeypatch.setattr(process, "SECONDS_TO_START", 2.0)
    monkeypatch.setattr(process, "SECONDS_TO_REPLY", 1.0)
    said = with_local(run(code), monkeypatch, tmp_path / "tape.json")
    assert plain(said) and message in said.warning and "2 of 2 sentences are plain" in said.warning
    assert not (tmp_path / "tape.json").exists()


@pytest.mark.parametrize("reply", REPLIES)
def test_a_reply_that(reply: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = with_local(answering(REPLIES[reply]), monkeypatch, tmp_path / "tape.json")
    assert plain(said) and "refused" in said.warning and "2 of 2 sentences are plain" in said.warning
    assert {len(s.refused) for s in said.final} == {crew.ATTEMPTS}


@pytest.mark.parametrize(("damage", "message"), [(None, "missing"), (b"x", "not the expected file")])
def test_weights_that_are_missing_or_damaged(
    damage: bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADRL_CACHE", str(tmp_path))
    if damage:
        weights.path().write_bytes(damage)
    monkeypatch.setenv(MODE, "live")
    said = comment(PAPER, tmp_path / "tape.json")
    assert plain(said) and message in said.warning


def test_a_model_that_is_too_slow_over_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "SECONDS", 0.0)
    said = with_local(answering("hello"), monkeypatch, tmp_path / "tape.json")
    assert plain(said) and "not done within 0 s" in said.warning


def test_a_provider_that_is_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODE, "openai/gpt-4o-mini")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    said = comment(PAPER, tmp_path / "tape.json")
    assert plain(said) and "openai/gpt-4o-mini" in said.warning


@pytest.mark.parametrize("status", [200, 401])
def test_a_key_reaches_no_log_recording_or_manifest(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither where the provider answers nor where it sends the key back in an error."""
    monkeypatch.setenv("ADRL_RESULTS", str(tmp_path))
    monkeypatch.setenv(MODE, "openai/gpt-4o-mini")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    work = job("commentary", "paper", name="elsewhere")
    work.directory.mkdir(parents=True)
    for name in ("facts.json", MANIFEST):
        (work.directory.parent / name).write_bytes((PAPER / name).read_bytes())
    with provider(status, "The tuned team always wins.") as address:
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        said = comment(work.directory.parent, tmp_path / "tape.json")
    said.save(work.directory / "commentary.json")
    said.facts({}).save(work.directory / "facts.json")
    nbformat.write(nbformat.v4.new_notebook(), work.directory / NOTEBOOK)
    manifest.describe(work, manifest.inputs(work), datetime.now(UTC)).save(work.directory / MANIFEST)
    printed = capfd.readouterr()
    assert plain(said) and (tmp_path / "tape.json").exists() is (status == 200)
    assert KEY not in printed.out + printed.err
    assert not [path for path in tmp_path.rglob("*.*") if KEY.encode() in path.read_bytes()]


def test_nothing_is_written_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with_local(answering("hello"), monkeypatch, tmp_path / "tape.json")
    assert os.environ["HOME"] == str(home) and list(home.iterdir()) == []
