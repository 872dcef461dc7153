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
# # Privacy on trial
#
# Trained teams are shown states with Laplace noise on all that outcomes enter, and another set of teams
# learns with that noise from the start.

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

study, folder = notebook_study(globals(), "privacy")

# %% [markdown]
# Teams that learn with noise: seeds, episodes and settings are those of the teams that learned without.

# %%
import logging
import sys

from adrl_core.agents.team import TeamLearner
from adrl_core.files import save_table
from adrl_core.governance.trials.privacy import train_with_noise
from adrl_core.train import load_team

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
without = load_team(study, folder.parent / "train" / "checkpoint.pt")
with_noise = TeamLearner(study.team, without.seeds)
training = train_with_noise(study, with_noise, folder / "noise.resume.pt")
save_table(training, folder / "training.parquet")

# %% [markdown]
# Both on the same held-out episodes, from hardly any information to no noise at all (an infinite epsilon).

# %%
from adrl_core.governance.trials.privacy import privacy_trial

trial = privacy_trial(study, {"without": without, "with": with_noise})
save_table(trial, folder / "privacy.parquet")

# %% tags=["show"]
trial.pivot_table("reward", "epsilon", "team").round(1)

# %% [markdown]
# What the budget of one episode adds up to over several, if the noise is scaled to the whole episode or to
# each
# single release.

# %%
from adrl_core.governance.trials.privacy import accounting

sums = accounting()
save_table(sums, folder / "accounting.parquet")

# %% tags=["show"]
sums.round(2)

# %% [markdown]
# How far one impression moves each feature, and how much noise hides that, beside what the feature varies
# anyway.

# %%
from adrl_core.governance.trials.privacy import features_table

features = features_table(study, without)
save_table(features, folder / "features.parquet")

# %% tags=["show"]
features.round(4)

# %% [markdown]
# Attempts on the encrypted weights.

# %%
from adrl_core.governance.trials.privacy import vault_trial

attempts = vault_trial(without.networks(), folder)
save_table(attempts, folder / "vault.parquet")

# %% tags=["show"]
attempts
