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
# # The market
#
# What the policies meet before anyone bids: the paths of price and competition, which no action moves, and
# what a constant bid earns.

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

study, folder = notebook_study(globals(), "market")

# %%
import numpy as np

from adrl_core.market import make_market

world = make_market(study.market)

# %% [markdown]
# Twenty training markets of the first run: cost per click and competition over the episode's steps.

# %% tags=["show"]
import matplotlib.pyplot as plt
from matplotlib_inline.backend_inline import set_matplotlib_formats

set_matplotlib_formats("svg")
world.reset(np.zeros(20, dtype=int), np.arange(20))
figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.8), layout="constrained")
left.plot(world.path.cost_per_click.numpy().T, color="#0072b2", linewidth=0.6, alpha=0.6)
left.set(xlabel="step", ylabel="cost per click")
right.plot(world.path.competition.numpy().T, color="#d55e00", linewidth=0.6, alpha=0.6)
right.set(xlabel="step", ylabel="competition")
plt.show()

# %% [markdown]
# What each bid level earns when it is kept for whole episodes, with the budget split evenly over the
# channels: mean shaped reward and profit of `rows` training markets.

# %%
import pandas as pd
import torch

from adrl_core.market.presets import CHANNELS, STEPS

rows = 256
even = torch.full((rows, CHANNELS), 1 / CHANNELS)
earned = {}
for bid in world.bids:
    world.reset(np.zeros(rows, dtype=int), np.arange(rows))
    played = [world.step(bid.expand(rows), even) for _ in range(STEPS)]
    totals = (torch.stack([step.shaped for step in played]), torch.stack([step.profit for step in played]))
    earned[float(bid)] = [float(total.sum(0).mean()) for total in totals]
constants = pd.DataFrame.from_dict(earned, orient="index", columns=["reward", "profit"]).rename_axis("bid")
constants.round(1)

# %% tags=["show"]
figure, axes = plt.subplots(figsize=(5, 2.8), layout="constrained")
axes.plot(constants["reward"], color="#0072b2", marker="o")
axes.set(xlabel="constant bid", ylabel="reward of an episode")
plt.show()
