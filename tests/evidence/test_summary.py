"""Facts against a direct calculation from small tables, and the figures drawn from them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.evidence.ablation import COMPARED
from adrl_core.evidence.figures import draw
from adrl_core.evidence.outcomes import bid_facts, gap_facts, misplaced_facts, reference_facts
from adrl_core.evidence.summary import summarise
from adrl_core.report.facts import FactStore


def test_team_counts_runs_and_baselines_count_episodes(results: Path, store: FactStore) -> None:
    frame = pd.read_parquet(results / "channels/full/evaluate/evaluation.parquet")
    runs = np.array([frame[frame["seed"] == seed]["reward"].mean() for seed in range(4)])
    fact = store["channels.full.reward.mean"]
    low, high = stats.ttest_1samp(runs, 0.0).confidence_interval(0.95)
    assert (fact.value, fact.low, fact.high) == pytest.approx((runs.mean(), low, high))
    assert (fact.n, fact.unit_of_analysis) == (4, "training runs")
    assert store["channels.random.reward.mean"].n == 6
    assert store["channels.full.reward.sd"].value == pytest.approx(frame["reward"].std())
    ratio = frame["profit"].sum() / frame["spend"].sum()
    assert store["channels.full.roi.ratio_of_sums"].value == pytest.approx(ratio)


def test_comparisons_take_each_run_against_the_reference(results: Path, store: FactStore) -> None:
    frame = pd.read_parquet(results / "channels/full/evaluate/evaluation.parquet")
    reference = pd.read_parquet(results / "channels/baselines/evaluation.parquet")
    oracle = reference[reference["policy"] == "oracle"]["reward"].mean()
    runs = frame.groupby("seed")["reward"].mean()
    test = stats.ttest_1samp(runs, oracle)
    fact = store["channels.full.minus.oracle.reward.mean"]
    assert fact.value == pytest.approx(runs.mean() - oracle)
    assert (fact.low, fact.high) == pytest.approx(tuple(b - oracle for b in test.confidence_interval(0.95)))
    assert store["channels.full.over.oracle.reward.ratio"].value == pytest.approx(runs.mean() / oracle)
    word = store["channels.full.versus.oracle.reward.word"].value
    assert (word == "not distinguishable from") == (test.pvalue >= 0.05)


def test_training_windows(results: Path, store: FactStore) -> None:
    training = pd.read_parquet(results / "channels/full/train/episodes.parquet")
    last = training[training["episode"] >= 18]["share_both"].mean()
    assert store["channels.full.training.last.share_both.mean"].value == pytest.approx(last)
    assert store["study.training_window"].value == 2
    assert store["channels.full.training.minutes"].value == pytest.approx(1.5)


def test_bids_of_the_two_teams_are_compared_run_by_run() -> None:
    def steps(bids: list[float]) -> pd.DataFrame:
        """Two steps a run, their mean as asked for; runs in reverse."""
        rows = [
            {"seed": seed, "step": step, "bid": bid + (-1) ** step}
            for seed, bid in enumerate(bids)
            for step in (0, 1)
        ]
        return pd.DataFrame(rows[::-1])

    tuned, full = [2.0, 3.0, 4.5, 4.0], [2.5, 3.6, 5.0, 4.9]
    found = bid_facts("m", steps(tuned), steps(full))
    test, mean = stats.ttest_rel(tuned, full), found["m.tuned.minus.full.bid.mean"]
    assert (mean.value, mean.low, mean.high) == pytest.approx((-0.625, *test.confidence_interval(0.95)))
    assert found["m.tuned.minus.full.bid.p"].value == pytest.approx(test.pvalue)
    assert found["m.tuned.minus.full.bid.word"].value == "below"


def test_hours_are_of_all_stages_but_those_that_read_the_facts(results: Path) -> None:
    """Six stages of 90 seconds below the markets, and one of an hour right below the study."""
    for folder, seconds in (("contested", 3600.0), ("commentary", 7200.0), ("", 7200.0)):
        (results / folder).mkdir(exist_ok=True)
        (results / folder / "manifest.json").write_text(json.dumps({"seconds": seconds}))
    assert summarise(results)["study.compute_hours"].value == pytest.approx(1.0 + 6 * 90.0 / 3600.0)


def test_published_and_configured_values(store: FactStore) -> None:
    assert store["claim.C074"].text() == "511.27"
    assert store["config.full.bidding.replay_capacity"].text() == "50,000"
    # The report's drawings give 135,940 and 136,331 parameters.
    assert store["constant.network.actor_critic.parameters"].value == 135_940
    assert store["constant.network.dueling.parameters"].value == 136_331


def test_nothing_to_summarise_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no evaluation found"):
        summarise(tmp_path)


def test_figures_come_with_caption_and_alternative_text(results: Path) -> None:
    draw(results)
    drawn = {path.stem: path.read_bytes() for path in (results / "figures").glob("*.svg")}
    by_market = (
        "learning",
        "modes",
        "updates",
        "efficiency",
        "evaluation",
        "profit",
        "actions",
        "variants",
        "ten",
        "ablation",
        "ablation-curves",
    )
    expected = {f"{name}-channels" for name in by_market}
    assert set(drawn) == expected | {"improvement", "profiles", "power", "channels-economics", "ledger"}
    for name in drawn:
        texts = json.loads((results / "figures" / f"{name}.json").read_text())
        assert all(texts[key] for key in ("title", "caption", "alt"))
    stale = results / "figures" / "of-a-stage-that-is-gone.svg"
    stale.write_text("<svg/>")
    draw(results)
    again = {path.stem: path.read_bytes() for path in (results / "figures").glob("*.svg")}
    assert again == drawn
    assert not stale.exists()


def test_actions_are_means_over_runs_and_steps(results: Path, store: FactStore) -> None:
    table = pd.read_parquet(results / "channels/full/evaluate/steps.parquet")
    fact = store["channels.full.allocation_video.mean"]
    assert (fact.value, fact.n) == (pytest.approx(table["allocation_video"].mean()), 4)
    assert store["channels.oracle.bid.mean"].low is None


def test_scores_are_shares_of_the_best_reference(results: Path, store: FactStore) -> None:
    reference = pd.read_parquet(results / "channels/baselines/evaluation.parquet")
    best = max(frame["reward"].mean() for _, frame in reference.groupby("policy"))
    runs = pd.read_parquet(results / "channels/full/evaluate/evaluation.parquet").groupby("seed")["reward"]
    scores = np.sort(runs.mean() / best)
    assert store["all.full.score.mean"].value == pytest.approx(scores.mean())
    assert store["all.full.score.iqm"].value == pytest.approx(scores[1:3].mean())


def test_roundings_shared_by_all_runs_are_no_difference() -> None:
    """A team that plays exactly as the reference does, summed in another order, is not below it at p = 0."""
    frame = pd.DataFrame({"seed": [0, 0, 1, 1], **{m: [2.0, 3.0] * 2 for m in COMPARED}})
    reference = pd.DataFrame({"policy": ["fixed"] * 2, **{m: [2.0, 3.0 + 1e-7] for m in COMPARED}})
    facts = reference_facts("published", "no_bidding", frame, reference, "s")
    assert facts["published.no_bidding.minus.fixed.reward.mean"].value == 0.0
    assert facts["published.no_bidding.minus.fixed.reward.p"].value == 1.0
    assert facts["published.no_bidding.versus.fixed.reward.word"].value == "not distinguishable from"


def test_misplaced_budget_is_what_would_have_to_move_to_reach_the_oracle() -> None:
    """Three steps, one a third: all in place, half to move, all to move; a second run never errs."""
    oracle = _steps("oracle", [0], [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)])
    team = _steps("full", [0], [(1.0, 0.0, 0.0), (0.25, 0.5, 0.25), (1.0, 0.0, 0.0)])
    same = oracle.assign(policy="full", seed=1)
    facts = misplaced_facts("channels", pd.concat([team, same]), oracle, "s")
    means = [facts[f"channels.full.misplaced.{part}.mean"].value for part in ("first", "middle", "last")]
    assert means == pytest.approx([0.0, 0.25, 0.5])
    assert facts["channels.full.misplaced.first.mean"].n == 2
    assert misplaced_facts("published", team, oracle[:0], "s") == {}


def _steps(policy: str, seeds: list[int], shares: list[tuple[float, float, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(shares, columns=["allocation_search", "allocation_display", "allocation_video"])
    return pd.concat([frame.assign(policy=policy, seed=s, step=range(len(shares))) for s in seeds])


def test_the_way_from_the_best_constant_to_the_oracle() -> None:
    """Best constant 10, oracle 30: a run with 20 has come half way, one with 5 a quarter back."""
    reference = pd.DataFrame({"policy": ["best_constant", "oracle"], "reward": [10.0, 30.0]})
    frame = pd.DataFrame({"seed": [0, 1], "reward": [20.0, 5.0]})
    fact = gap_facts("channels", "full", frame, reference, "s")["channels.full.gap_closed"]
    assert fact.value == pytest.approx((0.5 - 0.25) / 2)
    assert gap_facts("published", "full", frame, reference[:1], "s") == {}
