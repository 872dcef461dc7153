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
# # The safety layer on trial
#
# Every run plays the same held-out episodes without limits, behind all of them, and behind each of them
# alone; a policy gone mad plays behind them, too.

# %% tags=["parameters"]
market = "published"  # published, channels, margin, pacing or shift
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
from adrl_core.files import save_table
from adrl_core.governance.trials.guardrails import LIMITS, caps_trial, guardrails_trial
from adrl_core.train import load_team

learner = load_team(study, folder.parent / "train" / "checkpoint.pt")
trial = guardrails_trial(study, learner)
caps = caps_trial(study, learner)
save_table(trial, folder / "guardrails.parquet")
save_table(caps, folder / "caps.parquet")

# %% [markdown]
# The limits that hold here.

# %% tags=["show"]
LIMITS[study.market].model_dump()

# %% [markdown]
# Means over the runs: rewards, the share of steps with a forbidden action, and how many of those reached
# the market.

# %% tags=["show"]
columns = ["reward", "profit", "spend", "forbidden", "reached", "overspent"]
trial.groupby(["policy", "condition"], sort=False)[columns].mean().round(3)

# %% [markdown]
# What is wrong with the actions, as shares of the steps.

# %% tags=["show"]
from adrl_core.governance.trials.guardrails import WRONG

trial.groupby(["policy", "condition"], sort=False)[list(WRONG)].mean().round(3)

# %% [markdown]
# The reward under a largest share of any channel, and nothing else.

# %% tags=["show"]
caps.groupby("cap")[["reward", "profit", "forbidden"]].mean().round(3)
