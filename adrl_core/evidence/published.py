"""The published report's claims, as data: what it prints, where, and how it could be checked."""

from functools import cache
from pathlib import Path

import pandas as pd

CITATION = "report"
PATH = Path(__file__).with_name("claims.csv")


@cache
def claims() -> pd.DataFrame:
    """One row a claim, indexed by its id, all columns as text."""
    return pd.read_csv(PATH, dtype=str, keep_default_na=False).set_index("id")
