"""What the trials share: the first held-out episodes, played by every run."""

import numpy as np
import pandas as pd

from adrl_core.agents.policy import Policy
from adrl_core.agents.team import TeamLearner
from adrl_core.config import Study
from adrl_core.evaluate import BANK_SEED, play
from adrl_core.market import Market

EPISODES = 100
"""Held-out episodes of a trial; fewer than an evaluation's will do, as conditions meet the same ones."""


def trial_episodes(study: Study) -> int:
    """Number of held-out episodes that each run plays."""
    return min(EPISODES, study.evaluation_episodes)


def play_runs(policy: Policy, market: Market, learner: TeamLearner, episodes: int) -> pd.DataFrame:
    """Let every run play the first `episodes` of the bank.

    Args:
        policy: rows are ordered run by run, as the team's are.
        market: where it plays.
        learner: whose runs they are.
        episodes: a run.

    Returns:
        The columns of `evaluate.play`, with the run's seed in front.
    """
    numbers = np.tile(np.arange(episodes), len(learner.seeds))
    frame = play(policy, market, np.full(len(numbers), BANK_SEED), numbers)
    frame.insert(0, "seed", np.repeat(learner.seeds, episodes))
    return frame
