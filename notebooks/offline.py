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
# # From logs to online learning
#
# A company's rule leaves a log of decisions. The team learns from it, by cloning and then by conservative
# offline learning, and goes on learning online. Beside it stand a team that starts from scratch, one that has
# the log in memory only, and the planning team, which reads the log and has no episode of its own.

# %% tags=["parameters"]
market = "published"  # channels, margin, pacing or shift; the trial is made for channels
variant = "full"  # the trial has variants of its own
fee = 0.0  # reward subtracted for each agent asked in a step
seeds = 5  # independent training runs
episodes = 300  # training episodes of a study, of which log and online learning are shares
evaluation_episodes = 200  # held-out episodes in the bank
checkpoint_every = 50  # training episodes between two saves
directory = ""  # output folder; results/custom/<market>/... if empty

# %%
from adrl_core.report.stages import notebook_study

study, folder = notebook_study(globals(), "offline")

# %%
import logging
import sys

from adrl_core.offline.trial import compare, sizes

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
tables = compare(study, folder)
sizes(study)

# %% [markdown]
# Held-out reward, means over runs: before any online episode, and after the last.

# %% tags=["show"]
tables.ends.groupby(["arm", "episode"], sort=False)["reward"].agg(["mean", "std"]).round(1)

# %% [markdown]
# The policies that do not learn, on the same episodes.

# %% tags=["show"]
tables.references.groupby("policy", sort=False)[["reward", "profit"]].mean().round(1)

# %% [markdown]
# Held-out reward by number of online episodes.

# %% tags=["show"]
tables.curves.pivot_table(index="episode", columns="arm", values="reward", sort=False).round(0)
