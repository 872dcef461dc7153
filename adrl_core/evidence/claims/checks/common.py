"""What the checks of several sections share."""

from collections.abc import Callable

from adrl_core.evidence.claims.evidence import Evidence, Measure, Rows, Summary, on_log, per_run_mean
from adrl_core.evidence.published import printed

LENGTH = int(printed("C072").value)
"""Episodes of the published training log."""
RUNS_BEFORE_AFTER = int(printed("C144").value)
AFTER = int(printed("C143").value)
"""Episode that the published comparison of before and after ends with."""
LAST = 50
"""Episodes of the published report's last window."""
BASELINES = ("random", "fixed", "greedy_carried")
"""The published report's baselines, as this package calls them."""
TRAIN, REFERENCES = "published/full/train", "published/baselines"
ZERO, ONE = "zero", "one"


def log(words: str, column: str, summary: Summary = per_run_mean) -> Measure:
    """A summary of each run's training log, which has to be as long as the published one."""
    return on_log(words, column, summary, 0, None, LENGTH)


def above(policy: str, column: str) -> tuple[Callable[[Evidence], float], str]:
    """A baseline's mean as the point of comparison, and its name."""
    return lambda evidence: evidence.level(policy, column), policy.replace("_", " ").capitalize()


def as_percent(rows: Rows) -> Rows:
    """Mean of a ratio over each run's episodes, in percent."""
    return 100.0 * rows.mean(1)
