"""Patterns of text with alternatives: `the team (earns|makes) [reward](, at last|)`.

A pattern stands for all texts that its choices allow. It can be turned into a grammar that a language model
must follow while decoding, and its first choices give a plain text that needs no model.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

_TOKEN = re.compile(r"[(|)]|[^(|)]+")


class Choice(NamedTuple):
    """One place in a pattern where one of several sequences stands."""

    options: tuple["Parsed", ...]


Parsed = tuple[str | Choice, ...]
"""Literal text and choices in turn."""


def parse(pattern: str) -> Parsed:
    """Read a pattern.

    Raises:
        ValueError: parentheses that do not match, or a bar outside of them.
    """
    tokens = _TOKEN.findall(pattern)
    parsed, end = _sequence(tokens, 0)
    if end != len(tokens):
        raise ValueError(f"pattern {pattern!r}: unexpected {tokens[end]!r}")
    return parsed


def _sequence(tokens: Sequence[str], at: int) -> tuple[Parsed, int]:
    parts: list[str | Choice] = []
    while at < len(tokens) and tokens[at] not in "|)":
        if tokens[at] == "(":
            options = []
            while at < len(tokens) and tokens[at] in "(|":
                option, at = _sequence(tokens, at + 1)
                options.append(option)
            if at == len(tokens):
                raise ValueError(f"pattern {''.join(tokens)!r}: a parenthesis is not closed")
            parts.append(Choice(tuple(options)))
        else:
            parts.append(tokens[at])
        at += 1
    return tuple(parts), at


def first(parsed: Parsed) -> str:
    """The text of the first choices."""
    return "".join(part if isinstance(part, str) else first(part.options[0]) for part in parsed)


def sample(parsed: Parsed, generator: np.random.Generator) -> str:
    """A text of random choices."""
    return "".join(
        part
        if isinstance(part, str)
        else sample(part.options[generator.integers(len(part.options))], generator)
        for part in parsed
    )


def texts(parsed: Parsed) -> Iterator[str]:
    """All texts of a pattern."""
    if not parsed:
        yield ""
        return
    head, rest = parsed[0], parsed[1:]
    heads = [head] if isinstance(head, str) else [text for option in head.options for text in texts(option)]
    for tail in texts(rest):
        yield from (text + tail for text in heads)


def gbnf(parsed: Parsed) -> str:
    """The pattern as a grammar in llama.cpp's GBNF notation."""
    return f"root ::= {_expression(parsed)}\n"


def _expression(parsed: Parsed) -> str:
    parts = [
        json.dumps(part, ensure_ascii=False)
        if isinstance(part, str)
        else "(" + " | ".join(_expression(option) for option in part.options) + ")"
        for part in parsed
    ]
    return " ".join(parts) or '""'
