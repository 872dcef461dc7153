"""How a comparison of results is shown: tables in the terminal, and one self-contained page."""

import sys
from math import isnan
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader
from rich import box
from rich.console import Console
from rich.table import Table

from adrl_core.evidence.comparison import POWER, Case, Comparison, FactChange, Verdict
from adrl_core.evidence.intervals import LEVEL
from adrl_core.report.diff import Diff, SettingChange
from adrl_core.report.facts import Fact

STYLES = {Verdict.CHANGED: "bold yellow"}
UNITS = {"seed": "runs", "episode": "episodes"}
TEMPLATE = "diff.html"
PLAIN_WIDTH = 200
"""Columns away from a terminal, where rich would assume 80 and break the lines."""


def number(value: float, form: str = ",.4g") -> str:
    """A number as printed; a dash where there is none."""
    return "–" if isnan(value) else format(value, form)


def difference(item: Comparison) -> str:
    """B minus A with its interval."""
    mean, low, high, _ = item.difference
    return f"{number(mean, '+,.4g')} [{number(low)}, {number(high)}]"


def p_value(p: float) -> str:
    """A p value to three places."""
    return "<0.001" if p < 0.001 else number(p, ".3f")


def compared(item: Comparison) -> str:
    """How many units were compared, and how: "20 runs, paired"."""
    unit = UNITS[item.case.unit]
    if item.paired:
        return f"{len(item.values)} {unit}, paired"
    return f"{item.values['a'].count()} and {item.values['b'].count()} {unit}"


def fact_value(fact: Fact) -> str:
    """A fact's value, with its interval if it has one."""
    return f"{fact.text()} {fact.text('interval')}".strip()


def case_name(case: Case) -> str:
    """How a case is called."""
    return f"{case.market}/{case.policy}"


def setting_value(value: str) -> str:
    """A recorded value; a commit is cut to ten digits."""
    return value[:10] if len(value) == 40 and set(value) <= set("0123456789abcdef") else value


def where(change: SettingChange, shown: int = 3) -> str:
    """The stages that record a change; the first few of many."""
    more = len(change.stages) - shown
    return ", ".join(change.stages[:shown]) + (f" and {more} more" if more > 0 else "")


def notable(changes: list[FactChange]) -> list[FactChange]:
    """Changed words, and numbers that differ by more than their intervals allow."""
    return [change for change in changes if isinstance(change.a.value, str) or change.ratio > 1.0]


def summary(found: Diff) -> list[str]:
    """What a reader should know first, a sentence a line."""
    facts, sizes = found.facts, (len(found.comparisons), len(found.facts.different))
    lines = [f"{sizes[0]} comparisons: {found.counts}."]
    differing = {item.case for item in found.comparisons if item.verdict is not Verdict.IDENTICAL}
    identical = sorted({item.case for item in found.comparisons} - differing)
    for name, cases in (("Identical", identical), ("Only in A", found.only_a), ("Only in B", found.only_b)):
        if cases:
            lines.append(f"{name}: {', '.join(map(case_name, cases))}.")
    lines.append(
        f"Facts: {facts.equal} equal, {sizes[1]} different, "
        f"{len(facts.only_a)} only in A, {len(facts.only_b)} only in B."
    )
    return lines


NOTE = (
    "p: t test, paired where both sets hold the same seeds and bank, else Welch's; Holm: corrected over all "
    f"comparisons, changed if below {1 - LEVEL:.2g}. Detectable: the smallest true difference found with "
    f"{POWER * 100:.0f} % probability at the strictest level of that correction."
)


def show(found: Diff) -> None:
    """Print the comparison; plain text away from a terminal."""
    console = Console(
        width=None if sys.stdout.isatty() else PLAIN_WIDTH, markup=False, highlight=False, emoji=False
    )
    console.print(f"A  {found.a.label}\nB  {found.b.label}")
    if found.settings:
        table = _table("Recorded", "A", "B", "Stages")
        for change in found.settings:
            values = setting_value(change.a), setting_value(change.b)
            table.add_row(change.name, *values, where(change))
        console.print(table)
    if any(item.verdict is not Verdict.IDENTICAL for item in found.comparisons):
        console.print(_evaluations(found.comparisons))
    if facts := notable(found.facts.different):
        table = _table("Fact beyond its intervals", "A", "B", "Difference / interval")
        for fact in facts:
            table.add_row(fact.key, fact_value(fact.a), fact_value(fact.b), number(fact.ratio, ".1f"))
        console.print(table)
    console.print(f"{NOTE}\n", style="dim")
    for line in summary(found):
        console.print(line)


def _evaluations(comparisons: list[Comparison]) -> Table:
    """A row a comparison, leaving out the identical."""
    columns = "Policy", "Metric", "A", "B", "B - A [95 %]", "p", "Holm", "Detectable", "Compared", "Verdict"
    table = _table(*columns)
    for item in comparisons:
        if item.verdict is not Verdict.IDENTICAL:
            table.add_row(
                case_name(item.case),
                item.metric,
                *(number(item.values[side].mean(), ",.2f") for side in ("a", "b")),
                difference(item),
                p_value(item.p),
                p_value(item.p_holm),
                number(item.detectable),
                compared(item),
                item.verdict,
                style=STYLES.get(item.verdict),
            )
    return table


def _table(*columns: str) -> Table:
    table = Table(*columns, box=box.SIMPLE_HEAD)
    for column in table.columns:
        column.overflow = "fold"
    return table


class Strip(NamedTuple):
    """Where a comparison's marks stand in its drawing, in percent of its width; 50 is no difference."""

    low: float
    high: float
    mean: float
    runs: list[tuple[float, str]]
    """Position and label of the difference of each run; empty unless runs are compared one by one."""
    label: str


def strip(item: Comparison) -> Strip:
    """The drawing of a comparison: its mean difference, the interval, and each run's difference."""
    runs = {}
    if item.paired and item.case.unit == "seed":
        runs = (item.values["b"] - item.values["a"]).to_dict()
    mean, low, high, _ = item.difference
    low, high = (mean, mean) if isnan(low) else (low, high)
    largest = max(map(abs, (low, high, *runs.values())), default=0.0) or 1.0

    def place(value: float) -> float:
        return round(50.0 + 47.0 * value / largest, 2)

    points = [(place(value), f"seed {seed}: {number(value, '+,.4g')}") for seed, value in runs.items()]
    higher = f"; {sum(value > 0 for value in runs.values())} of {len(runs)} runs higher in B" if runs else ""
    label = f"{case_name(item.case)}, {item.metric}: B minus A {difference(item)}{higher}"
    return Strip(place(low), place(high), place(mean), points, label)


def page(found: Diff) -> str:
    """The comparison as one HTML page that needs nothing but itself."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    for function in (case_name, compared, difference, fact_value, number, p_value, setting_value, strip):
        environment.filters[function.__name__] = function
    environment.filters["minus"] = lambda text: text.replace("-", "\N{MINUS SIGN}")
    by_run: dict[Case, list[Comparison]] = {}
    for item in found.comparisons:
        if item.case.unit == "seed":
            by_run.setdefault(item.case, []).append(item)
    return environment.get_template(TEMPLATE).render(
        diff=found, lines=summary(found), note=NOTE, by_run=by_run, verdicts=Verdict
    )
