"""The published report's claims, as data: what it prints, where, and how it could be checked."""

import math
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

CITATION = "report"
PATH = Path(__file__).with_name("claims.csv")
TENS = frozenset({"C108", "C109", "C110", "C111", "C112", "C113", "C114", "C115"})
"""Claims that are printed to the nearest ten: the trajectory of section 4.2."""

NUMBER = r"[+-]?(?:\d+(?:\.\d+)?(?:e-?\d+)?|inf)"
RANGE = re.compile(rf"({NUMBER})(?:\.\.|-)({NUMBER})(\+?)")


@cache
def claims() -> pd.DataFrame:
    """One row a claim, indexed by its id, all columns as text."""
    return pd.read_csv(PATH, dtype=str, keep_default_na=False).set_index("id")


def claim_text(claim: str, column: str = "published") -> str:
    """One cell of the claims, such as what a claim prints."""
    return str(claims()[column][claim])


class Printed(NamedTuple):
    """A printed number, and the values that would be printed like it."""

    value: float
    low: float
    high: float

    def admits(self, low: float, high: float) -> bool:
        """Whether some value between low and high would be printed like this."""
        return low <= self.high and high >= self.low


@cache
def printed(claim: str) -> Printed:
    """The number that a claim prints, with the range its rounding leaves; a setting is exact.

    A range such as 300-400 or 0..100+ is itself what its middle stands for, and <0.001 all numbers up to it.

    Raises:
        ValueError: the claim prints no number.
    """
    text = claim_text(claim)
    if match := RANGE.fullmatch(text):
        low, high = float(match[1]), float(match[2])
        return Printed((low + high) / 2.0, low, math.inf if match[3] else high)
    bound, number = text.startswith("<"), text.removeprefix("<")
    if not re.fullmatch(NUMBER, number):
        raise ValueError(f"{claim} prints {text!r}: expected a number, a range or a bound")
    value = float(number)
    if bound:
        return Printed(value, -math.inf, value)
    half = (
        0.0
        if claim_text(claim, "kind") == "configuration"
        else 5.0
        if claim in TENS
        else 0.5 * _last_digit(number)
    )
    return Printed(value, value - half, value + half)


def decimals(claim: str) -> int:
    """Decimals with which a claim is printed."""
    mantissa = claim_text(claim).partition("e")[0]
    return len(mantissa.rpartition(".")[2]) if re.search(r"\d\.\d", mantissa) else 0


def _last_digit(number: str) -> float:
    mantissa, _, exponent = number.partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
