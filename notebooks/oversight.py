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
# # Oversight and the audit trail
#
# The trained teams are deployed, one deployment a run, under everything that watches them. Faults set in
# after some healthy episodes, and the performance bound should shut the team down; the kill switch is thrown
# in mid-episode; the trail of all decisions is tampered with; decisions are timed.

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

study, folder = notebook_study(globals(), "oversight")

# %%
import logging
import sys

from adrl_core.files import save_table
from adrl_core.governance.trials import oversight, trail
from adrl_core.train import load_team

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
learner = load_team(study, folder.parent / "train" / "checkpoint.pt")
watch = oversight.watch_over(study.market, study.evaluation_episodes)

# %% [markdown]
# The bound, in the reward of an episode, and the action that takes over.

# %% tags=["show"]
watch.bound, watch.baseline.bid, watch.baseline.allocation

# %% [markdown]
# Deployments: healthy throughout, with a fault from one episode on, and with a world that changes.

# %%
length = min(oversight.DEPLOYED_EPISODES, study.evaluation_episodes // 2)
detection = oversight.try_detection(learner, study.market, watch, length)
save_table(detection, folder / "detection.parquet")

# %% tags=["show"]
stopped = detection[detection["stopped_after"] > detection["onset"]]
delays = (stopped["stopped_after"] - stopped["onset"]).groupby(stopped["condition"], sort=False)
delays.describe()[["count", "min", "50%", "max"]]

# %% tags=["show"]
detection.groupby("condition", sort=False)[["before", "after", "instead"]].mean().round(1)

# %% [markdown]
# The bound on simulated policies that lose a known share of the baseline's reward; with no loss, every stop
# is a false alarm.

# %%
power = oversight.simulate_bound(watch, deployments=10 * study.evaluation_episodes)
save_table(power, folder / "power.parquet")

# %% tags=["show"]
power.assign(share=power["stopped"] / power["deployments"]).pivot(
    index="loss", columns="watched", values="share"
)

# %% [markdown]
# Approvals refused and given, and the kill switch: after how many decisions the baseline acts.

# %%
switches = oversight.try_switches(learner, study.market, watch, repetitions=study.seeds)
save_table(switches, folder / "switches.parquet")

# %% tags=["show"]
switches.groupby("drill", sort=False).agg({"held": ["size", "sum"], "decisions": "max"})

# %% [markdown]
# The audit trail of every run, and what is found when it is tampered with.

# %%
tampered = min(100, study.evaluation_episodes)
trails, tampering = trail.try_trails(learner, study.market, watch, tampered)
save_table(trails, folder / "trail.parquet")
save_table(tampering, folder / "tampering.parquet")

# %% tags=["show"]
trails.describe().loc[["mean", "min", "max"]].round(0)

# %% tags=["show"]
tampering.groupby("kind", sort=False)[["found", "named", "lost"]].mean()

# %% [markdown]
# One decision at a time, on one thread, as layers are added.

# %%
latency = trail.time_stacks(learner, study.market, watch)
save_table(latency, folder / "latency.parquet")

# %% tags=["show"]
latency.groupby("stack", sort=False)[["elapsed", "computing"]].quantile([0.5, 0.99]).unstack().round(2)
