"""Contributions and sample efficiency against plain loops and SciPy."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.evidence.ablation import (
    WINDOW,
    Reached,
    comparison_facts,
    efficiency_facts,
    episodes_to,
    logrank,
    threshold,
)
from adrl_core.report.facts import FactStore


def runs(results: Path, variant: str) -> pd.Series:
    """Mean reward of each run on the bank."""
    frame = pd.read_parquet(results / f"channels/{variant}/evaluate/evaluation.parquet")
    return frame.groupby("seed")["reward"].mean()


def test_contribution_is_the_drop_without_the_part(results: Path, store: FactStore) -> None:
    full, without = runs(results, "full"), runs(results, "no_budget")
    test = stats.ttest_rel(full, without)
    fact = store["channels.ablation.no_budget.reward.mean"]
    assert fact.value == pytest.approx(full.mean() - without.mean())
    assert (fact.low, fact.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert store["channels.ablation.no_budget.reward.p"].value == pytest.approx(test.pvalue)
    share = store["channels.ablation.no_budget.reward.share"]
    assert share.value == pytest.approx(1.0 - without.mean() / full.mean())
    against = store["channels.no_budget.minus.full.reward.mean"]
    assert against.value == pytest.approx(-fact.value)


def test_holm_doubles_the_smaller_of_two_p_values(results: Path, store: FactStore) -> None:
    """The family is what was ablated: two parts here."""
    full = runs(results, "full")
    p = {v: stats.ttest_rel(full, runs(results, v)).pvalue for v in ("no_budget", "single_q")}
    small, large = sorted(p, key=p.__getitem__)
    smaller = min(1.0, 2 * p[small])
    assert store[f"channels.ablation.{small}.reward.p_holm"].value == pytest.approx(smaller)
    assert store[f"channels.ablation.{large}.reward.p_holm"].value == pytest.approx(max(smaller, p[large]))


def test_words_follow_the_corrected_p_value(store: FactStore) -> None:
    for variant in ("no_budget", "single_q"):
        key = f"channels.ablation.{variant}.reward"
        significant = store[f"{key}.p_holm"].value < 0.05
        helps = store[f"{key}.mean"].value > 0
        expected = ("helps" if helps else "harms") if significant else "no detectable effect"
        assert store[f"{key}.word"].value == expected


def test_runs_that_differ_by_the_same_amount_have_no_standardised_effect() -> None:
    """Two short trainings may well do so; everything else is still told."""
    whole = pd.DataFrame({"reward": [1.0, 1.0], "profit": [1.0, 3.0], "conversions": [0.0, 0.0]})
    facts = comparison_facts("m", {"full": whole, "no_budget": whole + 0.5})
    assert facts["m.no_budget.minus.full.reward.mean"].value == 0.5
    assert not [key for key in facts if key.endswith("reward.d")]


def test_variants_with_other_seeds_are_an_error() -> None:
    """Two means of other runs would differ by luck, and a subset of them would not be the variant."""
    whole = pd.DataFrame({metric: [1.0, 2.0, 4.0] for metric in ("reward", "profit", "conversions")})
    with pytest.raises(ValueError, match=r"seeds \[0, 1\] and \[0, 1, 2\]"):
        comparison_facts("m", {"full": whole, "no_budget": whole.iloc[:2]})
    training = pd.DataFrame({"seed": [0, 0, 1, 1], "episode": [0, 1, 0, 1], "reward": [0.0, 1.0, 1.0, 1.0]})
    other = training.assign(seed=training["seed"] + 1)
    with pytest.raises(ValueError, match=r"seeds \[1, 2\] and \[0, 1\]"):
        efficiency_facts("m", {"full": training, "no_budget": other}, 0.5)


def test_a_share_knows_that_the_whole_is_an_estimate(results: Path, store: FactStore) -> None:
    """Against all resamples of the four runs, 256 of them."""
    full, without = (runs(results, variant).to_numpy() for variant in ("full", "no_budget"))
    drawn = (np.array(chosen) for chosen in product(range(4), repeat=4))
    shares = [1.0 - without[chosen].mean() / full[chosen].mean() for chosen in drawn]
    fact = store["channels.ablation.no_budget.reward.share"]
    width = max(shares) - min(shares)
    assert (fact.low, fact.high) == pytest.approx(np.quantile(shares, [0.025, 0.975]), abs=width / 20)
    assert fact.interval == "95 % bootstrap interval"


def test_the_smallest_detectable_contribution_is_found_with_the_stated_power(store: FactStore) -> None:
    """Simulated at n = 4, unit spread: the detectable effect is found in 80 % of experiments."""
    from adrl_core.evidence.tests import detectable_effect

    effect = detectable_effect(4, 0.8)
    samples = np.random.default_rng(3).normal(effect, 1.0, (4000, 4))
    found = (stats.ttest_1samp(samples, 0.0, axis=1).pvalue < 0.05).mean()
    assert found == pytest.approx(0.8, abs=4 * (0.8 * 0.2 / 4000) ** 0.5)


def test_episodes_to_a_level_against_a_loop() -> None:
    generator = np.random.default_rng(1)
    count, levels = 3 * WINDOW, (0.4, 0.7, 1.2)
    rewards = np.linspace(0.0, 1.0, count) * np.array([[1.0], [0.8], [0.2]]) + generator.normal(
        0, 0.1, (3, count)
    )
    frame = pd.DataFrame(
        {
            "seed": np.repeat(range(3), count),
            "episode": np.tile(range(count), 3),
            "reward": rewards.ravel(),
        }
    )
    for level in levels:
        found = episodes_to(frame, level)
        for run in range(3):
            first = next(
                (n for n in range(WINDOW, count + 1) if rewards[run, n - WINDOW : n].mean() >= level), None
            )
            assert (found.episodes[run], found.reached[run]) == (first or count, first is not None)


def test_logrank_against_scipy() -> None:
    a = Reached(np.array([100, 230, 400, 1000, 1000]), np.array([True, True, True, False, False]))
    b = Reached(np.array([90, 120, 150, 310, 1000]), np.array([True, True, True, True, False]))

    def censored(sample: Reached) -> stats.CensoredData:
        return stats.CensoredData(
            uncensored=sample.episodes[sample.reached], right=sample.episodes[~sample.reached]
        )

    expected = stats.logrank(censored(a), censored(b)).pvalue
    assert logrank(a, b) == pytest.approx(expected, rel=1e-6)
    never = Reached(np.array([9, 9]), np.array([False, False]))
    assert logrank(never, never) == 1.0


def test_threshold_is_a_share_of_the_best_constant_policy(results: Path, store: FactStore) -> None:
    reference = pd.read_parquet(results / "channels/baselines/evaluation.parquet")
    means = reference.groupby("policy")["reward"].mean()
    expected = 0.9 * max(means["max_uniform"], means["best_constant"])
    assert threshold(reference) == pytest.approx(expected)
    assert store["channels.threshold.reward"].value == pytest.approx(expected)


def test_restricted_mean_counts_censored_runs_at_the_end(results: Path, store: FactStore) -> None:
    reference = pd.read_parquet(results / "channels/baselines/evaluation.parquet")
    episodes = pd.read_parquet(results / "channels/full/train/episodes.parquet")
    found = episodes_to(episodes, threshold(reference))
    assert store["channels.full.threshold.restricted_mean"].value == pytest.approx(found.episodes.mean())
    assert store["channels.full.threshold.reached"].value == found.reached.sum()
    assert found.episodes[~found.reached].tolist() == [20] * int((~found.reached).sum())
