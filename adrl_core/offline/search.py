"""The search for how conservative to be: `python -m adrl_core.offline.search` writes search.csv anew.

Candidates are compared by what their teams earn before any online episode, on episodes kept for searches,
with seeds that no study uses: no larger a search than the team's (`config.TUNING`). First the penalty of the
Bidding agent, at the temperature chosen beforehand; then the temperature, at the best penalty.
"""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from adrl_core.agents.team import TeamLearner
from adrl_core.config import parse_variant
from adrl_core.evaluate import SEARCH_SEED
from adrl_core.files import write_text
from adrl_core.held_out import play_runs
from adrl_core.market import make_market
from adrl_core.offline import cloning, conservative
from adrl_core.offline.behaviour import record
from adrl_core.offline.conservative import Conservatism
from adrl_core.offline.trial import TEAM

TABLE = Path(__file__).with_name("search.csv")
FIRST_SEED = 1_000_000
"""Of the search's runs; those of a study start at 0, and there are far fewer."""
RUNS, EPISODES, EVALUATED = 2, 200, 100
PENALTIES = (0.0, 0.02, 0.1, 0.5)
"""Without a penalty nothing is conservative about the bids; that is for comparison and cannot be chosen."""
FIRST_TEMPERATURE, TEMPERATURES = 1.0, (0.3, 3.0)


def search(market_name: str = "channels", episodes: int = EPISODES) -> Iterator[dict[str, Any]]:
    """Let every candidate learn from the same logs, from the same clones; yields a row each."""
    torch.set_num_threads(1)
    seeds = range(FIRST_SEED, FIRST_SEED + RUNS)
    log = record(make_market(market_name), seeds, episodes)
    team = TeamLearner(parse_variant(TEAM), seeds)
    cloning.clone(team, log, cloning.UPDATES_AN_EPISODE * episodes)
    cloned = deepcopy(team.state_dict())

    def earned(penalty: float, temperature: float) -> dict[str, Any]:
        team.load_state_dict(deepcopy(cloned))
        settings = Conservatism(penalty=penalty, temperature=temperature)
        conservative.improve(team, log, conservative.UPDATES_AN_EPISODE * episodes, settings)
        played = play_runs(team.policy(), market_name, list(seeds), SEARCH_SEED, EVALUATED)
        reward = round(float(played["reward"].mean()), 1)
        return {
            **settings.model_dump(),
            "market": market_name,
            "runs": RUNS,
            "episodes": episodes,
            "evaluation_episodes": EVALUATED,
            "reward": reward,
        }

    tried = []
    for penalty in PENALTIES:
        tried.append(earned(penalty, FIRST_TEMPERATURE))
        yield tried[-1]
    best = max((row for row in tried if row["penalty"]), key=lambda row: row["reward"])["penalty"]
    for temperature in TEMPERATURES:
        yield earned(best, temperature)


def main() -> None:
    """Search, show each candidate when it is done, and write the table."""
    rows = []
    for row in search():
        print(row, flush=True)
        rows.append(row)
    write_text(TABLE, pd.DataFrame(rows).to_csv(index=False))


if __name__ == "__main__":
    main()
