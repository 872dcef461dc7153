"""The rules that decide verdicts. A rule's docstring is what the book prints as its statement."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from inspect import getdoc
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from adrl_core.evidence.claims.consistency import READINGS
from adrl_core.evidence.claims.entry import Finding, Untestable, Verdict
from adrl_core.evidence.claims.evidence import Evidence, Measure, Rows
from adrl_core.evidence.intervals import LEVEL
from adrl_core.evidence.published import CITATION, claims, decimals, printed
from adrl_core.evidence.tests import one_sample_t
from adrl_core.report.facts import Fact

SIGNIFICANT = 1.0 - LEVEL
Statistic = Callable[[Rows], float]
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


def mean(rows: Rows) -> float:
    """Mean over the rows."""
    return float(rows.mean())


def sd(rows: Rows) -> float:
    """Standard deviation over the rows."""
    return float(rows.std(ddof=1))


def ratio(rows: Rows) -> float:
    """Mean of the first column over the mean of the second."""
    first, second = rows.mean(0)
    return float(first / second) if second else math.nan


def pseudo_values(rows: Rows, statistic: Statistic) -> Rows:
    """Tukey's jackknife: n times the statistic of all rows less n - 1 times that without each row.

    For the mean these are the rows themselves, which makes the intervals below the usual Student-t ones.
    """
    n = len(rows)
    if statistic is mean:
        return rows
    others = [statistic(np.delete(rows, i, axis=0)) for i in range(n)]
    return n * statistic(rows) - (n - 1) * np.array(others)


def half_width(rows: Rows, statistic: Statistic, further: float = math.inf) -> float:
    """Half of the 95 % interval for the statistic of `further` more rows; without them, of the statistic."""
    n = len(rows)
    scale = float(pseudo_values(rows, statistic).std(ddof=1)) * math.sqrt(1.0 / n + 1.0 / further)
    return float(stats.t.ppf(0.5 + LEVEL / 2.0, n - 1)) * scale


def number(value: float, digits: int) -> str:
    """A number with its sign set as a minus."""
    return f"{value:z.{digits}f}".replace("-", "\N{MINUS SIGN}")


def bounds(low: float, high: float, digits: int) -> str:
    """An interval as printed."""
    return f"[{number(low, digits)}, {number(high, digits)}]"


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
        text, unit = str(claims().loc[claim, "published"]), str(claims().loc[claim, "unit"])
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
        unit = str(claims().loc[claim, "unit"])
        if size != printed(claim).value:
            raise Untestable(
                f"the report's experiment has {claims().loc[claim, 'published']}, this study {size}"
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
    table: str = "decisions.parquet"
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
            unit=str(claims().loc[claim, "unit"]),
            n=values.size,
            unit_of_analysis="logged values",
            source=f"published/full/train/{self.table}",
            stage="published/full/train",
        )
        reason = f"{self.words}: {shown}, {'within' if inside else 'beyond'} the printed bounds."
        return Finding("reproduced" if inside else "contradicted", reason, ours)

    @property
    def about(self) -> tuple[str, str]:
        """The published team on the published market."""
        return "published", "full"


@dataclass(frozen=True)
class Measured(Rule):
    """Base of the rules that measure."""

    measure: Measure
    statistic: Statistic = mean
    beside: tuple[Measure, ...] = field(default=(), kw_only=True)
    """The same statistic elsewhere, for the reason."""

    @property
    def about(self) -> tuple[str, str]:
        """Where it is measured."""
        return self.measure.market, self.measure.variant

    def _rows(self, evidence: Evidence, least: int) -> Rows:
        rows = self.measure.rows(evidence)
        if len(rows) < least:
            raise Untestable(f"needs {least} {self.measure.counted}, the study has {len(rows)}")
        if not np.isfinite(self.statistic(rows)):
            raise Untestable(f"{self.measure.words}: not defined on these results")
        return rows

    def _fact(self, rows: Rows, value: float, margin: float, digits: int, unit: str, interval: str) -> Fact:
        return Fact(
            value=value,
            unit=unit,
            format=f"z.{digits}f",
            low=value - margin,
            high=value + margin,
            interval=interval,
            n=len(rows),
            unit_of_analysis=self.measure.counted,
            source=f"{self.measure.stage}",
            row=self.measure.words,
            stage=self.measure.stage,
        )

    def _elsewhere(self, evidence: Evidence, digits: int) -> str:
        text = ""
        for other in self.beside:
            try:
                text += f"; {other.words}: {number(self.statistic(other.rows(evidence)), digits)}"
            except Untestable:
                continue
        return text


CONFIDENCE = f"{LEVEL:.0%} t interval".replace("%", " %")
PREDICTION = f"{LEVEL:.0%} prediction interval".replace("%", " %")


@dataclass(frozen=True)
class Value(Measured):
    """The claim states a measured value. Our units of analysis (training runs, or held-out episodes where
    nothing is learned) give an estimate and the 95 % prediction interval for the same statistic of as many
    further units as the report had: one run for its training log, twenty for its comparison of before and
    after, a thousand episodes for its baselines. Statistics other than a mean get theirs by the jackknife.
    If the interval holds a value that would be printed like the report's, the claim is reproduced. Some
    claims have a stated point of comparison (zero, a baseline, before training); for these the interval must
    also leave that point out. Failing this, the claim is in the same direction if our estimate differs
    significantly from that point (its own 95 % interval leaves it out) to the printed side. Otherwise it is
    contradicted, unless the interval holds both the printed value and the point of comparison: then our units
    are too few to decide."""

    name = "value"
    against: float | Callable[[Evidence], float] | None = None
    against_words: str = ""
    further: int = 1

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Compare the printed value with the prediction interval, then with the point of comparison."""
        rows = self._rows(evidence, self.measure.least)
        digits, unit, expected = max(1, decimals(claim)), str(claims().loc[claim, "unit"]), printed(claim)
        value = self.statistic(rows)
        margin = half_width(rows, self.statistic, self.further)
        ours = self._fact(rows, value, margin, digits, unit, PREDICTION)
        inside = expected.admits(value - margin, value + margin)
        where = f"{'inside' if inside else 'outside'} {ours.text('interval')}"
        reason = f"{self.measure.words}: {ours.text()}; printed {claims().loc[claim, 'published']}, {where}"
        verdict: Verdict = "reproduced" if inside else "contradicted"
        if self.against is not None:
            level = self.against(evidence) if callable(self.against) else self.against
            side = math.copysign(1.0, expected.value - level)
            apart = side * (value - level) > half_width(rows, self.statistic)
            clear = abs(value - level) > margin
            comparison = f"{'above' if side > 0 else 'below'} {self.against_words} ({number(level, 1)})"
            if inside and not clear and not apart:
                counted = f"{len(rows)} {self.measure.counted}"
                raise Untestable(f"{reason}, but {counted} cannot tell whether it is {comparison}")
            if apart:
                verdict = "reproduced" if inside and clear else "same direction"
            reason += f"; {'' if apart else 'not '}significantly {comparison}"
        return Finding(verdict, reason + self._elsewhere(evidence, digits) + ".", ours)


@dataclass(frozen=True)
class Order(Measured):
    """The claim states an order, a sign or a trend. It is turned into a difference that has to lie on one
    side of a boundary. It is reproduced if the 95 % interval over our units of analysis lies wholly on the
    claimed side, contradicted if wholly on the other; an interval that holds the boundary decides nothing."""

    name = "order"
    side: int = 1
    boundary: float = 0.0
    digits: int = 1
    unit: str | None = None

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Compare the interval with the boundary."""
        rows = self._rows(evidence, 2)
        value, margin = self.statistic(rows), half_width(rows, self.statistic)
        unit = str(claims().loc[claim, "unit"]) if self.unit is None else self.unit
        ours = self._fact(rows, value, margin, self.digits, unit, CONFIDENCE)
        ahead = self.side * (value - self.boundary)
        needed = f"{'more' if self.side > 0 else 'less'} than {number(self.boundary, self.digits)}"
        reason = (
            f"{self.measure.words}: {ours.text()} {ours.text('interval')}, where the claim needs {needed}"
        )
        if abs(ahead) <= margin and margin > 0.0:
            raise Untestable(f"{reason}; {len(rows)} {self.measure.counted} do not decide it")
        verdict: Verdict = "reproduced" if ahead > 0.0 else "contradicted"
        return Finding(verdict, reason + self._elsewhere(evidence, self.digits) + ".", ours)


@dataclass(frozen=True)
class Range(Measured):
    """The claim states a range that values keep. Measured is the share of values inside. If a range is said
    to hold throughout, at least 95 % have to lie inside, and if for most, at least half. The verdict is that
    of an order: the 95 % interval of the share over our units of analysis against that boundary."""

    name = "range"
    required: float = LEVEL

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Compare the share inside with what is required."""
        _, low, high = printed(claim)

        def read(evidence: Evidence) -> Rows:
            values = self.measure.read(evidence)
            return 100.0 * ((values >= low) & (values <= high)).mean(1)

        words = f"share of {self.measure.words} within the printed range, in percent"
        measure = Measure(words, self.measure.stage, read, self.measure.counted)
        # A share of exactly the required size fulfils the claim.
        boundary = 100.0 * self.required - 1e-9
        return Order(measure, boundary=boundary, unit="percent").judge(claim, evidence)


@dataclass(frozen=True)
class Test(Measured):
    """The claim states that a difference is significant at a printed level. Ours is tested over the training
    runs (paired t test, two-sided). It is reproduced if our p value is below the printed bound and the sign
    is the claimed one, in the same direction if p is below 0.05 only, and contradicted otherwise, provided
    that this study has as many runs as the report's."""

    __test__ = False
    name = "test"
    runs: int = 20

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Test every column and judge by the largest p value."""
        rows = self._rows(evidence, self.runs)
        columns = rows[:, None] if rows.ndim == 1 else rows
        results = [one_sample_t(column, 0.0) for column in columns.T]
        worst = max(results, key=lambda result: result.p)
        positive = all(result.statistic > 0.0 for result in results)
        ours = Fact(
            value=worst.p,
            format=".2g",
            n=len(rows),
            unit_of_analysis=self.measure.counted,
            source=self.measure.stage,
            row=self.measure.words,
            stage=self.measure.stage,
        )
        verdict: Verdict = "contradicted"
        if positive and worst.p < SIGNIFICANT:
            verdict = "reproduced" if worst.p < printed(claim).high else "same direction"
        text = f"{self.measure.words}: t = {number(worst.statistic, 2)}, p = {ours.text()}"
        return Finding(verdict, f"{text} over {len(rows)} {self.measure.counted}.", ours)


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
        text = f"printed {claims().loc[claim, 'published']}; {shown}."
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
        texts = [f"{name} prints {claims().loc[name, 'published']}" for name in (claim, *self.others)]
        return Finding("inconsistent in itself", f"{self.words}: {', '.join(texts)}.")


@dataclass(frozen=True)
class Provided(Rule):
    """The claim promises a mechanism. It is reproduced if the package has a module that provides it; until
    that is built, it is not testable."""

    name = "mechanism"
    module: str

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Look for the module."""
        if not has_module(self.module):
            raise Untestable(f"{self.module} is not built in this edition")
        return Finding("reproduced", f"{self.module} provides it.")


def has_module(name: str) -> bool:
    """Whether a module of the package can be imported."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


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


RULES: tuple[type[Rule], ...] = (
    Setting,
    Size,
    Logged,
    Value,
    Order,
    Range,
    Test,
    Derived,
    Exclusive,
    Provided,
    Absent,
)
"""All rules, in the order in which the book states them."""
