"""One check for each of the published report's claims: which rule decides it, and on what."""

import math
from collections.abc import Callable

import numpy as np

from adrl_core.agents.baselines import CHAIN_LENGTH
from adrl_core.evidence.claims import settings
from adrl_core.evidence.claims.consistency import (
    NORMAL_95,
    compared_windows,
    critical_t,
    objective_has_a_direction,
    printed_df,
    signs,
)
from adrl_core.evidence.claims.evidence import (
    CHAINS,
    CONVERGENCE,
    Evidence,
    Measure,
    Rows,
    in_chains,
    of_chains,
    of_policy,
    on_bank,
    on_log,
    per_run_mean,
    per_run_sd,
    running_mean,
    window,
)
from adrl_core.evidence.claims.rules import (
    Absent,
    Derived,
    Exclusive,
    Logged,
    Order,
    Provided,
    Range,
    Rule,
    Setting,
    Size,
    Statistic,
    Test,
    Value,
    mean,
    ratio,
    sd,
)
from adrl_core.evidence.published import printed
from adrl_core.evidence.quantities import EPISODES
from adrl_core.market import reward
from adrl_core.market.presets import CHANNELS, STEPS

LENGTH = int(printed("C072").value)
"""Episodes of the published training log."""
RUNS_BEFORE_AFTER = int(printed("C144").value)
AFTER = int(printed("C143").value)
"""Episode that the published comparison of before and after ends with."""
LAST = 50
"""Episodes of the published report's last window."""
MARGIN = 5.0
"""Loss, in percent, up to which performance counts as kept."""
BASELINES = ("random", "fixed", "greedy_carried")
"""The published report's baselines, as this package calls them."""
TRAIN, BANK, REFERENCES = "published/full/train", "published/full/evaluate", "published/baselines"

CHECKS: dict[str, Rule] = {}


# 1 to 3. Architecture, mathematics, design.
def _state_feature(column: str, scale: float = 1.0) -> Callable[[Evidence], Rows]:
    return lambda evidence: evidence.decisions[column].to_numpy(float) * scale


def _shares(evidence: Evidence) -> Rows:
    names = [name for name in evidence.decisions.columns if name.startswith("allocation_")]
    return evidence.decisions[names].to_numpy(float).sum(1)


CHECKS |= {
    "C001": Provided("adrl_core.commentary"),
    "C002": Setting(lambda _: len(settings.learners()), "learning agents of a team:"),
    "C003": Provided("adrl_core.commentary.crew"),
    "C004": Setting(lambda _: settings.observed_size(), "features of the state that a market returns:"),
    "C005": Setting(lambda _: settings.MODES, "modes of the Controller:"),
    "C006": Setting(lambda _: len(settings.BIDS), "bid levels of `published`:"),
    "C007": Setting(lambda _: settings.BIDS[0], "lowest bid of `published`:"),
    "C008": Setting(lambda _: settings.BIDS[-1], "highest bid of `published`:"),
    "C009": Setting(lambda _: CHANNELS, "channels of an allocation:"),
    "C010": Logged(_shares, "the sum of the logged channel shares"),
    "C011": Provided("adrl_core.commentary"),
    "C012": Logged(_state_feature("remaining_budget", 10_000.0), "the logged budget"),
    "C013": Logged(_state_feature("cost_per_click", 5.0), "the logged cost per click"),
    "C014": Logged(_state_feature("competition"), "the logged competition"),
    "C015": Logged(_state_feature("time_remaining"), "the logged time left"),
    "C016": Logged(_state_feature("conversions", 100.0), "logged conversions"),
    "C017": Logged(_state_feature("clicks", 1000.0), "logged clicks"),
    "C018": Logged(_state_feature("impressions", 10_000.0), "logged impressions"),
    "C019": Logged(_state_feature("volatility"), "the logged volatility"),
    "C020": Logged(_state_feature("ROI_mean"), "the logged mean ROI"),
    "C021": Logged(_state_feature("ROI_sd"), "the logged SD of ROI"),
    "C022": Setting(lambda _: settings.divisor(0), "raw budget over scaled:"),
    "C023": Setting(lambda _: settings.divisor(1), "raw cost per click over scaled:"),
    "C024": Setting(lambda _: settings.divisor(4), "raw conversions over scaled:"),
    "C025": Setting(lambda _: settings.divisor(5), "raw clicks over scaled:"),
    "C026": Setting(lambda _: settings.divisor(6), "raw impressions over scaled:"),
    "C027": Setting(lambda _: settings.BIDS, "bid levels with which `published` yields the printed table:"),
    "C028": Setting(lambda _: settings.team().controller.clip, "clip of both PPO agents:"),
    "C029": Logged(
        lambda evidence: 100.0 * evidence.update("ratio_error", "controller"),
        "the largest change of the Controller's probability ratios, averaged over minibatches, in percent,",
        "updates.parquet",
    ),
    "C030": Setting(lambda _: settings.team().controller.value_weight, "weight of the value loss:"),
    "C031": Setting(lambda _: settings.team().controller.entropy_weight, "weight of the entropy:"),
    "C032": Exclusive(
        ("C031",),
        lambda: not objective_has_a_direction(*signs("C032")),
        "neither maximising nor minimising the printed objective raises the surrogate, lowers the value loss "
        "and raises the entropy, which is its stated purpose",
    ),
    "C033": Setting(lambda _: settings.team().controller.discount, "discount:"),
    "C034": Setting(lambda _: settings.team().controller.gae_lambda, "trace parameter:"),
    "C035": Setting(lambda evidence: int(evidence.decisions["step"].max()) + 1, "steps of a logged episode:"),
    "C037": Setting(lambda _: settings.team().bidding.priority_exponent, "priority exponent:"),
    "C038": Setting(lambda _: settings.team().bidding.importance_start, "importance exponent at the start:"),
    "C039": Setting(lambda _: settings.team().bidding.importance_end, "importance exponent at the end:"),
    "C043": Setting(lambda _: settings.shaped(0.0, 0.0, settings.LARGE), "reward of a ruinous step:"),
    "C044": Setting(lambda _: settings.shaped(settings.LARGE, 1.0, 0.0), "reward of a splendid step:"),
    "C045": Setting(lambda _: settings.reward_terms(), "weighted terms of the reward:"),
    "C046": Setting(lambda _: reward.PROFIT_DIVISOR, "divisor of the profit:"),
    "C047": Setting(lambda _: reward.EFFICIENCY_WEIGHT, "weight of conversions per click:"),
    "C048": Setting(lambda _: reward.CONVERSION_WEIGHT, "weight of a conversion:"),
    "C049": Setting(lambda _: reward.CLICK_WEIGHT, "weight of a click:"),
    "C050": Setting(lambda _: reward.COST_WEIGHT, "weight of the cost:"),
    "C056": Setting(lambda _: settings.reward_terms() + 1, "terms of the reward, and its clip:"),
    "C057": Setting(lambda _: settings.hidden_width(), "width of both trunks:"),
    "C058": Setting(lambda _: settings.team().controller.dropout, "dropout of the shared trunk:"),
    "C059": Setting(lambda _: settings.head_shape(), "both heads:"),
    "C060": Setting(lambda _: settings.stream_shape(settings.q_network().value), "value stream:"),
    "C061": Setting(lambda _: settings.stream_shape(settings.q_network().advantage), "advantage stream:"),
    "C063": Setting(lambda _: settings.team().bidding.learning_rate, "learning rate:"),
    "C064": Setting(lambda _: settings.team().bidding.batch_size, "minibatch:"),
    "C065": Setting(lambda _: settings.team().bidding.replay_capacity, "replay capacity:"),
    "C066": Derived(
        ("C066.capacity",),
        Setting(lambda _: settings.team().bidding.replay_capacity / STEPS, "capacity over steps:"),
    ),
    "C067": Setting(lambda _: settings.team().bidding.target_period, "steps between two copies:"),
    "C068": Setting(lambda _: settings.epsilon(0), "exploration rate of the first episode:"),
    "C069": Setting(lambda _: settings.team().bidding.epsilon_decay, "decay:"),
    "C070": Setting(lambda _: settings.team().bidding.epsilon_end, "floor:"),
    "C071": Derived(
        ("C071.floor",),
        Setting(
            lambda _: 100.0 * (1.0 - settings.team().bidding.epsilon_end), "greedy choices at the floor:"
        ),
    ),
    "C072": Size(lambda evidence: evidence.log("reward").shape[1]),
    "C073": Setting(
        lambda evidence: sum(len(evidence.reference(policy, "reward")) > 0 for policy in BASELINES),
        "published baselines that were played here:",
    ),
}


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


def gain(rows: Rows) -> float:
    """Mean of the first column over the mean of the second, as a gain in percent."""
    return 100.0 * (ratio(rows) - 1.0)


def saving(rows: Rows) -> float:
    """Mean of the first column over the mean of the second, as a saving in percent."""
    return 100.0 * (1.0 - ratio(rows))


def _settling(variant: str, words: str) -> Measure:
    return Measure(words, f"published/{variant}/train", lambda evidence: evidence.settling(variant))


SETTLING = _settling("full", "episodes until the running mean reaches the fixed level")
ZERO = "zero"

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


# 4.1. The table: a log of a thousand training episodes, and baselines over a thousand episodes.
def _log(words: str, column: str, **options: Callable[[Rows], Rows]) -> Measure:
    return on_log(words, column, needed=LENGTH, **options)


def _above(policy: str, column: str) -> tuple[Callable[[Evidence], float], str]:
    return lambda evidence: evidence.level(policy, column), policy.replace("_", " ").capitalize()


def as_percent(rows: Rows) -> Rows:
    """Mean of a ratio over each run's episodes, in percent."""
    return 100.0 * rows.mean(1)


def _percent_of(policy: str) -> Measure:
    words = f"mean of the episodes' ROI of {policy}, in percent"
    return Measure(words, REFERENCES, lambda evidence: 100.0 * evidence.reference(policy, "roi"), EPISODES)


CHECKS |= {
    "C074": Value(
        _log("mean training reward", "reward"),
        mean,
        *_above("random", "reward"),
        beside=(on_bank("on the bank, greedily", "reward"),),
    ),
    "C075": Value(_log("SD of a run's training rewards", "reward", summary=per_run_sd)),
    "C076": Value(
        _log("mean conversions in training", "conversions"), mean, *_above("random", "conversions")
    ),
    "C077": Value(
        _log("mean of the training episodes' ROI, in percent", "roi", summary=as_percent),
        mean,
        0.0,
        ZERO,
        beside=(_log("as a ratio", "roi"),),
    ),
    "C078": Value(_log("mean spend in training", "spend"), mean, *_above("random", "spend")),
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


ONE = "one"
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


# 4.2. The learning curve.
def _window_mean(words: str, start: int, stop: int | None) -> Value:
    measure = on_log(f"mean reward of {words}", "reward", per_run_mean, start, stop, LENGTH)
    return Value(measure, mean, *_above("random", "reward"))


def _window_sd(words: str, start: int, stop: int | None) -> Value:
    return Value(on_log(f"SD of the rewards of {words}", "reward", per_run_sd, start, stop, LENGTH))


def _cv(rows: Rows) -> Rows:
    return 100.0 * rows.std(1, ddof=1) / rows.mean(1)


for _mean, _sd, _start, _stop in (
    ("C108", "C109", 0, 100),
    ("C110", "C111", 100, 300),
    ("C112", "C113", 300, 600),
    ("C114", "C115", 600, 1000),
    ("C116", "C117", LENGTH - LAST, LENGTH),
):
    _words = f"episodes {_start} to {_stop}"
    CHECKS |= {_mean: _window_mean(_words, _start, _stop), _sd: _window_sd(_words, _start, _stop)}


def _least_lead(evidence: Evidence) -> Rows:
    smooth = running_mean(window(evidence.log("reward"), 0, None, LENGTH))
    return smooth.min(1) - max(evidence.level(policy, "reward") for policy in BASELINES)


def _sd_over_constant(evidence: Evidence) -> Rows:
    constant = evidence.reference("constant_max", "reward").std(ddof=1)
    return per_run_sd(window(evidence.log("reward"), 0, None, LENGTH)) - constant


def _late_change(evidence: Evidence) -> Rows:
    late = window(evidence.log("reward"), 600, 1000)
    return 100.0 * (late[:, 200:].mean(1) / late[:, :200].mean(1) - 1.0)


def _smooth(
    column: str, start: int, scale: Callable[[Evidence], float] = lambda _: 1.0
) -> Callable[[Evidence], Rows]:
    return lambda evidence: running_mean(window(evidence.log(column), start, None, LENGTH)) / scale(evidence)


def _multiple_kept(evidence: Evidence) -> Rows:
    # What is printed as 2 is at least 1.5.
    least = printed("C122").low
    rates = _smooth("conversions", 0, lambda e: e.level("random", "conversions"))(evidence)
    return 100.0 * (rates >= least).mean(1)


def _baseline_means(evidence: Evidence) -> Rows:
    return np.array([evidence.level(policy, "conversions") for policy in BASELINES])


CHECKS |= {
    "C118": Order(
        Measure("lowest running mean of a run less the best published baseline", TRAIN, _least_lead),
        unit="reward",
    ),
    "C119": Range(Measure("running means after episode 200", TRAIN, _smooth("reward", 200))),
    "C120": Order(
        Measure(
            "SD of a run's rewards less that of a constant bid, which adapts to nothing",
            TRAIN,
            _sd_over_constant,
        )
    ),
    "C121": Order(
        Measure("change from episodes 600-800 to 800-1000, in percent", TRAIN, _late_change),
        boundary=-MARGIN,
        unit="percent",
    ),
    "C122": Order(
        Measure(
            "share of running means of conversions at the printed multiple of Random's, in percent",
            TRAIN,
            _multiple_kept,
        ),
        boundary=95.0,
        unit="percent",
    ),
    "C123": Range(Measure("running means of conversions", TRAIN, _smooth("conversions", 0))),
    "C124": Logged(_baseline_means, "the baselines' mean conversions", "../baselines/evaluation.parquet"),
    "C125": Derived(
        ("C125.last",),
        Value(on_log("CV of the last episodes, in percent", "reward", _cv, -LAST, None, LENGTH)),
    ),
    "C126": Derived(("C126.start",)),
    "C127": Derived(("C127.one", "C127.four")),
    "C128": Value(
        on_log("mean reward of the plateau, episodes 100 to 600", "reward", per_run_mean, 100, 600, LENGTH),
        mean,
        *_above("random", "reward"),
    ),
}


# 4.3. Distributions.
def _minimum(rows: Rows) -> Rows:
    return rows.min(1)


def _maximum(rows: Rows) -> Rows:
    return rows.max(1)


def _share_300_700(rows: Rows) -> Rows:
    return 100.0 * ((rows >= 300.0) & (rows <= 700.0)).mean(1)


def _fence(rows: Rows) -> Rows:
    lower, upper = np.quantile(rows, (0.25, 0.75), axis=1)
    return upper + 1.5 * (upper - lower)


def _median(rows: Rows) -> Rows:
    return np.median(rows, axis=1)


def _spend_each(evidence: Evidence) -> Rows:
    return np.stack([window(evidence.log(c), 0, None, LENGTH).mean(1) for c in ("spend", "conversions")], 1)


def _roi_lead(evidence: Evidence) -> Rows:
    return 100.0 * (window(evidence.log("roi"), 0, None, LENGTH).mean(1) - evidence.level("random", "roi"))


CHECKS |= {
    "C129": Value(_log("lowest training reward of a run", "reward", summary=_minimum)),
    "C130": Value(_log("highest training reward of a run", "reward", summary=_maximum)),
    "C131": Value(
        _log("share of training rewards in that range, in percent", "reward", summary=_share_300_700)
    ),
    "C132": Value(
        _log(
            "upper fence of a run's rewards (third quartile and 1.5 times the IQR)", "reward", summary=_fence
        )
    ),
    "C133": Value(
        _log("median training reward", "reward", summary=_median),
        mean,
        lambda evidence: float(evidence.log("reward").mean()),
        "the mean",
    ),
    "C134": Range(
        Measure(
            "training episodes' conversions", TRAIN, lambda e: window(e.log("conversions"), 0, None, LENGTH)
        )
    ),
    "C135": Range(
        Measure(
            "training episodes' conversions", TRAIN, lambda e: window(e.log("conversions"), 0, None, LENGTH)
        ),
        required=0.5,
    ),
    "C138": Derived(
        ("C138.table",),
        Value(
            Measure("training spend for a conversion", TRAIN, _spend_each),
            ratio,
            lambda evidence: evidence.level("random", "spend") / evidence.level("random", "conversions"),
            "Random",
        ),
    ),
    "C139": Derived(
        ("C139.table",),
        Value(
            of_policy("spend of random for a conversion", "random", "spend", "conversions"),
            ratio,
            further=LENGTH,
        ),
    ),
    "C140": Derived(("C140.cost", "C140.conversions", "C140.roi")),
    "C141": Order(
        Measure("mean ROI in training less Random's, in percent", TRAIN, _roi_lead), unit="percent"
    ),
}


# 5.1 to 5.4. Before and after: the first training episode against the one after ten.
def _before_after(column: str, scale: float = 1.0) -> Callable[[Evidence], Rows]:
    def read(evidence: Evidence) -> Rows:
        log = window(evidence.log(column), 0, AFTER + 1)
        return scale * log[:, [AFTER, 0]]

    return read


def _pair(words: str, column: str, scale: float = 1.0) -> Measure:
    return Measure(words, TRAIN, _before_after(column, scale))


def difference(rows: Rows) -> float:
    """Mean of the first column less that of the second."""
    return float((rows[:, 0] - rows[:, 1]).mean())


def after(statistic: Statistic) -> Statistic:
    """A statistic of the runs after training."""
    return lambda rows: statistic(rows[:, 0])


def before(statistic: Statistic) -> Statistic:
    """A statistic of the runs before training."""
    return lambda rows: statistic(rows[:, 1])


def sd_saving(rows: Rows) -> float:
    """Fall of the SD over the runs, in percent."""
    return 100.0 * (1.0 - sd(rows[:, 0]) / sd(rows[:, 1]))


def bound(sign: float) -> Statistic:
    """Bound of an interval built as the report builds it: mean and normal quantile times SD."""
    return lambda rows: mean(rows) + sign * NORMAL_95 * sd(rows)


def gap(rows: Rows) -> float:
    """Lower bound of the mean after training less the upper bound of that before, both 95 % t intervals."""
    width = critical_t(len(rows) - 1) / math.sqrt(len(rows))
    return difference(rows) - width * (sd(rows[:, 0]) + sd(rows[:, 1]))


def _differences(column: str) -> Callable[[Evidence], Rows]:
    return lambda evidence: _before_after(column)(evidence) @ np.array([1.0, -1.0])


def _runs(
    words: str,
    column: str,
    statistic: Statistic,
    against: float | Callable[[Evidence], float] | None = None,
    against_words: str = "",
    scale: float = 1.0,
) -> Value:
    measure = _pair(f"{words} over the runs", column, scale)
    return Value(measure, statistic, against, against_words, RUNS_BEFORE_AFTER)


def _gained(words: str, column: str, statistic: Statistic, scale: float = 1.0) -> Value:
    return _runs(words, column, statistic, 0.0, ZERO, scale)


def _reached(words: str, column: str, scale: float = 1.0) -> Value:
    first = _before_after(column, scale)
    return _runs(
        words, column, after(mean), lambda evidence: before(mean)(first(evidence)), "the first", scale
    )


CHECKS |= {
    "C142": _gained("gain in reward, in percent,", "reward", gain),
    "C143": Size(lambda evidence: window(evidence.log("reward"), 0, AFTER + 1).shape[1] - 1),
    "C144": Size(lambda evidence: evidence.log("reward").shape[0]),
    "C145": _gained("gain in reward", "reward", difference),
    "C146": Derived(("C146.implied",), _runs("reward of the first episode", "reward", before(mean))),
    "C147": Derived(("C147.implied",), _reached("reward after ten episodes", "reward")),
    "C148": Derived(("C148.t",), shown=("C145.se", "C148.level")),
    "C149": Derived(("C149.t",)),
    "C150": Derived(("C150.interval", "C150.d")),
    "C151": Derived(("C151.runs",), Size(lambda evidence: evidence.log("reward").shape[0] - 1)),
    "C152": Derived(
        ("C152.t",), Test(Measure("reward after ten episodes less the first", TRAIN, _differences("reward")))
    ),
    "C153": Derived(("C153.t", "C153.interval")),
    "C154": Absent("a convention of the literature, not a result"),
    "C155": _runs("conversions of the first episode", "conversions", before(mean)),
    "C156": _reached("conversions after ten episodes", "conversions"),
    "C157": Derived(("C157.table",), _gained("gain in conversions", "conversions", difference)),
    "C158": Derived(("C158.table",), _gained("gain in conversions, in percent,", "conversions", gain)),
    "C159": Derived(("C159.episode", "C159.likelihood", "C159.pooled"), shown=("C159.episodes",)),
    "C160": Derived(("C160.arms",)),
    "C161": Derived(
        ("C161.exact",),
        Test(Measure("conversions after ten episodes less the first", TRAIN, _differences("conversions"))),
    ),
    "C162": _runs("SD of the first episode's conversions", "conversions", before(sd)),
    "C163": _runs("SD of conversions after ten episodes", "conversions", after(sd)),
    "C168": Order(
        _pair("gap between the intervals of the mean conversions before and after", "conversions"),
        gap,
        unit="",
    ),
    "C169": _runs("ROI of the first episode, in percent,", "roi", before(mean), scale=100.0),
    "C170": _reached("ROI after ten episodes, in percent,", "roi", 100.0),
    "C171": Derived(("C171.table",), _gained("gain in ROI, in points,", "roi", difference, 100.0)),
    "C178": _runs("SD of the first episode's reward", "reward", before(sd)),
    "C179": _runs("SD of the reward after ten episodes", "reward", after(sd)),
    "C180": Derived(("C180.table",), _gained("fall of the reward's SD, in percent,", "reward", sd_saving)),
    "C181": _runs("SD of the first episode's conversions", "conversions", before(sd)),
    "C182": _runs("SD of conversions after ten episodes", "conversions", after(sd)),
    "C183": Derived(
        ("C183.table",), _gained("fall of the conversions' SD, in percent,", "conversions", sd_saving)
    ),
    "C184": _runs("SD of the first episode's ROI, in percent,", "roi", before(sd), scale=100.0),
    "C185": _runs("SD of ROI after ten episodes, in percent,", "roi", after(sd), scale=100.0),
    "C186": Derived(("C186.table",), _gained("fall of ROI's SD, in percent,", "roi", sd_saving)),
}
for _id, _side, _sign in (
    ("C164", before, -1.0),
    ("C165", before, 1.0),
    ("C166", after, -1.0),
    ("C167", after, 1.0),
):
    CHECKS[_id] = Derived(
        (f"{_id}.normal", f"{_id}.mean"),
        _runs("the same bound of our conversions", "conversions", _side(bound(_sign))),
    )

# 5.3. Business example.
PROJECTED = (
    "an extrapolation to a budget that no episode here can spend: it would need campaigns of that size"
)
CHECKS |= {claim: Absent(PROJECTED) for claim in ("C172", "C173", "C174", "C175", "C176", "C177")}


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
    centred = rows - rows.mean(1, keepdims=True)
    return (centred[:, 1:] * centred[:, :-1]).sum(1) / (centred**2).sum(1)


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
        measured("published", words), saving, 0.0, ZERO, beside=(measured("channels", "on `channels`"),)
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
        100.0 / settings.MODES,
        "an even choice",
    ),
}

# 7 to 10. Outlook, governance, footprint, limits.
OUTLOOK = "an outlook: it would need {}"


GOVERNANCE = "adrl_core.governance"
CHECKS |= {
    "C214": Absent(OUTLOOK.format("a further level of control")),
    "C215": Absent(OUTLOOK.format("markets for each type of campaign")),
    "C216": Absent(OUTLOOK.format("meta-learning and real campaigns")),
    "C217": Absent(OUTLOOK.format("meta-learning and real campaigns")),
    "C218": Absent(OUTLOOK.format("a learner that uses causal structure")),
    "C219": Provided(f"{GOVERNANCE}.oversight"),
    "C220": Setting(lambda _: settings.promised("violation", "penalty"), "outcomes that the reward reads:"),
    "C221": Setting(
        lambda _: settings.promised("lifetime", "safety", "engagement"), "outcomes that the reward reads:"
    ),
    "C222": Provided(f"{GOVERNANCE}.privacy"),
    "C223": Setting(lambda _: settings.personal_features(), "state features that name a person's attribute:"),
    "C224": Provided(f"{GOVERNANCE}.audit"),
    "C225": Provided(f"{GOVERNANCE}.encryption"),
    "C226": Provided(f"{GOVERNANCE}.explain"),
    "C227": Provided(f"{GOVERNANCE}.guardrails"),
    "C228": Provided(f"{GOVERNANCE}.fairness"),
    "C229": Provided(f"{GOVERNANCE}.fairness"),
    "C230": Exclusive(
        ("C072",),
        lambda: printed("C230").value != printed("C072").value,
        "two lengths are given for one training",
    ),
    "C231": Derived(
        ("C231.table",),
        Setting(
            lambda _: int(printed("C230").value) * STEPS * len(settings.learners()),
            "each agent's network acts in each step, in that many episodes:",
        ),
        shown=("C231.comparison",),
    ),
    "C232": Absent("a timing, which the package's benchmarks take; results do not depend on the machine"),
    "C233": Absent("energy is not metered here"),
    "C234": Exclusive(
        ("C072", "C107"),
        lambda: printed("C072").value > printed("C107").high,
        "training went on to its full length after it had converged",
    ),
    "C235": Provided(f"{GOVERNANCE}.oversight"),
    "C236": Provided(f"{GOVERNANCE}.oversight"),
    "C237": Provided(f"{GOVERNANCE}.guardrails"),
    "C238": Setting(lambda _: settings.promised("feedback"), "outcomes that the reward reads:"),
    "C239": Provided(f"{GOVERNANCE}.monitoring"),
    "C240": Provided(f"{GOVERNANCE}.oversight"),
    "C241": Exclusive(
        ("C143", "C243"),
        lambda: printed("C143").value < printed("C243").value,
        "the headline's training is shorter than what convergence is said to need",
    ),
    "C242": Exclusive(
        ("C072",),
        lambda: printed("C242").value != printed("C072").value,
        "two lengths are given for the training behind the results",
    ),
    "C244": Setting(lambda _: settings.live_markets(), "markets with live data:"),
    "C245": Setting(
        lambda _: settings.dynamics(), "prices met by a low and a high bid show a market that is"
    ),
    "C246": Setting(lambda _: len(settings.rewarded()), "outcomes that the printed reward weighs:"),
    "C247": Absent("needs people who allocate the same budgets"),
}
CHECKS = dict(sorted(CHECKS.items()))
