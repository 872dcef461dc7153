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
# # Real auctions
#
# Published bidders and the Bidding agent on a log of single second-price auctions, with several budgets. All
# of them know the training log's prices and click rate only.

# %% tags=["parameters"]
log = "synthetic"  # synthetic, or the name of a real log in the folder ADRL_LOGS
seeds = 5  # independent training runs of the agent
rounds = 30  # rounds of simulated episodes that each run is trained for
simulated = 50  # held-out simulated episodes that every bidder plays with each budget
directory = ""  # output folder; results/custom/auctions if empty

# %%
from adrl_core.report.stages import notebook_auctions

study, folder = notebook_auctions(globals())

# %%
from adrl_core.auctions import bid_on_log
from adrl_core.files import save_table

tables = bid_on_log(study)
for name, table in tables._asdict().items():
    save_table(table, folder / f"{name}.parquet")

# %% [markdown]
# Clicks won on the whole log, by budget as a share of what all auctions would cost; of the agent, the mean
# over runs.

# %% tags=["show"]
totals = tables.log.groupby(["share", "bidder", "seed"])[["impressions", "clicks", "cost", "expected"]].sum()
means = totals.groupby(["share", "bidder"]).mean()
means["clicks"].unstack("share").round(1)

# %% [markdown]
# Clicks to be expected of the impressions won, by the predicted click rates.

# %% tags=["show"]
means["expected"].unstack("share").round(1)

# %% [markdown]
# Expected clicks an episode in held-out simulated episodes.

# %% tags=["show"]
tables.simulated.groupby(["share", "bidder"])["expected"].mean().unstack("share").round(3)

# %% [markdown]
# Reward of the agent's decisions in training: expected clicks beyond those of the paced bid, as a share of
# what the plan wins in a decision's auctions. Mean over runs.

# %% tags=["show"]
tables.training.groupby("round")["reward"].mean().plot(xlabel="round", ylabel="reward")
