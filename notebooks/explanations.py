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
# # Explanations on trial
#
# Shapley values of what the trained teams choose, held against policies whose values are known and against
# shuffled features.

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

study, folder = notebook_study(globals(), "explanations")

# %%
import torch

from adrl_core.files import save_table
from adrl_core.governance.trials.explanations import known_trial, visited_states
from adrl_core.train import load_team

torch.set_num_threads(1)
learner = load_team(study, folder.parent / "train" / "checkpoint.pt")
states = visited_states(study, learner)

# %% [markdown]
# Two policies whose values follow from paper and pencil: how far off is the library, and what do features get
# that are never read?

# %%
known = known_trial(states[0])
save_table(known, folder / "known.parquet")

# %% tags=["show"]
known

# %% [markdown]
# What matters to the trained teams, each run explained by itself.

# %%
from adrl_core.governance.trials.explanations import importance_trial

importance = importance_trial(study, learner, states)
save_table(importance, folder / "importance.parquet")

# %% tags=["show"]
importance.pivot_table(["shapley", "permutation"], "feature", "choice", sort=False).round(3)

# %% [markdown]
# Choices over two features, and what the bid levels are worth along the episode.

# %%
from adrl_core.governance.trials.explanations import landscape, q_landscape

save_table(landscape(study, learner, states), folder / "landscape.parquet")
save_table(q_landscape(study, learner, states), folder / "values.parquet")

# %% [markdown]
# A single decision, the one farthest from the usual bid.

# %%
from adrl_core.governance.trials.explanations import single_decision

features, choice = single_decision(study, learner, states)
save_table(features, folder / "features.parquet")
save_table(choice, folder / "decision.parquet")

# %% tags=["show"]
features.round(3)

# %% tags=["show"]
choice.T.round(3)
