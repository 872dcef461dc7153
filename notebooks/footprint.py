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
# # The footprint of a training
#
# The study's training is repeated, metered and watched by a rule of early stopping. Its teams then go on
# learning in another market, beside teams that learned there from scratch.

# %% tags=["parameters"]
market = "channels"  # published, channels, margin, pacing or shift
variant = "tuned"  # a named team, such as full, tuned or no_budget, with changes appended after a plus sign
fee = 0.0  # reward subtracted for each agent asked in a step
seeds = 5  # independent training runs
episodes = 300  # training episodes a run
evaluation_episodes = 200  # held-out episodes in the bank
checkpoint_every = 50  # training episodes between two saves
directory = ""  # output folder; results/custom/<market>/... if empty

# %%
from adrl_core.report.stages import notebook_study

study, folder = notebook_study(globals(), "footprint")

# %%
import logging
import sys

import pandas as pd
import torch

from adrl_core.agents.team import TeamLearner
from adrl_core.files import save_table
from adrl_core.governance.energy import Meter, Passes
from adrl_core.governance.learning import learn
from adrl_core.governance.stopping import EarlyStopping, planned_rule
from adrl_core.governance.trials.footprint import (
    TRANSFER_MARKET,
    differing,
    energy_table,
    held_out,
    metered_decisions,
    stopped_teams,
    stopping_table,
    transfer,
)
from adrl_core.market import make_market
from adrl_core.train import load_team

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
torch.set_num_threads(1)
trained = load_team(study, folder.parent / "train" / "checkpoint.pt")

# %% [markdown]
# Transfer: the trained teams go on learning in the other market, with exploration at its floor.

# %%
there = study.model_copy(update={"market": TRANSFER_MARKET})
scratch = folder.parents[2] / TRANSFER_MARKET / study.variant / "train"
heldout = [
    held_out(there, "zero_shot", trained),
    held_out(there, "scratch", load_team(there, scratch / "checkpoint.pt")),
]
moved, curves = transfer(study, folder.parent / "train", scratch, folder / "transfer.resume.pt")
heldout.append(held_out(there, "transferred", moved))
save_table(curves, folder / "transfer.parquet")

# %% [markdown]
# The repeated training, with the meter running and the rule looking on.

# %%
learner = TeamLearner(study.team, range(study.seeds))
meter, passes = Meter(), Passes(learner)
stopping = EarlyStopping(planned_rule(study.team, study.episodes))
repeated = learn(
    learner,
    make_market(study.market, reward=study.team.reward, fee=study.fee),
    range(study.episodes),
    study.episodes,
    folder / "repeated.resume.pt",
    study.checkpoint_every,
    (meter, passes, stopping),
)
different = differing(repeated, folder.parent / "train" / "episodes.parquet")

# %%
decisions, used = metered_decisions(study)
save_table(energy_table(study, meter, passes, different, decisions, used), folder / "energy.parquet")
heldout += [
    held_out(study, "full_length", learner),
    held_out(study, "stopped", stopped_teams(study, stopping)),
]
save_table(pd.concat(heldout, ignore_index=True), folder / "heldout.parquet")
save_table(stopping_table(stopping), folder / "stopping.parquet")

# %% tags=["show"]
pd.read_parquet(folder / "energy.parquet").set_index("what").T

# %% tags=["show"]
pd.concat(heldout).groupby(["market", "policy"], sort=False)[["reward", "profit"]].mean().round(1)

# %% tags=["show"]
pd.read_parquet(folder / "stopping.parquet")
