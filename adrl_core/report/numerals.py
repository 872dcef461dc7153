"""Numerals in prose: every one must be quoted from a fact, cited, declared structural, or be code.

A numeral is any word with a digit in it. In mathematics 0, 1 and 2 are free (indices, exponents, halves);
any other must equal a fact that a comment right before the block declares:

    % constants: constant.conversion_value, config.full.controller.clip
"""

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from adrl_core.report.chapters import Piece, bibliography, chapters, pieces
from adrl_core.report.facts import FactError, FactStore
from adrl_core.report.stages import ROOT

CONTEXT = 30
"""Characters shown on either side of a numeral."""
STRUCTURAL = re.compile(r"\d{1,2}(\.\d{1,2}){0,2}")
CITED = re.compile(r"(?P<number>[^|\s]*\d[^|\s]*( %)?)\|(?P<key>[^|]+)")
NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)"
GROUPED = re.compile(r"(?<=\d)(?:\{,\}|,|~|\\[,:;!\s])(?=\d{3}(?!\d))")
# The second form is LaTeX's shorthand \frac14, a fourth.
FRACTION = re.compile(rf"\\[dt]?frac(?:\{{({NUMBER})\}}\{{({NUMBER})\}}|\s*(\d)\s*(\d))")
FREE = frozenset({0.0, 1.0, 2.0})
TOLERANCE = 1e-5
"""Relative: a fact that is a list of numbers holds six digits of each."""


def problems(book: Path, results: Path) -> list[str]:
    """Numerals without a source in chapters, figure texts and notebooks; one line each.

    Args:
        book: folder of the chapters, their table of contents and references.
        results: folder of the study that is quoted, with facts.json and figures.

    Raises:
        FactError: the study has no readable facts.
    """
    store, references = FactStore.of(results), bibliography(book)
    return [
        f"{place}:{line}: {problem}"
        for place, text in texts(book, results)
        for piece in pieces(text)
        for line, problem in unsourced(piece, store, references)
    ]


def structural(book: Path) -> Counter[str]:
    """How many numerals each chapter declares structural."""
    return Counter(
        path.name
        for path in chapters(book)
        for piece in pieces(path.read_text(encoding="utf-8"))
        if piece.kind == "structural"
    )


def texts(book: Path, results: Path) -> Iterator[tuple[str, str]]:
    """Everything whose words are checked, as MyST, with what messages call it."""
    for path in chapters(book):
        yield f"{book.name}/{path.relative_to(book)}", path.read_text(encoding="utf-8")
    for path in sorted(results.glob("figures/*.json")):
        for part, text in json.loads(path.read_text(encoding="utf-8")).items():
            yield f"figures/{path.name}: {part}", text
    for path in sorted(ROOT.glob("notebooks/*.py")):
        yield f"notebooks/{path.name}", markdown_cells(path.read_text(encoding="utf-8"))


def markdown_cells(source: str) -> str:
    """A text notebook with the code blanked out, so that its markdown stays on its lines."""
    lines, markdown = [], False
    for line in source.splitlines():
        marker = line.startswith("# %%")
        markdown = "[markdown]" in line if marker else markdown
        lines.append(line.removeprefix("#").removeprefix(" ") if markdown and not marker else "")
    return "\n".join(lines)


def unsourced(piece: Piece, store: FactStore, references: Collection[str]) -> Iterator[tuple[int, str]]:
    """What is wrong with the numerals of a piece of prose, and on which line of the file."""
    match piece.kind:
        case "text":
            yield from _typed(piece.text, piece.line, store)
        case "claim":
            yield from _typed(piece.text.partition("|")[0], piece.line, store)
        case "math":
            yield from _undeclared(piece, store)
        case "structural" if not STRUCTURAL.fullmatch(piece.text):
            yield (
                piece.line,
                f"structural {piece.text!r}: expected a plain count or section number, such as 4 or 4.2",
            )
        case "cited":
            found = CITED.fullmatch(piece.text)
            if not found or found["key"] not in references:
                yield piece.line, f"cited {piece.text!r}: expected number|key with a key of references.bib"
        case "file":
            yield piece.line, f"file {piece.text!r} would not be checked; write its words into the chapter"


def _typed(text: str, line: int, store: FactStore) -> Iterator[tuple[int, str]]:
    for word in re.finditer(r"\S+", text):
        numeral = re.sub(r"^\W+|[^\w%]+$", "", word[0])
        # C074 is the name of a claim, not a number.
        if any(map(str.isnumeric, numeral)) and f"claim.{numeral}" not in store.facts:
            context = " ".join(text[max(0, word.start() - CONTEXT) : word.end() + CONTEXT].split())
            yield (
                line + text.count("\n", 0, word.start()),
                f'numeral {numeral!r} has no source ("...{context}..."); '
                "quote a fact, cite it or declare it structural",
            )


def _undeclared(piece: Piece, store: FactStore) -> Iterator[tuple[int, str]]:
    try:
        allowed = FREE.union(*(_values(store[key].value) for key in piece.constants))
    except FactError as error:
        yield piece.line, f"constants: {error}"
        return

    def stated(value: float) -> bool:
        return any(math.isclose(value, other, rel_tol=TOLERANCE) for other in allowed)

    def without_stated_fraction(found: re.Match[str]) -> str:
        above, below = (part for part in found.groups() if part)
        return "" if float(below) and stated(float(above) / float(below)) else f" {above} {below} "

    text = FRACTION.sub(without_stated_fraction, GROUPED.sub("", piece.text))
    for numeral in re.finditer(NUMBER, text):
        if not stated(float(numeral[0])):
            yield (
                piece.line + text.count("\n", 0, numeral.start()),
                f"numeral {numeral[0]!r} in mathematics is no constant declared for this block "
                f"({', '.join(piece.constants) or 'none is'}); "
                "name its fact in a comment right before it: % constants: key, ...",
            )


def _values(value: float | str) -> frozenset[float]:
    """Sizes of the numbers that a fact holds."""
    numbers = re.findall(rf"{NUMBER}(?:e[-+]?\d+)?", value) if isinstance(value, str) else [value]
    return frozenset(abs(float(number)) for number in numbers)
