"""The writers: time limits, broken models, recordings, and keys that never leak."""

import json
import sys
from pathlib import Path

import pytest

from adrl_core.commentary import models
from adrl_core.commentary.models import (
    Cassette,
    CassetteMiss,
    HostedModel,
    LocalModel,
    ModelError,
    Recorder,
    Replay,
    Reply,
    Request,
)

ECHO = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    text = request["messages"][-1]["content"].upper() + str(request["seed"]) + request.get("grammar", "")
    print(json.dumps({"text": text, "tokens": 3, "memory": 2**20}), flush=True)
"""
FAULTS = {
    "hangs": ("import time; time.sleep(60)", "no reply within"),
    "ends": ("raise SystemExit(3)", "exit status 3"),
    "is killed": ("import os, signal; input(); os.kill(os.getpid(), signal.SIGKILL)", "want of memory"),
    "babbles": ("print('no json', flush=True); import time; time.sleep(60)", "process ended"),
    "refuses": (
        """input(); print('{"error": "context too long"}', flush=True); input()""",
        "context too long",
    ),
}


def request(seed: int = 1, grammar: str = "", content: str = "hello") -> Request:
    return Request("a model", [{"role": "user", "content": content}], grammar, seed, 0)


def process(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_local_model_answers_in_its_own_process() -> None:
    model = LocalModel(process(ECHO))
    first, second = model.reply(request()), model.reply(request(seed=2, grammar="g"))
    assert (first.text, second.text) == ("HELLO1", "HELLO2g")
    assert (second.tokens, second.memory) == (3, 2**20) and 0 < first.seconds < 10
    model.close()
    assert model._process.poll() is not None


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_model_is_one_clear_error_in_time(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "SECONDS_TO_START", 2.0)
    monkeypatch.setattr(models, "SECONDS_TO_REPLY", 1.0)
    code, message = FAULTS[fault]
    model = LocalModel(process(code))
    with pytest.raises(ModelError, match=message):
        model.reply(request())
    model.close()


def test_missing_weights_are_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADRL_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="adrl weights"):
        LocalModel()


def test_a_recording_is_played_back(tmp_path: Path) -> None:
    path = tmp_path / "cassette.json"
    recorder = Recorder(LocalModel(process(ECHO)), tape := Cassette(path))
    said = [recorder.reply(request(seed)) for seed in (1, 2)]
    recorder.close()
    tape.save()
    played = Replay(Cassette(path))
    assert [played.reply(request(seed)) for seed in (1, 2)] == said
    cost = tape.cost()
    assert cost.tokens == 6 and cost.memory == 2**20
    assert cost.seconds == pytest.approx(sum(reply.seconds for reply in said))


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
    with pytest.raises(CassetteMiss, match="make commentary"):
        Replay(tape).reply(other)


def test_only_replies_that_were_asked_for_are_kept(tmp_path: Path) -> None:
    tape = Cassette(tmp_path / "cassette.json")
    tape.replies |= {"stale": Reply("old"), request().key: Reply("hello")}
    Replay(tape).reply(request())
    tape.save()
    assert list(json.loads(tape.path.read_text())) == [request().key]


@pytest.mark.parametrize("content", ["{", "[]", '{"key": "text"}', '{"key": {"words": "text"}}'])
def test_a_damaged_recording_is_a_clear_error(content: str, tmp_path: Path) -> None:
    (tmp_path / "cassette.json").write_text(content)
    with pytest.raises(CassetteMiss, match="not a recording"):
        Cassette(tmp_path / "cassette.json")


@pytest.mark.slow
def test_a_key_never_reaches_an_error_or_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "sk-secret-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setattr(models, "SECONDS_TO_REPLY", 2.0)
    tape = Cassette(tmp_path / "cassette.json")
    recorder = Recorder(HostedModel("openai/gpt-4o-mini"), tape)
    with pytest.raises(ModelError) as error:
        recorder.reply(request())
    tape.save()
    assert key not in str(error.value) + repr(error.value.__cause__) + tape.path.read_text()
