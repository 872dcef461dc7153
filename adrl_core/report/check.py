"""The whole proof: results are whole and current, facts follow from them, and prose says what they say."""

from pathlib import Path

from adrl_core.config import ConfigurationError
from adrl_core.evidence.claims.entry import VERDICTS
from adrl_core.report import assertions, manifest, numerals, readme, replay
from adrl_core.report.facts import FactError, FactStore
from adrl_core.report.stages import results_root


def problems(profile: str, book: Path) -> list[str]:
    """Everything wrong with a study and with what the book says of it, one line each.

    Args:
        profile: folder of the study below the results root.
        book: folder of the chapters.

    Raises:
        ConfigurationError: the book has no table of contents.
    """
    if not (book / "_toc.yml").is_file():
        raise ConfigurationError(f"book = {str(book)!r}: has no _toc.yml")
    folder = results_root() / profile
    found = manifest.verify(profile)
    if all(problem.startswith(f"{profile}/commentary") for problem in found):
        found += replay.changed_facts(folder)
    try:
        store = FactStore.of(folder)
    except FactError as error:
        return found or [str(error)]
    found += numerals.problems(book, folder) + assertions.problems(book, store)
    if store.strict and not found and not readme.is_current(store):
        found = ["README.md: its table is not what the facts say; `adrl readme` writes it"]
    return found


def counts(profile: str, book: Path) -> list[str]:
    """How many numerals the chapters declare structural, and how many claims got each verdict."""
    declared = numerals.structural(book)
    chapters = ", ".join(f"{name} {count}" for name, count in declared.items())
    lines = [f"numerals declared structural: {declared.total()}" + (f" ({chapters})" if chapters else "")]
    facts = FactStore.load(results_root() / profile / "facts.json").facts
    counted = {verdict: facts.get(f"ledger.count.{verdict.replace(' ', '_')}") for verdict in VERDICTS}
    verdicts = ", ".join(f"{fact.text()} {verdict}" for verdict, fact in counted.items() if fact)
    return [*lines, f"claims: {verdicts}"] if verdicts else lines
