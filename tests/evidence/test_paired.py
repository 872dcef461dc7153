"""Comparisons run by run against SciPy."""

import pandas as pd
import pytest
from scipy import stats

from adrl_core.evidence.paired import paired, paired_facts

SEEDS = [0, 1, 2, 3]
ORIGIN = {"source": "x"}
OURS, THEIRS = pd.Series([5.0, 6.0, 7.5, 9.0], SEEDS), pd.Series([4.0, 5.5, 6.0, 8.5], SEEDS)


def test_seeds_are_aligned() -> None:
    found = paired(OURS, THEIRS.sample(frac=1.0, random_state=0))
    test = stats.ttest_rel(OURS, THEIRS)
    assert found.differences.tolist() == [1.0, 0.5, 1.5, 0.5]
    assert found.mean == pytest.approx((0.875, *test.confidence_interval(0.95), 4))
    assert found.p == pytest.approx(test.pvalue)


def test_facts_of_a_difference() -> None:
    facts = paired_facts("k", THEIRS, OURS, "reward", ".1f", ORIGIN)
    low, high = stats.ttest_rel(THEIRS, OURS).confidence_interval(0.95)
    mean = facts["k.mean"]
    assert (mean.value, mean.low, mean.high) == pytest.approx((-0.875, low, high))
    assert (mean.unit, mean.n, mean.unit_of_analysis) == ("reward", 4, "training runs")
    assert facts["k.p"].value == pytest.approx(stats.ttest_rel(OURS, THEIRS).pvalue)
    assert facts["k.word"].value == "below"


def test_differences_ignore_rounding() -> None:
    facts = paired_facts("k", OURS * (1.0 + 1e-9), OURS, "", ".1f", ORIGIN)
    assert facts["k.mean"].value == 0.0
    assert facts["k.word"].value == "not distinguishable from"


@pytest.mark.parametrize(
    "other",
    [THEIRS.iloc[:3], THEIRS.rename({3: 4}), pd.concat([THEIRS, THEIRS.iloc[:1]])],
    ids=["fewer", "others", "twice"],
)
def test_other_seeds_are_an_error(other: pd.Series) -> None:
    for sides in ((OURS, other), (other, OURS)):
        with pytest.raises(ValueError, match=r"seeds \[0, .*: expected one run of each seed on either side"):
            paired(*sides)
