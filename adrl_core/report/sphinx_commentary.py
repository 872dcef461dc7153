"""Directives of the commentary: what the crew says, what it recommends, and how each sentence came about."""

from collections.abc import Sequence
from itertools import groupby

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from adrl_core.commentary.crew import Sentence
from adrl_core.commentary.grounding import problems
from adrl_core.commentary.names import Role, name
from adrl_core.commentary.report import Commentary
from adrl_core.report.sphinx_facts import results_of
from adrl_core.report.sphinx_tables import Cell, ReportDirective, paragraph, table

SOURCES = {
    "recorded": "The sentences below were written by {model} and are played back from a recording; the build "
    "fails if the results have changed since.",
    "live": "The sentences below were written by {model} when these results were made.",
    "template": "The sentences below are plain templates: no sentence of a language model is among them.",
}
COLUMNS = ("Sentence", "Finding", "Origin", "Check")


class CommentaryDirective(ReportDirective):
    """What the directives share."""

    def commentary(self) -> Commentary | None:
        """The commentary of the profile, or a problem if there is none."""
        path = results_of(self.env).folder / "commentary" / "commentary.json"
        self.env.note_dependency(str(path))
        if not path.exists():
            self.problem(f"{path.name}: missing; `adrl study {results_of(self.env).store.profile}` makes it")
            return None
        return Commentary.load(path)

    def said(self, sentences: Sequence[Sentence]) -> nodes.paragraph:
        """Sentences as one paragraph, their numbers quoted as facts."""
        return nodes.paragraph("", "", *self.parsed(" ".join(s.markdown for s in sentences)))


class Said(CommentaryDirective):
    """What one role says at the end, a paragraph a market; the argument is the role."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """The paragraphs."""
        try:
            role = Role(self.arguments[0])
        except ValueError:
            return self.problem(f"{self.arguments[0]!r} is no role; allowed: {', '.join(Role)}")
        commentary = self.commentary()
        own = [s for s in commentary.final if s.finding.role is role] if commentary else []
        return [self.said(list(part)) for _, part in groupby(own, key=lambda s: s.finding.paragraph)]


class SaidAlongTheTraining(CommentaryDirective):
    """The periodic commentary, a paragraph a market and team."""

    def run(self) -> list[nodes.Node]:
        """The paragraphs."""
        commentary = self.commentary()
        own = commentary.periodic if commentary else ()
        return [
            self.said(list(part))
            for _, part in groupby(own, key=lambda s: (s.finding.market, s.finding.subject))
        ]


class Recommended(CommentaryDirective):
    """The recommendations that the findings support."""

    def run(self) -> list[nodes.Node]:
        """A list."""
        commentary = self.commentary()
        texts = commentary.recommendations if commentary else ()
        items = [nodes.list_item("", nodes.paragraph("", "", *self.parsed(text))) for text in texts]
        return [nodes.bullet_list("", *items)] if items else []


class Source(CommentaryDirective):
    """Who wrote the sentences, and what went wrong."""

    def run(self) -> list[nodes.Node]:
        """A note, or a warning if plain sentences had to stand in for the model's."""
        commentary = self.commentary()
        if commentary is None:
            return []
        note = SOURCES[commentary.source].format(model=commentary.model)
        if commentary.warning:
            return [nodes.warning("", paragraph(note), paragraph(commentary.warning))]
        return [nodes.note("", paragraph(note))]


class Log(CommentaryDirective):
    """Every sentence with its finding, its origin, what was refused before it, and the check.

    The check is made again at every build, so that what it would refuse now is not printed.
    """

    def run(self) -> list[nodes.Node]:
        """The table."""
        commentary = self.commentary()
        sentences = [*commentary.final, *commentary.periodic] if commentary else []
        for said in sentences:
            if wrong := [] if said.finding.fixed else problems(said.text, said.finding):
                self.problem(f"the sentence on {said.finding.key} is not grounded: {'; '.join(wrong)}")
        rows = [self.cells(said) for said in sentences]
        return [table(list(COLUMNS), rows, "commentary-log")] if rows else []

    def cells(self, sentence: Sentence) -> list[Cell]:
        """One row."""
        finding = sentence.finding
        where = name(finding.market) if finding.market else ""
        said: Cell = [self.said([sentence])]
        said += [
            paragraph(
                "Refused: ", nodes.emphasis("", r.text), f" ({'; '.join(r.problems)})", classes="ledger-small"
            )
            for r in sentence.refused
        ]
        # A key may break after each of its parts.
        key = finding.key.replace(".", ".\N{ZERO WIDTH SPACE}")
        origin = "template" if sentence.origin == "template" else f"model, attempt {sentence.attempts}"
        return [
            said,
            [
                paragraph(", ".join(filter(None, (finding.relation.value, where)))),
                paragraph(key, classes="ledger-small"),
            ],
            [
                paragraph(origin),
                *([paragraph(f"seed {sentence.seed}", classes="ledger-small")] if sentence.attempts else []),
            ],
            [paragraph("a list" if finding.fixed else "passed")],
        ]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    app.setup_extension("adrl_core.report.sphinx_facts")
    for directive, kind in {
        "said": Said,
        "said-along-the-training": SaidAlongTheTraining,
        "recommended": Recommended,
        "commentary-source": Source,
        "commentary-log": Log,
    }.items():
        app.add_directive(directive, kind)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
