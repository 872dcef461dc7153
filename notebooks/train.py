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
# # Training the team
#
# All runs of one variant on one market train together, as one tensor program. The folder receives one row
# an episode and run (`episodes.parquet`), one row an update (`updates.parquet`), a sample of decisions
# (`decisions.parquet`) and the trained weights (`checkpoint.pt`). A training that was interrupted goes on
# where it stopped.

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

study, folder = notebook_study(globals(), "train")

# %%
import logging
import sys

from adrl_core.train import train

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
train(study, folder)

# %% [markdown]
# Reward of each training episode, dropout and exploration included: one thin line a run, the mean over runs
# in bold, both as moving averages over a twentieth of the training.

# %% tags=["show"]
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib_inline.backend_inline import set_matplotlib_formats

set_matplotlib_formats("svg")
episode_log = pd.read_parquet(folder / "episodes.parquet")
curves = episode_log.pivot(index="episode", columns="seed", values="reward")
smooth = curves.rolling(max(1, len(curves) // 20), min_periods=1).mean()
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.plot(smooth, color="0.75", linewidth=0.8)
axes.plot(smooth.mean(axis=1), color="#0072b2", linewidth=2)
axes.set(xlabel="training episode", ylabel="reward", title=f"n = {study.seeds} runs")
plt.show()

# %% [markdown]
# The last tenth of the training, averaged within each run.

# %% tags=["show"]
last = episode_log[episode_log["episode"] >= episode_log["episode"].max() * 0.9]
last.groupby("seed").mean(numeric_only=True).drop(columns="episode").describe().round(2)
