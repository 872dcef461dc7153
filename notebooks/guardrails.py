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
# # A safety layer between team and market
#
# The trained teams play episodes of the bank three ways: with the layer only counting what it would stop,
# with the layer in force, and with one constraint in force at a time, so that each has its price. A team
# whose decimal point slipped shows what the layer is for.

# %% tags=["parameters"]
market = "published"  # published, channels, margin, pacing, shift, or the name of a preset file
variant = "full"  # a named team, such as full, tuned or no_budget, with changes appended after a plus sign
fee = 0.0  # reward subtracted for each agent asked in a step
seeds = 5  # independent training runs
episodes = 300  # training episodes a run
evaluation_episodes = 200  # held-out episodes in the bank
checkpoint_every = 50  # training episodes between two saves
directory = ""  # output folder; results/custom/<market>/... if empty

# %%
from adrl_core.report.stages import notebook_study

study, folder = notebook_study(globals(), "guardrails")

# %%
import logging
import sys

from adrl_core.files import save_table
from adrl_core.governance.trials.guardrails import limits_of, try_caps, try_guardrails
from adrl_core.train import load_team

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
learner = load_team(study, folder.parent / "train" / "checkpoint.pt")
bank = min(100, study.evaluation_episodes)

# %% [markdown]
# The constraints of this market.

# %% tags=["show"]
limits_of(study.market).model_dump()

# %% [markdown]
# Without the layer, with it, and with each constraint alone: a row a run, means over the episodes.

# %%
guardrails = try_guardrails(learner, study.market, bank)
save_table(guardrails, folder / "guardrails.parquet")

# %% tags=["show"]
guardrails.drop(columns="seed").groupby(["policy", "condition"], sort=False).mean().round(2)

# %% [markdown]
# What a tighter and a looser cap on the exposure to one channel cost.

# %%
caps = try_caps(learner, study.market, bank)
save_table(caps, folder / "caps.parquet")

# %% tags=["show"]
caps.drop(columns="seed").groupby("cap")[["reward", "profit", "overridden", "reached"]].mean().round(2)
