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
# # Contested markets
#
# The planning team, trained on calm markets, meets rivals that react: advertisers who pace a budget, and a
# shill who bids just below us. It is played unchanged, goes on training, and is played on the calm market
# again.

# %% tags=["parameters"]
market = "published"  # plays no part here
variant = "full"  # plays no part here
fee = 0.0  # plays no part here
seeds = 5  # independent training runs
episodes = 300  # training episodes on the calm market; one fifth as many follow in each contest
evaluation_episodes = 200  # one fifth of them is played at each time
checkpoint_every = 50  # calm training episodes between two saves
directory = ""  # output folder; results/custom/contested if empty

# %%
from adrl_core.report.stages import notebook_study

study, folder = notebook_study(globals(), "contested")

# %%
import logging
import sys

from adrl_core.contested import contest

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
tables = contest(study, folder)

# %% [markdown]
# Means over runs, by episodes since the rivals appeared; then what policies come to that do not learn.

# %% tags=["show"]
shown = ["reward", "profit", "spend", "clicks"]
by = ["market", "contest", "memory", "episodes", "played"]
tables.runs.groupby(by, sort=False)[shown].mean().round(1)

# %% tags=["show"]
tables.references.set_index(["market", "contest", "policy"])[shown].round(1)
