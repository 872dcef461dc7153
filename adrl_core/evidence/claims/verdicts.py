"""From the results of a study to the ledger and its facts."""

from pathlib import Path

from adrl_core.evidence.claims.checks import CHECKS
from adrl_core.evidence.claims.entry import VERDICTS, Entry, Finding, Untestable
from adrl_core.evidence.claims.evidence import Evidence
from adrl_core.evidence.claims.readings import READINGS
from adrl_core.evidence.published import CITATION, claim_text, claims
from adrl_core.report.facts import Fact


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
        reason=finding.reason,
        note=claim_text(claim, "consistency"),
    )


def ledger_facts(entries: list[Entry]) -> dict[str, Fact]:
    """Verdicts, reasons, our numbers, counts, and every figure recomputed from printed ones.

    Keys: `ledger.<id>.{verdict,rule,reason,ours}` (`ours` only where there is a number),
    `ledger.count.<verdict>` with underscores, `ledger.count.all`, `ledger.<kind>.<verdict>`, and
    `recomputed.<id>.<reading>`.
    """
    facts: dict[str, Fact] = {}
    for entry in entries:
        ours = entry.ours or Fact(value="")
        for part in ("verdict", "rule", "reason"):
            content = getattr(entry, part)
            facts[f"ledger.{entry.id}.{part}"] = Fact(value=content, source=ours.source, stage=ours.stage)
        if entry.ours:
            facts[f"ledger.{entry.id}.ours"] = entry.ours
    facts["ledger.count.all"] = Fact(value=len(entries), unit="claims")
    for verdict in VERDICTS:
        name = verdict.replace(" ", "_")
        count = sum(entry.verdict == verdict for entry in entries)
        facts[f"ledger.count.{name}"] = Fact(value=count, unit="claims")
    for name, reading in READINGS.items():
        facts[f"recomputed.{name}"] = Fact(
            value=reading.value,
            unit=reading.unit,
            format=reading.form,
            source=CITATION,
            row=f"{reading.words}; from {', '.join(reading.sources)}",
        )
    return facts
