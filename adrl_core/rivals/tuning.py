"""The search for the rivals' settings: `python -m adrl_core.rivals.tuning` writes tuning.csv anew.

Candidates are compared on episodes kept for searches, which are not in the bank, with seeds that no study
uses: on `channels`, where the team's settings were sought, and the online linear program on `pacing`, as
elsewhere its price is idle.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from adrl_core.config import TUNING, ConfigurationError, MarketName
from adrl_core.evaluate import SEARCH_SEED
from adrl_core.files import write_text
from adrl_core.rivals.settings import CANDIDATES, Rival

TABLE = Path(__file__).with_name("tuning.csv")
MARKETS: dict[Rival, MarketName] = {
    "ppo": "channels",
    "dqn": "channels",
    "bandit": "channels",
    "online_lp": "pacing",
}
FIRST_SEED = 1_000_000
"""Of the search's runs; those of a study start at 0, and there are far fewer."""
RUNS, EPISODES = 2, 200
"""Of each candidate; at most what the team's search took (`config.TUNING`)."""


def search(
    runs: int = RUNS, episodes: int = EPISODES, evaluated: int = TUNING["evaluation_episodes"]
) -> Iterator[dict[str, Any]]:
    """Train and play every candidate; yields a row each.

    Raises:
        ConfigurationError: more than the team's search took.
    """
    for name, value in (("runs", runs), ("episodes", episodes), ("evaluation_episodes", evaluated)):
        if not 1 <= value <= TUNING[name]:
            raise ConfigurationError(f"{name} = {value}: expected 1 to {TUNING[name]}, as the team's search")
    # Stable-Baselines3 takes seconds to import, and whoever reads the table does not need it.
    from adrl_core.held_out import play_runs
    from adrl_core.rivals.trial import batches, train_rival

    torch.set_num_threads(1)
    seeds = range(FIRST_SEED, FIRST_SEED + runs)
    for rival, market in MARKETS.items():
        for name, settings in CANDIDATES[rival].items():
            means = pd.concat(
                play_runs(
                    train_rival(settings, market, some, episodes)[0], market, some, SEARCH_SEED, evaluated
                )
                for some in batches(settings, seeds)
            )
            yield {
                "rival": rival,
                "candidate": name,
                "market": market,
                "runs": runs,
                "episodes": episodes,
                "evaluation_episodes": evaluated,
                "reward": round(float(means["reward"].mean()), 1),
            }


def main(runs: int = RUNS, episodes: int = EPISODES) -> None:
    """Search, show each candidate when it is done, and write the table."""
    rows = []
    for row in search(runs, episodes):
        print(row, flush=True)
        rows.append(row)
    write_text(TABLE, pd.DataFrame(rows).to_csv(index=False))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
