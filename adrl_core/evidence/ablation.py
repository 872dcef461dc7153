"""What each part of the team is worth: retrained without it, run for run against the whole.

The runs of two variants share their seeds, and with them their training markets and their evaluation bank,
so every comparison is paired. The family of one market's ablations is corrected after Holm.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from statsmodels.duration.survfunc import survdiff

from adrl_core.config import ABLATIONS
from adrl_core.evidence.effects import paired_d
from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.paired import paired, paired_facts
from adrl_core.evidence.quantities import BOOTSTRAP, METRICS, RUNS, Facts, counted, effect, estimated
from adrl_core.evidence.resampling import ratio_of_means
from adrl_core.evidence.tests import detectable_effect, holm, permutation, wilcoxon
from adrl_core.report.facts import P_VALUE

PARTS: Mapping[str, str] = {
    "no_controller": "Controller (else: always both)",
    "no_bidding": "Bidding agent (else: the default bid)",
    "no_budget": "Budget agent (else: an even split)",
    "uniform_replay": "prioritised replay (else: uniform)",
    "plain_head": "dueling head (else: a plain one)",
    "single_q": "double Q-learning (else: single)",
    "profit_reward": "shaped reward (else: profit)",
    "no_entropy": "entropy bonus (else: none)",
}
"""What is taken away in each ablation, and what stands in for it."""

COMPARED = ("reward", "profit", "conversions")
POWER = 0.8
THRESHOLD_SHARE = 0.9
"""Training counts as successful once the reward reaches this share of the best simple policy's."""
WINDOW = 50
"""Episodes over which the training reward is averaged before it is held against the threshold."""


def comparison_facts(market: str, runs: Mapping[str, pd.DataFrame]) -> Facts:
    """Every variant against the published settings, `<market>.<variant>.minus.full.<metric>`.

    Args:
        market: name of the market.
        runs: for each variant, the mean over the bank of each run: a row a seed, a column a metric.

    Raises:
        ValueError: variants with other seeds than the published settings.
    """
    facts: Facts = {}
    for variant, frame in runs.items():
        if variant == "full" or "full" not in runs:
            continue
        stage = f"{market}/{variant}/evaluate"
        origin = {
            "source": f"{stage}/evaluation.parquet",
            "row": "runs against the runs of full with the same seeds",
            "stage": stage,
        }
        for metric in COMPARED:
            unit, form = METRICS[metric]
            ours, theirs = frame[metric], runs["full"][metric]
            key, found = f"{market}.{variant}.minus.full.{metric}", paired(ours, theirs)
            facts |= paired_facts(key, ours, theirs, unit, form, origin)
            facts[f"{market}.{variant}.versus.full.{metric}.word"] = facts.pop(f"{key}.word")
            for name, test in (("p_wilcoxon", wilcoxon), ("p_permutation", permutation)):
                p = test(found.ours, found.theirs).p
                facts[f"{key}.{name}"] = counted(p, found.mean.n, form=P_VALUE, **origin)
            facts |= effect(f"{key}.d", paired_d(found.differences), **origin)
    return facts


def contribution_facts(market: str, runs: Mapping[str, pd.DataFrame]) -> Facts:
    """What each part contributes, `<market>.ablation.<variant>.<metric>`: the whole minus the ablated team.

    Args:
        market, runs: as for `comparison_facts`.
    """
    ablated = [variant for variant in ABLATIONS if variant in runs]
    if "full" not in runs or not ablated:
        return {}
    facts: Facts = {}
    whole = runs["full"]
    for metric in COMPARED:
        unit, form = METRICS[metric]
        found = {variant: paired(whole[metric], runs[variant][metric]) for variant in ablated}
        corrected = dict(zip(ablated, holm([found[v].p for v in ablated]), strict=True))
        for variant, result in found.items():
            stage = f"{market}/{variant}/evaluate"
            origin = {
                "source": f"{stage}/evaluation.parquet",
                "row": "runs of full minus the runs without the part, with the same seeds",
                "stage": stage,
            }
            n, key = result.mean.n, f"{market}.ablation.{variant}.{metric}"
            facts[f"{key}.mean"] = estimated(result.mean, unit, form, RUNS, **origin)
            share = ratio_of_means(result.differences, result.ours)
            facts[f"{key}.share"] = estimated(share, "", ".1%", RUNS, BOOTSTRAP, **origin)
            facts[f"{key}.p"] = counted(result.p, n, form=P_VALUE, **origin)
            facts[f"{key}.p_holm"] = counted(float(corrected[variant]), n, form=P_VALUE, **origin)
            facts |= effect(f"{key}.d", paired_d(result.differences), **origin)
            spread = float(np.std(result.differences, ddof=1))
            smallest = detectable_effect(n, POWER) * spread
            facts[f"{key}.detectable"] = counted(smallest, n, unit, form, **origin)
            word = "no detectable effect"
            if corrected[variant] < 0.05:
                word = "helps" if result.mean.mean > 0.0 else "harms"
            facts[f"{key}.word"] = counted(word, n, **origin)
    return facts


def threshold(reference: pd.DataFrame) -> float:
    """The reward that counts as success: a share of what the best constant policy of the bank earns.

    Args:
        reference: the evaluation of the policies that do not learn.
    """
    constants = reference[reference["policy"].isin(("constant_max", "max_uniform", "best_constant"))]
    return THRESHOLD_SHARE * float(constants.groupby("policy")["reward"].mean().max())


class Reached(NamedTuple):
    """When runs first met a threshold: episodes (runs,), and whether they did or were cut off before."""

    episodes: np.ndarray
    reached: np.ndarray


def episodes_to(episodes: pd.DataFrame, level: float) -> Reached:
    """The number of training episodes after which the running mean of the reward first reaches a level.

    Runs that never do are censored at the end of the training.
    """
    table = episodes.pivot(index="episode", columns="seed", values="reward")
    window = min(WINDOW, len(table))
    met = np.asarray(table.rolling(window).mean()) >= level
    reached = np.any(met, axis=0)
    return Reached(np.where(reached, met.argmax(0) + 1, len(table)), reached)


def efficiency_facts(market: str, training: Mapping[str, pd.DataFrame], level: float) -> Facts:
    """Episodes to the threshold, `<market>.<variant>.threshold.*`, with runs that never reach it censored.

    All runs are cut off at the same episode, so the mean of min(episodes, end), the restricted mean, is free
    of bias and can be compared run for run; the log-rank test compares whole survival curves.
    """
    source = f"{market}/baselines/evaluation.parquet"
    facts: Facts = {
        f"{market}.threshold.reward": counted(
            level, 1, "reward", ".0f", "policies", source=source, stage=f"{market}/baselines"
        )
    }
    found = {variant: episodes_to(frame, level) for variant, frame in training.items()}
    by_seed = {
        variant: pd.Series(found[variant].episodes, np.unique(frame["seed"]))
        for variant, frame in training.items()
    }
    for variant, (time, reached) in found.items():
        stage = f"{market}/{variant}/train"
        origin = {
            "source": f"{stage}/episodes.parquet",
            "row": f"first episode whose running mean reward reaches {level:.0f}",
            "stage": stage,
        }
        n, key = len(time), f"{market}.{variant}.threshold"
        facts[f"{key}.reached"] = counted(int(reached.sum()), n, "runs", **origin)
        facts[f"{key}.restricted_mean"] = estimated(mean_interval(time), "episodes", ".0f", RUNS, **origin)
        if reached.mean() > 0.5:
            facts[f"{key}.median"] = counted(float(np.median(time)), n, "episodes", ".0f", **origin)
        if variant != "full" and "full" in found:
            later = paired(by_seed[variant], by_seed["full"])
            facts[f"{key}.later"] = estimated(later.mean, "episodes", ".0f", RUNS, **origin)
            facts[f"{key}.p"] = counted(later.p, n, form=P_VALUE, **origin)
            p = logrank(found["full"], found[variant])
            facts[f"{key}.p_logrank"] = counted(p, n, form=P_VALUE, **origin)
            slower = {"above": "later", "below": "earlier"}.get(later.mean.word, "no detectable difference")
            facts[f"{key}.word"] = counted(slower, n, **origin)
    return facts


def logrank(a: Reached, b: Reached) -> float:
    """The p value of the log-rank test that two groups reach the threshold equally fast."""
    if not (a.reached.any() or b.reached.any()):
        return 1.0
    group = np.repeat([0, 1], [len(a.episodes), len(b.episodes)])
    _, p = survdiff(np.concatenate((a.episodes, b.episodes)), np.concatenate((a.reached, b.reached)), group)
    return float(p)
