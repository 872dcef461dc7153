"""Facts of the rivals: what they earn, beside the team and the best reference, and what it took them.

Keys are `rivals.<market>.<policy>.<quantity>`. A policy is a rival, a team (TEAMS), `best_constant` or
`reference` (REFERENCES names it); those that learned from profit end in `_profit`. Who does better than a
team is told in words, `rivals.<market>.<team>.better.<metric>`.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from adrl_core.evidence.intervals import mean_interval
from adrl_core.evidence.paired import paired_facts
from adrl_core.evidence.quantities import (
    EPISODES,
    METRICS,
    RUNS,
    Facts,
    Origin,
    counted,
    estimated,
    listed,
)
from adrl_core.report.facts import Fact
from adrl_core.report.stages import RIVALS
from adrl_core.rivals.settings import CANDIDATES, CHOSEN
from adrl_core.rivals.tuning import MARKETS, TABLE

PREFIX = "rivals"
NAMES = {"ppo": "PPO", "dqn": "DQN", "bandit": "the bandit", "online_lp": "the online linear program"}
"""How prose calls them."""
TEAMS = {"team": "tuned", "planner": "planner"}
"""The team's variants that rivals are compared with, by their names in keys."""
REFERENCES = {
    "channels": "oracle",
    "margin": "oracle",
    "pacing": "lookahead",
    "shift": "oracle_threshold",
}
"""The best policy that knows the market's equations, and of the state only what is visible."""
QUOTED = ("reward", "conversions", "spend", "profit")
COMPARED = ("reward", "profit")
STANDINGS = {"better": "above", "worse": "below", "alike": "not distinguishable from"}
"""How rivals may compare with a team: the part of a key, and the word of the difference."""


def facts(results: Path) -> Facts:
    """All facts of the rivals and of the search for their settings."""
    found: Facts = dict(tuning_facts())
    for market in RIVALS["paper"]:
        if (results / market / PREFIX / "rivals.parquet").exists():
            found |= dict(market_facts(results, market))
    return found


def label(policy: str, reward: str) -> str:
    """How keys name what learned from a reward: dqn, dqn_profit."""
    return policy if reward == "shaped" else f"{policy}_{reward}"


def variant(team: str, reward: str) -> str:
    """The team's variant that learned from a reward."""
    return TEAMS[team] if reward == "shaped" else f"{TEAMS[team]}+reward={reward}"


def team_runs(results: Path, market: str, reward: str) -> dict[str, pd.DataFrame]:
    """Means over the bank of the runs of each team that was evaluated on the market, by seed."""
    paths = {
        team: results / market / variant(team, reward) / "evaluate" / "evaluation.parquet" for team in TEAMS
    }
    return {
        team: pd.read_parquet(path).groupby("seed")[list(METRICS)].mean()
        for team, path in paths.items()
        if path.exists()
    }


def market_facts(results: Path, market: str) -> Iterator[tuple[str, Fact]]:
    """Facts of one market whose rivals have been run."""
    stage = f"{market}/{PREFIX}"
    runs = pd.read_parquet(results / stage / "rivals.parquet")
    trainings = pd.read_parquet(results / stage / "trainings.parquet")
    reference = _reference(results, market)
    for policy, level in reference.items():
        yield from _levels(market, policy, level, EPISODES, f"{market}/baselines", f"policy = {policy}")
    if {"best_constant", "reference"} <= reference.keys():
        constant, best = (float(reference[name]["reward"].mean()) for name in ("best_constant", "reference"))
        origin = _origin(f"{market}/baselines", f"policy = best_constant over policy = {REFERENCES[market]}")
        yield (
            f"{PREFIX}.{market}.best_constant.share.mean",
            Fact(value=constant / best, format=".1%", **origin),
        )
    for reward, learned in runs.groupby("reward_learned", sort=False):
        teams = team_runs(results, market, str(reward))
        for team, theirs in teams.items():
            folder, name = f"{market}/{variant(team, str(reward))}/evaluate", label(team, str(reward))
            yield from _levels(market, name, theirs, RUNS, folder, "mean over the bank of each run")
            yield from _shares(market, name, theirs, reference, folder)
        words: dict[tuple[str, str], dict[str, str]] = {}
        for rival, rows in learned.groupby("rival", sort=False):
            name, row = label(str(rival), str(reward)), f"rival = {rival}, reward_learned = {reward}"
            ours = rows.set_index("seed")[list(METRICS)]
            yield from _levels(market, name, ours, RUNS, stage, row)
            yield from _shares(market, name, ours, reference, stage)
            took = trainings[(trainings["rival"] == rival) & (trainings["reward_learned"] == reward)]
            yield from _training(f"{PREFIX}.{market}.{name}", took, stage, row)
            for team, theirs in teams.items():
                for metric in COMPARED:
                    key = f"{PREFIX}.{market}.{name}.minus.{team}.{metric}"
                    origin = _origin(stage, f"{row}, less {team}")
                    compared = paired_facts(key, ours[metric], theirs[metric], *METRICS[metric], origin)
                    yield from compared.items()
                    words.setdefault((team, metric), {})[str(rival)] = str(compared[f"{key}.word"].value)
        for (team, metric), found in words.items():
            yield from _standing(f"{PREFIX}.{market}.{label(team, str(reward))}", metric, found, stage)


def _levels(
    market: str, name: str, runs: pd.DataFrame, unit: str, stage: str, row: str
) -> Iterator[tuple[str, Fact]]:
    origin = _origin(stage, row)
    for metric in QUOTED:
        estimate = mean_interval(runs[metric])
        yield f"{PREFIX}.{market}.{name}.{metric}.mean", estimated(estimate, *METRICS[metric], unit, **origin)


def _shares(
    market: str, name: str, runs: pd.DataFrame, reference: dict[str, pd.DataFrame], stage: str
) -> Iterator[tuple[str, Fact]]:
    if "reference" in reference and not name.endswith("_profit"):
        share = mean_interval(runs["reward"] / float(reference["reference"]["reward"].mean()))
        origin = _origin(stage, f"reward over that of policy = {REFERENCES[market]} on the same episodes")
        yield f"{PREFIX}.{market}.{name}.share.mean", estimated(share, "", ".1%", RUNS, **origin)


def _training(prefix: str, took: pd.DataFrame, stage: str, row: str) -> Iterator[tuple[str, Fact]]:
    origin: Origin = {"source": f"{stage}/trainings.parquet", "row": row, "stage": stage}
    for column, unit, form in (
        ("seconds", "seconds of processor time a run", ".0f"),
        ("steps_per_second", "environment steps a second", ",.0f"),
    ):
        yield f"{prefix}.{column}.mean", counted(float(took[column].mean()), len(took), unit, form, **origin)


def _standing(prefix: str, metric: str, words: dict[str, str], stage: str) -> Iterator[tuple[str, Fact]]:
    """Who does better than a team, who worse, and who cannot be told from it, in words."""
    for key, word in STANDINGS.items():
        who = listed([NAMES[rival] for rival, found in words.items() if found == word])
        yield f"{prefix}.{key}.{metric}", Fact(value=who, **_origin(stage, "all rivals against the team"))


def tuning_facts() -> Iterator[tuple[str, Fact]]:
    """The search: its size, what each candidate earned, and which was chosen."""
    table = pd.read_csv(TABLE)
    for column in ("runs", "episodes", "evaluation_episodes"):
        yield f"{PREFIX}.tuning.{column}", Fact(value=int(table[column].max()), source="adrl_core")
    for rival, candidates in CANDIDATES.items():
        prefix = f"{PREFIX}.tuning.{rival}"
        yield f"{prefix}.candidates", Fact(value=len(candidates), source="adrl_core")
        yield f"{prefix}.chosen", Fact(value=CHOSEN[rival], source="adrl_core")
        yield f"{prefix}.market", Fact(value=MARKETS[rival], source="adrl_core")
    for row in table.to_dict("records"):
        key = f"{PREFIX}.tuning.{row['rival']}.{slug(str(row['candidate']))}.reward"
        yield key, Fact(value=float(row["reward"]), unit="reward", format=".1f", source="adrl_core")


def slug(candidate: str) -> str:
    """How keys name a candidate."""
    return candidate.replace(",", "").replace(" ", "_")


def _reference(results: Path, market: str) -> dict[str, pd.DataFrame]:
    """The bank's episodes under the best constant and under the reference policy, where they were played."""
    path = results / market / "baselines" / "evaluation.parquet"
    if not path.exists():
        return {}
    played = dict(list(pd.read_parquet(path).groupby("policy")))
    wanted = {"best_constant": "best_constant", "reference": REFERENCES[market]}
    return {name: played[policy] for name, policy in wanted.items() if policy in played}


def _origin(stage: str, row: str) -> Origin:
    table = "rivals" if stage.endswith(f"/{PREFIX}") else "evaluation"
    return {"source": f"{stage}/{table}.parquet", "row": row, "stage": stage}
