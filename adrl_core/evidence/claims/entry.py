"""What the ledger says about one claim, and the two ways in which a check ends."""

from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from adrl_core.report.facts import Fact

Verdict = Literal["reproduced", "same direction", "contradicted", "inconsistent in itself", "not testable"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Finding:
    """What a rule found: its verdict, why, and our own number where there is one."""

    verdict: Verdict
    reason: str
    ours: Fact | None = None


class Untestable(Exception):
    """A claim cannot be tested on these results; the message says what would be needed."""


class Entry(BaseModel):
    """One line of the ledger."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: str
    """C001 to C247, as in claims.csv."""
    section: str
    """Sections of the published report."""
    statement: str
    kind: str
    """What sort of claim it is, such as configuration or outcome."""
    published: str
    """As printed."""
    unit: str
    ours: Fact | None
    """Our number with interval, n, unit of analysis and source; None where there is nothing to measure."""
    market: str
    variant: str
    verdict: Verdict
    rule: str
    """Name of the rule that decided."""
    reason: str
    note: str
    """Where the report itself disagrees with the claim."""
