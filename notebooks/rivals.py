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
# # Rivals
#
# Learners that others would try first, trained on the same market for as many steps as the team, and played
# on the same held-out episodes: PPO and DQN of `stable-baselines3`, a contextual bandit, and an online linear
# program.

# %% tags=["parameters"]
market = "published"  # published, channels, margin, pacing or shift
variant = "full"  # no rival depends on it
fee = 0.0  # reward subtracted for each agent asked in a step
seeds = 5  # independent training runs
episodes = 300  # training episodes a run
evaluation_episodes = 200  # held-out episodes in the bank
checkpoint_every = 50  # training episodes between two saves
directory = ""  # output folder; results/custom/<market>/... if empty

# %%
from adrl_core.report.stages import notebook_study

study, folder = notebook_study(globals(), "rivals")

# %%
import logging
import sys

from adrl_core.rivals.trial import compete

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
tables = compete(study, folder)

# %% [markdown]
# Means over runs, each averaged over the held-out episodes; then what a training took.

# %% tags=["show"]
by = ["rival", "reward_learned"]
tables.rivals.drop(columns="seed").groupby(by, sort=False).mean().round(2)

# %% tags=["show"]
tables.trainings.drop(columns="seed").groupby(by, sort=False).mean().round(1)
