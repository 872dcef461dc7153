"""Facts of the generalists against tables made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.evidence.figures.generalists import figures
from adrl_core.evidence.generalists import facts
from adrl_core.evidence.quantities import METRICS
from adrl_core.generalists import BANK, FAMILY, PLAIN

SEEDS = np.arange(4)
SPECIALIST = np.array([200.0, 202.0, 198.0, 200.0])
OF_COURSE = {"all": [-20, -19, -22, -20], "all_recall": [-1, 2, -2, 1], "without": [-10, -5, -20, -9]}


def rows(course: str, market: str, off: list[int]) -> pd.DataFrame:
    """Four runs of a course on a market, in another order than the specialist's."""
    frame = pd.DataFrame({"course": course, "market": market, "seed": SEEDS[::-1]})
    return frame.assign(**dict.fromkeys(METRICS, (SPECIALIST + off)[::-1]))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """All courses on all markets; specialists and rule on `pacing`, with episodes beyond those played."""
    table = [rows(name, market, OF_COURSE[name]) for market in FAMILY for name in ("all", "all_recall")]
    table += [rows(f"without_{market}", market, OF_COURSE["without"]) for market in FAMILY]
    folder = tmp_path / "generalists"
    folder.mkdir()
    pd.concat(table).to_parquet(folder / "generalists.parquet")
    pd.DataFrame(
        {"course": ["all", "without_pacing"], "variant": "planner", "episodes": [40, 20], "seconds": 3.0}
    ).to_parquet(folder / "trainings.parquet")
    for place, key, values in (
        (f"pacing/{PLAIN}/evaluate", "seed", dict(zip(SEEDS, SPECIALIST, strict=True))),
        ("pacing/baselines", "policy", {"lookahead": 250.0, "random": 100.0}),
    ):
        frames = [
            pd.DataFrame({key: name, "episode": [0, 1, BANK], **{m: [v - 5, v + 5, 1e6] for m in METRICS}})
            for name, v in values.items()
        ]
        (tmp_path / place).mkdir(parents=True)
        pd.concat(frames).to_parquet(tmp_path / place / "evaluation.parquet")
    return tmp_path


def test_shares_and_differences_by_run(results: Path) -> None:
    found, prefix = facts(results), "generalists.pacing"
    ours = SPECIALIST + OF_COURSE["all"]
    assert found[f"{prefix}.specialist.reward.mean"].value == pytest.approx(200.0)
    assert found[f"{prefix}.all.reward.mean"].value == pytest.approx(ours.mean())
    share, interval = (
        found[f"{prefix}.all.share.mean"],
        stats.t.interval(0.95, 3, np.mean(ours / SPECIALIST), stats.sem(ours / SPECIALIST)),
    )
    assert (share.value, share.low, share.high) == pytest.approx((np.mean(ours / SPECIALIST), *interval))
    assert found[f"{prefix}.all.of_rule.mean"].value == pytest.approx(ours.mean() / 250.0)
    test = stats.ttest_rel(SPECIALIST + OF_COURSE["all_recall"], ours)
    difference = found[f"{prefix}.all_recall.minus.all.reward.mean"]
    expected = test.confidence_interval()
    assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))
    assert found[f"{prefix}.all_recall.minus.all.reward.p"].value == pytest.approx(test.pvalue)
    assert found[f"{prefix}.unseen.minus.specialist.reward.word"].text() == "below"
    assert found["generalists.without_pacing.episodes"].value == 20


def test_where_generalists_fall_behind_is_said_in_words(results: Path) -> None:
    found = facts(results)
    assert found["generalists.all.behind"].text() == "pacing"
    assert found["generalists.all.level"].text() == "none of them"
    assert found["generalists.all_recall.level"].text() == "pacing"
    assert found["generalists.unseen.weakest"].text() == "pacing"


def test_what_was_not_run_has_no_facts(results: Path, tmp_path: Path) -> None:
    found = facts(results)
    assert found["generalists.shift.all.reward.mean"].value == pytest.approx(179.75)
    for absent in ("shift.all.share.mean", "shift.specialist_recall.reward.mean", "margin.rule.reward.mean"):
        assert f"generalists.{absent}" not in found
    assert all(key.startswith("generalists.constant.") for key in facts(tmp_path / "nothing"))


def test_the_figure_is_drawn_where_there_is_a_specialist(results: Path, tmp_path: Path) -> None:
    (drawn,) = dict(figures(results)).values()
    axes = drawn[0].axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["pacing"]
    assert not list(figures(tmp_path / "nothing"))
