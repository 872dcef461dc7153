"""The rules that hold a printed value against what was measured over runs or episodes."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from adrl_core.evidence.claims.entry import Finding, Untestable, Verdict
from adrl_core.evidence.claims.evidence import Evidence, Measure, Rows
from adrl_core.evidence.claims.rules import Rule
from adrl_core.evidence.intervals import LEVEL
from adrl_core.evidence.published import claim_text, decimals, printed
from adrl_core.evidence.tests import one_sample_t
from adrl_core.report.facts import Fact

SIGNIFICANT = 1.0 - LEVEL
CONFIDENCE = f"{LEVEL:.0%} t interval".replace("%", " %")
PREDICTION = f"{LEVEL:.0%} prediction interval".replace("%", " %")
Statistic = Callable[[Rows], float]


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


def gain(rows: Rows) -> float:
    """Mean of the first column over the mean of the second, as a gain in percent."""
    return 100.0 * (ratio(rows) - 1.0)


def saving(rows: Rows) -> float:
    """Mean of the first column over the mean of the second, as a saving in percent."""
    return 100.0 * (1.0 - ratio(rows))


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
        rows = self.measure.read(evidence)
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
                text += f"; {other.words}: {number(self.statistic(other.read(evidence)), digits)}"
            except Untestable:
                continue
        return text


@dataclass(frozen=True)
class Value(Measured):
    """The claim states a measured value. Our units of analysis (training runs; held-out episodes where
    nothing is learned, or chains of them where a policy carries its state over) give an estimate and the 95 %
    prediction interval for the same statistic of as many further units as the report had: one run for its
    training log, twenty for its comparison of before and after, a thousand episodes for its baselines.
    Statistics other than a mean get theirs by the jackknife. If the interval holds a value that would be
    printed like the report's, the claim is reproduced. Some claims have a stated point of comparison (zero, a
    baseline, before training); for these the interval must also leave that point out. Failing this, the claim
    is in the same direction if our estimate differs significantly from that point (its own 95 % interval
    leaves it out) to the printed side. Otherwise it is contradicted, unless the interval holds both the
    printed value and the point of comparison: then our units are too few to decide. So are fewer than five
    runs or chains, or a hundred episodes, which no value could miss."""

    name = "value"
    against: float | Callable[[Evidence], float] | None = None
    against_words: str = ""
    further: int = 1

    def judge(self, claim: str, evidence: Evidence) -> Finding:
        """Compare the printed value with the prediction interval, then with the point of comparison."""
        rows = self._rows(evidence, self.measure.least)
        digits, unit, expected = max(1, decimals(claim)), claim_text(claim, "unit"), printed(claim)
        value = self.statistic(rows)
        margin = half_width(rows, self.statistic, self.further)
        ours = self._fact(rows, value, margin, digits, unit, PREDICTION)
        inside = expected.admits(value - margin, value + margin)
        where = f"{'inside' if inside else 'outside'} {ours.text('interval')}"
        reason = f"{self.measure.words}: {ours.text()}; printed {claim_text(claim, 'published')}, {where}"
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
        unit = claim_text(claim, "unit") if self.unit is None else self.unit
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
