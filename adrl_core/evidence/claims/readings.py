"""Every figure recomputed from printed ones, by name."""

import math
from collections.abc import Callable
from typing import Literal

from scipy import stats

from adrl_core.evidence.claims.consistency import (
    NORMAL_95,
    Reading,
    critical_t,
    effective_size,
    exact_rate_p,
    expected_maximum,
    fall,
    largest_entropy,
    largest_share,
    level_of_interval,
    likelihood_ratio,
    lowest_paired_t,
    n_for_t,
    pooled_d,
    rise,
    share_above,
    share_between,
    unpaired_t,
    welch_df,
    windows_mean,
    windows_sd,
)

READINGS: dict[str, Reading] = {}
"""All recomputations by name: the claim they bear on, a dot, and how they read it."""


def _reading(
    name: str,
    sources: str,
    formula: Callable[..., float],
    words: str,
    form: str = ".2f",
    unit: str = "",
    side: Literal["equal", "at least", "at most"] = "equal",
) -> None:
    READINGS[name] = Reading(tuple(sources.split()), formula, words, form, unit, side)


# A. Statistics of the comparison with the baselines.
TRAINED = "C074 C075"
for _t, _d, _name, _policy in (
    ("C096", "C097", "Random", "C079 C080"),
    ("C098", "C099", "Fixed", "C084 C085"),
    ("C100", "C101", "Greedy", "C089 C090"),
):
    _both = f"{TRAINED} {_policy}"
    _reading(
        f"{_t}.unpaired", f"{_both} C072", unpaired_t, f"unpaired t against {_name} from the printed table"
    )
    _reading(
        f"{_t}.paired",
        f"{_both} C072",
        lowest_paired_t,
        f"paired t against {_name}, whatever the correlation",
        side="at least",
    )
    _reading(f"{_t}.n", f"{_both} {_t}", n_for_t, "episodes a group that would give the printed t", ".0f")
    _reading(f"{_t}.welch_df", f"{_both} C072", welch_df, "Welch's degrees of freedom", ".0f")
    _reading(f"{_d}.table", _both, pooled_d, f"d against {_name} from the printed table", ".3f")
    _reading(
        f"{_d}.t",
        f"{_t} C072",
        lambda t, n: t * math.sqrt(2.0 / n),
        f"d against {_name} from the printed t",
        ".3f",
    )
_reading("C095.paired", "C072", lambda n: n - 1, "degrees of freedom of a paired test", ".0f")
_reading("C095.unpaired", "C072", lambda n: 2 * n - 2, "degrees of freedom of an unpaired test", ".0f")
_reading(
    "C103.table",
    "C074 C075 C079 C080 C084 C085 C089 C090",
    lambda a, s, *b: min(pooled_d(a, s, m, sd) for m, sd in zip(b[::2], b[1::2], strict=True)),
    "smallest d from the printed table",
    side="at most",
)
_reading(
    "C103.t",
    "C096 C098 C100 C072",
    lambda *x: min(x[:3]) * math.sqrt(2.0 / x[3]),
    "smallest d from the printed t",
    side="at most",
)
_reading(
    "C102.table",
    "C074 C075 C079 C080 C072",
    lambda *x: 2.0 * float(stats.t.sf(unpaired_t(*x), 2 * x[4] - 2)),
    "p value against Random from the printed table",
    ".1g",
)
_reading("C104.table", "C079 C074", rise, "gain over Random", ".1f", "percent")
_reading("C105.table", "C076 C081", lambda a, b: a / b, "conversions over Random's", ".3f")
_reading("C136.table", "C076 C086", lambda a, b: a / b, "conversions over Fixed's", ".3f")
_reading("C137.table", "C076 C091", lambda a, b: a / b, "conversions over Greedy's", ".1f")

# Before and after.
_reading(
    "C148.t", "C145 C150 C151", lambda m, t, df: m - critical_t(df) * m / t, "lower bound from the printed t"
)
_reading(
    "C149.t", "C145 C150 C151", lambda m, t, df: m + critical_t(df) * m / t, "upper bound from the printed t"
)
_reading("C145.se", "C145 C150", lambda m, t: m / t, "standard error from gain and t")
_reading(
    "C150.interval",
    "C145 C148 C149 C151",
    lambda m, low, high, df: m / ((high - low) / 2.0 / critical_t(df)),
    "t from the printed interval",
)
_reading(
    "C153.interval",
    "C145 C148 C149 C151 C144",
    lambda m, low, high, df, n: m / ((high - low) / 2.0 / critical_t(df)) / math.sqrt(n),
    "d from the printed interval",
    ".3f",
)
_reading("C153.t", "C150 C144", lambda t, n: t / math.sqrt(n), "d from the printed t", ".3f")
_reading("C150.d", "C153 C144", lambda d, n: d * math.sqrt(n), "t from the printed d")
_reading(
    "C148.level",
    "C145 C150 C148 C149 C151",
    lambda m, t, low, high, df: level_of_interval((high - low) / 2.0, m / t, df),
    "confidence of the printed interval at the printed t",
    ".0f",
    "percent",
)
_reading("C151.runs", "C144", lambda n: n - 1, "runs less one", ".0f")
_reading(
    "C152.t", "C150 C151", lambda t, df: 2.0 * float(stats.t.sf(t, df)), "p value of the printed t", ".1e"
)
_reading(
    "C146.implied", "C145 C142", lambda g, p: 100.0 * g / p, "reward before, implied by gain and percentage"
)
_reading(
    "C147.implied",
    "C145 C142",
    lambda g, p: 100.0 * g / p + g,
    "reward after, implied by gain and percentage",
)
_reading("C157.table", "C155 C156", lambda a, b: b - a, "after less before", ".0f")
_reading("C158.table", "C155 C156", rise, "gain in conversions", ".0f", "percent")
_reading("C159.episode", "C155 C156", lambda a, b: (b - a) ** 2 / (a + b), "chi-square of one episode each")
_reading("C159.likelihood", "C155 C156", likelihood_ratio, "likelihood ratio of one episode each")
_reading(
    "C159.pooled",
    "C155 C156 C144",
    lambda a, b, n: n * (b - a) ** 2 / (a + b),
    "chi-square of all runs pooled",
    ".1f",
)
_reading(
    "C159.episodes",
    "C159 C155 C156",
    lambda c, a, b: c * (a + b) / (b - a) ** 2,
    "episodes an arm that would give the printed chi-square",
)
_reading("C160.arms", "", lambda: 2 - 1, "two arms less one", ".0f")
_reading("C161.exact", "C155 C156", exact_rate_p, "exact p value of one episode each", ".1g")
for _claim, _mean, _spread, _sign in (
    ("C164", "C155", "C162", -1.0),
    ("C165", "C155", "C162", 1.0),
    ("C166", "C156", "C163", -1.0),
    ("C167", "C156", "C163", 1.0),
):
    _reading(
        f"{_claim}.normal",
        f"{_mean} {_spread}",
        lambda m, s, sign=_sign: m + sign * NORMAL_95 * s,
        "mean and normal quantile times the printed spread",
    )
    _reading(
        f"{_claim}.mean",
        f"{_mean} {_spread} C144",
        lambda m, s, n, sign=_sign: m + sign * critical_t(n - 1) * s / math.sqrt(n),
        "bound for a mean, if the spread is an SD over the runs",
    )
_reading(
    "C168.gap", "C165 C166", lambda high, low: low - high, "lower bound after less upper bound before", ".1f"
)
_reading("C171.table", "C169 C170", lambda a, b: b - a, "after less before", ".1f", "pp")

# B. Variance.
_reading("C180.table", "C178 C179", fall, "fall from the printed SDs", ".2f", "percent")
_reading("C183.table", "C181 C182", fall, "fall from the printed SDs", ".2f", "percent")
_reading("C186.table", "C184 C185", fall, "fall from the printed SDs", ".2f", "percent")
_reading("C208.trajectory", "C109 C115", fall, "fall from the first to the last window", ".0f", "percent")
_reading("C115.rise", "C109 C115", rise, "rise of the SD from the first to the last window", ".0f", "percent")
_reading("C163.rise", "C162 C163", rise, "rise of the spread", ".0f", "percent")
_reading(
    "C191.levene",
    "C191",
    lambda f: float(stats.f.sf(f, 1, 198)),
    "p value on the degrees of freedom of Levene's test",
    ".3f",
)
_reading(
    "C191.ratio", "C191", lambda f: float(stats.f.sf(f, 99, 99)), "p value as a ratio of variances", ".0e"
)
_reading("C191.sds", "C178 C179", lambda a, b: (a / b) ** 2, "ratio of variances from the printed SDs")
_reading(
    "C191.windows", "C109 C113", lambda a, b: (a / b) ** 2, "ratio of variances from the printed windows"
)
_reading(
    "C191.fall", "C191", lambda f: 100.0 * (1.0 - 1.0 / math.sqrt(f)), "fall of the SD", ".0f", "percent"
)
_reading(
    "C182.dispersion",
    "C182 C156",
    lambda s, m: s**2 / m,
    "variance over mean of the conversions after training",
)
_reading("C182.poisson", "C156", math.sqrt, "SD of a Poisson count with the printed mean")
_reading("C134.low", "C156 C182", lambda m, s: m - 3 * s, "mean less three SDs", ".0f")
_reading("C134.high", "C156 C182", lambda m, s: m + 3 * s, "mean and three SDs", ".0f")
_reading(
    "C196.effective",
    "C196",
    lambda r: effective_size(100, r),
    "independent episodes worth a hundred at the printed autocorrelation",
    ".0f",
)
_reading(
    "C102.effective",
    "C072 C196",
    effective_size,
    "independent episodes worth the comparison's at the printed autocorrelation",
    ".0f",
)
_reading("C125.last", "C117 C116", lambda s, m: 100.0 * s / m, "CV of the last window", ".1f", "percent")
_reading("C125.all", "C075 C074", lambda s, m: 100.0 * s / m, "CV of all episodes", ".1f", "percent")

# C. Reward level.
_reading("C074.windows", "C108 C110 C112 C114", windows_mean, "mean of the printed windows", ".1f", "reward")
_reading(
    "C075.windows",
    "C108 C110 C112 C114 C109 C111 C113 C115",
    windows_sd,
    "SD of the printed windows together",
    ".1f",
    "reward",
)
_reading(
    "C108.rest",
    "C108 C146 C147",
    lambda m, a, b: (100.0 * m - 10.0 * (a + b) / 2.0) / 90.0,
    "mean of episodes eleven to hundred, if the first ten rise evenly",
    ".0f",
    "reward",
)
_reading("C121.fall", "C112 C116", fall, "fall from the best window to the last episodes", ".1f", "percent")
_reading("C106.random_z", "C116 C079 C080", lambda x, m, s: (x - m) / s, "last episodes, in SDs of Random")
_reading("C106.fixed_z", "C116 C084 C085", lambda x, m, s: (x - m) / s, "last episodes, in SDs of Fixed")
_reading(
    "C106.random_share",
    "C116 C079 C080",
    share_above,
    "of Random's episodes above, if normal",
    ".0f",
    "percent",
)
_reading(
    "C106.fixed_share",
    "C116 C084 C085",
    share_above,
    "of Fixed's episodes above, if normal",
    ".0f",
    "percent",
)
_reading(
    "C106.random_max", "C079 C080 C072", expected_maximum, "expected largest of Random's, if normal", ".0f"
)
_reading(
    "C106.fixed_max", "C084 C085 C072", expected_maximum, "expected largest of Fixed's, if normal", ".0f"
)
_reading(
    "C131.normal",
    "C074 C075",
    lambda m, s: share_between(300, 700, m, s),
    "share in that range, if normal",
    ".0f",
    "percent",
)
_reading(
    "C131.rest",
    "C074 C075 C131",
    # Those inside account for most variance if all lie at the farther end of the range.
    lambda m, s, p: math.sqrt((s**2 - p / 100.0 * max(m - 300.0, 700.0 - m) ** 2) / (1.0 - p / 100.0)),
    "RMS distance from the mean of the episodes outside",
    ".0f",
    side="at least",
)
_reading(
    "C119.settling",
    "C112 C113",
    lambda m, s: share_between(400, 700, m, s),
    "share in the band",
    ".0f",
    "percent",
)
_reading(
    "C119.late",
    "C114 C115",
    lambda m, s: share_between(400, 700, m, s),
    "share in the band",
    ".0f",
    "percent",
)
_reading("C132.z", "C132 C074 C075", lambda x, m, s: (x - m) / s, "threshold in SDs above the mean")
_reading("C132.share", "C132 C074 C075", share_above, "of the episodes above, if normal", ".0f", "percent")

# D. ROI, cost, business.
_reading(
    "C170.factor", "C170 C077", lambda a, b: a / b, "ROI after ten episodes over that of the table", ".0f"
)
_reading(
    "C077.value",
    "C077 C078 C076",
    lambda r, s, c: (1 + r / 100.0) * s / c,
    "value of a conversion, ROI in percent",
)
_reading(
    "C077.fifty", "C076 C078", lambda c, s: 50.0 * c / s - 1.0, "ROI as a ratio if a conversion is worth 50"
)
_reading("C077.profit", "C077 C078", lambda r, s: r / 100.0 * s, "profit an episode, ROI in percent")
for _claim, _spend, _conversions, _name in (
    ("C077", "C078", "C076", "the trained system"),
    ("C082", "C083", "C081", "Random"),
    ("C087", "C088", "C086", "Fixed"),
    ("C092", "C093", "C091", "Greedy"),
):
    _sources = f"{_claim} {_spend} {_conversions}"
    _reading(
        f"{_claim}.as_ratio",
        _sources,
        lambda r, s, c: (1 + r) * s / c,
        f"value of a conversion to {_name}, as ratio",
    )
    _reading(
        f"{_claim}.as_percent",
        _sources,
        lambda r, s, c: (1 + r / 100.0) * s / c,
        f"value of a conversion to {_name}, as percent",
    )
    _reading(
        f"{_spend}.each", f"{_spend} {_conversions}", lambda s, c: s / c, f"spend of {_name} for a conversion"
    )
_reading("C138.table", "C078 C076", lambda s, c: s / c, "spend over conversions", ".3f", "USD")
_reading("C139.table", "C083 C081", lambda s, c: s / c, "spend over conversions", ".3f", "USD")
_reading("C140.cost", "C139 C138", fall, "fall in cost per conversion", ".1f", "percent")
_reading("C140.conversions", "C138 C139", rise, "rise in conversions for the same money", ".1f", "percent")
_reading("C140.roi", "C082 C077", rise, "rise in ROI", ".1f", "percent")
_reading("C173.profit", "C172 C169", lambda b, r: b * r / 100.0, "profit", ".0f", "USD")
_reading("C173.gross", "C172 C169", lambda b, r: b * (1 + r / 100.0), "gross return", ".0f", "USD")
_reading("C174.profit", "C172 C170", lambda b, r: b * r / 100.0, "profit", ".0f", "USD")
_reading("C174.gross", "C172 C170", lambda b, r: b * (1 + r / 100.0), "gross return", ".0f", "USD")
_reading("C175.table", "C173 C174", lambda a, b: b - a, "difference of the returns", ".0f", "USD")
_reading(
    "C175.roi",
    "C172 C077 C082",
    lambda b, r, q: b * (r - q) / 100.0,
    "extra profit at the table's ROIs",
    ".0f",
    "USD",
)
_reading(
    "C172.share", "C078 C172", lambda s, b: 100.0 * s / b, "share of that budget spent", ".2f", "percent"
)
_reading("C177.table", "C175 C176", lambda p, n: p * n, "extra profit a month", ".0f", "USD")

# E. Training length and exploration.
_reading("C200.four", "C069 C143", lambda f, n: f ** (4 * n), "four decays an episode", ".4f")
_reading("C200.one", "C069 C143", lambda f, n: f**n, "one decay an episode", ".4f")
_reading("C200.step", "C069 C143 C035", lambda f, n, steps: f ** (n * steps), "one decay a step", ".4f")
_reading("C126.start", "C068", lambda e: e, "the printed start", ".1f")
_reading("C127.one", "C069", lambda f: f**100, "one decay an episode", ".3f")
_reading("C127.four", "C069", lambda f: f**400, "four decays an episode", ".3f")
_reading(
    "C201.nats",
    "C212 C005",
    lambda share, options: largest_entropy(share / 100.0, options),
    "largest entropy with the printed share on one mode, in nats",
    ".3f",
    side="at most",
)
_reading(
    "C201.bits",
    "C212 C005",
    lambda share, options: largest_entropy(share / 100.0, options) / math.log(2.0),
    "the same in bits",
    ".3f",
    side="at most",
)
_reading(
    "C212.cap",
    "C201 C005",
    largest_share,
    "largest share on one mode at the printed entropy",
    ".1f",
    "percent",
)
_reading("C040.fewer", "C042 C041", fall, "fewer episodes", ".0f", "percent")
_reading("C040.more", "C041 C042", rise, "more episodes without", ".0f", "percent")
_reading("C211.fewer", "C042 C041", fall, "fewer episodes", ".0f", "percent")
_reading("C041.gain", "C042 C040", lambda n, p: n / (1 + p / 100.0), "episodes at the printed gain", ".0f")
_reading("C041.fewer", "C042 C040", lambda n, p: n * (1 - p / 100.0), "episodes at the printed cut", ".0f")
_reading("C217.ratio", "C041 C216", lambda a, b: a / b, "ratio of the episodes", ".0f")
_reading("C231.table", "C230 C035", lambda n, t: n * t, "steps of the printed training", ".0f")
_reading("C231.comparison", "C072 C035", lambda n, t: n * t, "steps of the comparison's training", ".0f")
_reading("C231.agents", "C230 C035 C002", lambda n, t, a: n * t * a, "with all agents acting", ".0f")
_reading("C233.seconds", "C231 C232", lambda n, ms: n * ms / 1000.0, "time of the printed passes", ".0f", "s")
_reading(
    "C233.power",
    "C233 C231 C232",
    lambda e, n, ms: e * 3600.0 / (n * ms / 1000.0),
    "power that the printed energy would mean",
    ".1f",
    "kW",
)

# F. Design, ablation, governance.
_reading("C066.capacity", "C065 C035", lambda n, t: n / t, "capacity over steps", ".0f")
_reading("C071.floor", "C070", lambda e: 100.0 * (1 - e), "one less the floor", ".0f", "percent")
_reading(
    "C008.step",
    "C007 C008 C006",
    lambda a, b, n: (b - a) / (n - 1),
    "step of a grid up to the top bid",
    ".3f",
)
_reading("C197.sum", "C197 C198 C199", lambda *x: sum(x), "sum of the three contributions", ".0f", "percent")
_reading("C222.release", "C222 C035", lambda e, t: e / t, "privacy budget of one release", ".2f")
_reading(
    "C222.training", "C222 C072", lambda e, n: e * n, "privacy budget of the comparison's training", ".0f"
)
_reading(
    "C053.n",
    "C053",
    lambda r: next(
        n for n in range(3, 100) if 2 * stats.t.sf(r * math.sqrt((n - 2) / (1 - r * r)), n - 2) < 0.001
    ),
    "episodes from which the correlation is significant at the printed level",
    ".0f",
)
