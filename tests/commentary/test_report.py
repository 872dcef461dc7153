"""The whole commentary on the committed results: played back, plain, or refused."""

import json
from pathlib import Path

import pytest

from adrl_core.commentary import report, weights
from adrl_core.commentary.cassettes import CassetteMiss
from adrl_core.commentary.models import LocalModel, Reply
from adrl_core.commentary.names import SIMPLE
from adrl_core.commentary.report import MODE, MOST, Commentary, comment
from adrl_core.config import ConfigurationError
from adrl_core.report.facts import FactStore
from adrl_core.report.stages import ROOT
from tests.commentary.providers import answering

PAPER = ROOT / "results" / "paper"
CASSETTE = ROOT / "cassettes" / "paper.json"


@pytest.mark.slow
def test_the_recording_gives_the_committed_commentary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODE, raising=False)
    played = comment(PAPER, CASSETTE)
    assert played == Commentary.load(PAPER / "commentary" / "commentary.json")
    assert played.source == "recorded" and played.warning == ""
    counts = played.facts({})
    total = sum(counts[f"commentary.{part}"].value for part in ("by_model", "by_template"))  # type: ignore[misc]
    assert total == counts["commentary.sentences"].value == len(played.final) + len(played.periodic)


@pytest.mark.slow
def test_a_recording_older_than_the_results_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MODE, raising=False)
    store = FactStore.load(PAPER / "facts.json")
    key = "channels.tuned.reward.mean"
    other = store.facts[key].model_copy(update={"value": float(store.facts[key].value) + 1.0})
    store.model_copy(update={"facts": store.facts | {key: other}}).save(tmp_path / "facts.json")
    with pytest.raises(CassetteMiss, match=r"commentary, finding channels\..*make commentary"):
        comment(tmp_path, CASSETTE)


def test_without_a_recording_or_a_model_the_words_are_plain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MODE, raising=False)
    monkeypatch.setenv("ADRL_CACHE", str(tmp_path))
    said = comment(PAPER, tmp_path / "none.json")
    assert (said.source, said.model) == ("template", "") and "adrl weights" in said.warning
    assert {s.origin for s in said.final + said.periodic} == {"template"}
    assert max(
        sum((s.finding.role, s.finding.paragraph) == (role, market) for s in said.final)
        for role in {s.finding.role for s in said.final}
        for market in SIMPLE
    ) <= MOST  # fmt: skip


@pytest.mark.parametrize("mode", ["lives", "gpt-4o-mini"])
def test_an_unknown_mode_is_an_error_before_anything(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODE, mode)
    with pytest.raises(ConfigurationError, match=f"{MODE} = '{mode}'.*allowed: recorded, live, template"):
        comment(Path("nowhere"), Path("nowhere"))


def test_a_recording_that_is_asked_for_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODE, "recorded")
    with pytest.raises(CassetteMiss, match="missing"):
        comment(PAPER, tmp_path / "none.json")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["", "live"])
def test_only_a_model_that_was_asked_for_is_recorded(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newcomer with the weights gets live sentences, and no recording that the next results would miss."""
    monkeypatch.setenv(MODE, mode)
    monkeypatch.setattr(report, "chosen", lambda findings: [f for f in findings if f.topic == "ledger"])
    monkeypatch.setattr(report, "along_the_training", lambda *_: [])
    monkeypatch.setattr(weights, "path", lambda: CASSETTE)
    truth = "Of the [all] claims, [reproduced] are reproduced and [contradicted] contradicted."
    monkeypatch.setattr(report, "LocalModel", lambda: LocalModel(answering(truth)))
    said = comment(PAPER, tmp_path / "tape.json")
    assert (said.source, said.model, said.final[0].text) == ("live", LocalModel.NAME, truth)
    assert (tmp_path / "tape.json").exists() is (mode == "live")
    if mode == "live":
        monkeypatch.delenv(MODE)
        assert comment(PAPER, tmp_path / "tape.json") == said.model_copy(update={"source": "recorded"})


def test_recorded_replies_hold_texts_and_their_cost_only() -> None:
    tape = json.loads(CASSETTE.read_text(encoding="utf-8"))
    assert set(tape) == {"model", "constrained", "replies"}
    replies = tape["replies"]
    assert all(len(key) == 64 and set(reply) == set(Reply._fields) for key, reply in replies.items())
