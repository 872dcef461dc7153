"""Sections 5.1 to 5.4: the first training episode against the one after ten."""

import math
from collections.abc import Callable

import numpy as np

from adrl_core.evidence.claims.checks.common import AFTER, RUNS_BEFORE_AFTER, TRAIN, ZERO
from adrl_core.evidence.claims.consistency import NORMAL_95, critical_t
from adrl_core.evidence.claims.evidence import Evidence, Measure, Rows, window
from adrl_core.evidence.claims.measured import Order, Statistic, Test, Value, gain, mean, sd
from adrl_core.evidence.claims.rules import Absent, Derived, Rule, Size

CHECKS: dict[str, Rule] = {}


# 5.1 to 5.4. Before and after: the first training episode against the one after ten.
def _before_after(column: str, scale: float = 1.0) -> Callable[[Evidence], Rows]:
    def read(evidence: Evidence) -> Rows:
        log = window(evidence.log(column), 0, AFTER + 1)
        return scale * log[:, [AFTER, 0]]

    return read


def _pair(words: str, column: str, scale: float = 1.0) -> Measure:
    return Measure(words, TRAIN, _before_after(column, scale))


def difference(rows: Rows) -> float:
    """Mean of the first column less that of the second."""
    return float((rows[:, 0] - rows[:, 1]).mean())


def after(statistic: Statistic) -> Statistic:
    """A statistic of the runs after training."""
    return lambda rows: statistic(rows[:, 0])


def before(statistic: Statistic) -> Statistic:
    """A statistic of the runs before training."""
    return lambda rows: statistic(rows[:, 1])


def sd_saving(rows: Rows) -> float:
    """Fall of the SD over the runs, in percent."""
    return 100.0 * (1.0 - sd(rows[:, 0]) / sd(rows[:, 1]))


def bound(sign: float) -> Statistic:
    """Bound of an interval built as the report builds it: mean and normal quantile times SD."""
    return lambda rows: mean(rows) + sign * NORMAL_95 * sd(rows)


def gap(rows: Rows) -> float:
    """Lower bound of the mean after training less the upper bound of that before, both 95 % t intervals."""
    width = critical_t(len(rows) - 1) / math.sqrt(len(rows))
    return difference(rows) - width * (sd(rows[:, 0]) + sd(rows[:, 1]))


def _differences(column: str) -> Callable[[Evidence], Rows]:
    return lambda evidence: _before_after(column)(evidence) @ np.array([1.0, -1.0])


def _runs(
    words: str,
    column: str,
    statistic: Statistic,
    against: float | Callable[[Evidence], float] | None = None,
    against_words: str = "",
    scale: float = 1.0,
) -> Value:
    measure = _pair(f"{words} over the runs", column, scale)
    return Value(measure, statistic, against, against_words, RUNS_BEFORE_AFTER)


def _gained(words: str, column: str, statistic: Statistic, scale: float = 1.0) -> Value:
    return _runs(words, column, statistic, 0.0, ZERO, scale)


def _reached(words: str, column: str, scale: float = 1.0) -> Value:
    first = _before_after(column, scale)
    return _runs(
        words, column, after(mean), lambda evidence: before(mean)(first(evidence)), "the first", scale
    )


CHECKS |= {
    "C142": _gained("gain in reward, in percent,", "reward", gain),
    "C143": Size(lambda evidence: window(evidence.log("reward"), 0, AFTER + 1).shape[1] - 1),
    "C144": Size(lambda evidence: evidence.log("reward").shape[0]),
    "C145": _gained("gain in reward", "reward", difference),
    "C146": Derived(("C146.implied",), _runs("reward of the first episode", "reward", before(mean))),
    "C147": Derived(("C147.implied",), _reached("reward after ten episodes", "reward")),
    "C148": Derived(("C148.t",), shown=("C145.se", "C148.level")),
    "C149": Derived(("C149.t",)),
    "C150": Derived(("C150.interval", "C150.d")),
    "C151": Derived(("C151.runs",), Size(lambda evidence: evidence.log("reward").shape[0] - 1)),
    "C152": Derived(
        ("C152.t",), Test(Measure("reward after ten episodes less the first", TRAIN, _differences("reward")))
    ),
    "C153": Derived(("C153.t", "C153.interval")),
    "C154": Absent("a convention of the literature, not a result"),
    "C155": _runs("conversions of the first episode", "conversions", before(mean)),
    "C156": _reached("conversions after ten episodes", "conversions"),
    "C157": Derived(("C157.table",), _gained("gain in conversions", "conversions", difference)),
    "C158": Derived(("C158.table",), _gained("gain in conversions, in percent,", "conversions", gain)),
    "C159": Derived(("C159.episode", "C159.likelihood", "C159.pooled"), shown=("C159.episodes",)),
    "C160": Derived(("C160.arms",)),
    "C161": Derived(
        ("C161.exact",),
        Test(Measure("conversions after ten episodes less the first", TRAIN, _differences("conversions"))),
    ),
    "C162": _runs("SD of the first episode's conversions", "conversions", before(sd)),
    "C163": _runs("SD of conversions after ten episodes", "conversions", after(sd)),
    "C168": Order(
        _pair("gap between the intervals of the mean conversions before and after", "conversions"),
        gap,
        unit="",
    ),
    "C169": _runs("ROI of the first episode, in percent,", "roi", before(mean), scale=100.0),
    "C170": _reached("ROI after ten episodes, in percent,", "roi", 100.0),
    "C171": Derived(("C171.table",), _gained("gain in ROI, in points,", "roi", difference, 100.0)),
    "C178": _runs("SD of the first episode's reward", "reward", before(sd)),
    "C179": _runs("SD of the reward after ten episodes", "reward", after(sd)),
    "C180": Derived(("C180.table",), _gained("fall of the reward's SD, in percent,", "reward", sd_saving)),
    "C181": _runs("SD of the first episode's conversions", "conversions", before(sd)),
    "C182": _runs("SD of conversions after ten episodes", "conversions", after(sd)),
    "C183": Derived(
        ("C183.table",), _gained("fall of the conversions' SD, in percent,", "conversions", sd_saving)
    ),
    "C184": _runs("SD of the first episode's ROI, in percent,", "roi", before(sd), scale=100.0),
    "C185": _runs("SD of ROI after ten episodes, in percent,", "roi", after(sd), scale=100.0),
    "C186": Derived(("C186.table",), _gained("fall of ROI's SD, in percent,", "roi", sd_saving)),
}
for _id, _side, _sign in (
    ("C164", before, -1.0),
    ("C165", before, 1.0),
    ("C166", after, -1.0),
    ("C167", after, 1.0),
):
    CHECKS[_id] = Derived(
        (f"{_id}.normal", f"{_id}.mean"),
        _runs("the same bound of our conversions", "conversions", _side(bound(_sign))),
    )


# 5.3. Business example.
PROJECTED = (
    "an extrapolation to a budget that no episode here can spend: it would need campaigns of that size"
)
CHECKS |= {claim: Absent(PROJECTED) for claim in ("C172", "C173", "C174", "C175", "C176", "C177")}
