"""The vocabulary of commentary: every word and phrase that a sentence may hold, and what it says.

A sentence is read as a row of tokens, longest phrases first. A word that is not in vocabulary.csv makes a
sentence unreadable, and what cannot be read is not printed.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import NamedTuple

from adrl_core.commentary.names import MARKETS, MEASURES, PARTS, POLICIES


class Kind(Enum):
    """What a token contributes to the meaning."""

    NAME = auto()
    """A policy or a part."""
    MARKET = auto()
    MEASURE = auto()
    SLOT = auto()
    ABOVE = auto()
    BELOW = auto()
    OPEN = auto()
    """The data do not decide."""
    WHETHER = auto()
    """Leaves what follows undecided."""
    RISES = auto()
    FALLS = auto()
    REMOVED = auto()
    """The part that follows, or went before, is taken away."""
    WHOLE = auto()
    """The team with all its parts."""
    GAIN = auto()
    LOSS = auto()
    SOONER = auto()
    LATER = auto()
    FROM = auto()
    """Where a change starts."""
    TO = auto()
    """Where a change ends."""
    PAIR = auto()
    """Sets a second number beside a first."""
    LABEL = auto()
    """Says which of several numbers is meant."""
    FILLER = auto()


class Token(NamedTuple):
    """A word or phrase with its kind, and which thing or direction it names."""

    text: str
    kind: Kind
    value: str = ""


def _vocabulary() -> Mapping[Kind, list[str]]:
    """Phrases by kind. A phrase may stand under several kinds: the finding decides which one it can have."""
    table: dict[Kind, list[str]] = {kind: [] for kind in Kind}
    with (Path(__file__).parent / "vocabulary.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table[Kind[row["kind"].upper()]].append(row["phrase"])
    return table


PHRASES = _vocabulary()


class Reading(NamedTuple):
    """A sentence as tokens, and the words that are none."""

    tokens: list[Token]
    unknown: list[str]


_PIECE = re.compile(r"\[[a-z_]+\]|[a-z]+(?:[-'’][a-z]+)*|[,;:()–—%.]|\S")
_IGNORED = frozenset(",;:()–—%'’")


def read(text: str, kinds: Iterable[Kind]) -> Reading:
    """Read a sentence; where a phrase has several kinds, the first of `kinds` that it has is taken.

    Args:
        text: the sentence, numbers as slots in square brackets.
        kinds: the kinds that may occur, in order of precedence.
    """
    table, longest = _table(tuple(kinds))
    pieces = _PIECE.findall(
        text.lower().replace("’s", " 's").replace("'s", " 's").rstrip(".").replace(" 's", "")
    )
    tokens, unknown, at = [], [], 0
    while at < len(pieces):
        if pieces[at].startswith("["):
            tokens.append(Token(pieces[at], Kind.SLOT, pieces[at][1:-1]))
            at += 1
            continue
        if pieces[at] in _IGNORED:
            at += 1
            continue
        for length in range(min(longest, len(pieces) - at), 0, -1):
            phrase = " ".join(pieces[at : at + length])
            if phrase in table:
                tokens.append(table[phrase])
                at += length
                break
        else:
            unknown.append(pieces[at])
            at += 1
    return Reading(tokens, unknown)


@cache
def _table(kinds: tuple[Kind, ...]) -> tuple[dict[str, Token], int]:
    """Phrase -> token, and the number of words of the longest phrase."""
    table: dict[str, Token] = {}
    for kind in reversed(kinds):
        table |= {phrase: Token(phrase, kind) for phrase in PHRASES.get(kind, ())}
    for kind, names in ((Kind.MEASURE, MEASURES), (Kind.MARKET, MARKETS), (Kind.NAME, {**POLICIES, **PARTS})):
        for value, aliases in names.items():
            table |= {alias.lower(): Token(alias, kind, value) for alias in aliases}
    return table, max(len(phrase.split()) for phrase in table)
