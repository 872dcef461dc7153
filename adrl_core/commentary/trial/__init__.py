"""The check of the commentary on trial: how many false sentences pass it, and how many true ones."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from adrl_core.commentary.finding import Finding
from adrl_core.commentary.grounding import problems
from adrl_core.commentary.patterns import parse, sample, texts
from adrl_core.commentary.phrasing import pattern, sentence
from adrl_core.commentary.trial.adversary import lies
from adrl_core.commentary.trial.examples import examples
from adrl_core.evidence.quantities import Origin
from adrl_core.report.facts import Fact

OWN, INDEPENDENT, DECEITS = "paraphrases.csv", "independent.csv", "deceits.csv"
SENTENCES = 4
"""True sentences of each finding that are made false in every way."""


class Lie(NamedTuple):
    """A false sentence, how it is false, and the finding that it misrepresents."""

    kind: str
    text: str
    finding: Finding


def false_sentences() -> Iterator[Lie]:
    """False sentences about findings of every kind, made from phrasings and from paraphrases that pass."""
    generator = np.random.default_rng(0)
    findings = list(examples())
    by_hand = [*written(OWN), *written(INDEPENDENT)]
    for i, finding in enumerate(findings):
        other = findings[(i + 1) % len(findings)]
        true = {sentence(text) for text in texts(parse(pattern(finding)))}
        said = [sentence(sample(parse(pattern(finding)), generator)) for _ in range(SENTENCES)]
        said += [text for text, about in by_hand if about == finding and not problems(text, about)]
        for text in said:
            elsewhere = sentence(sample(parse(pattern(other)), generator))
            for kind, lie in lies(text, finding, elsewhere):
                if lie not in true:
                    yield Lie(kind, lie, finding)


def written(file: str) -> Iterator[tuple[str, Finding]]:
    """Sentences written by hand, without a pattern, each with the finding that it is about.

    Args:
        file: OWN, true sentences that the vocabulary was widened with; INDEPENDENT, true ones of a writer who
            had seen neither vocabulary nor check; or DECEITS, false ones, meant to get past the check. Of
            INDEPENDENT, the first writer's served to widen the vocabulary once they had been counted, the
            second writer's did not.
    """
    findings = {finding.key: finding for finding in examples()}
    for row in _rows(file):
        yield row["text"], findings[row["finding"]]


def _rows(file: str) -> list[dict[str, str]]:
    with (Path(__file__).parent / file).open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def _at_first(file: str, **where: str) -> list[bool]:
    """Which of the rows with certain values passed the check as it was when they were written."""
    return [row["first"] == "passed" for row in _rows(file) if where.items() <= row.items()]


def trial_facts() -> dict[str, Fact]:
    """What the check let through, `commentary.trial.*`."""
    tried: Counter[str] = Counter()
    let_through = 0
    for lie in false_sentences():
        tried[lie.kind] += 1
        let_through += not problems(lie.text, lie.finding)
    origin: Origin = {"source": "adrl_core/commentary/trial", "stage": "commentary"}
    facts = {
        "false": Fact(value=tried.total(), format=",", **origin),
        "false.kinds": Fact(value=len(tried), **origin),
        "false.passed": Fact(value=let_through, **origin),
    }
    deceits = [not problems(text, finding) for text, finding in written(DECEITS)]
    facts["deceits"] = Fact(value=len(deceits), **origin)
    facts["deceits.first"] = Fact(value=sum(_at_first(DECEITS)), **origin)
    facts["deceits.passed"] = Fact(value=sum(deceits), **origin)
    verdicts = {
        "own": [not problems(text, finding) for text, finding in written(OWN)],
        "independent": [not problems(text, finding) for text, finding in written(INDEPENDENT)],
        "first_writer": _at_first(INDEPENDENT, writer="1"),
        "second_writer": _at_first(INDEPENDENT, writer="2"),
    }
    for name, passed in verdicts.items():
        facts[name] = Fact(value=len(passed), **origin)
        facts[f"{name}.passed"] = Fact(value=float(np.mean(passed)), format=".1%", **origin)
    return {f"commentary.trial.{key}": fact for key, fact in facts.items()}
