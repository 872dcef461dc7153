"""Directives of the book: tables of facts, settings and runs, figures of results, commands to repeat them."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from pydantic import BaseModel
from sphinx.util.docutils import SphinxDirective

from adrl_core import config
from adrl_core.report.manifest import Manifest
from adrl_core.report.notebook_pages import command, stage_document
from adrl_core.report.sphinx_facts import document_link, fact_node, results_of, without_source
from adrl_core.report.stages import MANIFEST

Cell = list[nodes.Node]


def paragraph(*children: nodes.Node | str, classes: str = "") -> nodes.paragraph:
    """A paragraph of nodes and plain text."""
    content = [nodes.Text(child) if isinstance(child, str) else child for child in children]
    return nodes.paragraph("", "", *content, classes=classes.split())


def table(header: Sequence[str | Cell], rows: list[list[Cell]], classes: str = "") -> nodes.table:
    """A table with one header row; the first column heads the rows."""
    group = nodes.tgroup(cols=len(header))
    group += [nodes.colspec(colwidth=1) for _ in header]
    group += nodes.thead("", _row([[paragraph(cell)] if isinstance(cell, str) else cell for cell in header]))
    group += nodes.tbody("", *(_row(row) for row in rows))
    return nodes.table("", group, classes=["report-table", *classes.split()])


def _row(cells: list[Cell]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", *cell) for cell in cells))


class ReportDirective(SphinxDirective):
    """What the directives share: captions in MyST, and problems that fail the build."""

    def parsed(self, text: str) -> list[nodes.Node]:
        """MyST text of one paragraph as inline nodes, so that it may hold roles."""
        holder = nodes.Element()
        self.state.nested_parse(StringList(text.splitlines(), source=""), self.content_offset, holder)
        return [node for block in holder.children for node in block.children]

    def problem(self, message: str) -> list[nodes.Node]:
        """Note what is wrong; the build fails once all pages are read."""
        results_of(self.env).problems.append(f"{self.get_location()}: {message}")
        return []

    def captioned(self, content: nodes.table) -> nodes.table:
        """The table, numbered if the directive names a caption."""
        if "caption" in self.options:
            content.insert(0, nodes.title("", "", *self.parsed(self.options["caption"])))
            self.add_name(content)
        return content


class FactTable(ReportDirective):
    """Facts of one market: a row a policy (`policy | Label | published key, ...`), a column a metric.

    `header` names the first column. A metric of a policy is the fact <market>.<policy>.<metric>; if it ends
    in `?`, policies without that fact get a dash.
    """

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "market": directives.unchanged_required,
        "columns": directives.unchanged_required,
        "header": directives.unchanged,
        "published": directives.unchanged,
        "caption": directives.unchanged,
        "name": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """The table; `columns` is `reward.mean Label; ...`, `published` the labels of published columns."""
        columns = [column.strip().split(" ", 1) for column in self.options["columns"].split(";")]
        published = [label.strip() for label in self.options.get("published", "").split(";") if label.strip()]
        rows = []
        for line in self.content:
            policy, label, *more = (piece.strip() for piece in line.split("|"))
            keys = [key.strip() for key in more[0].split(",")] if more else []
            cells = [self.measured(f"{self.options['market']}.{policy}.{metric}") for metric, _ in columns]
            cells += [self.quoted(keys, index) for index in range(len(published))]
            rows.append([[paragraph(*self.parsed(label))], *cells])
        labels = [self.options.get("header", "Policy"), *(label for _, label in columns), *published]
        header = [[paragraph(*self.parsed(label))] for label in labels]
        return [self.captioned(table(header, rows, "fact-table"))]

    def measured(self, column: str) -> Cell:
        """A fact with its interval below."""
        key = column.removesuffix("?")
        fact = results_of(self.env).store.facts.get(key)
        if fact is None and key != column:
            return [paragraph("\N{EN DASH}")]
        cell: Cell = [paragraph(fact_node(self.env, key, self.get_location()))]
        if fact and fact.low is not None:
            cell.append(paragraph(fact.text("interval"), classes="fact-interval"))
        return cell

    def quoted(self, keys: list[str], index: int) -> Cell:
        """A published number; rows without one show a dash."""
        key = keys[index] if index < len(keys) else ""
        return [paragraph(fact_node(self.env, key, self.get_location()) if key else "\N{EN DASH}")]


class ResultFigure(ReportDirective):
    """A figure of the results, with the caption and the text alternative that its code wrote."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"name": directives.unchanged, "width": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """The numbered figure."""
        name = self.arguments[0]
        image = results_of(self.env).folder / "figures" / f"{name}.svg"
        sidecar = image.with_suffix(".json")
        self.options.setdefault("name", f"fig-{name}")
        for path in (image, sidecar):
            if not path.is_file():
                return [self.missing(name, path.name)]
            self.env.note_dependency(str(path))
        about = json.loads(sidecar.read_text(encoding="utf-8"))
        alternative = "".join(node.astext() for node in self.parsed(about["alt"]))
        uri = "/" + os.path.relpath(image, self.env.srcdir)
        figure = nodes.figure("", nodes.image(uri=uri, alt=alternative), classes=["result-figure"])
        if "width" in self.options:
            figure[0]["width"] = self.options["width"]
        figure += nodes.caption("", "", *self.parsed(about["caption"]))
        self.add_name(figure)
        return [figure]

    def missing(self, name: str, file: str) -> nodes.figure:
        """A note in place of the figure, with its number, so that references to it hold."""
        problem = f"{self.get_location()}: figure {name!r}: {file} is not among the results"
        note = without_source(results_of(self.env), problem, name, f"(no figure {name})")
        figure = nodes.figure("", nodes.caption("", "", note), classes=["result-figure"])
        self.add_name(figure)
        return figure


def setting(value: Any) -> str:
    """A configuration value as printed in a table."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def configured(place: str) -> Any:
    """The configuration of a variant's team, or of one of its agents: `tuned`, `tuned.bidding`."""
    variant, _, agent = place.partition(".")
    team = config.parse_variant(variant)
    return getattr(team, agent) if agent else team


class ConfigTable(ReportDirective):
    """Fields of a configuration model: their defaults, their values elsewhere, what they mean."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {
        "compare": directives.unchanged,
        "caption": directives.unchanged,
        "name": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """The table; `compare` names a column each, `variant.agent` such as tuned.bidding."""
        self.env.note_dependency(str(config.__file__))
        model = getattr(config, self.arguments[0], None)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return self.problem(f"configuration {self.arguments[0]!r}: not a model of adrl_core.config")
        columns = [name.strip() for name in self.options.get("compare", "").split(",") if name.strip()]
        compared = [configured(name) for name in columns]
        rows = []
        for name, field in model.model_fields.items():
            if isinstance(field.default, BaseModel):
                continue
            cells: list[Cell] = [[paragraph(nodes.literal(name, name))], [paragraph(setting(field.default))]]
            for other in compared:
                value = getattr(other, name)
                text = setting(value)
                cells.append([paragraph(nodes.strong(text, text) if value != field.default else text)])
            rows.append([*cells, [paragraph(field.description or "")]])
        return [
            self.captioned(
                table(
                    ["Setting", "Default", *(name.replace(".", " ") for name in columns), "Meaning"],
                    rows,
                    "config-table",
                )
            )
        ]


class Reproduce(ReportDirective):
    """How to repeat the stages named in the content (one a line), or the whole study, and the book."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """A folded note with the commands and a link to each executed notebook."""
        profile = results_of(self.env).folder.name
        stages = [line.strip() for line in self.content if line.strip()]
        lines = [command(stage, profile) for stage in stages] or [f"adrl study {profile}"]
        code = "\n".join([*lines, f"make book ADRL_PROFILE={profile}"])
        note = nodes.admonition(classes=["reproduce", "dropdown"])
        note += nodes.title("", "How to reproduce this page")
        note += nodes.literal_block(code, code, language="bash")
        links: list[nodes.Node | str] = []
        for stage in stages:
            document = stage_document("" if stage == "summary" else stage)
            links += [", " if links else "Executed: ", document_link(self.env, document, stage)]
        note += [paragraph(*links)] if links else []
        return [note]


class StatusTable(ReportDirective):
    """Every stage behind the book: time, machine, code and packages, from the manifests."""

    def run(self) -> list[nodes.Node]:
        """A table of stages and a table of package versions."""
        folder = results_of(self.env).folder
        manifests = {}
        # The summary comes last, as it does in the workflow.
        for path in sorted(folder.rglob(MANIFEST), key=lambda path: (path.parent == folder, path)):
            self.env.note_dependency(str(path))
            stage = path.parent.relative_to(folder).as_posix().removeprefix(".")
            manifests[stage] = Manifest.load(path)
        rows = [self.stage_row(stage, content) for stage, content in manifests.items()]
        versions = Counter(
            (name, version) for content in manifests.values() for name, version in content.packages.items()
        )
        packages = [
            [[paragraph(name)], [paragraph(version)], [paragraph(f"{count} of {len(manifests)}")]]
            for (name, version), count in sorted(versions.items())
        ]
        return [
            table(["Stage", "Run time", "Ended (UTC)", "Machine", "Code"], rows, "status-table"),
            table(["Package", "Version", "Stages"], packages, "status-table"),
        ]

    def stage_row(self, stage: str, content: Manifest) -> list[Cell]:
        """One stage."""
        machine = content.hardware
        hardware = [
            machine["processor"],
            f"{machine['cores']} cores",
            f"{machine['memory_gib']} GiB",
            *machine["gpus"],
        ]
        commit = (content.git["commit"] or "unknown")[:10]
        return [
            [paragraph(document_link(self.env, stage_document(stage), stage or "summary"))],
            [paragraph(duration(content.seconds))],
            [paragraph(content.ended[:16].replace("T", " "))],
            [paragraph(", ".join(hardware))],
            [
                paragraph(
                    nodes.literal(commit, commit),
                    " with uncommitted changes" if content.git["dirty"] else "",
                    signature(content),
                )
            ],
        ]


def signature(content: Manifest) -> str:
    """How a stage was last signed anew, if it was."""
    if not content.resigned:
        return ""
    kind = content.resigned[-1].get("kind", "exact")
    return f", signed anew after {'an' if kind.startswith('exact') else 'a'} {kind} replay"


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


DIRECTIVES: dict[str, type[SphinxDirective]] = {
    "fact-table": FactTable,
    "result-figure": ResultFigure,
    "config-table": ConfigTable,
    "reproduce": Reproduce,
    "status-table": StatusTable,
}
