"""Facts of the safety layer and of oversight, from tables made by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.evidence.figures.governance import guardrails as guardrail_figures
from adrl_core.evidence.figures.governance import oversight as oversight_figures
from adrl_core.evidence.governance import guardrails, oversight
from adrl_core.evidence.intervals import mean_interval
from adrl_core.governance.guardrails import KINDS
from adrl_core.governance.trials.guardrails import CAPS, PARTS
from adrl_core.governance.trials.trail import STACKS

TIMES = {"started": "2026-01-01T10:00:00+00:00", "ended": "2026-01-01T11:00:00+00:00"}
SEEDS = [0, 1, 2]


def stage(results: Path, folder: str, **tables: pd.DataFrame) -> None:
    path = results / folder
    path.mkdir(parents=True)
    (path / "manifest.json").write_text(json.dumps({"parameters": {"evaluation_episodes": 8}} | TIMES))
    for name, table in tables.items():
        table.to_parquet(path / f"{name}.parquet")


def played(reward: list[float], **columns: float) -> pd.DataFrame:
    zeros = dict.fromkeys(("conversions", "overridden", "reached", "overspent"), 0.0)
    zeros |= {f"wanted_{kind}": 0.0 for kind in KINDS}
    values = zeros | columns
    return pd.DataFrame({"seed": SEEDS, "reward": reward, "profit": reward, "spend": 300.0} | values)


@pytest.fixture
def guarded(tmp_path: Path) -> Path:
    free = [100.0, 110.0, 90.0]
    cases = {
        ("team", "counted"): played(free, reached=50.0, overridden=50.0, wanted_exposure=25.0, overspent=1.5),
        ("team", "enforced"): played([90.0, 98.0, 82.0], overridden=60.0),
        **{("team", f"only {part}"): played(free) for part in PARTS},
        ("slipped point", "counted"): played([50.0, 60.0, 40.0], reached=100.0),
        ("slipped point", "enforced"): played([90.0, 98.0, 82.0]),
    }
    frames = [frame.assign(policy=policy, condition=c) for (policy, c), frame in cases.items()]
    caps = [played([cap * reward for reward in free]).assign(cap=np.float32(cap)) for cap in CAPS]
    stage(
        tmp_path,
        "channels/tuned/guardrails",
        guardrails=pd.concat(frames),
        caps=pd.concat(caps),
    )
    return tmp_path


def test_a_study_without_the_trials_has_their_constants_only(tmp_path: Path) -> None:
    facts = guardrails.facts(tmp_path) | oversight.facts(tmp_path)
    assert {fact.source for fact in facts.values()} == {"adrl_core"}
    assert facts["governance.guardrails.limit.pacing.spend_per_step"].text() == "12"
    assert facts["governance.guardrails.limit.channels.largest_share"].text() == "80%"
    assert list(guardrail_figures.figures(tmp_path)) == list(oversight_figures.figures(tmp_path)) == []


def test_prices_are_paired_by_run(guarded: Path) -> None:
    facts = guardrails.facts(guarded)
    name = "governance.guardrails.channels"
    difference = facts[f"{name}.enforced.minus_counted.reward.mean"]
    expected = mean_interval([-10.0, -12.0, -8.0])
    assert (difference.value, difference.low, difference.high) == pytest.approx(expected[:3])
    assert (difference.n, difference.unit_of_analysis) == (3, "training runs")
    t = stats.ttest_rel([90.0, 98.0, 82.0], [100.0, 110.0, 90.0])
    assert facts[f"{name}.enforced.minus_counted.reward.p"].value == pytest.approx(t.pvalue)
    assert facts[f"{name}.enforced.minus_counted.reward.word"].value == "below"
    assert facts[f"{name}.enforced.minus_counted.broken.mean"].value == pytest.approx(-0.5)
    assert facts[f"{name}.enforced.minus_counted.broken.word"].value == "below"
    share = np.mean([0.9, 98 / 110, 82 / 90])
    assert facts[f"{name}.enforced.share.mean"].value == pytest.approx(share)
    assert facts[f"{name}.slipped.enforced.minus_counted.reward.mean"].value == pytest.approx(40.0)
    assert facts[f"{name}.slipped.minus_team.profit.mean"].value == pytest.approx(-50.0)
    assert facts[f"{name}.cap_0_6.share.mean"].value == pytest.approx(0.6)


def test_steps_are_counted_over_all_runs_and_episodes(guarded: Path) -> None:
    facts = guardrails.facts(guarded)
    name = "governance.guardrails.channels"
    assert facts[f"{name}.counted.reached"].value == 3 * 8 * 50
    assert facts[f"{name}.counted.overspent"].value == 3 * 8 * 1.5
    assert facts[f"{name}.counted.broken.mean"].value == pytest.approx(0.5)
    assert facts[f"{name}.counted.wanted_exposure.mean"].value == pytest.approx(0.25)
    assert facts[f"{name}.enforced.reached"].value == 0
    assert facts[f"{name}.enforced.decisions"].text() == "2,400"
    assert facts["governance.guardrails.episodes"].value == 8


@pytest.fixture
def overseen(tmp_path: Path) -> Path:
    rows = [
        # condition, stopped after: the fault sets in after 4 episodes
        ("healthy", [0, 0, 9]),
        ("stuck bid", [10, 12, 15]),
        ("stale state", [0, 3, 24]),
        ("changed world", [0, 0, 7]),
    ]
    detection = pd.concat(
        pd.DataFrame({"condition": condition, "seed": SEEDS, "onset": 4, "stopped_after": stopped})
        for condition, stopped in rows
    ).assign(before=10.0, after=[*range(12)], instead=np.nan)
    power = pd.DataFrame(
        {
            "loss": np.float32([0.0, 0.2]),
            "watched": [100, 100],
            "deployments": [400, 400],
            "stopped": [4, 300],
        }
    )
    switches = pd.DataFrame(
        {
            "drill": [
                "no approval",
                "approval",
                "changed weight",
                "review due",
                "review due",
                "thrown within",
                "thrown by another process",
                "taken back",
            ],
            "held": [True, True, False, True, True, True, True, True],
            "decisions": pd.array([None] * 5 + [1, 3, 1], dtype="Int64"),
        }
    )
    trail = pd.DataFrame({"seed": SEEDS, "decisions": 300, "on_record": [300, 300, 270], "bytes": 300_000})
    trail = trail.assign(append_rate=1e4, safe_rate=50.0, verify_rate=2e4)
    tampering = pd.DataFrame(
        {
            "kind": ["edited", "edited", "rewritten, anchor kept"],
            "found": [True, True, True],
            "named": [True, False, True],
            "lost": [0, 0, 0],
        }
    )
    latency = pd.concat(
        pd.DataFrame(
            {"stack": name, "seed": 0, "elapsed": np.arange(101) * 0.2, "computing": np.arange(101) * 0.1}
        )
        for name in STACKS
    )
    stage(
        tmp_path,
        "shift/tuned/oversight",
        detection=detection,
        power=power,
        switches=switches,
        trail=trail,
        tampering=tampering,
        latency=latency,
    )
    return tmp_path


def test_delays_run_from_the_onset_and_early_stops_are_false_alarms(overseen: Path) -> None:
    facts = oversight.facts(overseen)
    name = "governance.oversight.shift"
    assert facts[f"{name}.stuck_bid.delay.median"].value == 8
    assert facts[f"{name}.stuck_bid.delay.longest"].value == 11
    assert (facts[f"{name}.stale_state.caught"].value, facts[f"{name}.stale_state.early"].value) == (1, 1)
    # Of two faults a run, one, one and both were caught; the healthy one and the early one were not due.
    caught = facts[f"{name}.caught"]
    interval = stats.ttest_1samp([0.5, 0.5, 1.0], 0.0).confidence_interval(0.95)
    assert (caught.value, caught.low, caught.high) == pytest.approx((4 / 6, max(interval.low, 0.0), 1.0))
    assert (caught.n, caught.unit_of_analysis) == (3, "training runs")
    assert facts[f"{name}.false_alarms"].value == 2
    assert facts[f"{name}.stuck_bid.after.mean"].value == pytest.approx(4.0)
    assert f"{name}.stuck_bid.instead.mean" not in facts
    healthy = facts[f"{name}.healthy.stopped"]
    exact = stats.binomtest(1, 3).proportion_ci(method="exact")
    assert (healthy.value, healthy.low, healthy.high) == pytest.approx((1 / 3, exact.low, exact.high))
    assert facts[f"{name}.healthy.watched"].value == 4


def test_simulated_stops_switches_and_records_are_counted(overseen: Path) -> None:
    facts = oversight.facts(overseen)
    name = "governance.oversight.shift"
    assert facts[f"{name}.alarm.100"].value == 0.01 and facts[f"{name}.loss_20.100"].value == 0.75
    assert facts[f"{name}.approval.refused"].value == 0.5
    assert facts[f"{name}.kill.throws"].value == 2 and facts[f"{name}.kill.decisions"].value == 3
    assert facts[f"{name}.kill.outside"].value == 1 and facts[f"{name}.resume.decisions"].value == 1
    assert facts["governance.oversight.review.enforced"].value == 1.0
    coverage = facts[f"{name}.audit.coverage"]
    low = stats.ttest_1samp([1.0, 1.0, 0.9], 0.0).confidence_interval(0.95).low
    assert (coverage.value, coverage.low, coverage.high, coverage.n) == pytest.approx(
        (870 / 900, low, 1.0, 3)
    )
    assert facts[f"{name}.audit.bytes.mean"].value == 1000.0 and facts[f"{name}.audit.episode"].value == 100.0
    assert facts[f"{name}.tampering.edited.tries"].value == facts[f"{name}.tampering.edited.found"].value == 2
    assert facts[f"{name}.tampering.edited.named"].value == 1
    assert facts[f"{name}.tampering.rewritten_anchor_kept.found"].value == 1
    assert facts[f"{name}.latency.p99"].value == pytest.approx(19.8)
    assert facts[f"{name}.latency.computing.p50"].value == pytest.approx(5.0)
    assert facts[f"{name}.latency.beside"].value == 0
    assert facts[f"{name}.latency.recorded.late"].value == pytest.approx(51 / 101)


def test_figures_are_drawn(guarded: Path, overseen: Path) -> None:
    names = [name for name, _ in guardrail_figures.figures(guarded)]
    assert names == ["guardrails-price", "guardrails-caps"]
    for name, (figure, *texts) in oversight_figures.figures(overseen):
        assert name.startswith("oversight-") and all(texts)
        figure.canvas.draw()
