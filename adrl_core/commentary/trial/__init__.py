"""The check of the commentary on trial: how many false sentences pass it, and how many true ones."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from adrl_core.commentary.findings import Finding
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
    for i, finding in enumerate(findings):
        other = findings[(i + 1) % len(findings)]
        true = {sentence(text) for text in texts(parse(pattern(finding)))}
        said = [sentence(sample(parse(pattern(finding)), generator)) for _ in range(SENTENCES)]
        said += [text for text, about in written(OWN) if about == finding and not problems(text, about)]
        for text in said:
            elsewhere = sentence(sample(parse(pattern(other)), generator))
            for kind, lie in lies(text, finding, elsewhere):
                if lie not in true:
                    yield Lie(kind, lie, finding)


def written(file: str) -> Iterator[tuple[str, Finding]]:
    """Sentences written by hand, without a pattern, each with the finding that it is about.

    Args:
        file: OWN, true sentences that the vocabulary was widened with; INDEPENDENT, true ones of a writer who
            had seen neither vocabulary nor check; or DECEITS, false ones, meant to get past the check.
    """
    findings = {finding.key: finding for finding in examples()}
    with (Path(__file__).parent / file).open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            yield row["text"], findings[row["finding"]]


def _passed_at_first() -> int:
    """How many of DECEITS passed the check as it was when they were written."""
    with (Path(__file__).parent / DECEITS).open(encoding="utf-8", newline="") as rows:
        return sum(row["first"] == "passed" for row in csv.DictReader(rows))


def trial_facts() -> dict[str, Fact]:
    """What the check let through, `commentary.trial.*`."""
    tried: Counter[str] = Counter()
    passed = 0
    for lie in false_sentences():
        tried[lie.kind] += 1
        passed += not problems(lie.text, lie.finding)
    origin: Origin = {"source": "adrl_core/commentary/trial", "stage": "commentary"}
    facts = {
        "false": Fact(value=tried.total(), format=",", **origin),
        "false.kinds": Fact(value=len(tried), **origin),
        "false.passed": Fact(value=passed, **origin),
    }
    deceits = [not problems(text, finding) for text, finding in written(DECEITS)]
    facts["deceits"] = Fact(value=len(deceits), **origin)
    facts["deceits.first"] = Fact(value=_passed_at_first(), **origin)
    facts["deceits.passed"] = Fact(value=sum(deceits), **origin)
    for name, file in (("own", OWN), ("independent", INDEPENDENT)):
        verdicts = [not problems(text, finding) for text, finding in written(file)]
        facts[name] = Fact(value=len(verdicts), **origin)
        facts[f"{name}.passed"] = Fact(value=float(np.mean(verdicts)), format=".0%", **origin)
    return {f"commentary.trial.{key}": fact for key, fact in facts.items()}
