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

OWN, INDEPENDENT = "paraphrases.csv", "independent.csv"
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
        said += [text for text, about in paraphrases(OWN) if about == finding and not problems(text, about)]
        for text in said:
            elsewhere = sentence(sample(parse(pattern(other)), generator))
            for kind, lie in lies(text, finding, elsewhere):
                if lie not in true:
                    yield Lie(kind, lie, finding)


def paraphrases(file: str) -> Iterator[tuple[str, Finding]]:
    """True sentences written by hand, without a pattern, each with its finding.

    Args:
        file: OWN, the sentences that the vocabulary was widened with, or INDEPENDENT, those of a writer who
            had seen neither vocabulary nor check.
    """
    findings = {finding.key: finding for finding in examples()}
    with (Path(__file__).parent / file).open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            yield row["text"], findings[row["finding"]]


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
    for name, file in (("own", OWN), ("independent", INDEPENDENT)):
        verdicts = [not problems(text, finding) for text, finding in paraphrases(file)]
        facts[f"{name}"] = Fact(value=len(verdicts), **origin)
        facts[f"{name}.passed"] = Fact(value=float(np.mean(verdicts)), format=".0%", **origin)
    return {f"commentary.trial.{key}": fact for key, fact in facts.items()}
