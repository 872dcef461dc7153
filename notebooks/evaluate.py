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
# # The trained team on held-out episodes
#
# Every run plays the whole bank, greedily and without dropout.

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

study, folder = notebook_study(globals(), "evaluate")

# %%
from adrl_core.evaluate import evaluate_team
from adrl_core.files import save_table

evaluation, steps = evaluate_team(study, folder.parent / "train" / "checkpoint.pt")
save_table(evaluation, folder / "evaluation.parquet")
save_table(steps, folder / "steps.parquet")

# %% [markdown]
# Each row is one run, averaged over the bank: the unit of all later statistics.

# %% tags=["show"]
runs = evaluation.drop(columns=["policy", "episode"]).groupby("seed").mean()
runs.round(2)

# %% tags=["show"]
runs.describe().loc[["mean", "std", "min", "max"]].round(2)
