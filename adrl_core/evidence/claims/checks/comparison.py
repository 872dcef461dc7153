"""Section 4.1: the table, and the comparison with the baselines."""

import numpy as np

from adrl_core.agents.baselines import CHAIN_LENGTH
from adrl_core.evidence.claims.checks.common import (
    BASELINES,
    LAST,
    LENGTH,
    ONE,
    REFERENCES,
    TRAIN,
    ZERO,
    above,
    as_percent,
    log,
)
from adrl_core.evidence.claims.evidence import (
    CHAINS,
    Evidence,
    Measure,
    Rows,
    in_chains,
    of_chains,
    of_policy,
    on_bank,
    per_run_mean,
    per_run_sd,
    window,
)
from adrl_core.evidence.claims.measured import Order, Test, Value, mean, sd
from adrl_core.evidence.claims.rules import Derived, Exclusive, Rule
from adrl_core.evidence.published import printed
from adrl_core.evidence.quantities import EPISODES

CHECKS: dict[str, Rule] = {}


# 4.1. The table: a log of a thousand training episodes, and baselines over a thousand episodes.
def _percent_of(policy: str) -> Measure:
    words = f"mean of the episodes' ROI of {policy}, in percent"
    return Measure(words, REFERENCES, lambda evidence: 100.0 * evidence.reference(policy, "roi"), EPISODES)


CHECKS |= {
    "C074": Value(
        log("mean training reward", "reward"),
        mean,
        *above("random", "reward"),
        beside=(on_bank("on the bank, greedily", "reward"),),
    ),
    "C075": Value(log("SD of a run's training rewards", "reward", summary=per_run_sd)),
    "C076": Value(log("mean conversions in training", "conversions"), mean, *above("random", "conversions")),
    "C077": Value(
        log("mean of the training episodes' ROI, in percent", "roi", summary=as_percent),
        mean,
        0.0,
        ZERO,
        beside=(log("as a ratio", "roi"),),
    ),
    "C078": Value(log("mean spend in training", "spend"), mean, *above("random", "spend")),
}
for _policy, _ids in (("random", "C079 C080 C081 C082 C083"), ("fixed", "C084 C085 C086 C087 C088")):
    _mean, _sd, _conversions, _roi, _spend = _ids.split()
    CHECKS |= {
        _mean: Value(of_policy(f"mean reward of {_policy}", _policy, "reward"), further=LENGTH),
        _sd: Value(of_policy(f"SD of the rewards of {_policy}", _policy, "reward"), sd, further=LENGTH),
        _conversions: Value(of_policy(f"conversions of {_policy}", _policy, "conversions"), further=LENGTH),
        _roi: Value(
            _percent_of(_policy),
            mean,
            0.0,
            ZERO,
            further=LENGTH,
            beside=(of_policy("as a ratio", _policy, "roi"),),
        ),
        _spend: Value(of_policy(f"spend of {_policy}", _policy, "spend"), further=LENGTH),
    }


def _chain_percent(evidence: Evidence) -> Rows:
    return 100.0 * in_chains(evidence.reference("greedy_carried", "roi")).mean(1)


def _greedy(words: str, column: str) -> Value:
    return Value(
        of_chains(f"{words} of Greedy, its state carried over", column),
        mean,
        lambda evidence: evidence.level("greedy_reset", column),
        "Greedy reset at each episode",
        LENGTH // CHAIN_LENGTH,
    )


CHECKS |= {
    "C089": _greedy("mean reward", "reward"),
    "C090": Value(
        of_chains("SD of the rewards in a chain of Greedy, its state carried over", "reward", per_run_sd),
        further=LENGTH // CHAIN_LENGTH,
    ),
    "C091": _greedy("conversions", "conversions"),
    "C092": Value(
        Measure(
            "mean of the episodes' ROI of Greedy, its state carried over, in percent",
            REFERENCES,
            _chain_percent,
            CHAINS,
        ),
        mean,
        lambda evidence: 100.0 * evidence.level("greedy_reset", "roi"),
        "Greedy reset at each episode",
        LENGTH // CHAIN_LENGTH,
        beside=(of_chains("as a ratio", "roi"),),
    ),
    "C093": _greedy("spend", "spend"),
}


def _log_over(words: str, column: str, policy: str) -> Measure:
    return Measure(
        f"{words} over the mean of {policy}",
        TRAIN,
        lambda evidence: (
            per_run_mean(window(evidence.log(column), 0, None, LENGTH)) / evidence.level(policy, column)
        ),
    )


def _margins(evidence: Evidence) -> Rows:
    means = per_run_mean(window(evidence.log("reward"), 0, None, LENGTH))
    return np.stack([means - evidence.level(policy, "reward") for policy in BASELINES], 1)


def _smallest_d(evidence: Evidence) -> Rows:
    log = window(evidence.log("reward"), 0, None, LENGTH)
    effects = []
    for policy in BASELINES:
        other = evidence.reference(policy, "reward")
        pooled = np.sqrt((log.var(1, ddof=1) + other.var(ddof=1)) / 2.0)
        effects.append((log.mean(1) - other.mean()) / pooled)
    return np.min(effects, axis=0)


def _gain_over_random(evidence: Evidence) -> Rows:
    return 100.0 * (_log_over("", "reward", "random").read(evidence) - 1.0)


def _last_over_maximum(evidence: Evidence) -> Rows:
    last = window(evidence.log("reward"), -LAST, None, LENGTH).mean(1)
    return last - max(float(evidence.reference(policy, "reward").max()) for policy in BASELINES)


CHECKS |= {
    "C094": Exclusive(
        ("C095",),
        lambda: printed("C095").value != printed("C072").value - 1,
        "a paired test has one degree of freedom less than pairs, while the printed ones are those of an "
        "unpaired test",
    ),
    "C095": Derived(
        ("C095.paired",), shown=("C095.unpaired", "C096.welch_df", "C098.welch_df", "C100.welch_df")
    ),
    "C096": Derived(("C096.unpaired", "C096.paired"), shown=("C096.n",)),
    "C097": Derived(("C097.table", "C097.t")),
    "C098": Derived(("C098.unpaired", "C098.paired"), shown=("C098.n",)),
    "C099": Derived(("C099.table", "C099.t")),
    "C100": Derived(("C100.unpaired", "C100.paired"), shown=("C100.n",)),
    "C101": Derived(("C101.table", "C101.t")),
    "C102": Derived(
        ("C102.table",),
        Test(Measure("training reward less each baseline's, the least clear", TRAIN, _margins)),
    ),
    "C103": Derived(
        ("C103.table",),
        Order(
            Measure("smallest d against the baselines, over episodes as in the report", TRAIN, _smallest_d),
            boundary=printed("C103").value,
            digits=2,
        ),
        shown=("C103.t",),
    ),
    "C104": Derived(
        ("C104.table",),
        Value(
            Measure("gain in training reward over Random, in percent", TRAIN, _gain_over_random),
            mean,
            0.0,
            ZERO,
        ),
    ),
    "C105": Derived(
        ("C105.table",), Value(_log_over("training conversions", "conversions", "random"), mean, 1.0, ONE)
    ),
    "C106": Order(
        Measure("mean of the last episodes less the largest of any baseline", TRAIN, _last_over_maximum)
    ),
    "C136": Derived(
        ("C136.table",), Value(_log_over("training conversions", "conversions", "fixed"), mean, 1.0, ONE)
    ),
    "C137": Derived(
        ("C137.table",),
        Value(_log_over("training conversions", "conversions", "greedy_carried"), mean, 1.0, ONE),
    ),
}
