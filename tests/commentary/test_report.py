"""The whole commentary on the committed results: played back, plain, or refused."""

import json
from pathlib import Path

import pytest

from adrl_core.commentary.models import CassetteMiss, Reply
from adrl_core.commentary.report import MODE, MOST, Commentary, comment
from adrl_core.report.facts import FactStore
from adrl_core.report.stages import ROOT

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
    with pytest.raises(CassetteMiss, match="make commentary"):
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
        sum((s.finding.role, s.finding.market) == (role, market) for s in said.final)
        for role in {s.finding.role for s in said.final}
        for market in {s.finding.market for s in said.final}
    ) <= MOST  # fmt: skip


def test_a_live_model_that_is_missing_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODE, "live")
    monkeypatch.setenv("ADRL_CACHE", str(tmp_path))
    said = comment(PAPER, tmp_path / "none.json")
    assert said.source == "template" and "missing" in said.warning
    assert not (tmp_path / "none.json").exists()


def test_recorded_replies_hold_texts_and_their_cost_only() -> None:
    replies = json.loads(CASSETTE.read_text(encoding="utf-8"))
    assert all(len(key) == 64 and set(reply) == set(Reply._fields) for key, reply in replies.items())
