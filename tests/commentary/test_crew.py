"""The crew at work, with a model that is made up: what is printed, what is asked again, what falls back."""

from collections.abc import Callable

import numpy as np
import pytest

from adrl_core.commentary import patterns, phrasing
from adrl_core.commentary.cassettes import CassetteMiss
from adrl_core.commentary.crew import ATTEMPTS, description, plain, slotted, write
from adrl_core.commentary.finding import Finding, Relation
from adrl_core.commentary.models import ModelError, Reply, Request
from adrl_core.commentary.trial.examples import comparison, examples
from adrl_core.report.facts import Fact, FactStore

FINDINGS = list(examples())
STORE = FactStore(
    profile="made up",
    facts={
        number.fact: Fact(value=float(i), format=".1f", low=float(i), high=float(i + 1))
        for i, number in enumerate({n.fact: n for f in FINDINGS for n in f.numbers}.values(), start=100)
    },
)


class MadeUp:
    """Answers with what a function makes of the request and the finding that it is about."""

    name = "made up"
    constrained = True

    def __init__(self, answer: Callable[[Request, Finding], str]) -> None:
        self.answer = answer
        self.requests: list[Request] = []

    def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        content = request.messages[-1]["content"]
        return Reply(self.answer(request, next(f for f in FINDINGS if phrasing.template(f) in content)))

    def close(self) -> None:
        pass


def phrased(request: Request, finding: Finding) -> str:
    return patterns.sample(patterns.parse(phrasing.pattern(finding)), np.random.default_rng(request.seed))


@pytest.mark.slow
def test_a_model_that_says_what_is_true_is_printed() -> None:
    written = write(FINDINGS[:8], MadeUp(phrased), STORE)
    assert written.warning == ""
    for finding, sentence in zip(FINDINGS[:8], written.sentences, strict=True):
        assert (sentence.finding, sentence.origin, sentence.attempts) == (finding, "model", 1)
        assert sentence.text[0].isupper() and "{fact}`" in sentence.markdown and "[" not in sentence.markdown


@pytest.mark.slow
def test_a_lie_is_asked_again_and_then_replaced() -> None:
    def first_lies(request: Request, finding: Finding) -> str:
        return "The tuned team always wins." if request.attempt == 0 else phrased(request, finding)

    again = write(FINDINGS[:2], MadeUp(first_lies), STORE).sentences
    assert [(s.origin, s.attempts, s.seed, len(s.refused)) for s in again] == [("model", 2, 2, 1)] * 2
    liar = MadeUp(lambda request, finding: "The tuned team always wins.")
    never, warning, failed = write(FINDINGS[:2], liar, STORE)
    assert "2 of 2 sentences are plain" in warning and not failed
    assert [s.text for s in never] == [phrasing.template(f) for f in FINDINGS[:2]]
    assert [(s.origin, s.attempts) for s in never] == [("template", ATTEMPTS)] * 2
    assert len({request.seed for request in liar.requests}) == ATTEMPTS


@pytest.mark.slow
def test_a_model_that_fails_leaves_templates_and_one_warning() -> None:
    def fails(request: Request, finding: Finding) -> str:
        if finding is FINDINGS[2]:
            raise ModelError("out of memory")
        return phrased(request, finding)

    model = MadeUp(fails)
    written = write(FINDINGS[:6], model, STORE)
    assert [s.origin for s in written.sentences] == ["model", "model", *["template"] * 4]
    assert "out of memory" in written.warning and "4 of 6 sentences are plain" in written.warning
    assert written.failed and len(model.requests) == 3


@pytest.mark.slow
def test_a_recording_that_lacks_a_reply_is_an_error() -> None:
    def miss(request: Request, finding: Finding) -> str:
        raise CassetteMiss("older than the results")

    with pytest.raises(CassetteMiss, match=f"commentary, finding {FINDINGS[0].key}: older than the results"):
        write(FINDINGS[:3], MadeUp(miss), STORE)


@pytest.mark.slow
def test_tasks_do_not_see_each_other() -> None:
    model = MadeUp(phrased)
    write(FINDINGS[:4], model, STORE)
    for finding, request in zip(FINDINGS[:4], model.requests, strict=True):
        told = " ".join(message["content"] for message in request.messages)
        assert description(finding, STORE) in told
        others = [f for f in FINDINGS[:4] if f.key != finding.key]
        assert not any(phrasing.template(other) in told for other in others)


def test_without_a_model_every_finding_is_said_plainly() -> None:
    written = plain(FINDINGS, "no model")
    assert [s.text for s in written.sentences] == [phrasing.template(f) for f in FINDINGS]
    assert {s.origin for s in written.sentences} == {"template"} and written.warning == "no model"


def test_numbers_written_out_go_back_into_their_brackets() -> None:
    finding = comparison("tuned", Relation.BELOW, "oracle")
    values = {n.slot: STORE[n.fact].text() for n in finding.numbers}
    text = f"The tuned team earns {values['subject']} reward, less than the oracle with {values['object']}."
    assert slotted(text, finding, STORE) == (
        "The tuned team earns [subject] reward, less than the oracle with [object]."
    )
