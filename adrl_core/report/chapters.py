"""The prose of the book taken apart: what a reader sees as text, what is mathematics, what is quoted.

Chapters are parsed as MyST, with the parser and the extensions that the book is built with, so that code,
identifiers and the targets of links are told from words.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

EXTENSIONS = frozenset({"amsmath", "attrs_block", "colon_fence", "deflist", "dollarmath"})
"""Those of _config.yml."""
CONSTANTS = "constants:"
"""Opens a comment that names the facts whose values the next block's mathematics may state."""

Kind = Literal["text", "math", "fact", "claim", "structural", "cited", "file"]
QUOTES: Mapping[str, Kind] = {
    "fact": "fact",
    "claim": "claim",
    "structural": "structural",
    "cited": "cited",
    "math": "math",
}
"""Roles of which the content is not plain text."""
REFERENCES = frozenset({"ref", "numref", "doc", "term", "eq"})
"""Roles that show text of their own only if it stands before a <target>."""
VERBATIM = frozenset({"cite", "code"})
CODE = frozenset({"code", "code-block", "bibliography", "toctree", "tableofcontents"})
"""Directives that hold no prose."""
LISTS = frozenset(
    {
        "reproduce",
        "status-table",
        "ledger",
        "ledger-rules",
        "said",
        "said-along-the-training",
        "recommended",
        "commentary-source",
        "commentary-log",
        "own-markets",
    }
)
"""Directives of our own that hold no prose."""
NAMED = CODE | LISTS | {"figure", "image", "result-figure", "config-table", "fact-table"}
"""Directives whose argument is a name, not a title."""
IDENTIFIERS = frozenset({"name", "label", "class", "width", "height", "align", "market", "compare", "widths"})
"""Options that hold names or sizes; the text of all others is shown."""

DIRECTIVE = re.compile(r"\{(?P<name>[\w:+.-]+)\}\s*(?P<argument>.*)", re.DOTALL)
LISTED = re.compile(r"""\b(?:file|root):\s*["']?([^\s"'},]+?)(?:\.md)?(?=["'\s},]|$)""")
OPTION = re.compile(r"\s*:?(?P<name>[\w-]+):(?:\s+(?P<value>.*))?$")
TITLED = re.compile(r"(?P<title>.*?)\s*<[^<>]+>", re.DOTALL)
HTML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class Piece(NamedTuple):
    """A stretch of prose of one kind."""

    kind: Kind
    text: str
    line: int
    """Line of the file, counted from 1."""
    constants: tuple[str, ...] = ()
    """Keys of the facts declared for the mathematics of this block."""


def listed(book: Path) -> list[str]:
    """Pages in the book's table of contents, in its order, without file endings; none if there is none."""
    toc = book / "_toc.yml"
    return LISTED.findall(toc.read_text(encoding="utf-8")) if toc.exists() else []


def chapters(book: Path) -> list[Path]:
    """Files of the text chapters in the book's table of contents, in its order."""
    return [path for name in listed(book) if (path := book / f"{name}.md").is_file()]


def bibliography(book: Path) -> frozenset[str]:
    """Keys of the book's references."""
    path = book / "references.bib"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return frozenset(re.findall(r"^@\w+\{([^,]+),", text, re.MULTILINE))


def pieces(text: str, line: int = 1, constants: tuple[str, ...] = ()) -> Iterator[Piece]:
    """The prose of a MyST text.

    Args:
        text: the text.
        line: number of its first line.
        constants: keys declared for the mathematics of its first block.
    """
    here, ahead = line, constants
    declared: tuple[str, ...] = ()
    for token in _parser().parse(text):
        here = line + token.map[0] if token.map else here
        if token.type == "myst_line_comment":
            ahead = _declared(token.content)
            continue
        if token.level == 0 and token.nesting >= 0:
            declared, ahead = ahead, ()
        match token.type:
            case "inline":
                yield from _inline(token, here, declared)
            case "fence" | "colon_fence":
                yield from _directive(token, here, declared)
            case "math_block" | "math_block_label" | "amsmath":
                yield Piece("math", token.content, here, declared)
            case "html_block":
                yield Piece("text", HTML_COMMENT.sub("", token.content), here)
            case "front_matter":
                yield Piece("text", token.content, here + 1)


@cache
def _parser() -> MarkdownIt:
    return create_md_parser(MdParserConfig(enable_extensions=set(EXTENSIONS)), RendererHTML)


def _declared(comment: str) -> tuple[str, ...]:
    """Keys that a comment declares."""
    opening, colon, keys = comment.strip().partition(":")
    return tuple(key.strip() for key in keys.split(",")) if opening + colon == CONSTANTS else ()


def _inline(token: Token, line: int, constants: tuple[str, ...]) -> Iterator[Piece]:
    """Text and roles of one paragraph, heading or cell."""
    end, address = 0, False
    for child in token.children or []:
        # Tokens within a paragraph know no lines: each is sought after the one before it.
        found = re.compile(r"\s+".join(map(re.escape, child.content.split()))).search(token.content, end)
        start, end = found.span() if found else (end, end)
        here = line + token.content.count("\n", 0, start)
        if child.type in ("link_open", "link_close"):
            address = child.type == "link_open" and child.info == "auto"
        match child.type:
            case "text" | "html_inline" if not address:
                yield Piece("text", HTML_COMMENT.sub("", child.content), here)
            case "math_inline" | "math_inline_double" | "math_single":
                yield Piece("math", child.content, here, constants)
            case "myst_role":
                yield from _role(child.meta["name"], child.content, here, constants)
            case "image":
                yield Piece("text", child.content, here)
        if title := child.attrs.get("title"):
            yield Piece("text", str(title), here)


def _role(name: str, content: str, line: int, constants: tuple[str, ...]) -> Iterator[Piece]:
    if name in QUOTES:
        yield Piece(QUOTES[name], content, line, constants)
    elif name in REFERENCES:
        if titled := TITLED.fullmatch(content):
            yield Piece("text", titled["title"], line)
    elif name not in VERBATIM:
        yield Piece("text", content, line)


def _directive(token: Token, line: int, constants: tuple[str, ...]) -> Iterator[Piece]:
    """Argument, options and body of a directive; nothing of a block of code."""
    opening = DIRECTIVE.fullmatch(token.info.strip())
    if not opening:
        return
    name, argument = opening["name"], opening["argument"]
    if name == "include":
        yield Piece("file", argument, line)
    elif name == "math":
        yield Piece("math", argument, line, constants)
    elif name not in NAMED:
        yield from pieces(argument, line, constants)
    lines = token.content.split("\n")
    options = _option_lines(lines)
    option = ""
    for number, text in enumerate(lines[:options], line + 1):
        match = OPTION.match(text)
        option, value = (match["name"], match["value"] or "") if match else (option, text)
        if (name, option) == ("fact-table", "columns"):
            value = "; ".join(column.strip().partition(" ")[2] for column in value.split(";"))
        if option == "file":
            yield Piece("file", value, number)
        elif option not in IDENTIFIERS:
            yield from pieces(value, number, constants)
    first, body = line + 1 + options, lines[options:]
    if name == "math":
        yield Piece("math", "\n".join(body), first, constants)
    elif name == "fact-table":
        for number, row in enumerate(body, first):
            yield from pieces(row.split("|")[1] if "|" in row else "", number)
    elif name not in CODE | LISTS:
        yield from pieces("\n".join(body), first, constants)


def _option_lines(lines: list[str]) -> int:
    """Number of lines at the start of a directive's content that hold its options."""
    if lines[0].strip() == "---":
        return next((n for n, text in enumerate(lines[1:], 2) if text.strip() == "---"), 1)
    return next((n for n, text in enumerate(lines) if not text.lstrip().startswith(":")), len(lines))
