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
# # One policy for several markets
#
# Planning teams trained on all presets in turn, without and with a memory of the episode so far, and with it
# on all presets but one; each is then played on the held-out episodes of markets it knows or has never met.
# The last go on to train there, beside teams that start from nothing.

# %% tags=["parameters"]
market = "published"  # the trial has markets of its own
variant = "full"  # and variants of its own
fee = 0.0  # no fee is taken
seeds = 5  # independent training runs of each course
episodes = 300  # training episodes a run, at most
evaluation_episodes = 200  # held-out episodes of each market, at most
checkpoint_every = 50  # training episodes between two messages
directory = ""  # output folder; results/custom/generalists if empty

# %%
from adrl_core.report.stages import notebook_study

study, folder = notebook_study(globals(), "generalists")

# %%
import logging
import sys

from adrl_core.generalists import study_generalists

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
tables = study_generalists(study, folder)

# %% [markdown]
# Mean reward over runs, each averaged over the held-out episodes; what the trainings took; and mean reward
# after so many training episodes on the market that a team arrives on.

# %% tags=["show"]
tables.generalists.pivot_table("reward", "course", "market", sort=False).round(1)

# %% tags=["show"]
tables.trainings.round(0)

# %% tags=["show"]
tables.arrivals.pivot_table("reward", "episodes", ["market", "start"], sort=False).sort_index().round(1)
