"""The vocabulary of commentary: every word and phrase that a sentence may hold, and what it says.

vocabulary.csv lists them as patterns, each with its kind and, for names and labels, of what it is one. A
sentence is read as a row of tokens, longest phrases first. A word that no pattern holds makes a sentence
unreadable, and what cannot be read is not printed.
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import NamedTuple

from adrl_core.commentary.patterns import parse, texts


class Kind(Enum):
    """What a token contributes to the meaning."""

    NAME = auto()
    """A policy or a part."""
    MARKET = auto()
    MEASURE = auto()
    SLOT = auto()
    ABOVE = auto()
    BELOW = auto()
    DIFFERS = auto()
    OPEN = auto()
    """The data do not decide."""
    HEDGE = auto()
    """The data do not decide what follows."""
    WHETHER = auto()
    """Leaves what follows to be decided."""
    NONE = auto()
    """Denies something; with SHOWN after it, leaves it open."""
    SHOWN = auto()
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
    comma: bool = False
    """Whether a comma stands before it."""


class Vocabulary(NamedTuple):
    """All phrases, and how long those are that start with a word."""

    meanings: Mapping[str, Sequence[tuple[Kind, str]]]
    """For each phrase its kinds, each with what it is one of."""
    longest: Mapping[str, int]
    """For each first word of a phrase, the most words that follow it, and itself."""


@cache
def vocabulary() -> Vocabulary:
    """What vocabulary.csv holds."""
    meanings: dict[str, list[tuple[Kind, str]]] = {}
    longest: dict[str, int] = {}
    with (Path(__file__).parent / "vocabulary.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for words in filter(None, map(str.split, texts(parse(row["phrase"].lower())))):
                meanings.setdefault(" ".join(words), []).append((Kind[row["kind"].upper()], row["of"]))
                longest[words[0]] = max(longest.get(words[0], 0), len(words))
    return Vocabulary(meanings, longest)


class Reading(NamedTuple):
    """A sentence as tokens, and the words that are none."""

    tokens: list[Token]
    unknown: list[str]


ALWAYS = (Kind.NAME, Kind.MARKET, Kind.MEASURE)
"""Kinds that every sentence may hold, before all others."""
_PIECE = re.compile(r"\[[a-z_]+\]|[a-z]+(?:[-'’][a-z]+)*|[,;:()–—%.]|\S")
_PAUSES = frozenset(",;:()–—")
_IGNORED = _PAUSES | {"%", "'"}


def read(text: str, kinds: Iterable[Kind], labels: Iterable[str] = ()) -> Reading:
    """Read a sentence; where a phrase has several kinds, the first of `kinds` that it has is taken.

    Args:
        text: the sentence, numbers as slots in square brackets.
        kinds: the kinds that may occur, in order of precedence.
        labels: the slots that labels may be of.
    """
    meaning_of, longest = _reader(tuple(kinds), frozenset(labels)), vocabulary().longest
    pieces = _PIECE.findall(_spelled_out(text.lower().rstrip(".")))
    tokens, unknown, at, comma = [], [], 0, False
    while at < len(pieces):
        if pieces[at] in _IGNORED:
            comma |= pieces[at] in _PAUSES
            at += 1
            continue
        if pieces[at].startswith("["):
            tokens.append(Token(pieces[at], Kind.SLOT, pieces[at][1:-1], comma))
            at, comma = at + 1, False
            continue
        for length in range(min(longest.get(pieces[at], 0), len(pieces) - at), 0, -1):
            meaning = meaning_of(" ".join(pieces[at : at + length]))
            if meaning:
                tokens.append(Token(" ".join(pieces[at : at + length]), *meaning, comma))
                at += length
                break
        else:
            unknown.append(pieces[at])
            at += 1
        comma = False
    return Reading(tokens, unknown)


_SHORT = {
    "’": "'",
    "can't": "cannot",
    "won't": "will not",
    "n't": " not",
    "'s": "",
    "'d": " would",
    "'re": " are",
    "'ve": " have",
}


def _spelled_out(text: str) -> str:
    """A text in lower case without contractions and possessives."""
    for short, full in _SHORT.items():
        text = text.replace(short, full)
    return text


@cache
def _reader(kinds: tuple[Kind, ...], labels: frozenset[str]) -> Callable[[str], tuple[Kind, str] | None]:
    """What says of a phrase the first of the kinds that it has, and what it is one of."""

    @cache
    def meaning(phrase: str) -> tuple[Kind, str] | None:
        found = vocabulary().meanings.get(phrase, ())
        for kind in (*ALWAYS, *kinds):
            of = [of for other, of in found if other is kind and (kind is not Kind.LABEL or of in labels)]
            if of:
                return kind, max(of)
        return None

    return meaning
