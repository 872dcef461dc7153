"""The book's link to the results: roles and directives that quote facts, figures, settings and runs.

A build reads `results/<profile>/` (profile: ADRL_PROFILE, default paper) and fails when a quoted fact or a
typed numeral has no source, an assertion in prose is false, a manifest does not match its files or its
inputs, or a notebook recorded an exception. The prose is about the paper profile; built from another, facts
that it lacks show as dashes and assertions that it refutes are marked.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxRole
from sphinx.util.typing import ExtensionMetadata

import adrl_core
from adrl_core.report import assertions, diagrams, manifest, numerals
from adrl_core.report.chapters import bibliography
from adrl_core.report.facts import PARTS, Fact, FactError, FactStore, Part
from adrl_core.report.notebook_pages import place_notebooks, stage_document
from adrl_core.report.stages import results_root

SETTINGS, RUNS, PUBLISHED = "/design", "/status", "/references"
"""Pages that a fact without a stage links to: a setting, a manifest's content, a published number."""


@dataclass
class Results:
    """What one build quotes from: the results of one profile."""

    folder: Path
    store: FactStore
    problems: list[str] = field(default_factory=list)
    """Quotes that have no source; a build with any fails after all pages are read."""


class FactNode(nodes.inline):
    """A quoted fact or an assertion; `tooltip` tells its interval, n and source, or what it rests on."""


def results_of(env: BuildEnvironment) -> Results:
    """The results that the build quotes from."""
    return cast(Results, env.app.adrl_results)  # type: ignore[attr-defined]


def fact_document(fact: Fact) -> str:
    """Page that shows where a fact comes from."""
    if fact.stage:
        return stage_document(fact.stage)
    if fact.source == adrl_core.__name__:
        return SETTINGS
    return RUNS if "/" in fact.source else PUBLISHED


def document_link(env: BuildEnvironment, document: str, text: str) -> nodes.Node:
    """A link to a page of the book; plain text where there is no such page, as of one's own markets."""
    if document.lstrip("/") not in env.found_docs:
        return nodes.inline(text, text)
    return addnodes.pending_xref(
        "",
        nodes.inline(text, text),
        refdomain="std",
        reftype="doc",
        reftarget=document,
        refdoc=env.docname,
        refexplicit=True,
        refwarn=True,
    )


def fact_node(env: BuildEnvironment, quote: str, where: str = "") -> nodes.Node:
    """A fact quoted as `key` or `key|part`, linked to the run that made it."""
    results = results_of(env)
    env.note_dependency(str(results.folder / "facts.json"))
    key, _, part = quote.partition("|")
    try:
        fact = results.store[key]
        text = fact.text(_part(quote, part or "value"))
        if not text:
            raise FactError(f"fact {quote!r}: has no such part")
    except FactError as error:
        return without_source(results, f"{where or env.docname}: {error}", quote)
    node = FactNode(classes=["fact"], tooltip=fact.tooltip())
    node += document_link(env, fact_document(fact), text)
    return node


def without_source(results: Results, problem: str, quote: str, shown: str = "\N{EN DASH}") -> nodes.Node:
    """What stands for a quote without a source: a problem, or a mark if the prose is about other results."""
    if results.store.strict:
        results.problems.append(problem)
        return nodes.problematic(quote, quote)
    node = FactNode(
        classes=["fact", "fact-absent"], tooltip=f"not available in profile {results.store.profile}"
    )
    node += nodes.Text(shown)
    return node


def claim_node(env: BuildEnvironment, text: str, where: str) -> nodes.Node:
    """The words of an assertion, checked against the facts and linked to the run that they rest on."""
    results = results_of(env)
    env.note_dependency(str(results.folder / "facts.json"))
    try:
        outcome = assertions.evaluate(text, results.store)
    except FactError as error:
        return without_source(results, f"{where}: {error}", text, text.partition("|")[0].strip())
    tooltip, classes = outcome.explanation, ["fact", "claim"]
    if not outcome.holds:
        if results.store.strict:
            results.problems.append(f"{where}: false: {text!r} ({outcome.explanation})")
        classes.append("claim-false")
        tooltip = f"does not hold in profile {results.store.profile}: {tooltip}"
    node = FactNode(classes=classes, tooltip=tooltip)
    document = fact_document(outcome.fact) if outcome.fact else PUBLISHED
    node += document_link(env, document, outcome.words)
    return node


def _part(quote: str, part: str) -> Part:
    if part not in PARTS:
        raise FactError(f"fact {quote!r}: unknown part {part!r}; allowed: {', '.join(PARTS)}")
    return part


class FactRole(SphinxRole):
    """{fact}`key` or {fact}`key|part`."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The quoted fact."""
        return [fact_node(self.env, self.text, self.get_location())], []


class ClaimRole(SphinxRole):
    """{claim}`words | conditions`."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The words of the assertion."""
        return [claim_node(self.env, self.text, self.get_location())], []


class StructuralRole(SphinxRole):
    """{structural}`2`: a numeral that counts or names parts of the text itself."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The numeral."""
        return [nodes.Text(self.text)], []


class CitedRole(SphinxRole):
    """{cited}`1.96|key`: a constant from the literature, linked to the reference."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The constant."""
        number, bar, key = self.text.partition("|")
        if not bar or key not in bibliography(Path(self.env.srcdir)):
            place = f"{self.get_location()}: cited {self.text!r}"
            results_of(self.env).problems.append(f"{place}: expected number|key with a key of references.bib")
        node = FactNode(classes=["fact"], tooltip=f"source: {key}")
        node += document_link(self.env, PUBLISHED, number)
        return [node], []


def prepare(app: Sphinx, config: Config) -> None:
    """Verify the results, then place notebooks and diagrams where the pages expect them.

    Raises:
        ExtensionError: the results are missing, damaged, stale, or hold a failed run.
    """
    _fail_on(
        manifest.verify(config.adrl_profile), f"results of profile {config.adrl_profile!r} cannot be quoted"
    )
    folder = results_root() / config.adrl_profile
    try:
        store = FactStore.of(folder)
    except FactError as error:
        raise ExtensionError(str(error)) from None
    app.adrl_results = Results(folder, store)  # type: ignore[attr-defined]
    place_notebooks(folder, Path(app.srcdir) / "notebooks")
    diagrams.draw(Path(app.srcdir) / "assets" / "generated")
    config.html_theme_options["extra_footer"] = (
        f'<p class="profile">Numbers from profile <strong>{escape(config.adrl_profile)}</strong>: '
        f"every one is computed from the runs in <code>results/{escape(config.adrl_profile)}</code>.</p>"
    )


def fail_on_unsourced(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Stop the build, before its state is kept, when a number or an assertion has no source."""
    results = results_of(env)
    problems = results.problems + numerals.problems(Path(app.srcdir), results.folder)
    _fail_on(problems, "stated without a source")
    return []


def _fail_on(problems: list[str], what: str) -> None:
    if problems:
        raise ExtensionError("\n  ".join([f"{what}:", *problems]))


def _visit_html(translator: Any, node: FactNode) -> None:
    translator.body.append(translator.starttag(node, "span", "", title=node["tooltip"]))


def _depart_html(translator: Any, _node: FactNode) -> None:
    translator.body.append("</span>")


def _pass(_translator: Any, _node: FactNode) -> None:
    pass


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register roles, directives and checks."""
    from adrl_core.report import sphinx_tables

    app.add_config_value("adrl_profile", os.environ.get("ADRL_PROFILE") or "paper", "env", str)
    app.add_node(FactNode, html=(_visit_html, _depart_html), latex=(_pass, _pass), text=(_pass, _pass))
    for role, kind in (
        ("fact", FactRole),
        ("claim", ClaimRole),
        ("structural", StructuralRole),
        ("cited", CitedRole),
    ):
        app.add_role(role, kind())
    for name, directive in sphinx_tables.DIRECTIVES.items():
        app.add_directive(name, directive)
    app.connect("config-inited", prepare)
    app.connect("env-updated", fail_on_unsourced)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
