"""Facts of arrivals against tables made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.evidence.arrivals import LEVEL, arrival_times, facts
from adrl_core.evidence.claims import ledger
from adrl_core.evidence.figures.generalists import figures
from adrl_core.evidence.quantities import METRICS
from adrl_core.generalists import ARRIVAL_BANK, FAMILY, FRESH, MET_OTHERS, PLAIN

SEEDS = np.arange(3)
SPECIALIST = np.array([200.0, 100.0, 400.0])
SHARES = {
    # Runs side by side: at once, with a dip later; after a dip; never, or at the last play only.
    MET_OTHERS: {
        0: [0.96, 0.97, 0.20],
        5: [0.95, 0.90, 0.90],
        20: [0.80, 0.96, 0.94],
        50: [0.99, 1.00, 0.96],
    },
    FRESH: {
        5: [0.10, 0.20, 0.30],
        50: [0.96, 0.80, 0.95],
        100: [0.96, 0.95, 0.94],
        200: [0.80, 0.97, 0.95],
    },
}
OURS, THEIRS = [0.0, 20.0, 200.0], [50.0, 100.0, 200.0]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Both starts on all markets, seeds in reverse; specialists on two, with episodes beyond those played."""
    rows = [
        pd.DataFrame({"start": start, "market": market, "episodes": episodes, "seed": SEEDS[::-1]}).assign(
            course="", reward=(SPECIALIST * shares)[::-1]
        )
        for market in FAMILY
        for start, plays in SHARES.items()
        for episodes, shares in plays.items()
    ]
    folder = tmp_path / "generalists"
    folder.mkdir()
    pd.concat(rows).to_parquet(folder / "arrivals.parquet")
    played = [
        pd.DataFrame({"course": "all", "market": market, "seed": SEEDS, **dict.fromkeys(METRICS, SPECIALIST)})
        for market in FAMILY
    ]
    pd.concat(played).to_parquet(folder / "generalists.parquet")
    pd.DataFrame({"course": ["all"], "variant": "planner", "episodes": 40, "seconds": 3.0}).to_parquet(
        folder / "trainings.parquet"
    )
    frames = [
        pd.DataFrame({"seed": seed, "episode": [0, ARRIVAL_BANK], **{m: [value, 1e6] for m in METRICS}})
        for seed, value in zip(SEEDS, SPECIALIST, strict=True)
    ]
    for market in ("pacing", "shift"):
        path = tmp_path / market / PLAIN / "evaluate"
        path.mkdir(parents=True)
        pd.concat(frames).to_parquet(path / "evaluation.parquet")
    return tmp_path


def test_both_starts_arrive_by_one_rule_however_many_plays_follow() -> None:
    """Against a loop; where the curves of both starts agree, so does the arrival."""
    points = np.array([5, 10, 20, 35, 50, 75, 100, 150, 200])
    values = np.random.default_rng(0).choice([LEVEL - 0.1, LEVEL, 1.0], (len(points), 40))
    whole = pd.DataFrame(values, points)
    found = arrival_times({MET_OTHERS: whole.loc[:50], FRESH: whole})
    for start, last in ((MET_OTHERS, 4), (FRESH, 8)):
        for run, curve in enumerate(values.T):
            held = [n for n in range(last) if curve[n] >= LEVEL and curve[n + 1] >= LEVEL]
            expected = (points[held[0]], True) if held else (200, False)
            assert (found[start].episodes[run], found[start].reached[run]) == expected
    early = found[MET_OTHERS].reached
    assert 0 < early.sum() < len(early)
    assert (found[MET_OTHERS].episodes[early] == found[FRESH].episodes[early]).all()


def test_shares_and_episodes_by_run(results: Path) -> None:
    found, prefix = facts(results), "generalists.pacing.arrival"
    before = SHARES[MET_OTHERS][0]
    fact, expected = (
        found[f"{prefix}.met_others.before.share.mean"],
        stats.t.interval(0.95, 2, np.mean(before), stats.sem(before)),
    )
    assert (fact.value, fact.low, fact.high) == pytest.approx((np.mean(before), *expected))
    assert found[f"{prefix}.fresh.same.share.mean"].value == pytest.approx(np.mean(SHARES[FRESH][50]))
    assert found[f"{prefix}.fresh.end.share.mean"].value == pytest.approx(np.mean(SHARES[FRESH][200]))
    assert found[f"{prefix}.met_others.lowest.share.mean"].value == pytest.approx(np.mean(before))
    assert [found[f"{prefix}.{start}.reached"].value for start in SHARES] == [2, 2]
    # Who has not arrived counts with the longer training, on either side.
    assert found[f"{prefix}.met_others.episodes.mean"].value == pytest.approx(np.mean(OURS))
    assert found[f"{prefix}.fresh.episodes.mean"].value == pytest.approx(np.mean(THEIRS))
    saved = stats.ttest_rel(THEIRS, OURS)
    assert found[f"{prefix}.saved.mean"].value == pytest.approx(np.subtract(THEIRS, OURS).mean())
    assert found[f"{prefix}.saved.p"].value == pytest.approx(saved.pvalue)
    assert found[f"{prefix}.speedup"].value == pytest.approx(350 / 221)


def test_over_all_markets_by_run(results: Path) -> None:
    found = facts(results)
    episodes = found["generalists.arrival.episodes"]
    low, high = stats.t.interval(0.95, 2, np.mean(OURS), stats.sem(OURS))
    assert (episodes.value, episodes.low, episodes.high, episodes.n) == pytest.approx(
        (np.mean(OURS), low, high, 3)
    )
    assert found["generalists.arrival.markets"].value == 2
    assert [found[f"generalists.arrival.{name}"].value for name in ("online", "training")] == [50, 200]
    assert found["generalists.arrival.no_quicker"].text() == "pacing and shift"
    assert found["generalists.arrival.met_others.all_reached"].text() == "none of them"


def test_what_was_not_run_has_no_facts(results: Path, tmp_path: Path) -> None:
    found, nothing = facts(results), facts(tmp_path / "nothing")
    assert not [key for key in found if key.startswith("generalists.margin.")]
    assert {key.split(".")[2] for key in nothing} == {"bank", "hold", "level", "search"}


def test_promises_of_the_outlook_are_held_against_it(results: Path, tmp_path: Path) -> None:
    claims = ("C215", "C216", "C217")

    def verdicts(place: Path) -> list[str]:
        by_id = {entry.id: entry.verdict for entry in ledger(place)}
        return [by_id[claim] for claim in claims]

    assert verdicts(tmp_path / "nothing") == ["not testable"] * 3
    assert verdicts(results) == ["same direction", "contradicted", "contradicted"]
    path = results / "generalists" / "arrivals.parquet"
    table = pd.read_parquet(path)
    quick = table["start"] == MET_OTHERS
    table.loc[quick, "reward"] = table.loc[quick, "seed"].map(dict(zip(SEEDS, SPECIALIST, strict=True)))
    table.to_parquet(path)
    assert verdicts(results) == ["same direction"] * 3


def test_the_figure_has_a_panel_where_there_is_a_specialist(results: Path) -> None:
    figure = dict(figures(results))["generalists-arrivals"][0]
    assert [axes.get_title() for axes in figure.axes] == ["pacing", "shift"]
    assert all(len(axes.lines) == 3 for axes in figure.axes)
