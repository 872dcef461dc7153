"""Three CrewAI agents put findings into sentences; code decides which sentences are printed.

Each finding is a task of its own, so that no sentence leans on another one's numbers. A sentence that the
check refuses is asked for again with another seed; after the last attempt the plain sentence of the finding
stands in.
"""

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from adrl_core.commentary import grounding, patterns, phrasing
from adrl_core.commentary.cassettes import CassetteMiss
from adrl_core.commentary.finding import Finding
from adrl_core.commentary.models import Model, ModelError, Request
from adrl_core.commentary.names import Role
from adrl_core.report.facts import FactStore

ATTEMPTS = 3
SECONDS = 1800.0
"""Longest that a model may take over a whole commentary."""
SEED = 1
NOTHING = "."
"""Stands for no reply, for CrewAI raises an error at an empty one."""
PERSONS: Mapping[Role, tuple[str, str]] = {
    Role.PERFORMANCE: (
        "say how well the team does, against whom, and how sure that is",
        "You have read too many reports that promise more than their data hold. You are exact and calm.",
    ),
    Role.STRATEGY: (
        "say what the team does and which of its parts matter",
        "You explain how a bidding system behaves to people who have to run it. You are concrete.",
    ),
    Role.BUSINESS: (
        "say what the results mean in money, and what is not known",
        "You advise people who buy advertising. You speak plainly and never oversell.",
    ),
}
"""Goal and character of each agent."""


class Refused(BaseModel):
    """A sentence that the check did not let through."""

    model_config = ConfigDict(frozen=True)

    text: str
    problems: tuple[str, ...]


class Sentence(BaseModel):
    """One printed sentence and how it came about."""

    model_config = ConfigDict(frozen=True)

    finding: Finding
    text: str
    """With the finding's slots in square brackets."""
    origin: Literal["model", "template"]
    attempts: int
    seed: int
    """Seed of the last attempt."""
    refused: tuple[Refused, ...] = ()

    @property
    def markdown(self) -> str:
        """The sentence with its numbers as `fact` roles, for the book."""
        text = self.text
        for number in self.finding.numbers:
            text = text.replace(f"[{number.slot}]", f"{{fact}}`{number.fact}`")
        return text


class Written(NamedTuple):
    """What the crew came back with."""

    sentences: list[Sentence]
    warning: str
    """Why templates stand in for the model, if they do."""
    failed: bool = False
    """Whether the model gave up on the way."""


def plain(findings: Sequence[Finding], warning: str) -> Written:
    """Every finding in its plain words, without a model."""
    sentences = [
        Sentence(finding=f, text=phrasing.template(f), origin="template", attempts=0, seed=0)
        for f in findings
    ]
    return Written(sentences, warning)


def write(findings: Sequence[Finding], model: Model, store: FactStore) -> Written:
    """Let the crew put findings into words.

    A model that fails leaves the remaining findings to their templates, with one warning; so does one whose
    sentences are refused leave those findings.

    Raises:
        CassetteMiss: the model is a recording that lacks a reply.
    """
    with tempfile.TemporaryDirectory() as private, _isolated(Path(private)):
        return _Session(findings, model, store).run()


@contextmanager
def _isolated(folder: Path) -> Iterator[None]:
    """Keep CrewAI from the network and from writing outside of a folder; before its first import."""
    logging.getLogger("crewai").setLevel(logging.ERROR)
    before = dict(os.environ)
    os.environ |= {
        "CREWAI_DISABLE_TELEMETRY": "true",
        "CREWAI_TRACING_ENABLED": "false",
        "OTEL_SDK_DISABLED": "true",
        "CREWAI_STORAGE_DIR": str(folder / "storage"),
        "HOME": str(folder),
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class _Session:
    """One kickoff: a task a finding, and what was tried for each."""

    def __init__(self, findings: Sequence[Finding], model: Model, store: FactStore) -> None:
        self.findings = {finding.key: finding for finding in findings}
        self.model = model
        self.store = store
        self.refused: dict[str, list[Refused]] = {key: [] for key in self.findings}
        self.accepted: dict[str, str] = {}
        self.failure: ModelError | None = None
        self.miss: CassetteMiss | None = None
        self.started = time.monotonic()

    def run(self) -> Written:
        from crewai import Agent, Crew, Process, Task

        voice = _voice(self)
        agents = {
            role: Agent(role=role.value, goal=goal, backstory=character, llm=voice, allow_delegation=False)
            for role, (goal, character) in PERSONS.items()
        }
        tasks = [
            Task(
                name=finding.key,
                description=description(finding, self.store),
                expected_output="One sentence.",
                agent=agents[finding.role],
                context=[],
                guardrail=self.guardrail(finding),
                guardrail_max_retries=ATTEMPTS,
            )
            for finding in self.findings.values()
            if not finding.fixed
        ]
        crew = Crew(agents=list(agents.values()), tasks=tasks, process=Process.sequential, cache=False)
        try:
            with ThreadPoolExecutor(1) as thread:  # a notebook's own event loop is not CrewAI's to use
                thread.submit(crew.kickoff).result()
        except Exception as error:  # whatever CrewAI may raise: the report does not depend on it
            self.failure = ModelError(f"CrewAI: {type(error).__name__}: {str(error)[:200]}")
        if self.miss:
            raise self.miss
        sentences = [self.sentence(f) for f in self.findings.values()]
        return Written(sentences, self.warning(sentences), self.failure is not None)

    def warning(self, sentences: Sequence[Sentence]) -> str:
        """Why how many sentences are plain ones, if any had to be."""
        asked = [sentence for sentence in sentences if not sentence.finding.fixed]
        plain = sum(sentence.origin == "template" for sentence in asked)
        if not plain:
            return ""
        reason = (
            f"The model failed ({self.failure})"
            if self.failure
            else (f"The check refused what {self.model.name} wrote, {ATTEMPTS} times in a row")
        )
        return f"{reason}: {plain} of {len(asked)} sentences are plain templates."

    def ask(self, key: str, messages: Any) -> str:
        """The model's answer to CrewAI's messages about a finding; nothing once it has failed."""
        if time.monotonic() - self.started > SECONDS and not self.failure:
            self.failure = ModelError(f"{self.model.name}: not done within {SECONDS:.0f} s")
        if self.failure or self.miss:
            return NOTHING
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        copied = [{"role": str(m["role"]), "content": str(m["content"])} for m in messages]
        attempt = len(self.refused[key])
        grammar = patterns.gbnf(patterns.parse(phrasing.free_pattern(self.findings[key])))
        request = Request(
            self.model.name, copied, grammar if self.model.constrained else "", SEED + attempt, attempt
        )
        try:
            return self.model.reply(request).text.strip() or NOTHING
        except ModelError as error:
            self.failure = error
        except CassetteMiss as miss:
            self.miss = CassetteMiss(
                f"commentary, finding {key}: {miss}; the results, or the code that words them, have changed "
                "since the recording: `make commentary` records it anew"
            )
        return NOTHING

    def guardrail(self, finding: Finding) -> Callable[[Any], tuple[bool, str]]:
        """The judge of a finding's sentences, as CrewAI wants it."""
        return lambda output: self.judge(output.raw, finding)

    def judge(self, text: str, finding: Finding) -> tuple[bool, str]:
        """A grounded sentence passes, others are refused, until the last attempt."""
        plain_text = phrasing.template(finding)
        if self.failure or self.miss:
            return True, plain_text
        text = phrasing.sentence(slotted(text.strip().strip('"'), finding, self.store))
        problems = grounding.problems(text, finding)
        if not problems:
            self.accepted[finding.key] = text
            return True, text
        self.refused[finding.key].append(Refused(text=text, problems=tuple(problems)))
        if len(self.refused[finding.key]) >= ATTEMPTS:
            return True, plain_text
        return False, "; ".join(problems)

    def sentence(self, finding: Finding) -> Sentence:
        text = self.accepted.get(finding.key, "")
        refused = tuple(self.refused[finding.key])
        return Sentence(
            finding=finding,
            text=text or phrasing.template(finding),
            origin="model" if text else "template",
            attempts=len(refused) + bool(text),
            seed=SEED + max(0, len(refused) - (not text)),
            refused=refused,
        )


def description(finding: Finding, store: FactStore) -> str:
    """What the model is told of a finding."""
    numbers = [f"[{n.slot}] is {quoted(n.fact, store)}" for n in finding.numbers]
    return "\n".join(
        [
            f"Finding: {phrasing.template(finding)}",
            *([f"Numbers: {'; '.join(numbers)}."] if numbers else []),
            "Say the same in one sentence of your own, for a reader who buys advertising. Write the numbers "
            "in their square brackets, as they stand in the finding. Add nothing: no reason, no advice, no "
            "praise.",
        ]
    )


def quoted(fact: str, store: FactStore) -> str:
    """A fact as the book prints it."""
    key, _, part = fact.partition("|")
    return store[key].text("interval" if part else "value")


def slotted(text: str, finding: Finding, store: FactStore) -> str:
    """Numbers that the model wrote out, put back into their brackets where it is plain which they are."""
    values = {n.slot: quoted(n.fact, store) for n in finding.numbers}
    for slot, value in values.items():
        if list(values.values()).count(value) == 1 and text.count(value) == 1 and len(value) > 1:
            text = text.replace(value, f"[{slot}]")
    return text


def _voice(session: _Session) -> Any:
    """The session's model as CrewAI wants it."""
    from crewai import BaseLLM

    class Voice(BaseLLM):
        """Hands CrewAI's messages to the session."""

        def call(self, messages: Any, *_: Any, from_task: Any = None, **__: Any) -> str:
            return session.ask(from_task.name, messages)

    return Voice(model=session.model.name)
