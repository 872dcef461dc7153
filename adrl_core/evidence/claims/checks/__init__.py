"""One check for each of the published report's claims: which rule decides it, and on what."""

from adrl_core.evidence.claims.checks import before_after, comparison, curve, design, learning, outlook
from adrl_core.evidence.claims.rules import Rule

CHECKS: dict[str, Rule] = {
    claim: rule
    for section in (design, learning, comparison, curve, before_after, outlook)
    for claim, rule in section.CHECKS.items()
}
"""The rule of every claim, by its id."""
