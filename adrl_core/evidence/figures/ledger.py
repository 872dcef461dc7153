"""The ledger at a glance: verdicts by kind of claim."""

from collections import Counter

from adrl_core.evidence.claims import VERDICTS, Entry
from adrl_core.evidence.figures.style import Drawn, new_figure

COLOURS = ("#009E73", "#56B4E9", "#D55E00", "#CC79A7", "#999999")
"""Of the verdicts, from Okabe and Ito's palette and grey; the book's table uses the same."""
HATCHES = ("", "///", "xx", "...", "")
"""So that colour is never the only difference."""


def draw_ledger(entries: list[Entry]) -> Drawn:
    """A bar a kind of claim, divided by verdict; every part is labelled with its number of claims."""
    counts = Counter((entry.kind, entry.verdict) for entry in entries)
    totals = Counter(entry.kind for entry in entries)
    kinds = [kind for kind, _ in totals.most_common()]
    figure, (axes,) = new_figure(1, width=7.4, height=0.42 * len(kinds) + 1.5)
    left = dict.fromkeys(kinds, 0)
    for verdict, colour, hatch in zip(VERDICTS, COLOURS, HATCHES, strict=True):
        widths = [counts[kind, verdict] for kind in kinds]
        bars = axes.barh(
            kinds,
            widths,
            left=[left[kind] for kind in kinds],
            color=colour,
            edgecolor="white",
            hatch=hatch,
            label=verdict,
        )
        axes.bar_label(
            bars,
            labels=[str(width) if width else "" for width in widths],
            label_type="center",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3},
        )
        for kind, width in zip(kinds, widths, strict=True):
            left[kind] += width
    for kind in kinds:
        axes.annotate(f" n = {totals[kind]}", (totals[kind], kind), va="center", fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="claims", xlim=(0, max(totals.values()) * 1.12))
    axes.grid(axis="y", visible=False)
    axes.legend(ncols=3, loc="lower right")
    return (
        figure,
        "Verdicts by kind of claim",
        "Verdicts on the {fact}`ledger.count.all` claims of the published report, by kind of claim (n beside "
        "the bars): {fact}`ledger.count.reproduced` reproduced, {fact}`ledger.count.same_direction` in the "
        "same direction, {fact}`ledger.count.contradicted` contradicted, "
        "{fact}`ledger.count.inconsistent_in_itself` inconsistent in itself, "
        "{fact}`ledger.count.not_testable` not testable.",
        "Stacked bar chart, one bar for each kind of claim, such as configuration or outcome, divided into "
        "the five verdicts; every part shows its number of claims.",
    )
