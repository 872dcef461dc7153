"""Two policies compared run by run: the runs of one seed have met the same markets."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from adrl_core.evidence.intervals import Estimate, mean_interval, without_rounding
from adrl_core.evidence.quantities import RUNS, Facts, Origin, counted, estimated
from adrl_core.evidence.tests import paired_t
from adrl_core.report.facts import P_VALUE


class Paired(NamedTuple):
    """A value a run of either policy, both (runs,), and what the t test says of their differences."""

    ours: np.ndarray
    theirs: np.ndarray
    mean: Estimate
    """Mean difference, ours less theirs, with its interval."""
    p: float

    @property
    def differences(self) -> np.ndarray:
        """Ours less theirs, (runs,)."""
        return self.ours - self.theirs


def paired(ours: pd.Series, theirs: pd.Series) -> Paired:
    """Compare two policies by one value a run, indexed by seed, in any order.

    Raises:
        ValueError: the seeds of the two sides differ or repeat, or there are fewer than two.
    """
    if not ours.index.is_unique or sorted(ours.index) != sorted(theirs.index):
        raise ValueError(
            f"seeds {sorted(ours.index)} and {sorted(theirs.index)}: expected one run of each seed on "
            "either side"
        )
    other = theirs.loc[ours.index].to_numpy(float)
    values = without_rounding(ours.to_numpy(float), other)
    return Paired(values, other, mean_interval(values - other), paired_t(values, other).p)


def paired_facts(
    prefix: str, ours: pd.Series, theirs: pd.Series, unit: str, form: str, origin: Origin
) -> Facts:
    """How ours differs from theirs, run by run: `<prefix>.mean`, `.p` and `.word` (above, below, ...).

    Args:
        prefix: of the keys.
        ours, theirs: a value a run, by seed.
        unit, form, origin: of the facts.

    Raises:
        ValueError: as `paired`.
    """
    found = paired(ours, theirs)
    return {
        f"{prefix}.mean": estimated(found.mean, unit, form, RUNS, **origin),
        f"{prefix}.p": counted(found.p, found.mean.n, form=P_VALUE, **origin),
        f"{prefix}.word": counted(found.mean.word, found.mean.n, **origin),
    }
