"""Comparisons against SciPy and statsmodels, and their error rates on simulated studies."""

import math

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from adrl_core.evidence.comparison import (
    Case,
    Comparison,
    Verdict,
    compare,
    compare_facts,
    noncentrality,
)
from adrl_core.report.facts import Fact

FULL, TUNED, OTHER = (Case("channels", name, "seed") for name in ("full", "tuned", "other"))
RANDOM = Case("channels", "random", "episode")


def table(values: NDArray, metric: str = "reward", first_seed: int = 0) -> pd.DataFrame:
    """An evaluation with these values, shape (seeds, episodes)."""
    seeds = range(first_seed, first_seed + values.shape[0])
    index = pd.MultiIndex.from_product([seeds, range(values.shape[1])], names=["seed", "episode"])
    return pd.DataFrame({metric: values.ravel()}, index=index)


def single(a: pd.DataFrame, b: pd.DataFrame, case: Case = FULL) -> Comparison:
    """The only comparison of two tables."""
    (item,) = compare({case: a}, {case: b})
    return item


def test_paired_over_runs() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.normal(500, 20, (2, 8, 5))
    item, runs = single(table(a), table(b)), (b - a).mean(axis=1)
    expected = stats.ttest_rel(b.mean(axis=1), a.mean(axis=1))
    interval = expected.confidence_interval(0.95)
    assert item.paired and item.difference.n == 8
    assert item.p == pytest.approx(expected.pvalue)
    assert tuple(item.difference)[:3] == pytest.approx((runs.mean(), interval.low, interval.high))
    assert item.values["a"].tolist() == pytest.approx(a.mean(axis=1).tolist())


def test_policies_that_do_not_learn_are_paired_over_episodes() -> None:
    a, b = np.random.default_rng(1).normal(250, 100, (2, 1, 40))
    item = single(table(a), table(b), RANDOM)
    assert item.difference.n == 40
    assert item.p == pytest.approx(stats.ttest_rel(b[0], a[0]).pvalue)


@pytest.mark.parametrize(("seeds", "bank", "first"), [(6, 5, 0), (8, 7, 0), (8, 5, 3)])
def test_other_seeds_or_bank_are_not_paired(seeds: int, bank: int, first: int) -> None:
    generator = np.random.default_rng(2)
    a, b = generator.normal(500, 20, (8, 5)), generator.normal(520, 40, (seeds, bank))
    item = single(table(a), table(b, first_seed=first))
    expected = stats.ttest_ind(b.mean(axis=1), a.mean(axis=1), equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert not item.paired
    assert item.p == pytest.approx(expected.pvalue)
    assert item.difference[1:3] == pytest.approx((interval.low, interval.high))


def test_known_shift_of_one_variant_is_found() -> None:
    generator = np.random.default_rng(3)
    same, noisy, shifted = generator.normal(500, 20, (3, 20, 4))
    a = {FULL: table(same), TUNED: table(noisy), RANDOM: table(same[:1])}
    moved = noisy + generator.normal(0, 2, (20, 1)) + 10
    b = {FULL: table(shifted), TUNED: table(moved), RANDOM: table(same[:1].copy())}
    found = {item.case: item for item in compare(a, b)}
    assert found[TUNED].verdict is Verdict.CHANGED
    assert found[TUNED].difference.low < 10 < found[TUNED].difference.high
    assert found[FULL].verdict is Verdict.NOISE
    assert found[RANDOM].verdict is Verdict.IDENTICAL
    p_values = [item.p for item in found.values()]
    holm = multipletests(p_values, method="holm")[1]
    assert [item.p_holm for item in found.values()] == pytest.approx(list(holm))


def test_correction_spans_the_family() -> None:
    """A difference at 0.05 < family size * p is noise among others, though alone it would count."""
    generator = np.random.default_rng(4)
    a = {Case("channels", f"v{k}", "seed"): table(generator.normal(0, 1, (10, 2))) for k in range(10)}
    b = {case: values + table(generator.normal(0, 1, (10, 2))) for case, values in a.items()}
    first = Case("channels", "v0", "seed")
    noise = stats.zscore(generator.normal(0, 1, 10), ddof=1)
    b[first] = a[first] + table(np.repeat(noise + 0.9, 2).reshape(10, 2))
    assert 0.005 < single(a[first], b[first]).p < 0.05
    assert single(a[first], b[first]).verdict is Verdict.CHANGED
    assert compare(a, b)[0].verdict is Verdict.NOISE


@pytest.mark.slow
def test_false_positive_rate_is_that_of_the_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any true difference, 5 % of whole diffs cry change, within 4 standard errors."""
    monkeypatch.setattr("gc.collect", lambda: 0)  # statsmodels' Holm calls it, most of the time spent here
    generator, repeats = np.random.default_rng(5), 600
    cries = 0
    for _ in range(repeats):
        a, b = ({case: table(generator.normal(0, 1, (6, 2))) for case in (FULL, TUNED, OTHER)} for _ in "ab")
        cries += any(item.verdict is Verdict.CHANGED for item in compare(a, b))
    assert cries / repeats == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / repeats))


@pytest.mark.parametrize("seeds", [8, 5])
def test_p_values_are_uniform_without_a_difference(seeds: int) -> None:
    """Paired (8 seeds on both sides) and Welch (8 and 5); Welch's test is known to be approximate."""
    generator, cases = np.random.default_rng(6), [Case("m", f"v{k}", "seed") for k in range(300)]
    a = {case: table(generator.normal(0, 1, (8, 2))) for case in cases}
    b = {case: table(generator.normal(0, 1, (seeds, 2))) for case in cases}
    found = compare(a, b)
    assert stats.kstest([item.p for item in found], "uniform").pvalue > 1e-3
    assert not any(item.verdict is Verdict.CHANGED for item in found)


def test_identical_means_every_episode() -> None:
    """Runs whose means agree although their episodes do not are no identical results."""
    a = np.array([[1.0, 3.0], [2.0, 6.0]])
    same = single(table(a), table(a.copy()))
    assert same.verdict is Verdict.IDENTICAL and math.isnan(same.detectable)
    swapped = single(table(a), table(a[:, ::-1]))
    assert (swapped.verdict, swapped.p) == (Verdict.NOISE, 1.0)


def test_rounding_is_no_change() -> None:
    """Not even where all values are rounded the same way, as by other storage or another order of sums."""
    a = np.random.default_rng(6).normal(500, 20, (20, 3))
    assert single(table(a), table(a * (1 + 1e-8))).verdict is Verdict.NOISE
    assert single(table(a), table(a.astype(np.float32).astype(float))).p == 1.0
    assert single(table(a), table(a * (1 + 1e-6))).verdict is Verdict.CHANGED


def test_a_constant_shift_is_a_change() -> None:
    a = np.arange(8.0).reshape(4, 2)
    item = single(table(a), table(a + 1))
    assert (item.verdict, item.p, item.difference.mean) == (Verdict.CHANGED, 0.0, 1.0)
    assert math.isnan(item.detectable)


def test_without_any_spread_unpaired() -> None:
    item = single(table(np.full((3, 2), 5.0)), table(np.full((4, 2), 5.0)))
    assert (item.verdict, item.p, item.difference[:3]) == (Verdict.NOISE, 1.0, (0.0, 0.0, 0.0))


def test_single_runs_cannot_be_tested_and_leave_the_family() -> None:
    a, b = np.random.default_rng(7).normal(500, 20, (2, 8, 3))
    one = single(table(a[:1]), table(b[:1]))
    assert one.verdict is Verdict.UNTESTED and math.isnan(one.p) and math.isnan(one.detectable)
    assert single(table(a[:1]), table(a[:1].copy())).verdict is Verdict.IDENTICAL
    both = compare({FULL: table(a), TUNED: table(a[:1])}, {FULL: table(b), TUNED: table(b[:1])})
    assert both[0].p_holm == both[0].p


def test_only_what_both_hold_is_compared() -> None:
    a, b = np.random.default_rng(8).normal(500, 20, (2, 4, 3))
    found = compare({FULL: table(a), TUNED: table(a)}, {FULL: table(b), RANDOM: table(b)})
    assert [item.case for item in found] == [FULL]
    assert compare({FULL: table(a, "reward")}, {FULL: table(b, "profit")}) == []


@pytest.mark.parametrize(("n", "level"), [(5, 0.05), (20, 0.05), (20, 0.001), (1000, 0.001)])
def test_detectable_difference_has_the_stated_power(n: int, level: float) -> None:
    effect = noncentrality(n - 1.0, level) / math.sqrt(n)
    assert TTestPower().power(effect, n, level) == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize("df", [1, 2, 4])
def test_detectable_difference_of_few_runs(df: int) -> None:
    """By drawing t statistics, where statsmodels finds no power: few runs at a strict level."""
    generator, level, draws = np.random.default_rng(10), 5e-4, 200_000
    normal, chi2 = generator.normal(size=draws), generator.chisquare(df, draws)
    found = (normal + noncentrality(float(df), level)) / np.sqrt(chi2 / df) > stats.t.isf(level / 2, df)
    assert found.mean() == pytest.approx(0.8, abs=4 * math.sqrt(0.8 * 0.2 / draws))


def test_detectable_is_in_the_units_of_the_metric() -> None:
    a, b = np.random.default_rng(9).normal(500, 20, (2, 20, 1))
    expected = TTestPower().solve_power(nobs=20, alpha=0.05, power=0.8) * (b - a).std(ddof=1)
    assert single(table(a), table(b)).detectable == pytest.approx(expected, rel=1e-4)


def test_facts() -> None:
    def number(value: float, half: float | None = None, **other: str) -> Fact:
        bounds = {} if half is None else {"low": value - half, "high": value + half}
        return Fact(value=value, **bounds, **other)  # type: ignore[arg-type]

    a = {
        "same": number(1.0, 0.1, source="here"),
        "moved": number(10.0, 3.0),
        "rounded": number(1 / 3, 0.1),
        "plain": number(2.0),
        "word": Fact(value="above"),
        "gone": number(1.0),
    }
    b = {
        "same": number(1.0, 0.1, source="there"),
        "moved": number(20.0, 4.0),
        "rounded": number(float(np.float32(1 / 3)), 0.1),
        "plain": number(5.0),
        "word": Fact(value="below"),
        "new": number(1.0),
    }
    found = compare_facts(a, b)
    assert (found.equal, found.only_a, found.only_b) == (2, ["gone"], ["new"])
    changes = {change.key: change for change in found.different}
    assert set(changes) == {"moved", "plain", "word"}
    # 10 over sqrt(3 ** 2 + 4 ** 2)
    assert (changes["moved"].difference, changes["moved"].ratio) == pytest.approx((10.0, 2.0))
    assert changes["plain"].difference == 3.0
    assert all(math.isnan(x) for x in (changes["plain"].ratio, changes["word"].difference))
