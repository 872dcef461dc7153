"""The ledger's rules on tables whose verdict is known, and its recomputations against hand values."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adrl_core.config import DDQN, PPO, Team
from adrl_core.evidence.claims import RULES, VERDICTS, ledger, ledger_facts, settings
from adrl_core.evidence.claims.checks import (
    CHECKS,
    before_after,
    comparison,
    curve,
    design,
    learning,
    outlook,
)
from adrl_core.evidence.claims.consistency import largest_share, objective_has_a_direction
from adrl_core.evidence.claims.entry import Untestable
from adrl_core.evidence.claims.evidence import Evidence, Measure, Rows, in_chains, running_mean
from adrl_core.evidence.claims.measured import (
    Order,
    Range,
    Test,
    Value,
    gain,
    half_width,
    mean,
    pseudo_values,
    ratio,
    sd,
)
from adrl_core.evidence.claims.readings import READINGS
from adrl_core.evidence.claims.rules import Derived, Exclusive, Logged, Provided, Rule, Setting, Size, Tried
from adrl_core.evidence.figures.ledger import draw_ledger
from adrl_core.evidence.intervals import LEVEL
from adrl_core.evidence.published import claims, decimals, printed
from adrl_core.report.facts import Fact, FactStore

EVIDENCE = Evidence(Path("nowhere"))
TOTALS = ("reward", "conversions", "clicks", "impressions", "spend", "profit", "roi")


def verdict(rule: Rule, claim: str) -> str:
    """What a rule says of a claim, without any tables."""
    deciding = rule.deciding(claim)
    try:
        return deciding.judge(claim, EVIDENCE).verdict
    except Untestable:
        return "not testable"


def measured(rows: Rows, counted: str = "training runs") -> Measure:
    """A measure that returns these rows."""
    return Measure("something", "published/full/train", lambda _: rows, counted)


def runs(centre: float, spread: float, n: int = 20) -> Rows:
    """Values with exactly this mean and standard deviation."""
    raw = np.random.default_rng(0).normal(size=n)
    return centre + spread * (raw - raw.mean()) / raw.std(ddof=1)


# The table of checks.
def test_every_claim_has_exactly_one_check() -> None:
    sections = (design, learning, comparison, curve, before_after, outlook)
    ids = [claim for section in sections for claim in section.CHECKS]
    assert len(ids) == len(set(ids)) == 247
    assert set(ids) == set(claims().index)


def test_the_rules_that_are_used_are_the_rules_that_are_stated() -> None:
    used = {type(rule) for rule in CHECKS.values()}
    used |= {type(rule.then) for rule in CHECKS.values() if isinstance(rule, Derived) and rule.then}
    assert used == set(RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.statement().startswith(("The claim", "Some claims")) for rule in RULES)
    assert all(f"{LEVEL:.0%}".replace("%", " %") in rule.statement() for rule in (Value, Order, Range))


def test_every_recomputation_of_a_check_exists() -> None:
    named = [
        name for rule in CHECKS.values() if isinstance(rule, Derived) for name in rule.readings + rule.shown
    ]
    assert set(named) <= set(READINGS)


# Printed numbers.
@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("C074", (511.27, 511.265, 511.275)),
        ("C108", (350.0, 345.0, 355.0)),  # a window mean, printed to the nearest ten
        ("C072", (1000.0, 1000.0, 1000.0)),  # a setting is exact
        ("C063", (3e-4, 3e-4, 3e-4)),
        ("C054", (0.001, -np.inf, 0.001)),
        ("C107", (350.0, 300.0, 400.0)),
        ("C016", (50.0, 0.0, np.inf)),
        ("C129", (-1.39, -1.395, -1.385)),
        ("C020", (np.nan, -np.inf, np.inf)),
    ],
)
def test_printed_numbers_and_their_rounding(claim: str, expected: tuple[float, float, float]) -> None:
    assert tuple(printed(claim)) == pytest.approx(expected, nan_ok=True)


def test_words_are_no_numbers() -> None:
    with pytest.raises(ValueError, match="C094 prints 'paired'"):
        printed("C094")
    assert [decimals(claim) for claim in ("C074", "C108", "C063", "C200", "C107")] == [2, 0, 0, 4, 0]


# Recomputations: values worked out by hand, each with the digits given there.
HAND = {
    "C096.unpaired": "26.18",
    "C098.unpaired": "31.19",
    "C100.unpaired": "59.48",
    "C096.paired": "18.92",
    "C098.paired": "22.42",
    "C100.paired": "51.99",
    "C096.n": "338",
    "C098.n": "369",
    "C100.n": "232",
    "C097.t": "0.681",
    "C099.t": "0.847",
    "C101.t": "1.282",
    "C097.table": "1.171",
    "C099.table": "1.395",
    "C101.table": "2.660",
    "C095.paired": "999",
    "C095.unpaired": "1998",
    "C096.welch_df": "1719",
    "C098.welch_df": "1777",
    "C100.welch_df": "1049",
    "C145.se": "46.74",
    "C148.t": "320.04",
    "C149.t": "515.70",
    "C150.interval": "12.04",
    "C153.interval": "2.69",
    "C148.level": "86",
    "C153.t": "1.999",
    "C150.d": "8.99",
    "C152.t": "3.1e-8",
    "C159.episode": "11.57",
    "C159.likelihood": "12.54",
    "C159.pooled": "231.4",
    "C159.episodes": "2.03",
    "C161.exact": "0.00091",
    "C191.levene": "0.041",
    "C191.ratio": "3e-12",
    "C191.sds": "2.25",
    "C191.windows": "0.77",
    "C191.fall": "51",
    "C196.effective": "20",
    "C102.effective": "198",
    "C115.rise": "18",
    "C163.rise": "158",
    "C182.dispersion": "0.19",
    "C182.poisson": "4.80",
    "C134.low": "17",
    "C134.high": "29",
    "C164.normal": "2.65",
    "C165.normal": "7.35",
    "C166.normal": "16.92",
    "C167.normal": "29.08",
    "C164.mean": "4.44",
    "C165.mean": "5.56",
    "C166.mean": "21.55",
    "C167.mean": "24.45",
    "C180.table": "33.35",
    "C183.table": "34.4",
    "C186.table": "32.1",
    "C125.last": "53.1",
    "C125.all": "52.1",
    "C074.windows": "490.0",
    "C075.windows": "254.3",
    "C146.implied": "150.69",
    "C147.implied": "568.56",
    "C108.rest": "349",
    "C121.fall": "12.9",
    "C106.random_z": "1.23",
    "C106.fixed_z": "1.47",
    "C106.random_share": "11",
    "C106.fixed_share": "7",
    "C106.random_max": "811",
    "C106.fixed_max": "789",
    "C131.normal": "55",
    "C131.rest": "420",
    "C119.settling": "45",
    "C119.late": "43",
    "C132.z": "1.08",
    "C132.share": "14",
    "C170.factor": "130",
    "C077.fifty": "7.07",
    "C077.value": "6.63",
    "C077.profit": "9.71",
    "C077.as_ratio": "50.06",
    "C082.as_ratio": "47.92",
    "C087.as_ratio": "42.09",
    "C092.as_ratio": "10.89",
    "C082.as_percent": "7.03",
    "C087.as_percent": "7.82",
    "C092.as_percent": "7.25",
    "C088.each": "7.48",
    "C093.each": "7.21",
    "C140.cost": "6.3",
    "C140.conversions": "6.8",
    "C140.roi": "13.5",
    "C173.gross": "53670",
    "C174.gross": "101730",
    "C175.table": "48060",
    "C175.roi": "84",
    "C172.share": "1.37",
    "C177.table": "48060000",
    "C200.four": "0.8183",
    "C200.one": "0.9511",
    "C200.step": "0.0067",
    "C127.one": "0.606",
    "C127.four": "0.135",
    "C201.nats": "0.269",
    "C201.bits": "0.387",
    "C212.cap": "89.8",
    "C040.fewer": "60",
    "C041.gain": "714",
    "C041.fewer": "600",
    "C217.ratio": "8",
    "C231.comparison": "100000",
    "C231.agents": "150000",
    "C233.seconds": "500",
    "C233.power": "3.6",
    "C066.capacity": "500",
    "C071.floor": "99",
    "C197.sum": "81",
    "C222.release": "0.01",
    "C222.training": "1000",
    "C053.n": "8",
    "C104.table": "106",
    "C105.table": "2.16",
    "C136.table": "2.97",
    "C137.table": "158",
    "C138.table": "6.20",
    "C139.table": "6.62",
    "C158.table": "360",
    "C171.table": "480.6",
}


@pytest.mark.parametrize(("name", "expected"), HAND.items())
def test_recomputed_by_hand(name: str, expected: str) -> None:
    mantissa, _, exponent = expected.partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    assert READINGS[name].value == pytest.approx(float(expected), abs=0.501 * unit)


def test_roundings_widen_a_recomputation() -> None:
    low, high = READINGS["C074.windows"].bounds
    assert (low, high) == pytest.approx((485.0, 495.0))
    assert READINGS["C075.windows"].bounds[1] == pytest.approx(259.8, abs=0.05)
    # 33.35 rounds to 33.3 or 33.4 within the roundings of the two SDs, so 33.4 may stand.
    assert READINGS["C180.table"].admits(printed("C180"))
    assert not READINGS["C097.table"].admits(printed("C097"))


def test_a_lower_bound_admits_what_lies_above() -> None:
    assert not READINGS["C096.paired"].admits(printed("C096"))
    assert READINGS["C096.paired"].admits(printed("C100"))


@pytest.mark.parametrize(
    ("signs", "consistent"), [((-1, 0.5, -0.01), True), ((1, -0.5, 0.01), True), ((1, 0.5, -0.01), False)]
)
def test_signs_of_the_objective(signs: tuple[float, float, float], consistent: bool) -> None:
    assert objective_has_a_direction(*signs) is consistent


INCONSISTENT = (
    *("C032", "C040", "C094", "C095", "C096", "C097", "C098", "C099", "C100"),
    *("C101", "C126", "C127", "C140", "C148", "C149", "C150", "C153", "C159"),
    *("C191", "C192", "C194", "C201", "C206", "C230", "C234", "C241", "C242"),
)


@pytest.mark.parametrize("claim", CHECKS)
def test_which_claims_contradict_the_report_itself(claim: str) -> None:
    rule = CHECKS[claim].deciding(claim)
    inconsistent = isinstance(rule, Derived | Exclusive) and verdict(rule, claim) == "inconsistent in itself"
    assert inconsistent == (claim in INCONSISTENT)


@pytest.mark.parametrize(("entropy", "options"), [(0.0, 3), (0.31, 3), (0.9, 3), (0.5, 2), (1.5, 10)])
def test_the_largest_share_has_the_entropy(entropy: float, options: int) -> None:
    share = largest_share(entropy, options) / 100.0
    rest = [(1.0 - share) / (options - 1)] * (options - 1)
    assert stats.entropy([share, *rest]) == pytest.approx(entropy, abs=1e-9)
    assert share >= 1.0 / options


def test_no_share_has_more_entropy_than_an_even_choice() -> None:
    assert largest_share(math.log(3.0), 3) == largest_share(2.0, 3) == pytest.approx(100.0 / 3.0)


# The jackknife and its intervals.
def test_for_a_mean_the_interval_is_the_textbook_prediction_interval() -> None:
    rows = runs(3.0, 2.0)
    n = len(rows)
    t = stats.t.ppf(0.975, n - 1)
    assert half_width(rows, mean, 1) == pytest.approx(t * np.std(rows, ddof=1) * np.sqrt(1.0 + 1.0 / n))
    assert half_width(rows, mean) == pytest.approx(t * stats.sem(rows))


def test_pseudo_values_against_deletion_by_hand() -> None:
    rows = np.array([[1.0, 2.0], [3.0, 5.0], [2.0, 2.0]])
    whole = 6.0 / 9.0
    without = np.array([5.0 / 7.0, 3.0 / 4.0, 4.0 / 7.0])
    np.testing.assert_allclose(pseudo_values(rows, ratio), 3 * whole - 2 * without)


@pytest.mark.parametrize(("statistic", "least"), [(mean, 0.935), (sd, 0.90)])
def test_intervals_for_twenty_further_runs_hold_them(
    statistic: Callable[[Rows], float], least: float
) -> None:
    """The jackknife is approximate for an SD of twenty values: it covers a little less than 95 %."""
    generator = np.random.default_rng(1)
    hits = 0
    for _ in range(1000):
        rows, further = generator.normal(10.0, 3.0, (2, 20))
        hits += abs(statistic(further) - statistic(rows)) <= half_width(rows, statistic, 20)
    assert least <= hits / 1000 <= 0.975


# Each rule on data whose verdict is known.
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (runs(505.0, 20.0), "reproduced"),
        (runs(450.0, 20.0), "same direction"),
        (runs(505.0, 400.0), "same direction"),  # holds 511.27, but also the point of comparison
        (runs(240.0, 20.0), "contradicted"),
        (runs(100.0, 20.0), "contradicted"),
        (runs(260.0, 400.0), "not testable"),
        (runs(511.0, 20.0, 4), "not testable"),
        (np.full(20, np.nan), "not testable"),
    ],
)
def test_value(rows: Rows, expected: str) -> None:
    rule = Value(measured(rows), against=247.0, against_words="Random")
    assert verdict(rule, "C074") == expected  # 511.27


def test_value_without_a_point_of_comparison() -> None:
    assert verdict(Value(measured(runs(505.0, 20.0))), "C074") == "reproduced"
    assert verdict(Value(measured(runs(450.0, 20.0))), "C074") == "contradicted"


def test_value_says_what_it_saw() -> None:
    finding = Value(measured(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))).judge("C155", EVIDENCE)  # 5.0
    half = stats.t.ppf(0.975, 4) * np.sqrt(2.5) * np.sqrt(1.2)
    assert finding.ours is not None
    assert (finding.ours.value, finding.ours.high) == pytest.approx((3.0, 3.0 + half))
    assert (finding.ours.n, finding.ours.interval) == (5, "95 % prediction interval")
    assert finding.reason == "something: 3.0; printed 5.0, inside [−1.8, 7.8]."


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (runs(-5.0, 2.0), "reproduced"),
        (runs(5.0, 2.0), "contradicted"),
        (runs(-0.1, 2.0), "not testable"),
        (np.full(20, -1.0), "reproduced"),
    ],
)
def test_order(rows: Rows, expected: str) -> None:
    assert verdict(Order(measured(rows), side=-1), "C051") == expected


@pytest.mark.parametrize(
    ("inside", "expected"), [(100, "reproduced"), (95, "reproduced"), (60, "contradicted")]
)
def test_range(inside: int, expected: str) -> None:
    row = np.r_[np.full(inside, 20.0), np.full(100 - inside, 50.0)]
    assert verdict(Range(measured(np.tile(row, (20, 1)))), "C123") == expected  # 15-35
    assert verdict(Range(measured(np.tile(row, (20, 1))), required=0.5), "C135") == "reproduced"  # 15-30


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (runs(1.0, 0.5), "reproduced"),
        (runs(0.5, 1.0), "same direction"),  # t = 2.24, p = 0.04
        (runs(0.1, 1.0), "contradicted"),
        (runs(-1.0, 0.5), "contradicted"),
        (np.stack([runs(1.0, 0.5), runs(0.1, 1.0)], 1), "contradicted"),
        (runs(1.0, 0.5, 19), "not testable"),
    ],
)
def test_significance(rows: Rows, expected: str) -> None:
    assert verdict(Test(measured(rows)), "C102") == expected


@pytest.mark.parametrize(
    ("claim", "value", "expected"),
    [
        ("C028", 0.2, "reproduced"),
        ("C028", 0.3, "contradicted"),
        ("C059", "256-256-out", "reproduced"),
        ("C027", tuple(np.linspace(0.5, 4.5, 10)), "reproduced"),
        ("C027", tuple(np.linspace(0.5, 5.0, 10)), "contradicted"),
        ("C027", (0.5, 4.5), "contradicted"),
    ],
)
def test_setting(claim: str, value: Any, expected: str) -> None:
    assert verdict(Setting(lambda _: value), claim) == expected


def test_size_and_logged_range() -> None:
    assert verdict(Size(lambda _: 1000), "C072") == "reproduced"
    assert verdict(Size(lambda _: 150), "C072") == "not testable"
    assert verdict(Logged(lambda _: np.array([0.3, 1.0]), "it"), "C014") == "reproduced"
    assert verdict(Logged(lambda _: np.array([0.2, 1.0]), "it"), "C014") == "contradicted"
    assert verdict(Logged(lambda _: np.array([0.3, 1.1]), "it"), "C014") == "contradicted"
    assert verdict(Logged(lambda _: np.array([0.0, 1e9]), "it"), "C016") == "reproduced"  # 0..100+


def test_what_follows_is_measured_and_what_does_not_is_inconsistent() -> None:
    true, false = Value(measured(runs(2.16, 0.01))), Value(measured(runs(1.0, 0.01)))
    assert verdict(Derived(("C105.table",), true), "C105") == "reproduced"
    assert verdict(Derived(("C105.table",), false), "C105") == "contradicted"
    assert verdict(Derived(("C105.table",)), "C105") == "reproduced"
    assert verdict(Derived(("C136.table",), true), "C105") == "inconsistent in itself"
    assert Derived(("C105.table",), true).deciding("C105") is true


def test_exclusion() -> None:
    assert verdict(Exclusive(("C072",), lambda: True, "they differ"), "C230") == "inconsistent in itself"
    assert verdict(Exclusive(("C072",), lambda: False, "they differ"), "C230") == "reproduced"


def test_part() -> None:
    assert verdict(Provided("adrl_core.nothing"), "C001") == "not testable"
    assert verdict(Provided("adrl_core.market"), "C001") == "reproduced"


def test_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A promise is judged by what the trial of the mechanism measured."""
    measured = {"governance.delay": Fact(value=1, unit="decision")}
    monkeypatch.setattr("adrl_core.evidence.claims.evidence.governance_facts", lambda _: measured)
    evidence = Evidence(tmp_path)

    def judge(kept: Callable[[float], bool], in_part: bool = False) -> str:
        return Tried("governance.delay", kept, "reverts after", in_part).judge("C235", evidence).verdict

    assert judge(lambda delay: delay == 1) == "reproduced"
    assert judge(lambda delay: delay == 1, in_part=True) == "same direction"
    assert judge(lambda delay: delay < 1) == judge(lambda delay: delay < 1, in_part=True) == "contradicted"
    with pytest.raises(Untestable, match=r"not tried .* governance.other"):
        Tried("governance.other", bool, "").judge("C235", evidence)


# The package's own settings.
def test_networks_have_the_printed_numbers_of_parameters() -> None:
    assert settings.parameters(settings.actor_critic()) == 135_940
    assert settings.parameters(settings.q_network()) == 136_331


@pytest.mark.parametrize(
    ("changed", "claim"),
    [
        (Team(controller=PPO(clip=0.3)), "C028"),
        (Team(bidding=DDQN(discount=0.9), controller=PPO(discount=0.9)), "C033"),
        (Team(bidding=DDQN(epsilon_decays_per_episode=1)), "C200"),
        (Team(controller=PPO(gradient_norm=1.0)), "C202"),
    ],
)
def test_a_changed_configuration_turns_its_verdict(
    changed: Team, claim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verdict(CHECKS[claim], claim) == "reproduced"
    monkeypatch.setattr(settings, "team", lambda: changed)
    assert verdict(CHECKS[claim], claim) == "contradicted"


def test_a_changed_reward_turns_its_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [verdict(CHECKS[claim], claim) for claim in ("C043", "C047", "C246")] == [
        "reproduced",
        "reproduced",
        "contradicted",
    ]
    monkeypatch.setattr(settings.reward, "REWARD_CLIP", (-60.0, 100.0))
    monkeypatch.setattr(settings.reward, "EFFICIENCY_WEIGHT", 10.0)
    assert [verdict(CHECKS[claim], claim) for claim in ("C043", "C044", "C047")] == [
        "contradicted",
        "reproduced",
        "contradicted",
    ]


# A whole study.
def write(path: Path, frame: pd.DataFrame) -> None:
    """Write one table of a study."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path)


def study(root: Path, count: int, episodes: int, bank: int, gained: float = 0.0) -> Path:
    """A made-up study of the published team: after episode 0, rewards are higher by `gained`."""
    generator = np.random.default_rng(3)
    index = {"seed": np.repeat(np.arange(count), episodes), "episode": np.tile(np.arange(episodes), count)}
    log = pd.DataFrame(index)
    for column in TOTALS:
        log[column] = 150.69 + generator.normal(0.0, 15.0, len(log))
    log["reward"] += gained * (log["episode"] > 0)
    log["epsilon"] = 1.0
    for name in ("bidding_only", "budget_only", "both"):
        log[f"share_{name}"] = 1.0 / 3.0
    write(root / "published/full/train/episodes.parquet", log)
    updates = pd.concat(
        [pd.DataFrame(index | {"agent": agent}) for agent in ("controller", "bidding", "budget")]
    )
    for column in ("policy_loss", "td_loss", "value_loss", "ratio_error"):
        updates[column] = generator.uniform(0.0, 0.1, len(updates))
    write(root / "published/full/train/updates.parquet", updates)
    decisions = pd.DataFrame({"step": np.arange(100)})
    for name in ("search", "display", "video"):
        decisions[f"allocation_{name}"] = 1.0 / 3.0
    for name in ("remaining_budget", "cost_per_click", "competition", "time_remaining", "conversions"):
        decisions[name] = 0.5
    for name in ("clicks", "impressions", "ROI_mean", "ROI_sd"):
        decisions[name] = 0.5
    decisions["volatility"] = 0.2
    write(root / "published/full/train/decisions.parquet", decisions)
    evaluation = pd.DataFrame(
        {"seed": np.repeat(np.arange(count), bank), "episode": np.tile(np.arange(bank), count)}
    )
    baselines = pd.DataFrame(
        [
            {"policy": policy, "episode": episode}
            for policy in ("random", "fixed", "greedy_carried", "greedy_reset", "constant_max")
            for episode in range(bank)
        ]
    )
    for frame in (evaluation, baselines):
        for column in TOTALS:
            frame[column] = generator.gamma(4.0, 50.0, len(frame))
    write(root / "published/full/evaluate/evaluation.parquet", evaluation)
    write(root / "published/baselines/evaluation.parquet", baselines)
    return root


def verdicts(root: Path) -> dict[str, str]:
    """Verdict by claim."""
    return {entry.id: entry.verdict for entry in ledger(root)}


def test_a_claim_that_is_made_true_is_reproduced_and_turns_when_it_is_not(tmp_path: Path) -> None:
    true = verdicts(study(tmp_path / "true", 20, 20, 100, gained=417.87))
    false = verdicts(study(tmp_path / "false", 20, 20, 100))
    half = verdicts(study(tmp_path / "half", 20, 20, 100, gained=200.0))
    for claim in ("C142", "C145", "C147"):
        assert (true[claim], half[claim], false[claim]) == ("reproduced", "same direction", "contradicted")
    assert (true["C152"], false["C152"]) == ("reproduced", "contradicted")
    # A figure that does not follow from others stays inconsistent whatever the data.
    assert true["C148"] == false["C148"] == "inconsistent in itself"
    assert true["C197"] == "not testable"


def test_ablations_are_measured_once_they_are_there(tmp_path: Path) -> None:
    root = study(tmp_path / "paper", 20, 20, 100)
    path = root / "published/full/evaluate/evaluation.parquet"
    whole = pd.read_parquet(path)
    ablated = whole.assign(reward=whole["reward"] * (1.0 - 0.37))
    write(root / "published/no_controller/evaluate/evaluation.parquet", ablated)
    found = {entry.id: entry for entry in ledger(root)}
    assert found["C197"].verdict == "reproduced"
    assert (found["C197"].market, found["C197"].variant) == ("published", "no_controller")
    assert found["C198"].reason == "Not run in profile paper: no_bidding on published."


def test_every_claim_gets_a_verdict_in_the_smallest_study(tmp_path: Path) -> None:
    entries = ledger(study(tmp_path / "smoke", 2, 6, 8))
    assert [entry.id for entry in entries] == list(claims().index)
    assert {entry.verdict for entry in entries} <= set(VERDICTS)
    by_id = {entry.id: entry for entry in entries}
    assert by_id["C074"].reason == "Needs 1000 training episodes, the study has 6."
    assert by_id["C142"].reason == "Needs 11 training episodes, the study has 6."
    # Two runs can refute nothing, so they must not reproduce anything.
    assert not [e.id for e in entries if e.rule == "value" and e.verdict != "not testable"]
    assert by_id["C028"].verdict == "reproduced"


def test_a_study_without_the_published_market_is_not_testable(tmp_path: Path) -> None:
    entries = ledger(tmp_path)
    assert len(entries) == 247
    assert {e.verdict for e in entries if e.rule in ("value", "order", "test")} == {"not testable"}


def test_facts_of_the_ledger(tmp_path: Path) -> None:
    entries = ledger(study(tmp_path / "quick", 20, 20, 100))
    facts = ledger_facts(entries)
    counts = [facts[f"ledger.count.{name.replace(' ', '_')}"].value for name in VERDICTS]
    assert sum(float(count) for count in counts) == facts["ledger.count.all"].value == 247
    kinds = [entry.kind for entry in entries if entry.verdict == "reproduced"]
    assert facts["ledger.reproduced.configuration"].value == kinds.count("configuration") > 0
    assert facts["ledger.C096.verdict"].value == "inconsistent in itself"
    assert facts["ledger.C096.ours"].text() == "26.18"
    assert facts["ledger.C247.ours"].text() == "–"
    assert facts["recomputed.C159.episode"].text() == "11.57"
    assert all(
        f"ledger.{entry.id}.{part}" in facts for entry in entries for part in ("rule", "reason", "ours")
    )
    store = FactStore(profile="quick", facts=facts)
    assert FactStore.model_validate(json.loads(store.model_dump_json())) == store
    assert all(isinstance(fact, Fact) for fact in facts.values())


def test_the_figure_shows_every_claim_once(tmp_path: Path) -> None:
    entries = ledger(study(tmp_path / "quick", 20, 20, 100))
    figure, _, caption, alternative = draw_ledger(entries)
    bars = [bar for container in figure.axes[0].containers for bar in container]
    assert sum(bar.get_width() for bar in bars) == 247
    configuration = sum(entry.kind == "configuration" for entry in entries)
    assert f" n = {configuration}" in [text.get_text() for text in figure.axes[0].texts]
    assert "{fact}`ledger.count.same_direction`" in caption and alternative


def test_measures_on_arrays() -> None:
    np.testing.assert_allclose(running_mean(np.arange(60.0)[None])[0, [0, -1]], [24.5, 34.5])
    assert in_chains(np.arange(250.0)).shape == (2, 100)
    assert gain(np.array([[3.0, 2.0], [5.0, 2.0]])) == pytest.approx(100.0)
