"""The trial of one market: a log, what is learned from it, and how many online episodes that saves."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from adrl_core.agents.baselines import reference_policies
from adrl_core.agents.planner import PlanningTeam
from adrl_core.agents.team import TeamLearner
from adrl_core.config import Study, parse_variant
from adrl_core.evaluate import BANK_SEED, SEARCH_SEED, play
from adrl_core.files import save_table
from adrl_core.finished import Frames, Part, finish
from adrl_core.held_out import play_runs
from adrl_core.market import make_market
from adrl_core.market.presets import STEPS
from adrl_core.offline import cloning, conservative
from adrl_core.offline.behaviour import HouseRule, Log, record
from adrl_core.offline.finetune import acting, by_run, go_online, remember
from adrl_core.offline.model import fit_planner

log = logging.getLogger(__name__)

KEY = ("market", "fee", "seeds", "episodes", "evaluation_episodes")
"""Fields of the study that decide what a trial comes to."""
TEAM, PLANNER = "tuned", "planner"
"""Variants of the team that learn."""
FIRST_EXPLORATION = 0.1
"""Exploration rate of the first online episode after pre-training; from there it falls as usual."""
LOG_SHARE, ONLINE_SHARE = 0.2, 0.3
"""Logged and online episodes, as shares of the training episodes of the study."""
POINTS = 20
"""Held-out plays while online, besides the one before."""
CURVE_EPISODES = 100
"""Held-out episodes of each such play; all of the bank if it has fewer."""
REFERENCES = ("best_constant", "oracle")
"""Policies that are played beside the house rule."""
MET = ("oracle", "house_rule_plain")
"""Those of all that also play the markets that the runs meet online."""


class Sizes(NamedTuple):
    """How long everything takes, in episodes a run."""

    logged: int
    online: int
    every: int
    """Online episodes between two held-out plays."""
    curve: int
    """Held-out episodes of each."""


def sizes(study: Study) -> Sizes:
    """The sizes that follow from a study's; the online episodes are a multiple of the distance of plays."""
    every = max(1, round(ONLINE_SHARE * study.episodes / POINTS))
    online = every * max(2, round(ONLINE_SHARE * study.episodes / every))
    logged = max(2, round(LOG_SHARE * study.episodes))
    return Sizes(logged, online, every, min(CURVE_EPISODES, study.evaluation_episodes))


def nothing(team: TeamLearner, logged: Log, episodes: int) -> None:
    """From scratch."""


def memory(team: TeamLearner, logged: Log, episodes: int) -> None:
    """From scratch, but with the logged bids to learn from while online."""
    remember(team, logged)


def cloned(team: TeamLearner, logged: Log, episodes: int) -> None:
    """Behaviour cloning, and the logged bids to learn from while online."""
    cloning.clone(team, logged, cloning.UPDATES_AN_EPISODE * episodes)
    remember(team, logged)


def conserved(team: TeamLearner, logged: Log, episodes: int) -> None:
    """The same with conservative offline learning in between."""
    cloning.clone(team, logged, cloning.UPDATES_AN_EPISODE * episodes)
    conservative.improve(team, logged, conservative.UPDATES_AN_EPISODE * episodes)
    remember(team, logged)


Preparation = Callable[[TeamLearner, Log, int], None]
ARMS: Mapping[str, tuple[Preparation, bool]] = {
    "scratch": (nothing, False),
    "memory": (memory, False),
    "cloned": (cloned, True),
    "conservative": (conserved, True),
}
"""What a team does before it goes online, and whether it then explores less."""


class Tables(NamedTuple):
    """What a trial came to, episodes counted from the first online one."""

    log: pd.DataFrame
    """A row a run and logged episode: seed, episode, reward."""
    curves: pd.DataFrame
    """A row an arm, run and held-out play: arm, seed, episode (online episodes before it), means over the
    first CURVE_EPISODES of the bank of `play`'s columns. The planner has but one, offline."""
    ends: pd.DataFrame
    """The same over the whole bank, before the first and after the last online episode, and spread: the mean
    standard deviation of the logits from which the Budget agent draws; empty for the planner."""
    online: pd.DataFrame
    """A row an arm, run and online episode: arm, seed, episode, reward, exploring. The policies MET
    play the same markets and stand among the arms."""
    references: pd.DataFrame
    """A row a policy and episode of the bank: policy and `play`'s columns."""


def compare(study: Study, directory: Path) -> Tables:
    """Run the trial of a study's market and write a parquet file a table.

    Arms that are finished are kept in files ending in resume.pt until all are; a trial that finds some goes
    on from them. The log is made anew: it takes seconds.

    Raises:
        ConfigurationError: such a file is damaged or belongs to another study.
    """
    # As the team is trained: more threads would split sums differently.
    torch.set_num_threads(1)
    key = study.settings(KEY)
    logged = record(make_market(study.market, fee=study.fee), range(study.seeds), sizes(study).logged)
    todo: dict[str, Callable[[], Frames]] = {
        **{arm: partial(run_arm, study, arm, logged) for arm in ARMS},
        PLANNER: partial(run_planner, study, logged),
        "references": partial(play_references, study),
    }
    tables = finish(study.market, [Part(name, run, key) for name, run in todo.items()], directory)
    rewards = log_table(study, logged)
    save_table(rewards, directory / "log.parquet")
    return Tables(rewards, **tables)


def log_table(study: Study, logged: Log) -> pd.DataFrame:
    """The reward of each logged episode."""
    rewards = logged.reward.double().unflatten(1, (-1, STEPS)).sum(2)
    return by_run(range(study.seeds), rewards.numpy())


def run_arm(study: Study, arm: str, logged: Log) -> dict[str, pd.DataFrame]:
    """Prepare the teams of all runs, let them go online, and play the bank before and after."""
    size, (prepare, prepared) = sizes(study), ARMS[arm]
    variant = f"{TEAM}+bidding.epsilon_start={FIRST_EXPLORATION}" if prepared else TEAM
    team = TeamLearner(parse_variant(variant), range(study.seeds))
    prepare(team, logged, size.logged)
    log.info("%s: %s is prepared", study.market, arm)
    bank = partial(play_runs, market=study.market, seeds=team.seeds, bank=BANK_SEED, fee=study.fee)
    end = partial(_end, team, bank, study, size.online)
    ends = [end(0)] if prepared else []
    market = make_market(study.market, fee=study.fee)
    curves, online = go_online(team, market, size.online, size.every, partial(bank, episodes=size.curve))
    ends.append(end(size.online))
    curves = curves.assign(held_out=size.curve)
    tables = {"curves": curves, "ends": pd.concat(ends, ignore_index=True), "online": online}
    return {name: frame.assign(arm=arm) for name, frame in tables.items()}


def _end(
    team: TeamLearner, bank: Callable[..., pd.DataFrame], study: Study, online: int, episode: int
) -> pd.DataFrame:
    assert team.budget.network.log_sd is not None
    with torch.no_grad():
        spread = team.budget.network.log_sd().exp().mean((1, 2)).tolist()
    played = bank(acting(team, episode, online), episodes=study.evaluation_episodes)
    return played.assign(episode=episode, spread=spread)


def run_planner(study: Study, logged: Log) -> dict[str, pd.DataFrame]:
    """Fit the planning team's model to the log, and play the bank without any online episode."""
    seeds, curve = range(study.seeds), sizes(study).curve
    team = PlanningTeam(parse_variant(PLANNER), seeds)
    fit_planner(team, logged, make_market(study.market, fee=study.fee))
    bank = partial(play_runs, team.policy(), study.market, seeds, BANK_SEED, fee=study.fee)
    played = {
        "curves": bank(episodes=curve).assign(held_out=curve),
        "ends": bank(episodes=study.evaluation_episodes),
    }
    return {name: frame.assign(arm=PLANNER, episode=0) for name, frame in played.items()}


def play_references(study: Study) -> dict[str, pd.DataFrame]:
    """What does not learn: on the bank, and on the markets that the runs meet online."""
    market, online = make_market(study.market, fee=study.fee), sizes(study).online
    policies = [p for p in reference_policies(study.market, SEARCH_SEED, study.fee) if p.name in REFERENCES]
    policies += [HouseRule(), HouseRule("house_rule_plain", deviates=False)]
    bank = np.arange(study.evaluation_episodes)
    seeds, numbers = np.repeat(np.arange(study.seeds), online), np.tile(np.arange(online), study.seeds)
    on_bank, met = [], []
    for policy in policies:
        on_bank.append(play(policy, market, np.full(len(bank), BANK_SEED), bank).assign(policy=policy.name))
        if policy.name in MET:
            rewards = play(policy, market, seeds, numbers)["reward"].to_numpy()
            met.append(by_run(range(study.seeds), rewards.reshape(study.seeds, -1)).assign(arm=policy.name))
    return {
        "references": pd.concat(on_bank, ignore_index=True),
        "online": pd.concat(met, ignore_index=True),
    }
