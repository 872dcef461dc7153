"""From the results of a study to the ledger and its facts."""

from pathlib import Path

from adrl_core.evidence.claims.checks import CHECKS
from adrl_core.evidence.claims.entry import VERDICTS, Entry, Finding, Untestable
from adrl_core.evidence.claims.evidence import Evidence
from adrl_core.evidence.claims.measured import Value
from adrl_core.evidence.claims.readings import READINGS
from adrl_core.evidence.claims.rules import CODE
from adrl_core.evidence.intervals import LEVEL
from adrl_core.evidence.published import CITATION, claim_text, claims
from adrl_core.report.facts import Fact

NOTHING = "\N{EN DASH}"


def ledger(results: Path) -> list[Entry]:
    """The verdict on every claim.

    Args:
        results: folder of the study, whose tables are read.

    Returns:
        One entry a claim, in the order of claims.csv. What the study did not run is not testable.
    """
    evidence = Evidence(results)
    return [_entry(claim, evidence) for claim in claims().index]


def _entry(claim: str, evidence: Evidence) -> Entry:
    rule = CHECKS[claim].deciding(claim)
    try:
        finding = rule.judge(claim, evidence)
    except Untestable as reason:
        finding = Finding("not testable", f"{reason}.")
    market, variant = rule.about
    return Entry(
        id=claim,
        section=claim_text(claim, "section"),
        statement=claim_text(claim, "statement"),
        kind=claim_text(claim, "kind"),
        published=claim_text(claim),
        unit=claim_text(claim, "unit"),
        ours=finding.ours,
        market=market,
        variant=variant,
        verdict=finding.verdict,
        rule=rule.name,
        reason=finding.reason[0].upper() + finding.reason[1:],
        note=claim_text(claim, "consistency"),
    )


def ledger_facts(entries: list[Entry]) -> dict[str, Fact]:
    """Verdicts, reasons, our numbers, counts, and every figure recomputed from printed ones.

    Keys: `ledger.<id>.{verdict,rule,reason,ours}` (`ours` is a dash where there is no number),
    `ledger.count.<verdict>` with underscores, `ledger.count.all`, `ledger.count.values` (claims judged as
    values), `ledger.reproduced.configuration` (settings and design among the reproduced), `ledger.chance`
    (how many values would miss their intervals if all were true), and `recomputed.<id>.<reading>`.
    """
    facts: dict[str, Fact] = {}
    for entry in entries:
        ours = entry.ours or Fact(value=NOTHING, source=CODE)
        for part in ("verdict", "rule", "reason"):
            content = getattr(entry, part)
            facts[f"ledger.{entry.id}.{part}"] = Fact(value=content, source=ours.source, stage=ours.stage)
        facts[f"ledger.{entry.id}.ours"] = ours
    facts["ledger.count.all"] = Fact(value=len(entries), unit="claims")
    for verdict in VERDICTS:
        name = verdict.replace(" ", "_")
        count = sum(entry.verdict == verdict for entry in entries)
        facts[f"ledger.count.{name}"] = Fact(value=count, unit="claims")
    settings = sum((entry.kind, entry.verdict) == ("configuration", "reproduced") for entry in entries)
    facts["ledger.reproduced.configuration"] = Fact(value=settings, unit="claims")
    values = sum(entry.rule == Value.name for entry in entries)
    facts["ledger.count.values"] = Fact(value=values, unit="claims")
    facts["ledger.chance"] = Fact(value=values * (1.0 - LEVEL), unit="claims", format=".0f")
    for name, reading in READINGS.items():
        facts[f"recomputed.{name}"] = Fact(
            value=reading.value,
            unit=reading.unit,
            format=reading.form,
            source=CITATION,
            row=f"{reading.words}; from {', '.join(reading.sources)}",
        )
    return facts
