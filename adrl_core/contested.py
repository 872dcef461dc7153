"""Teams that have learned on a calm market meet rivals that react: what they lose, and what they win back.

The planning team is trained on a calm market. It is then played unchanged in each contest, goes on training
there, is played again after more and more episodes, and at last once more on the calm market. Its memory is
full of calm steps; whether to keep them is part of the trial.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from adrl_core.agents.baselines import UNIFORM, Constant, best_constant
from adrl_core.agents.informed import InformedOracle
from adrl_core.agents.oracle import Oracle, grid_allocations
from adrl_core.agents.planner import PlanningTeam
from adrl_core.agents.policy import Policy
from adrl_core.config import RewardName, Study
from adrl_core.evaluate import BANK_SEED, SEARCH_SEED, play
from adrl_core.finished import Frames, Part, finish, joined, keep, kept
from adrl_core.market import make_market
from adrl_core.market.channels import log_median_price
from adrl_core.market.contested import CONTESTS, ContestedMarket
from adrl_core.market.presets import CHANNEL_NAMES, PRESETS, STEPS

log = logging.getLogger(__name__)

TEAMS: Mapping[str, str] = MappingProxyType({"channels": "planner", "margin": "planner+reward=profit"})
"""The markets of the trial, and the team that is trained on each."""
MEMORIES = ("kept", "emptied")
"""What becomes of the calm steps in the team's memory when rivals appear."""
SHARE = 5
"""One part in so many of the study's episodes is played after rivals appeared, and of the bank."""
POINTS = 6
"""Points of a recovery, besides that before any training."""
FIRST_PART = 50
"""The first of them lies at one part in so many of the training."""
CANDIDATE_EPISODES, SHORTLIST, SHORTLIST_EPISODES = 12, 20, 100
"""Of the search for the best constant: episodes for all, how many are looked at closer, and on how many."""
KEY = ("seeds", "episodes", "evaluation_episodes")
CALM = "calm"


class Tables(NamedTuple):
    """What came of it; every table is labelled by market and contest (`calm` is one of them)."""

    runs: pd.DataFrame
    """A row a run and time of play: memory (`none` before the change), episodes since the change, played
    (contested or calm), seed, and means of the columns of `play`."""
    references: pd.DataFrame
    """A row a policy that does not learn: means of the columns of `play`."""
    prices: pd.DataFrame
    """A row a run, step and channel: memory, episodes, seed, step, channel, and the median price to beat as
    a multiple of the calm one."""


def points(episodes: int) -> list[int]:
    """Numbers of episodes since the change after which the team is played, evenly spread in their logarithm.

    >>> points(200)
    [4, 9, 19, 42, 91, 200]
    """
    spread = np.geomspace(max(1.0, episodes / FIRST_PART), episodes, POINTS)
    return sorted({round(number) for number in spread})


def contest(study: Study, directory: Path) -> Tables:
    """Train, play and train again on all markets, and write a parquet file a table.

    What is finished is kept in files ending in resume.pt until all is; a trial that finds some goes on.

    Args:
        study: sizes the trial: seeds, episodes of the calm training, checkpoint_every, and, by the part in
            SHARE, episodes after the change and held-out episodes.
        directory: where to write.

    Raises:
        ConfigurationError: such a file is damaged or belongs to another study.
    """
    # As the team is trained elsewhere: more threads would split sums differently.
    torch.set_num_threads(1)
    parts = [part for market in TEAMS for part in _parts(study, market, directory)]
    return Tables(**finish("contested", parts, directory))


def _parts(study: Study, market: str, directory: Path) -> list[Part]:
    """What there is to do on a market, once the team is trained on it in calm."""
    own = study.model_copy(update={"market": market, "variant": TEAMS[market]})
    key = study.settings(KEY)
    # Read anew each time, since going on changes a team in place.
    team = partial(_calm_team, own, directory / f"{market}-{CALM}.resume.pt", key)
    team()
    return [
        Part(f"{market}-unchanged", partial(_unchanged, own, team), key),
        *(
            Part(f"{market}-{name}-{memory}", partial(_go_on, own, team, name, memory), key)
            for name, memory in product(CONTESTS, MEMORIES)
        ),
    ]


def _calm_team(own: Study, path: Path, key: Mapping[str, Any]) -> PlanningTeam:
    """The team after its calm training, of which everything that learning goes on from is kept at `path`."""
    found: dict[str, Any] = kept(path, key) if path.exists() else {"episode": 0}
    market = make_market(own.market, reward=own.team.reward)
    team, first = PlanningTeam(own.team, range(own.seeds)), int(found["episode"])
    if first:
        team.load_state_dict(found["team"])
    for number in range(first, own.episodes):
        team.play_episode(market, number, own.episodes)
        team.learn(number, own.episodes)
        done = number + 1
        if done % own.checkpoint_every == 0 or done == own.episodes:
            keep(path, key, {"episode": done, "team": team.state_dict()})
            log.info("%s: calm episode %d of %d", own.market, done, own.episodes)
    return team


def contested_market(market: str, name: str, reward: RewardName = "shaped") -> ContestedMarket:
    """The market of a contest; that of no rivals if it is calm."""
    advertisers, shill = CONTESTS.get(name, (None, None))
    return ContestedMarket(PRESETS[market], advertisers, shill, reward=reward)


def _unchanged(own: Study, trained: Callable[[], PlanningTeam]) -> Frames:
    """The team as it is, and the policies that do not learn, on the calm market and in every contest."""
    team, found = trained(), []
    for name in (CALM, *CONTESTS):
        world = contested_market(own.market, name)
        runs, prices = _held_out(own, team, world, name, "none", 0)
        found.append(Tables(runs, _references(own, world, name), prices))
    return _joined(found)


def _go_on(own: Study, trained: Callable[[], PlanningTeam], name: str, memory: str) -> Frames:
    """Go on training in a contest, as if the training had been planned for so much longer."""
    team = trained()
    if memory == "emptied":
        team.stored = 0
    world = contested_market(own.market, name, own.team.reward)
    more, found = max(2, own.episodes // SHARE), []
    due = points(more)
    for number in range(1, more + 1):
        place = own.episodes + number - 1, own.episodes + more
        team.play_episode(world, *place)
        team.learn(*place)
        if number in due:
            runs, prices = _held_out(own, team, world, name, memory, number)
            found.append(Tables(runs, pd.DataFrame(), prices if number == more else pd.DataFrame()))
            log.info("%s: %s, memory %s, episode %d of %d", own.market, name, memory, number, more)
    runs, _ = _held_out(own, team, contested_market(own.market, CALM), name, memory, more, CALM)
    return _joined([*found, Tables(runs, pd.DataFrame(), pd.DataFrame())])


def _joined(found: list[Tables]) -> Frames:
    tables = (joined(frames) for frames in zip(*found, strict=True))
    return dict(zip(Tables._fields, tables, strict=True))


def _bank(own: Study) -> np.ndarray:
    return np.arange(max(2, own.evaluation_episodes // SHARE))


def _held_out(
    own: Study,
    team: PlanningTeam,
    world: ContestedMarket,
    name: str,
    memory: str,
    episodes: int,
    played: str = "contested",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Play every run greedily on the first part of the bank: means of each, and the prices it met."""
    bank, runs = _bank(own), len(team.seeds)
    numbers = np.tile(bank, runs)
    frame = play(team.policy(), world, np.full(len(numbers), BANK_SEED), numbers)
    frame["seed"] = np.repeat(team.seeds, len(bank))
    means = frame.drop(columns="episode").groupby("seed", as_index=False).mean()
    label: dict[str, Any] = {"market": own.market, "contest": name, "memory": memory, "episodes": episodes}
    return means.assign(**label, played=played), _prices(world, team.seeds).assign(**label)


def _prices(world: ContestedMarket, seeds: list[int]) -> pd.DataFrame:
    """Median price to beat over the calm one in the episodes just played, which are ordered run by run."""
    calm = log_median_price(world.constants, world.path.cost_per_click, world.path.competition)[:STEPS]
    factor = (world.log_median - calm).exp().unflatten(1, (len(seeds), -1)).mean(2)
    index = pd.MultiIndex.from_product(
        [range(STEPS), seeds, CHANNEL_NAMES], names=["step", "seed", "channel"]
    )
    return pd.DataFrame({"factor": factor.flatten().tolist()}, index=index).reset_index()


def _references(own: Study, world: ContestedMarket, name: str) -> pd.DataFrame:
    by, bank = own.team.reward, _bank(own)
    calm = best_constant(own.market, SEARCH_SEED, by=by)
    policies: list[Policy] = [
        Constant("calm_constant", calm.bid, calm.allocation),
        constant_against(world, by),
        Oracle("oracle", by=by),
        InformedOracle("informed", by=by),
    ]
    rows = [
        play(policy, world, np.full(len(bank), BANK_SEED), bank).drop(columns="episode").mean().to_dict()
        | {"market": own.market, "contest": name, "policy": policy.name}
        for policy in policies
    ]
    return pd.DataFrame(rows)


def constant_against(world: ContestedMarket, by: RewardName) -> Constant:
    """The constant action that does best against the market's rivals, on episodes kept for the search.

    All bids x (allocations in tenths and the uniform one) are simulated on CANDIDATE_EPISODES episodes, and
    the best SHORTLIST of them on SHORTLIST_EPISODES.
    """
    allocations = torch.cat((grid_allocations(), torch.tensor([UNIFORM], dtype=torch.float64)))
    bids = world.bids.repeat_interleave(len(allocations))
    splits = allocations.to(world.bids).repeat(len(world.bids), 1)
    ranked = _outcomes(world, bids, splits, CANDIDATE_EPISODES, by).argsort(descending=True)[:SHORTLIST]
    best = ranked[_outcomes(world, bids[ranked], splits[ranked], SHORTLIST_EPISODES, by).argmax()]
    return Constant("best_constant", float(bids[best]), tuple(splits[best].tolist()))


@torch.inference_mode()
def _outcomes(world: ContestedMarket, bids: Tensor, splits: Tensor, episodes: int, by: RewardName) -> Tensor:
    """Mean outcome of an episode under constant bids (n,) and allocations (n, CHANNELS); (n,)."""
    numbers = np.repeat(np.arange(episodes), len(bids))
    world.reset(np.full(len(numbers), SEARCH_SEED), numbers)
    bids, splits, total = bids.repeat(episodes), splits.repeat(episodes, 1), torch.zeros(len(numbers))
    for _ in range(STEPS):
        step = world.step(bids, splits)
        total += step.profit if by == "profit" else step.shaped
    return total.unflatten(0, (episodes, -1)).mean(0)
