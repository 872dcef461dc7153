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
# # From results to facts and figures
#
# Reads what the other stages of a study left and writes the numbers (`facts.json`) and the figures that the
# book quotes.

# %% tags=["parameters"]
directory = "results/custom"  # folder of the study

# %%
from pathlib import Path

from adrl_core.config import ConfigurationError
from adrl_core.report.stages import plain_variables

unknown = plain_variables(globals()).keys() - {"directory"}
if unknown:
    raise ConfigurationError(f"{', '.join(sorted(unknown))}: unknown parameter; allowed: directory")
results = Path(directory)

# %%
from adrl_core.evidence.summary import summarise

store = summarise(results)
store.save(results / "facts.json")

# %%
from adrl_core.evidence.figures import draw

draw(results)

# %% [markdown]
# The facts about mean rewards, as the book prints them; the file holds all.

# %% tags=["show"]
import pandas as pd

parts = ("value", "interval", "n")
rewards = {key: fact for key, fact in sorted(store.facts.items()) if key.endswith("reward.mean")}
facts = {key: [*map(fact.text, parts), fact.source] for key, fact in rewards.items()}
with pd.option_context("display.max_rows", None):
    display(pd.DataFrame.from_dict(facts, orient="index", columns=[*parts, "source"]))  # noqa: F821
