"""Sections 4.2 and 4.3: the learning curve and the distributions."""

from collections.abc import Callable

import numpy as np

from adrl_core.evidence.claims.checks.common import BASELINES, LAST, LENGTH, REFERENCES, TRAIN, above, log
from adrl_core.evidence.claims.evidence import (
    Evidence,
    Measure,
    Rows,
    of_policy,
    on_log,
    per_run_mean,
    per_run_sd,
    running_mean,
    window,
)
from adrl_core.evidence.claims.measured import Order, Range, Value, mean, ratio
from adrl_core.evidence.claims.rules import Derived, Logged, Rule
from adrl_core.evidence.published import printed

MARGIN = 5.0
"""Loss, in percent, up to which performance counts as kept."""

CHECKS: dict[str, Rule] = {}


# 4.2. The learning curve.
def _window_mean(words: str, start: int, stop: int | None) -> Value:
    measure = on_log(f"mean reward of {words}", "reward", per_run_mean, start, stop, LENGTH)
    return Value(measure, mean, *above("random", "reward"))


def _window_sd(words: str, start: int, stop: int | None) -> Value:
    return Value(on_log(f"SD of the rewards of {words}", "reward", per_run_sd, start, stop, LENGTH))


def _cv(rows: Rows) -> Rows:
    return 100.0 * rows.std(1, ddof=1) / rows.mean(1)


for _mean, _sd, _start, _stop in (
    ("C108", "C109", 0, 100),
    ("C110", "C111", 100, 300),
    ("C112", "C113", 300, 600),
    ("C114", "C115", 600, 1000),
    ("C116", "C117", LENGTH - LAST, LENGTH),
):
    _words = f"episodes {_start} to {_stop}"
    CHECKS |= {_mean: _window_mean(_words, _start, _stop), _sd: _window_sd(_words, _start, _stop)}


def _least_lead(evidence: Evidence) -> Rows:
    smooth = running_mean(window(evidence.log("reward"), 0, None, LENGTH))
    return smooth.min(1) - max(evidence.level(policy, "reward") for policy in BASELINES)


def _sd_over_constant(evidence: Evidence) -> Rows:
    constant = evidence.reference("constant_max", "reward").std(ddof=1)
    return per_run_sd(window(evidence.log("reward"), 0, None, LENGTH)) - constant


def _late_change(evidence: Evidence) -> Rows:
    late = window(evidence.log("reward"), 600, 1000)
    return 100.0 * (late[:, 200:].mean(1) / late[:, :200].mean(1) - 1.0)


def _smooth(
    column: str, start: int, scale: Callable[[Evidence], float] = lambda _: 1.0
) -> Callable[[Evidence], Rows]:
    return lambda evidence: running_mean(window(evidence.log(column), start, None, LENGTH)) / scale(evidence)


def _multiple_kept(evidence: Evidence) -> Rows:
    # What is printed as 2 is at least 1.5.
    least = printed("C122").low
    rates = _smooth("conversions", 0, lambda e: e.level("random", "conversions"))(evidence)
    return 100.0 * (rates >= least).mean(1)


def _baseline_means(evidence: Evidence) -> Rows:
    return np.array([evidence.level(policy, "conversions") for policy in BASELINES])


CHECKS |= {
    "C118": Order(
        Measure("lowest running mean of a run less the best published baseline", TRAIN, _least_lead),
        unit="reward",
    ),
    "C119": Range(Measure("running means after episode 200", TRAIN, _smooth("reward", 200))),
    "C120": Order(
        Measure(
            "SD of a run's rewards less that of a constant bid, which adapts to nothing",
            TRAIN,
            _sd_over_constant,
        )
    ),
    "C121": Order(
        Measure("change from episodes 600-800 to 800-1000, in percent", TRAIN, _late_change),
        boundary=-MARGIN,
        unit="percent",
    ),
    "C122": Order(
        Measure(
            "share of running means of conversions at the printed multiple of Random's, in percent",
            TRAIN,
            _multiple_kept,
        ),
        boundary=95.0,
        unit="percent",
    ),
    "C123": Range(Measure("running means of conversions", TRAIN, _smooth("conversions", 0))),
    "C124": Logged(_baseline_means, "the baselines' mean conversions", f"{REFERENCES}/evaluation.parquet"),
    "C125": Derived(
        ("C125.last",),
        Value(on_log("CV of the last episodes, in percent", "reward", _cv, -LAST, None, LENGTH)),
    ),
    "C126": Derived(("C126.start",)),
    "C127": Derived(("C127.one", "C127.four")),
    "C128": Value(
        on_log("mean reward of the plateau, episodes 100 to 600", "reward", per_run_mean, 100, 600, LENGTH),
        mean,
        *above("random", "reward"),
    ),
}


# 4.3. Distributions.
def _minimum(rows: Rows) -> Rows:
    return rows.min(1)


def _maximum(rows: Rows) -> Rows:
    return rows.max(1)


def _share_300_700(rows: Rows) -> Rows:
    return 100.0 * ((rows >= 300.0) & (rows <= 700.0)).mean(1)


def _fence(rows: Rows) -> Rows:
    lower, upper = np.quantile(rows, (0.25, 0.75), axis=1)
    return upper + 1.5 * (upper - lower)


def _median(rows: Rows) -> Rows:
    return np.median(rows, axis=1)


def _spend_each(evidence: Evidence) -> Rows:
    return np.stack([window(evidence.log(c), 0, None, LENGTH).mean(1) for c in ("spend", "conversions")], 1)


def _roi_lead(evidence: Evidence) -> Rows:
    return 100.0 * (window(evidence.log("roi"), 0, None, LENGTH).mean(1) - evidence.level("random", "roi"))


CHECKS |= {
    "C129": Value(log("lowest training reward of a run", "reward", summary=_minimum)),
    "C130": Value(log("highest training reward of a run", "reward", summary=_maximum)),
    "C131": Value(
        log("share of training rewards in that range, in percent", "reward", summary=_share_300_700)
    ),
    "C132": Value(
        log("upper fence of a run's rewards (third quartile and 1.5 times the IQR)", "reward", summary=_fence)
    ),
    "C133": Value(
        log("median training reward", "reward", summary=_median),
        beside=(log("mean of the run means", "reward"),),
    ),
    "C134": Range(
        Measure(
            "training episodes' conversions", TRAIN, lambda e: window(e.log("conversions"), 0, None, LENGTH)
        )
    ),
    "C135": Range(
        Measure(
            "training episodes' conversions", TRAIN, lambda e: window(e.log("conversions"), 0, None, LENGTH)
        ),
        required=0.5,
    ),
    "C138": Derived(
        ("C138.table",),
        Value(
            Measure("training spend for a conversion", TRAIN, _spend_each),
            ratio,
            lambda evidence: evidence.level("random", "spend") / evidence.level("random", "conversions"),
            "Random",
        ),
    ),
    "C139": Derived(
        ("C139.table",),
        Value(
            of_policy("spend of random for a conversion", "random", "spend", "conversions"),
            ratio,
            further=LENGTH,
        ),
    ),
    "C140": Derived(("C140.cost", "C140.conversions", "C140.roi")),
    "C141": Order(
        Measure("mean ROI in training less Random's, in percent", TRAIN, _roi_lead), unit="percent"
    ),
}
