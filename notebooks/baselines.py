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
# # Policies that do not learn
#
# The published baselines and honest references, all on the bank of held-out episodes that the trained team
# meets too.

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

study, folder = notebook_study(globals(), "baselines")

# %%
from adrl_core.evaluate import evaluate_baselines
from adrl_core.files import save_table

evaluation, steps = evaluate_baselines(study)
save_table(evaluation, folder / "evaluation.parquet")
save_table(steps, folder / "steps.parquet")

# %% [markdown]
# Mean over the bank.

# %% tags=["show"]
evaluation.drop(columns=["seed", "episode"]).groupby("policy", sort=False).mean().round(2)

# %% [markdown]
# Reward of each held-out episode.

# %% tags=["show"]
import matplotlib.pyplot as plt
from matplotlib_inline.backend_inline import set_matplotlib_formats

set_matplotlib_formats("svg")
rewards = dict(list(evaluation.groupby("policy", sort=False)["reward"]))
figure, axes = plt.subplots(figsize=(7, 0.45 * len(rewards) + 1), layout="constrained")
axes.boxplot(list(rewards.values()), orientation="horizontal", tick_labels=list(rewards), sym=".")
axes.set(xlabel="reward", title=f"{study.market}, {study.evaluation_episodes} held-out episodes")
axes.invert_yaxis()
plt.show()
