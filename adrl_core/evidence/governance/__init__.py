"""Facts of the trials of governance: one module a trial, each with `facts(results)`."""

from pathlib import Path

from adrl_core.evidence.governance import (
    explanations,
    fairness,
    footprint,
    guardrails,
    integrity,
    oversight,
    privacy,
)
from adrl_core.evidence.quantities import Facts


def governance_facts(results: Path) -> Facts:
    """What the trials that have run measured, and the constants of all mechanisms."""
    found: Facts = {}
    for trial in (guardrails, oversight, privacy, fairness, integrity, explanations, footprint):
        found |= trial.facts(results)
    return found
