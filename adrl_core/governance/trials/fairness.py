"""Fairness on trial: whom each policy reaches, and what it costs to reach all groups alike."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from adrl_core.agents.baselines import reference_policies, rounds
from adrl_core.agents.policy import Policy
from adrl_core.agents.team import TeamLearner, TeamPolicy
from adrl_core.config import Study
from adrl_core.evaluate import BANK_SEED, SEARCH_SEED, play
from adrl_core.governance.fair_allocation import Fair
from adrl_core.governance.fairness import (
    GROUP_NAMES,
    Audited,
    ByChannel,
    Rates,
    group_rates,
    parity_difference,
    parity_ratio,
    pooled_interval,
    summed,
)
from adrl_core.governance.trials.bank import play_runs, trial_episodes
from adrl_core.market import make_market

STATISTICS: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = MappingProxyType(
    {"difference": parity_difference, "ratio": parity_ratio}
)


class Fairness(NamedTuple):
    """What the trial found."""

    rates: pd.DataFrame
    """A row a policy, run, measure and group: its rate."""
    parity: pd.DataFrame
    """A row a policy, run and measure: difference and ratio of the groups' rates, and the run's mean reward.
    Policies that do not learn have one run, and bootstrap intervals over episodes (`_low`, `_high`)."""


def fairness_trial(study: Study, teams: Mapping[str, TeamLearner]) -> Fairness:
    """Whom reference policies and teams reach; and the last of the teams, held to the four-fifths rule.

    Args:
        study: of the teams; its market is of the channels family.
        teams: by name.
    """
    found = [_reference(policy, study) for policy in reference_policies(study.market, SEARCH_SEED)]
    found += [_team(name, TeamPolicy(learner), learner, study) for name, learner in teams.items()]
    name, learner = list(teams.items())[-1]
    for over in ("episode", "step"):
        found.append(_team(f"{name}, fair over the {over}", Fair(TeamPolicy(learner), over), learner, study))
    return Fairness(*(pd.concat(tables, ignore_index=True) for tables in zip(*found, strict=True)))


def _team(name: str, policy: Policy, learner: TeamLearner, study: Study) -> Fairness:
    audited = Audited(policy)
    frame = play_runs(audited, make_market(study.market), learner, trial_episodes(study))
    by_run = summed(audited.episodes(), len(learner.seeds))
    return _tables(name, learner.seeds, group_rates(by_run), frame.groupby("seed")["reward"].mean())


def _reference(policy: Policy, study: Study) -> Fairness:
    audited, market = Audited(policy), make_market(study.market)
    numbers = np.arange(trial_episodes(study))
    frames = [play(audited, market, np.full(len(r), BANK_SEED), r) for r in rounds(policy, numbers)]
    episodes = audited.episodes()
    reward = pd.concat(frames)["reward"].mean()
    rates, parity = _tables(policy.name, [0], group_rates(summed(episodes, 1)), pd.Series([reward]))
    for measure in Rates._fields:
        for statistic, of in STATISTICS.items():

            def value(numbers: ByChannel, measure: str = measure, of: Callable = of) -> NDArray[np.float64]:
                return of(getattr(group_rates(numbers), measure))

            interval = pooled_interval(episodes, value)
            row = parity["measure"] == measure
            parity.loc[row, [f"{statistic}_low", f"{statistic}_high"]] = interval.low, interval.high
    return Fairness(rates, parity)


def _tables(policy: str, seeds: list[int], rates: Rates, rewards: pd.Series) -> Fairness:
    long, parity = [], []
    for measure, values in rates._asdict().items():
        index = {"policy": policy, "seed": seeds, "measure": measure}
        long += [
            pd.DataFrame(index | {"group": group, "rate": values[:, g]})
            for g, group in enumerate(GROUP_NAMES)
        ]
        statistics = {name: of(values) for name, of in STATISTICS.items()}
        parity.append(pd.DataFrame(index | statistics | {"reward": rewards.to_numpy()}))
    return Fairness(pd.concat(long), pd.concat(parity))
