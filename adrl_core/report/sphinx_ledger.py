"""Directives of the claims ledger: the table of all claims, and the rules that decide them.

Verdicts, reasons and numbers come from the facts `ledger.*` of the profile; what the published report prints
comes from claims.csv. The rows' classes are what `assets/ledger.js` filters by; the table does without it.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from adrl_core.evidence.claims import RULES
from adrl_core.evidence.published import claim_text, claims
from adrl_core.report.sphinx_facts import fact_node, results_of
from adrl_core.report.sphinx_tables import Cell, ReportDirective, paragraph, table

COLUMNS = ("Claim", "Statement", "Printed", "Ours", "Verdict", "Why")
SCRIPT = '<script defer src="{root}_static/ledger.js"></script>'


class Ledger(ReportDirective):
    """The table of all claims; each row has an anchor such as #c074."""

    def run(self) -> list[nodes.Node]:
        """The table and the script that filters it."""
        facts = results_of(self.env).store.facts
        self.env.note_dependency(str(results_of(self.env).folder / "facts.json"))
        missing = [claim for claim in claims().index if f"ledger.{claim}.verdict" not in facts]
        if missing:
            return self.problem(f"ledger: no verdict on {', '.join(missing[:5])} among the facts")
        content = table(list(COLUMNS), [self.cells(claim) for claim in claims().index], "ledger")
        body = next(iter(content.findall(nodes.tbody)))
        for row, claim in zip(body.children, claims().index, strict=True):
            assert isinstance(row, nodes.row)
            row["classes"] += [
                f"kind-{claim_text(claim, 'kind')}",
                f"verdict-{nodes.make_id(self.said(claim, 'verdict'))}",
            ]
            row["ids"], row["names"] = [claim.lower()], [claim.lower()]
            self.state.document.note_explicit_target(row, row)
        root = "../" * self.env.docname.count("/")
        return [content, nodes.raw("", SCRIPT.format(root=root), format="html")]

    def said(self, claim: str, part: str) -> str:
        """A word or sentence of the ledger."""
        return str(results_of(self.env).store[f"ledger.{claim}.{part}"].value)

    def cells(self, claim: str) -> list[Cell]:
        """One row."""
        unit, verdict = claim_text(claim, "unit"), self.said(claim, "verdict")
        published: Cell = [paragraph(claim_text(claim).replace("|", ", "))]
        if unit:
            published.append(paragraph(unit, classes="ledger-small"))
        why: Cell = [paragraph(self.said(claim, "reason"))]
        why.append(paragraph(f"Rule: {self.said(claim, 'rule')}.", classes="ledger-small"))
        if claim_text(claim, "consistency"):
            why.append(
                paragraph(f"In the report: {claim_text(claim, 'consistency')}.", classes="ledger-small")
            )
        link = nodes.reference("", claim, refuri=f"#{claim.lower()}", internal=True)
        return [
            [paragraph(link), paragraph(f"section {claim_text(claim, 'section')}", classes="ledger-small")],
            [
                paragraph(claim_text(claim, "statement")),
                paragraph(claim_text(claim, "kind"), classes="ledger-small"),
            ],
            published,
            self.measured(claim),
            [paragraph(nodes.strong(verdict, verdict, classes=["verdict"]))],
            why,
        ]

    def measured(self, claim: str) -> Cell:
        """Our number, linked to the run that made it, with interval and n below."""
        key = f"ledger.{claim}.ours"
        ours = results_of(self.env).store[key]
        cell: Cell = [paragraph(fact_node(self.env, key, self.get_location()))]
        if ours.low is not None:
            cell.append(paragraph(ours.text("interval"), classes="ledger-small"))
        if ours.n is not None:
            cell.append(paragraph(f"n = {ours.n} {ours.unit_of_analysis}", classes="ledger-small"))
        return cell


class LedgerRules(ReportDirective):
    """The rules in words, from the code that applies them, with how many claims each decided."""

    def run(self) -> list[nodes.Node]:
        """A definition list."""
        facts = results_of(self.env).store.facts
        self.env.note_dependency(str(results_of(self.env).folder / "facts.json"))
        decided = [
            fact.value for key, fact in facts.items() if key.startswith("ledger.") and key.endswith(".rule")
        ]
        items = nodes.definition_list(classes=["ledger-rules"])
        for rule in RULES:
            term = nodes.term("", nodes.Text(f"{rule.name} ({decided.count(rule.name)} claims)"))
            items += nodes.definition_list_item("", term, nodes.definition("", paragraph(rule.statement())))
        return [items]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    app.setup_extension("adrl_core.report.sphinx_facts")
    app.add_directive("ledger", Ledger)
    app.add_directive("ledger-rules", LedgerRules)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
