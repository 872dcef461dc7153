"""The ledger: a verdict on each of the published report's claims, by stated rules."""

from adrl_core.evidence.claims.entry import VERDICTS, Entry, Verdict
from adrl_core.evidence.claims.measured import Order, Range, Test, Value
from adrl_core.evidence.claims.rules import (
    Absent,
    Derived,
    Exclusive,
    Logged,
    Provided,
    Rule,
    Setting,
    Size,
    Tried,
)
from adrl_core.evidence.claims.verdicts import ledger, ledger_facts

__all__ = ["RULES", "VERDICTS", "Entry", "Verdict", "ledger", "ledger_facts"]

RULES: tuple[type[Rule], ...] = (
    Setting,
    Size,
    Logged,
    Value,
    Order,
    Range,
    Test,
    Derived,
    Exclusive,
    Provided,
    Tried,
    Absent,
)
"""All rules, in the order in which the book states them."""
