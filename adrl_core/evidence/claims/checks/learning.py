"""Sections 2, 3, 5.5 and 6: efficiency, convergence, stability, ablation."""

import numpy as np
from statsmodels.tsa.stattools import acf

from adrl_core.agents.team import MODES
from adrl_core.evidence.claims import settings
from adrl_core.evidence.claims.checks.common import AFTER, LAST, LENGTH, TRAIN, ZERO, as_percent
from adrl_core.evidence.claims.consistency import compared_windows, printed_df
from adrl_core.evidence.claims.evidence import (
    CONVERGENCE,
    Evidence,
    Measure,
    Rows,
    on_log,
    per_run_mean,
    per_run_sd,
    window,
)
from adrl_core.evidence.claims.measured import Order, Test, Value, gain, mean, saving
from adrl_core.evidence.claims.rules import Absent, Derived, Exclusive, Rule, Setting
from adrl_core.evidence.published import printed

CHECKS: dict[str, Rule] = {}


# Efficiency of learning: the published team against the same without one part, run by run.
def _settling_pair(other: str) -> Measure:
    return Measure(
        f"episodes to the fixed level, saved against {other.replace('_', ' ')}, in percent",
        f"published/{other}/train",
        lambda evidence: np.stack([evidence.settling(), evidence.settling(other)], 1),
    )


def _reward_pair(other: str) -> Measure:
    return Measure(
        f"mean training reward gained over {other.replace('_', ' ')}, in percent",
        f"published/{other}/train",
        lambda evidence: np.stack(
            [window(evidence.log("reward", v), 0, None, CONVERGENCE).mean(1) for v in ("full", other)], 1
        ),
    )


def _settling(variant: str, words: str) -> Measure:
    return Measure(words, f"published/{variant}/train", lambda evidence: evidence.settling(variant))


SETTLING = _settling("full", "episodes until the running mean reaches the fixed level")

CHECKS |= {
    "C036": Value(_reward_pair("plain_head"), gain, 0.0, ZERO),
    "C040": Derived(("C040.fewer", "C040.more"), shown=("C041.gain", "C041.fewer")),
    "C041": Value(
        SETTLING,
        against=lambda evidence: float(evidence.settling("uniform_replay").mean()),
        against_words="our teams with uniform replay",
    ),
    "C042": Value(
        _settling(
            "uniform_replay", "episodes until the running mean reaches the fixed level, uniform replay"
        ),
        against=lambda evidence: float(evidence.settling().mean()),
        against_words="our teams with prioritised replay",
    ),
    "C055": Absent("a Bidding agent that learns by PPO is not part of this package"),
    "C062": Value(_settling_pair("plain_head"), saving, 0.0, ZERO),
    "C107": Value(SETTLING),
    "C211": Derived(("C211.fewer",), Value(_settling_pair("uniform_replay"), saving, 0.0, ZERO)),
    "C243": Order(
        Measure("episodes until the running mean settles", TRAIN, lambda evidence: evidence.settling()),
        boundary=printed("C243").value,
        digits=0,
    ),
}


# 2.5. Reward and profit.
def _correlation(evidence: Evidence) -> Rows:
    pairs = zip(evidence.log("reward"), evidence.log("profit"), strict=True)
    return np.array([np.corrcoef(*pair)[0, 1] for pair in pairs])


CORRELATION = Measure("correlation of reward and profit over a run's episodes", TRAIN, _correlation)
CHECKS |= {
    "C051": Order(on_log("mean profit of a training episode", "profit"), side=-1, unit="USD"),
    "C052": Absent("the reward before shaping is not printed in full"),
    "C053": Value(CORRELATION, mean, 0.0, ZERO),
    "C054": Test(CORRELATION),
    "C209": Absent("the earlier reward and the episode of this example are not printed"),
    "C210": Absent("the earlier reward and the episode of this example are not printed"),
}


# 5.5 and 6. Convergence, stability, ablation.
def _loss(episode: int) -> Value:
    def read(evidence: Evidence) -> Rows:
        return window(evidence.update("policy_loss", "controller"), 0, episode)[:, -1]

    def td(evidence: Evidence) -> Rows:
        return window(evidence.update("td_loss", "bidding"), 0, episode)[:, -1]

    where = f"after episode {episode}"
    return Value(
        Measure(f"the Controller's policy loss {where}", TRAIN, read),
        beside=(Measure("the Bidding agent's squared TD error", TRAIN, td),),
    )


def _autocorrelation(rows: Rows) -> Rows:
    return np.array([acf(row, nlags=1, fft=False, result_object=True).acf[1] for row in rows])


def _sd_fall(evidence: Evidence) -> Rows:
    log = window(evidence.log("reward"), 0, 1000)
    return 100.0 * (1.0 - log[:, 600:].std(1, ddof=1) / log[:, :100].std(1, ddof=1))


def _early_less_late_sd(evidence: Evidence) -> Rows:
    log = window(evidence.log("reward"), 0, CONVERGENCE)
    return per_run_sd(log[:, :100]) - per_run_sd(log[:, 400:])


def _diverged(evidence: Evidence) -> int:
    tables = [
        evidence.log("reward"),
        evidence.update("td_loss", "bidding"),
        evidence.update("value_loss", "controller"),
    ]
    return int(sum((~np.isfinite(table)).any(1).sum() for table in tables))


def _contribution(variant: str) -> Value:
    def measured(market: str, words: str) -> Measure:
        return Measure(
            words,
            f"{market}/{variant}/evaluate",
            lambda evidence: np.stack(
                [per_run_mean(evidence.bank("reward", v, market)) for v in (variant, "full")], 1
            ),
        )

    words = f"reward on the bank lost without it ({variant.replace('_', ' ')}), in percent"
    return Value(
        measured("published", words), saving, 0.0, ZERO, beside=(measured("channels", "on channels"),)
    )


def _last_share(column: str) -> Measure:
    return on_log(
        "share of decisions that ask both, last episodes, in percent", column, as_percent, -LAST, None, LENGTH
    )


CHECKS |= {
    "C187": _loss(1),
    "C188": _loss(100),
    "C189": _loss(200),
    "C190": _loss(500),
    "C191": Derived(("C191.sds", "C191.windows"), shown=("C191.fall",)),
    "C192": Exclusive(
        ("C191",),
        lambda: printed_df() != (1, sum(compared_windows()) - 2),
        "Levene's test of two groups has one degree of freedom above and those of all episodes below; the "
        "printed ones are those of a ratio of variances",
    ),
    "C193": Derived(
        ("C191.ratio", "C191.levene"),
        Test(Measure("SD of episodes 1 to 100 less that of 401 to 500", TRAIN, _early_less_late_sd)),
    ),
    "C194": Exclusive(
        ("C192",),
        lambda: printed_df() != tuple(length - 1 for length in compared_windows()),
        "the later window holds an episode more than the printed degrees of freedom allow",
    ),
    "C195": Value(
        on_log("lag-1 autocorrelation of episodes 1 to 100", "reward", _autocorrelation, 0, 100),
        mean,
        0.0,
        ZERO,
    ),
    "C196": Value(
        on_log("lag-1 autocorrelation of episodes 401 to 500", "reward", _autocorrelation, 400, 500),
        mean,
        0.0,
        ZERO,
    ),
    "C197": _contribution("no_controller"),
    "C198": _contribution("no_bidding"),
    "C199": _contribution("no_budget"),
    "C200": Setting(lambda _: settings.epsilon(AFTER), "exploration rate after ten episodes:"),
    "C201": Derived(("C201.nats",), shown=("C201.bits", "C212.cap")),
    "C202": Setting(lambda _: settings.team().controller.gradient_norm, "largest gradient norm:"),
    "C203": Setting(
        lambda _: settings.value_update(), "in the network as section 3.2 draws it, the value is learned"
    ),
    "C204": Setting(
        lambda _: settings.norm_placement(), "in the networks as section 3.2 draws them, it is placed"
    ),
    "C205": Setting(_diverged, "runs with a reward or loss that is not finite:"),
    "C206": Exclusive(
        ("C072",),
        lambda: printed("C206").value != printed("C072").value,
        "two lengths are given for one training",
    ),
    "C207": Absent("what counts as a positive learning signal is never defined"),
    "C208": Derived(
        ("C180.table", "C208.trajectory"),
        Value(
            Measure("fall of a run's SD from episodes 0-100 to 600-1000, in percent", TRAIN, _sd_fall),
            mean,
            0.0,
            ZERO,
        ),
    ),
    "C212": Value(
        _last_share("share_both"),
        mean,
        lambda evidence: 100.0 * float(evidence.log("share_both")[:, 0].mean()),
        "the first episode",
    ),
    "C213": Value(
        on_log(
            "share of decisions that ask the Budget agent alone, first episode, in percent",
            "share_budget_only",
            as_percent,
            0,
            1,
        ),
        mean,
        100.0 / MODES,
        "an even choice",
    ),
}
