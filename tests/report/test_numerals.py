"""Which numerals in prose need a source, and on which line the one without is found."""

import json
import re
from pathlib import Path

import pytest

from adrl_core.report import numerals
from adrl_core.report.chapters import EXTENSIONS, chapters, pieces
from adrl_core.report.facts import Fact, FactStore
from adrl_core.report.numerals import problems, structural
from adrl_core.report.stages import ROOT

FACTS = {
    "claim.C074": Fact(value=511.0),
    "c.clip": Fact(value=0.2, format="g"),
    "c.low": Fact(value=-50.0, format="g"),
    "c.budget": Fact(value=10000, format=","),
    "c.range": Fact(value="0.5, 3"),
    "c.phases": Fact(value="0, 0.333333, 0.666667"),
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A study with a few facts."""
    FactStore(profile="paper", facts=FACTS).save(tmp_path / "paper" / "facts.json")
    return tmp_path / "paper"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of one chapter, which tests write."""
    folder = tmp_path / "book"
    folder.mkdir()
    (folder / "_toc.yml").write_text("root: page\n")
    (folder / "references.bib").write_text("@book{cohen1988, title={Power}}\n")
    return folder


def found(book: Path, results: Path, text: str) -> list[tuple[int, str]]:
    """Line and numeral of each problem of a chapter with this text."""
    (book / "page.md").write_text(text)
    matches = [re.match(r"book/page\.md:(\d+): \w+ '([^']*)'", line) for line in problems(book, results)]
    return [(int(match[1]), match[2]) for match in matches if match]


@pytest.mark.parametrize(
    "text",
    [
        "Reward {fact}`published.full.reward.mean|low`, {fact}`study.level` %, two teams.",
        "As {cite}`agarwal2021` show in {eq}`eq-1`, {numref}`tab-2`, {ref}`fig-3` and {doc}`part-4`.",
        "The hash `sha256:93` of `PPO2`.\n\n```python\nx = 37\n```\n\n    indented = 12\n",
        "See [the page](part-7.md#c074), <https://example.org/2021> and [C074](#c074).",
        "(target-3)=\n\n% a comment with 37\n\n<!-- and 38 -->\n\nText.",
        "1. first\n2. second\n",
        "```{figure} assets/plot-2.svg\n:name: fig-2\n:width: 90%\n\nA caption.\n```",
        "```{code-block} python3\n:name: l-2\nx = 1\n```",
        "```{fact-table}\n:market: m2\n:columns: r2.mean Reward; p5.sd Spread\n\nt1 | Team | claim.C7\n```",
        "```{reproduce}\npublished/full+bidding.discount=0/train\n```",
        "Section {structural}`4.2`; large is {cited}`0.8|cohen1988`.",
        "{claim}`more than | m.a.reward > 12, p < 0.05`",
        "$x_1^2 + \\tfrac12$ and $$\n0 < x_{12}\n$$".replace("x_{12}", "x_1"),
    ],
)
def test_sourced(book: Path, results: Path, text: str) -> None:
    assert found(book, results, f"# Title\n\n{text}\n") == []


@pytest.mark.parametrize(
    ("text", "line", "numeral"),
    [
        ("# Six of 7\n", 1, "7"),
        ("Words,\nwords, 277.3% of it.\n", 2, "277.3%"),
        ("A rate of 1e-3.", 1, "1e-3"),
        ("It is 20x faster.", 1, "20x"),
        ("A half, ½, more.", 1, "½"),
        ("All x² of it.", 1, "x²"),
        ("Fig5 of it", 1, "Fig5"),
        ("the claim C999", 1, "C999"),
        ("Split {fact}`a.b\n c` then\n**9** bold", 3, "9"),
        ("> quoted\n> 12 things\n", 2, "12"),
        ("- one\n- two\n  more 13\n", 3, "13"),
        ("Term\n: has 14 parts\n", 2, "14"),
        ("| A | B |\n| --- | --- |\n| x | y |\n| z | 15 |\n", 4, "15"),
        ("![alt with 16](x.png)", 1, "16"),
        ("[text 17](x.md)", 1, "17"),
        ('[text](x.md "title 18")', 1, "18"),
        ("{doc}`chapter 19 <part>`", 1, "19"),
        ("{term}`words` {sub}`20`", 1, "20"),
        ("x[^a]\n\n[^a]: a note of 21\n", 3, "21"),
        ("Text <b>22</b>.", 1, "22"),
        ("<div>\n<b>\n39</b></div>\n", 3, "39</b></div"),
        ('<div title="23">words</div>\n', 1, 'title="23">words</div'),
        ("---\ntitle: Part 24\n---\n", 2, "24"),
        (":::{table} Caption of 25.\n:name: tab\n\n| a |\n| - |\n| b |\n:::\n", 1, "25"),
        (":::{table} Caption.\n:name: tab\n\n| a |\n| - |\n| 26 |\n:::\n", 6, "26"),
        ("```{figure} x.svg\n:name: f\n:alt: A line of 27.\n\nCaption.\n```", 3, "27"),
        ("```{figure} x.svg\n:name: f\n\nCaption\nof 28.\n```", 5, "28"),
        ("```{figure} x.svg\n---\nname: f2\nalt: line 29\n---\nCaption.\n```", 4, "29"),
        ("words\n\n```{note}\nA.\n\nB of 30.\n```\n", 6, "30"),
        ("::::{note}\n:::{tip} T\n\n31\n:::\n::::\n", 4, "31"),
        ("```{fact-table}\n:market: m\n:columns: r.mean Of 32\n\nt | T\n```", 3, "32"),
        ("```{fact-table}\n:market: m\n:columns: r.mean R\n\nt | T\nu | U 33 | claim.C074\n```", 6, "33"),
        ("{claim}`34 times | m.a.reward > 12`", 1, "34"),
        ("{structural}`95%`", 1, "95%"),
        ("{structural}`-3`", 1, "-3"),
        ("{structural}`511.27`", 1, "511.27"),
        ("{cited}`35 points|cohen1988`", 1, "35 points|cohen1988"),
        ("Text\n\n```{include} other.md\n```", 3, "other.md"),
        ("```{csv-table} Title\n:file: table.csv\n```", 2, "table.csv"),
        ("{cited}`0.8|kohen`", 1, "0.8|kohen"),
        ("{cited}`0.8`", 1, "0.8"),
    ],
)
def test_unsourced(book: Path, results: Path, text: str, line: int, numeral: str) -> None:
    assert found(book, results, text) == [(line, numeral)]


@pytest.mark.parametrize(
    "text",
    [
        "% constants: c.clip\n$$\n1 - 0.2\n$$ (eq-x)\n",
        "% constants: c.clip, c.low\nA clip of $0.2$ and\n$-50$ below.\n",
        "% constants: c.clip,\n%   c.budget\n$$\n0.20 \\cdot 10{,}000\n$$\n",
        "% constants: c.budget\n$10\\,000 = 10,000 = 10~000$\n",
        "% constants: c.range\n\n$U(0.5, 3)$ and $U(.5,3)$\n",
        "% constants: c.phases\n$(0, \\tfrac13, \\frac{2}{3})$\n",
        "% constants: c.clip\n```{math}\n:label: eq-3\n\n0.2\n```\n",
        "% constants: c.clip\n:::{table} Of $0.2$.\n:name: t\n\n| $x$ |\n| - |\n| y |\n:::\n",
        "\\begin{align} 2 x \\end{align}",
    ],
)
def test_declared_mathematics(book: Path, results: Path, text: str) -> None:
    assert found(book, results, f"# Title\n\n{text}") == []


@pytest.mark.parametrize(
    ("text", "line", "numeral"),
    [
        ("$x = 37$", 1, "37"),
        ("{math}`x = 37`", 1, "37"),
        ("Text\n\n$$\nx = 5\n$$\n", 4, "5"),
        ("$.2$", 1, ".2"),
        ("$1,000$", 1, "1000"),
        ("$1\\,000$", 1, "1000"),
        ("$2\\ 000$", 1, "2000"),
        ("\\begin{align}\n5 x\n\\end{align}", 2, "5"),
        ("% constants: c.clip\n$$\n\\tfrac12 + 0.2\n\n+ 6\n$$ (eq-2)\n", 5, "6"),
        ("```{math}\n5\n```", 2, "5"),
        ("% constants: c.clip\n$x = 0.3$", 2, "0.3"),
        ("% constants: c.clip\nWords.\n\n$x = 0.2$", 4, "0.2"),
        ("% constants: c.phases\n$\\frac14$", 2, "4"),
        ("% constants: c.clip\n$0.25$", 2, "0.25"),
    ],
)
def test_undeclared_mathematics(book: Path, results: Path, text: str, line: int, numeral: str) -> None:
    assert found(book, results, text) == [(line, numeral)]


def test_a_declared_constant_that_is_no_fact_is_named(book: Path, results: Path) -> None:
    (book / "page.md").write_text("% constants: c.clap\n$0.2$\n")
    (problem,) = problems(book, results)
    assert problem.startswith("book/page.md:2: constants: fact 'c.clap': unknown")
    assert "nearest: c.clip" in problem


def test_a_problem_quotes_its_surroundings(book: Path, results: Path) -> None:
    (book / "page.md").write_text("The team earns 37 more.\n")
    assert problems(book, results) == [
        "book/page.md:1: numeral '37' has no source (\"...The team earns 37 more....\"); "
        "quote a fact, cite it or declare it structural"
    ]


def test_texts_of_figures_and_notebooks_are_checked(
    book: Path, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (book / "page.md").write_text("Text.\n")
    (results / "figures").mkdir()
    about = {"title": "T", "caption": "Over {fact}`study.seeds` runs.", "alt": "A line to 40."}
    (results / "figures" / "f.json").write_text(json.dumps(about))
    (tmp_path / "notebooks").mkdir()
    source = "# %%\nx = 3  # of 4\n\n# %% [markdown]\n# # Title\n#\n# Of 41 runs.\n\n# %%\ny = 5\n"
    (tmp_path / "notebooks" / "n.py").write_text(source)
    monkeypatch.setattr(numerals, "ROOT", tmp_path)
    figure, notebook = problems(book, results)
    assert figure.startswith("figures/f.json: alt:1: numeral '40'")
    assert notebook.startswith("notebooks/n.py:7: numeral '41'")


def test_structural_numerals_are_counted(book: Path) -> None:
    (book / "page.md").write_text("Part {structural}`4`.\n\n| a |\n| - |\n| {structural}`5` |\n")
    assert structural(book) == {"page.md": 2}


def test_only_listed_chapters_are_read(book: Path) -> None:
    (book / "page.md").write_text("Text.\n")
    (book / "draft.md").write_text("A draft of 37.\n")
    (book / "_toc.yml").write_text("root: page\nchapters:\n  - file: notebooks/summary\n")
    assert [path.name for path in chapters(book)] == ["page.md"]


@pytest.mark.parametrize(
    "entry", ["file: more", 'file: "more"', "file: 'more.md'", "{file: more}", "file:  more"]
)
def test_a_chapter_may_be_listed_in_any_spelling(book: Path, entry: str) -> None:
    (book / "more.md").write_text("Text.\n")
    (book / "_toc.yml").write_text(f"root: page.md\nchapters:\n  - {entry}")
    (book / "page.md").write_text("Text.\n")
    assert [path.name for path in chapters(book)] == ["page.md", "more.md"]


def test_the_extensions_are_those_of_the_book() -> None:
    listed = re.search(r"myst_enable_extensions: \[(.*)\]", (ROOT / "_config.yml").read_text())
    assert listed and set(listed[1].split(", ")) == EXTENSIONS


def test_line_numbers_hold_in_long_chapters() -> None:
    text = "\n\n".join(f"Paragraph {{fact}}`k{n}`\nand *more*,\nword{n}." for n in range(30))
    lines = {piece.text: piece.line for piece in pieces(text) if piece.text.startswith("word")}
    assert lines == {line: number for number, line in enumerate(text.split("\n"), 1) if line[:4] == "word"}
