# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#     cell_metadata_filter: tags
#     notebook_metadata_filter: kernelspec,jupytext
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Auction integrity and misaligned rewards
#
# Charts watch the bids, win rate and quality of the trained team while auctions are manipulated, and reward
# beside profit while a team trained on the published reward takes the place of one trained on profit. A
# third team is trained here, on a reward of several objectives.

# %% tags=["parameters"]
market = "margin"  # published, channels, margin, pacing or shift
variant = "tuned"  # a named team, such as full, tuned or no_budget, with changes appended after a plus sign
fee = 0.0  # reward subtracted for each agent asked in a step
seeds = 5  # independent training runs
episodes = 300  # training episodes a run
evaluation_episodes = 200  # held-out episodes in the bank
checkpoint_every = 50  # training episodes between two saves
directory = ""  # output folder; results/custom/<market>/... if empty

# %%
from adrl_core.report.stages import notebook_study

study, folder = notebook_study(globals(), "integrity")

# %%
import logging
import sys

import torch

from adrl_core.agents.team import TeamLearner
from adrl_core.files import save_table
from adrl_core.governance.learning import learn
from adrl_core.governance.objectives import ObjectivesMarket
from adrl_core.governance.trials.integrity import (
    compared_rewards,
    detection,
    misaligned_trainings,
    trained_on,
)
from adrl_core.market import make_market

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
torch.set_num_threads(1)
teams = {reward: trained_on(study, reward, folder.parents[1]) for reward in ("shaped", "profit")}

# %% [markdown]
# Detection of manipulations: how long each chart takes, and how often it is wrong where nothing happened.
# The last trial lets the team trained on the published reward replace the one trained on profit.

# %%
found, expected = detection(study, teams["shaped"], teams["profit"])
save_table(found, folder / "detection.parquet")

# %% [markdown]
# The third team learns from several objectives at once.

# %%
teams["objectives"] = TeamLearner(study.team, range(study.seeds))
learning = learn(
    teams["objectives"],
    ObjectivesMarket(make_market(study.market)),
    range(study.episodes),
    study.episodes,
    folder / "objectives.resume.pt",
    study.checkpoint_every,
)
save_table(learning, folder / "learning.parquet")
rewards = compared_rewards(study, teams)
save_table(rewards, folder / "rewards.parquet")

# %% [markdown]
# The trainings seen by the monitor of reward and profit: after how many episodes it raises the alarm.

# %%
trainings = misaligned_trainings(folder.parents[1], study.variant, learning, expected)
save_table(trainings, folder / "trainings.parquet")

# %% tags=["show"]
rewards.groupby("objective", sort=False).mean().drop(columns="seed").round(1)

# %% tags=["show"]
found.groupby(["team", "condition", "metric", "chart"], sort=False)[["alarmed", "episodes"]].mean().unstack(
    ["team", "condition"]
).round(2)
