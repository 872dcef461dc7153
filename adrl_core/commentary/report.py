"""The commentary on one study: chosen findings in words, with all that is needed to check them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from adrl_core.commentary import crew, weights
from adrl_core.commentary.advice import advise
from adrl_core.commentary.cassettes import Cassette, CassetteMiss, Recorder, Replay
from adrl_core.commentary.crew import Sentence, Written
from adrl_core.commentary.finding import Finding
from adrl_core.commentary.findings import PARAGRAPHS, along_the_training, collect
from adrl_core.commentary.models import HostedModel, LocalModel, Model, ModelError
from adrl_core.commentary.names import SIMPLE, TEAMS, Role
from adrl_core.commentary.phrasing import linked
from adrl_core.config import ConfigurationError
from adrl_core.evidence.quantities import Origin
from adrl_core.files import write_text
from adrl_core.report.facts import Fact, FactStore

MOST = 8
"""Most findings that a role comments on for one market, by weight."""
GIB = 2**30
MODE = "ADRL_COMMENTARY"
"""Environment variable: recorded, live, template, or a CrewAI model string such as openai/gpt-4o-mini."""

Source = Literal["recorded", "live", "template"]


class Commentary(BaseModel):
    """What the crew says of a study."""

    model_config = ConfigDict(frozen=True)

    profile: str
    model: str
    source: Source
    warning: str
    final: tuple[Sentence, ...]
    periodic: tuple[Sentence, ...]
    recommendations: tuple[str, ...]
    tokens: int = 0
    """Tokens that the model wrote, seconds that it took, and the most memory of its process, in bytes, when
    it was asked; a recording keeps them."""
    seconds: float = 0.0
    memory: int = 0

    @classmethod
    def load(cls, path: Path) -> "Commentary":
        """Read a commentary."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        write_text(path, self.model_dump_json(indent=1) + "\n")

    def facts(self, more: Mapping[str, Fact], wall: float = 0.0) -> FactStore:
        """How many sentences there are, and how they came about; with other facts of the commentary.

        Args:
            more: the other facts.
            wall: seconds from the first import to the last sentence, now, whoever wrote them.
        """
        sentences = [*self.final, *self.periodic]
        counts = {
            "sentences": len(sentences),
            "by_model": sum(s.origin == "model" for s in sentences),
            "asked_again": sum(s.origin == "model" and s.attempts > 1 for s in sentences),
            "by_template": sum(s.origin == "template" for s in sentences),
            "refused": sum(len(s.refused) for s in sentences),
        }
        origin: Origin = {"source": "commentary/commentary.json", "stage": "commentary"}
        facts = {f"commentary.{key}": Fact(value=value, **origin) for key, value in counts.items()}
        facts["commentary.model"] = Fact(value=self.model or "none", **origin)
        facts["commentary.source"] = Fact(value=self.source, **origin)
        for key in ("by_model", "asked_again", "by_template"):
            share = counts[key] / len(sentences) if sentences else 0.0
            facts[f"commentary.{key}.share"] = Fact(value=share, format=".0%", **origin)
        facts["commentary.tokens"] = Fact(value=self.tokens, format=",", **origin)
        facts["commentary.seconds"] = Fact(value=self.seconds, unit="s", format=".0f", **origin)
        facts["commentary.wall"] = Fact(value=wall, unit="s", format=".1f", **origin)
        facts["commentary.memory"] = Fact(value=self.memory / GIB, unit="GiB", format=".1f", **origin)
        return FactStore(profile=self.profile, facts=facts | dict(more))


def comment(results: Path, cassette: Path) -> Commentary:
    """Comment on a study: from the recording if there is one, else live if there is a model, else plainly.

    A recording is made only where ADRL_COMMENTARY asks for a model; else the next change of a study would
    meet one that nobody had asked for, and that it does not fit.

    Args:
        results: folder of the study, with facts.json.
        cassette: where replies are, or would be, recorded.

    Raises:
        CassetteMiss: the recording is older than the results.
        ConfigurationError: ADRL_COMMENTARY asks for something unknown.
    """
    mode = _mode()
    store = FactStore.load(results / "facts.json")
    found = collect(store)
    final = chosen(found)
    periodic = [
        finding
        for market in SIMPLE
        for team in TEAMS
        for finding in linked(along_the_training(store, market, team))
    ]
    tape = Cassette(cassette)
    model, source, written = _write(mode, [*final, *periodic], store, tape)
    if all(sentence.origin == "template" for sentence in written.sentences):
        model, source = "", "template"
    cost = tape.cost()
    return Commentary(
        profile=store.profile,
        model=model,
        source=source,
        warning=written.warning,
        final=tuple(written.sentences[: len(final)]),
        periodic=tuple(written.sentences[len(final) :]),
        recommendations=tuple(advise(found)),
        tokens=cost.tokens,
        seconds=cost.seconds,
        memory=cost.memory,
    )


def chosen(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that are commented on: of each role and market the weightiest, in their order.

    On governance every mechanism has its say.
    """
    found: list[Finding] = []
    for role in Role:
        for paragraph in PARAGRAPHS:
            own = [f for f in findings if (f.role, f.paragraph) == (role, paragraph)]
            heavy = own if paragraph == "governance" else sorted(own, key=lambda f: -f.weight)[:MOST]
            found += linked([f for f in own if f in heavy])
    return found


def _mode() -> str:
    """What ADRL_COMMENTARY asks for, or nothing."""
    mode = os.environ.get(MODE, "")
    if mode not in ("", *get_args(Source)) and "/" not in mode:
        raise ConfigurationError(
            f"{MODE} = {mode!r}: unknown; allowed: {', '.join(get_args(Source))}, or a CrewAI model string "
            "with its provider, such as openai/gpt-4o-mini"
        )
    return mode


def _write(
    mode: str, findings: Sequence[Finding], store: FactStore, tape: Cassette
) -> tuple[str, Source, Written]:
    """Name of the model, where the sentences come from, and the sentences."""
    if mode == "recorded" and not tape.path.exists():
        raise CassetteMiss(f"{tape.path}: missing; `make commentary` records it")
    if mode == "recorded" or (not mode and tape.path.exists()):
        return tape.model, "recorded", _with(Replay(tape), findings, store)
    if mode == "template" or (not mode and not weights.path().exists()):
        return (
            "",
            "template",
            crew.plain(findings, "No language model was asked (`adrl weights` fetches one)."),
        )
    try:
        model: Model = HostedModel(mode) if "/" in mode else LocalModel()
    except ModelError as error:
        return (
            "",
            "template",
            crew.plain(findings, f"The model failed ({error}): all sentences are plain templates."),
        )
    written = _with(Recorder(model, tape), findings, store)
    if mode and not written.failed:
        tape.save()
    return model.name, "live", written


def _with(model: Model, findings: Sequence[Finding], store: FactStore) -> Written:
    try:
        return crew.write(findings, model, store)
    finally:
        model.close()
