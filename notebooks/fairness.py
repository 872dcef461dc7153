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
# # Fairness on trial
#
# Whom the policies reach, in a simulated audience in which each channel has its own mix of age groups; and
# the tuned teams once more, held to the four-fifths rule.

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

study, folder = notebook_study(globals(), "fairness")

# %%
from adrl_core.config import Study
from adrl_core.files import save_table
from adrl_core.governance.trials.fairness import fairness_trial
from adrl_core.train import load_team

published = Study.validated(**(study.model_dump() | {"variant": "full"}))
teams = {
    "full": load_team(published, folder.parents[1] / "full" / "train" / "checkpoint.pt"),
    study.variant: load_team(study, folder.parent / "train" / "checkpoint.pt"),
}
rates, parity = fairness_trial(study, teams)
save_table(rates, folder / "rates.parquet")
save_table(parity, folder / "parity.parquet")

# %% [markdown]
# The audience of each channel, and the groups' rates under each policy.

# %% tags=["show"]
import pandas as pd

from adrl_core.governance.fairness import AUDIENCE, GROUP_NAMES
from adrl_core.market.presets import CHANNEL_NAMES

pd.DataFrame(AUDIENCE, CHANNEL_NAMES, GROUP_NAMES)

# %% tags=["show"]
rates.pivot_table("rate", "policy", ["measure", "group"], sort=False).round(4)

# %% [markdown]
# Lowest over highest rate; the rule asks for four fifths of exposure.

# %% tags=["show"]
parity.pivot_table(["ratio", "reward"], "policy", "measure", sort=False).round(3)
