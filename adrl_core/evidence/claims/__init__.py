"""The ledger: a verdict on each of the published report's claims, by stated rules."""

from adrl_core.evidence.claims.entry import VERDICTS, Entry, Verdict
from adrl_core.evidence.claims.rules import RULES
from adrl_core.evidence.claims.verdicts import ledger, ledger_facts

__all__ = ["RULES", "VERDICTS", "Entry", "Verdict", "ledger", "ledger_facts"]
