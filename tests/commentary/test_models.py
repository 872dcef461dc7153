"""The writers: time limits, broken models, and keys that never leak."""

from pathlib import Path

import pytest

from adrl_core.commentary import process as processes
from adrl_core.commentary.models import HostedModel, LocalModel, ModelError, Request
from tests.commentary.providers import ENDING, KEY, process, provider

ECHO = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    text = request["messages"][-1]["content"].upper() + str(request["seed"]) + request.get("grammar", "")
    print(json.dumps({"text": text, "tokens": 3, "memory": 2**20}), flush=True)
"""


def request(seed: int = 1, grammar: str = "", content: str = "hello") -> Request:
    return Request("a model", [{"role": "user", "content": content}], grammar, seed, 0)


def test_the_local_model_answers_in_its_own_process() -> None:
    model = LocalModel(process(ECHO))
    first, second = model.reply(request()), model.reply(request(seed=2, grammar="g"))
    assert (first.text, second.text) == ("HELLO1", "HELLO2g")
    assert (second.tokens, second.memory) == (3, 2**20) and 0 < first.seconds < 30
    running = model._process._process
    model.close()
    assert running is not None and running.poll() is not None


@pytest.mark.parametrize("fault", ENDING)
def test_a_broken_model_is_one_clear_error_in_time(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SECONDS_TO_START", 2.0)
    monkeypatch.setattr(processes, "SECONDS_TO_REPLY", 1.0)
    code, message = ENDING[fault]
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


@pytest.mark.slow
def test_a_hosted_model_answers_through_crewai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with provider(200, "The tuned team wins.") as address:
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        model = HostedModel("openai/gpt-4o-mini")
        reply = model.reply(request())
        model.close()
    assert (reply.text, reply.tokens, reply.memory) == ("The tuned team wins.", 7, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("openai/gpt-4o-mini", "Error"),
        ("anthropic/claude-3-5-haiku", r"crewai\[anthropic\]"),
    ],
)
def test_a_hosted_model_that_fails_says_why_without_its_key(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    with provider(401) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        model = HostedModel(name)
        with pytest.raises(ModelError, match=message) as error:
            model.reply(request())
        model.close()
    printed = capfd.readouterr()
    assert KEY not in str(error.value) + repr(error.value.__cause__) + printed.out + printed.err


@pytest.mark.slow
def test_a_provider_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(processes, "SECONDS_TO_START", 0.0)
    monkeypatch.setattr(processes, "SECONDS_TO_REPLY", 1.0)
    with provider(200, seconds=30.0) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        with pytest.raises(ModelError, match="no reply within 1 s"):
            HostedModel("openai/gpt-4o-mini").reply(request())
