"""The rules that decide verdicts. A rule's docstring is what the book prints as its statement."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from inspect import getdoc
from typing import Any, ClassVar

import numpy as np

from adrl_core.evidence.claims.entry import Finding, Untestable, Verdict
from adrl_core.evidence.claims.evidence import Evidence, Rows
from adrl_core.evidence.claims.readings import READINGS
from adrl_core.evidence.published import CITATION, claim_text, printed
from adrl_core.report.facts import Fact

CODE = "adrl_core"


@dataclass(frozen=True)
class Rule(ABC):
    """Base of all rules."""

    name: ClassVar[str]

    @abstractmethod
    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """The verdict on a claim, or Untestable."""

    def deciding(self, claim: str) -> "Rule":
        """The rule that decides: this one, unless it hands the claim on."""
        return self

    @classmethod
    def statement(cls) -> str:
        """The rule in words, as one paragraph."""
        return " ".join((getdoc(cls) or "").split())

    @property
    def about(self) -> tuple[str, str]:
        """Market and variant that the claim is tested on; empty where it is tested on neither."""
        return "", ""


@dataclass(frozen=True)
class Setting(Rule):
    """The claim states a setting or a property of the system. The value is read from the package itself: its
    configuration, its constants, its networks, or what its functions return. If it would be printed as the
    report prints it, the claim is reproduced, otherwise contradicted."""

    name = "setting"
    read: Callable[[Evidence], Any]
    words: str = "the package has"

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Compare number with number, list with list, word with word."""
        value = self.read(evidence)
        text, unit = claim_text(claim, "published"), claim_text(claim, "unit")
        if isinstance(value, tuple):
            expected = [float(part.removesuffix("+") or "nan") for part in text.split("|")]
            equal = len(value) == len(expected) and np.allclose(value, expected, rtol=0.0, atol=0.005)
            shown = ", ".join(f"{part:.2f}" for part in value)
            ours = Fact(value=shown, unit=unit, source=CODE)
        elif isinstance(value, str):
            equal = value == text
            ours = Fact(value=value, unit=unit, source=CODE)
        else:
            equal = printed(claim).admits(float(value), float(value))
            ours = Fact(value=value, unit=unit, format="" if isinstance(value, int) else "g", source=CODE)
        verb = "as printed" if equal else f"where the report prints {text}"
        return Finding(
            "reproduced" if equal else "contradicted", f"{self.words} {ours.text()}, {verb}.", ours
        )


@dataclass(frozen=True)
class Size(Rule):
    """The claim states how large an experiment was. If this study is as large, the claim is reproduced; a
    smaller or larger study cannot test it."""

    name = "size"
    read: Callable[[Evidence], int]

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Compare the sizes."""
        size = self.read(evidence)
        unit = claim_text(claim, "unit")
        if size != printed(claim).value:
            raise Untestable(
                f"the report's experiment has {claim_text(claim, 'published')}, this study {size}"
            )
        ours = Fact(value=size, unit=unit, format="d", source="published/full/train/episodes.parquet")
        return Finding("reproduced", f"this study has {size} as well.", ours)


@dataclass(frozen=True)
class Logged(Rule):
    """The claim states between which bounds a quantity stays. It is reproduced if every logged value lies
    within them, otherwise contradicted."""

    name = "logged range"
    read: Callable[[Evidence], Rows]
    words: str
    source: str = "published/full/train/decisions.parquet"
    tolerance: float = 1e-5

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Compare smallest and largest value with the bounds."""
        values = self.read(evidence)
        low, high = float(values.min()), float(values.max())
        _, least, most = printed(claim)
        slack = self.tolerance * max(1.0, abs(high))
        inside = low >= least - slack and high <= most + slack
        shown = f"{low:.5g} to {high:.5g}".replace("-", "\N{MINUS SIGN}")
        ours = Fact(
            value=shown,
            unit=claim_text(claim, "unit"),
            n=values.size,
            unit_of_analysis="logged values",
            source=self.source,
            stage=self.source.rpartition("/")[0],
        )
        reason = f"{self.words}: {shown}, {'within' if inside else 'beyond'} the printed bounds."
        return Finding("reproduced" if inside else "contradicted", reason, ours)

    @property
    def about(self) -> tuple[str, str]:
        """Where it is logged."""
        market, variant, *_ = self.source.split("/")
        return market, variant


@dataclass(frozen=True)
class Derived(Rule):
    """The claim follows from other printed numbers (a test statistic, a percentage, an interval, a gain). It
    is recomputed from them in every way the report leaves open, with all their roundings. If none of them
    could be printed as the report prints it, the claim is inconsistent in itself, whatever our data say. If
    one could, the claim is judged on our data by the rule that fits it, or, where it is arithmetic alone,
    reproduced."""

    name = "recomputation"
    readings: tuple[str, ...]
    then: Rule | None = None
    shown: tuple[str, ...] = ()
    """Further readings that the reason mentions but that do not decide."""

    def deciding(self, claim: str) -> Rule:
        """The second rule where the printed number follows from others."""
        return self.then if self.then and self._follows(claim) else self

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Compare the printed number with every recomputation."""
        readings = [READINGS[name] for name in (*self.readings, *self.shown)]
        shown = "; ".join(f"{reading.words}: {reading.text}" for reading in readings)
        ours = Fact(
            value=readings[0].value,
            unit=readings[0].unit,
            format=readings[0].form,
            source=CITATION,
            row=readings[0].words,
        )
        text = f"printed {claim_text(claim, 'published')}; {shown}."
        return Finding("reproduced" if self._follows(claim) else "inconsistent in itself", text, ours)

    def _follows(self, claim: str) -> bool:
        return any(READINGS[name].admits(printed(claim)) for name in self.readings)

    @property
    def about(self) -> tuple[str, str]:
        """Where the second rule measures."""
        return self.then.about if self.then else ("", "")


@dataclass(frozen=True)
class Exclusive(Rule):
    """The claim and another printed statement exclude each other, and nothing that could be run tells which
    of them is meant. The claim is then inconsistent in itself. Where one of the two can be measured or is
    implemented, that one is judged by its own rule and only the other is called inconsistent."""

    name = "exclusion"
    others: Sequence[str]
    excluded: Callable[[], bool]
    words: str

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Check on the printed numbers that they do exclude each other."""
        if not self.excluded():
            return Finding("reproduced", f"agrees with {', '.join(self.others)}.")
        texts = [f"{name} prints {claim_text(name, 'published')}" for name in (claim, *self.others)]
        return Finding("inconsistent in itself", f"{self.words}: {', '.join(texts)}.")


@dataclass(frozen=True)
class Provided(Rule):
    """The claim names a part of the system. It is reproduced if the package has a module that provides it."""

    name = "part"
    module: str

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Look for the module."""
        if find_spec(self.module) is None:
            raise Untestable(f"not built in this edition: {self.module}")
        return Finding("reproduced", f"provided by {self.module}.")


@dataclass(frozen=True)
class Tried(Rule):
    """The claim promises a mechanism. This package has one, and the study tries whether it does what was
    promised. If it does, the claim is reproduced; if it does so in part, the claim points in the same
    direction; otherwise it is contradicted. A study without the trial cannot tell."""

    name = "trial"
    fact: str
    """What the trial measured, by its key."""
    kept: Callable[[float], bool]
    """Whether a measurement keeps the promise."""
    words: str
    in_part: bool = False
    """Whether even then only a part of the promise is kept."""

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Hold the measurement against the promise."""
        ours = evidence.trial(self.fact)
        verdict: Verdict = "contradicted"
        if self.kept(float(ours.value)):
            verdict = "same direction" if self.in_part else "reproduced"
        return Finding(verdict, f"{self.words}: {ours.text()} {ours.unit}".rstrip() + ".", ours)


@dataclass(frozen=True)
class Absent(Rule):
    """Some claims cannot be tested by any run of this package: projections, comparisons with people, terms
    that are never defined, experiments that the report does not describe. They are not testable, and the
    reason says what would be needed."""

    name = "out of reach"
    words: str

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Say what would be needed."""
        raise Untestable(self.words)
