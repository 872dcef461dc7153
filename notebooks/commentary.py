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
# # What the crew says
#
# Three CrewAI agents put the findings of a study into sentences. Code finds, ranks and checks; the language
# model chooses words. Replies are played from the recording where there is one.

# %% tags=["parameters"]
directory = "results/custom/commentary"  # output folder, below the folder of the study

# %%
from pathlib import Path

from adrl_core.config import ConfigurationError
from adrl_core.report.stages import ROOT, plain_variables

unknown = plain_variables(globals()).keys() - {"directory"}
if unknown:
    raise ConfigurationError(f"{', '.join(sorted(unknown))}: unknown parameter; allowed: directory")
folder = Path(directory)

# %%
import time

start = time.perf_counter()
from adrl_core.commentary.report import comment

commentary = comment(folder.parent, ROOT / "cassettes" / f"{folder.resolve().parent.name}.json")
wall = time.perf_counter() - start
commentary.save(folder / "commentary.json")

# %%
from adrl_core.commentary.trial import trial_facts

commentary.facts(trial_facts(), wall).save(folder / "facts.json")

# %% [markdown]
# Where the sentences come from, and what was refused on the way.

# %% tags=["show"]
import pandas as pd

print(commentary.source, commentary.model, commentary.warning, sep="\n")

pd.DataFrame(
    [
        {"finding": s.finding.key, "origin": s.origin, "attempts": s.attempts, "text": s.text}
        for s in (*commentary.final, *commentary.periodic)
    ]
)

# %% tags=["show"]
pd.DataFrame(
    [
        {"finding": s.finding.key, "refused": r.text, "why": "; ".join(r.problems)}
        for s in (*commentary.final, *commentary.periodic)
        for r in s.refused
    ]
)
