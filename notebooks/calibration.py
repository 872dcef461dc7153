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
# # Calibration on trial
#
# Logs of a market whose constants are known, auction by auction; what `adrl calibrate` finds in them; and how
# often its intervals hold the truth.

# %% tags=["parameters"]
market = "published"  # plays no part here
variant = "full"  # plays no part here
fee = 0.0  # plays no part here
seeds = 5  # plays no part here
episodes = 300  # plays no part here
evaluation_episodes = 200  # sizes the trial: episodes of the logs, and how many small logs, up to its limits
checkpoint_every = 50  # plays no part here
directory = ""  # output folder; results/custom/calibration if empty

# %%
from adrl_core.report.stages import notebook_study

study, folder = notebook_study(globals(), "calibration")

# %%
from adrl_core.calibrate.trial import try_coverage, try_recovery
from adrl_core.files import save_table

recovered, matched = try_recovery(study.evaluation_episodes)
save_table(recovered, folder / "recovery.parquet")
save_table(matched, folder / "match.parquet")

# %% [markdown]
# What came back of each constant, in each log.

# %% tags=["show"]
import pandas as pd

with pd.option_context("display.max_rows", None):
    display(recovered.round(4))  # noqa: F821

# %% [markdown]
# How far a log-normal, and the fitted market, are from the prices of the log.

# %% tags=["show"]
matched.round(4)

# %% [markdown]
# Many small logs: how often the interval of each constant holds the truth.

# %%
coverage = try_coverage(study.evaluation_episodes)
save_table(coverage, folder / "coverage.parquet")

# %% tags=["show"]
inside = (coverage["low"] <= coverage["truth"]) & (coverage["truth"] <= coverage["high"])
inside.groupby(coverage["constant"], sort=False).mean().round(3)
