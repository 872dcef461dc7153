"""Figures of the trials of governance: one module a trial, each with `figures(results)`."""

from collections.abc import Iterator
from pathlib import Path

from adrl_core.evidence.figures.governance import (
    explanations,
    fairness,
    footprint,
    guardrails,
    integrity,
    oversight,
    privacy,
)
from adrl_core.evidence.figures.style import Drawn


def figures(results: Path) -> Iterator[tuple[str, Drawn]]:
    """Name and content of every figure of the trials that have run."""
    for trial in (guardrails, oversight, privacy, fairness, integrity, explanations, footprint):
        yield from trial.figures(results)
