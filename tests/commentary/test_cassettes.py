"""Recordings: what decides that a reply is the one asked for, and what is kept."""

import json
from pathlib import Path

import pytest

from adrl_core.commentary.cassettes import Cassette, CassetteMiss, Recorder, Replay
from adrl_core.commentary.models import LocalModel, Reply, Request
from tests.commentary.providers import answering
from tests.commentary.test_models import request


def recorded(path: Path, *requests: Request) -> Cassette:
    """A recording of a model that says hello."""
    tape = Cassette(path)
    recorder = Recorder(LocalModel(answering("hello")), tape)
    for asked in requests:
        recorder.reply(asked)
    recorder.close()
    tape.save()
    return tape


def test_a_recording_is_played_back(tmp_path: Path) -> None:
    asked = [request(seed) for seed in (1, 2)]
    tape = recorded(tmp_path / "cassette.json", *asked)
    played = Replay(Cassette(tmp_path / "cassette.json"))
    assert (played.name, played.constrained) == (LocalModel.NAME, True)
    said = [played.reply(one) for one in asked]
    assert [reply.text for reply in said] == ["hello", "hello"]
    assert tape.cost() == Reply("", 6, sum(reply.seconds for reply in said), 2**20)


@pytest.mark.parametrize(
    "other",
    [
        request(seed=3),
        request(grammar="another"),
        request(content="other facts"),
        request()._replace(attempt=1),
        request()._replace(model="another model"),
    ],
)
def test_whatever_a_request_holds_decides_its_recording(other: Request, tmp_path: Path) -> None:
    tape = Cassette(tmp_path / "cassette.json")
    tape.replies[request().key] = Reply("hello")
    assert Replay(tape).reply(request()).text == "hello"
    with pytest.raises(CassetteMiss, match="holds no reply"):
        Replay(tape).reply(other)


def test_only_replies_that_were_asked_for_are_kept(tmp_path: Path) -> None:
    tape = Cassette(tmp_path / "cassette.json")
    tape.replies |= {"stale": Reply("old"), request().key: Reply("hello")}
    Replay(tape).reply(request())
    tape.save()
    assert list(json.loads(tape.path.read_text())["replies"]) == [request().key]


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"key": "text"}', '{"model": "m", "constrained": true, "replies": {"key": {"words": 1}}}'],
)
def test_a_damaged_recording_is_a_clear_error(content: str, tmp_path: Path) -> None:
    (tmp_path / "cassette.json").write_text(content)
    with pytest.raises(CassetteMiss, match="not a recording"):
        Cassette(tmp_path / "cassette.json")
