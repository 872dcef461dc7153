"""Makes false sentences out of true ones, in every way that the check of the commentary must see through."""

import re
from collections.abc import Iterator
from itertools import combinations

from adrl_core.commentary.findings import Finding, Relation
from adrl_core.commentary.names import MARKETS, PARTS, POLICIES

OPPOSITES = (
    ("more", "less"),
    ("higher", "lower"),
    ("beats", "trails"),
    ("outperforms", "falls short of"),
    ("is ahead of", "stays behind"),
    ("ahead of", "behind"),
    ("above", "below"),
    ("rises", "falls"),
    ("climbs", "drops"),
    ("goes up", "goes down"),
    ("risen", "fallen"),
    ("climbed", "dropped"),
    ("gone up", "gone down"),
    ("up from", "down from"),
    ("sooner", "later"),
    ("earlier", "later"),
    ("loses", "gains"),
    ("costs", "brings"),
    ("is worth", "costs"),
    ("reproduced", "contradicted"),
    ("first", "last"),
)
"""Words that turn a sentence into its opposite when they are exchanged."""
OVERSTATED = (
    "significantly",
    "always",
    "beyond doubt",
    "without exception",
    "by far",
    "dramatically",
    "certainly",
)
CAUSES = (
    ", because it bids higher",
    ", thanks to its Controller",
    ", which causes more conversions",
    ", due to prioritised replay",
    " and therefore deserves more budget",
    ", since it explores longer",
)
UNDECIDED = {
    "cannot be told apart": "differ",
    "cannot be told from": "beats",
    "no detectable change": "a clear change",
    "no detectable gain": "a clear gain",
    "cannot be detected": "is clear",
    "the runs cannot show that": "the runs show that",
    "the runs cannot tell": "the runs tell",
    "which may be chance": "which is no chance",
    "which chance could explain": "which chance cannot explain",
    "the runs do not decide": "the runs decide",
    "nothing that the runs could show": "much that the runs could show",
}
"""Phrases that leave something open, and what they become when too much is claimed."""


def lies(text: str, finding: Finding, other: str) -> Iterator[tuple[str, str]]:
    """False variants of a true sentence, each with the kind of its falsehood.

    Args:
        text: a true sentence of the finding.
        finding: what it says.
        other: a true sentence of another finding.
    """
    slots = re.findall(r"\[\w+\]", text)
    for a, b in combinations(slots, 2):
        yield "numbers exchanged", _exchange(text, a, b)
    for slot in slots:
        yield "number typed", text.replace(slot, "512.3")
        yield "another's number", text.replace(slot, "[elsewhere]")
    for a, b in ((finding.subject, finding.object), (finding.object, finding.subject)):
        names = POLICIES.get(a, ()) + PARTS.get(a, ())
        for mine in (n for n in names if n in text):
            for other_id, others in {**POLICIES, **PARTS}.items():
                if other_id != a and other_id != b and others[0] not in text and _same_kind(a, other_id):
                    yield "another's name", text.replace(mine, others[0])
            for theirs in POLICIES.get(b, ()):
                if theirs in text and mine != theirs:
                    yield "names exchanged", _exchange(text, mine, theirs)
    for a, b in OPPOSITES:
        for word, opposite in ((a, b), (b, a)):
            turned = re.sub(rf"(?<!\[)\b{word}\b(?!\])", opposite, text, flags=re.IGNORECASE)
            if turned != text and not _symmetric(finding, word):
                yield "direction turned", turned
    for taken, kept in (("without", "with"), ("Without", "With")):
        if taken in text and finding.topic in ("ablation", "speed"):
            yield "direction turned", text.replace(taken, kept)
    for verb in (
        "earns",
        "makes",
        "loses",
        "reaches",
        "bids",
        "asks",
        "beats",
        "trails",
        "falls",
        "rises",
        "spends",
        "are",
        "is",
    ):
        if re.search(rf"\b{verb}\b", text):
            yield "negated", re.sub(rf"\b{verb}\b", f"never {verb}", text, count=1)
            yield "negated", re.sub(rf"\b{verb}\b", f"does not {verb.rstrip('s')}", text, count=1)
    for market, (name, *_) in MARKETS.items():
        if market != finding.market and finding.market and MARKETS[finding.market][0] in text:
            yield "another market", text.replace(MARKETS[finding.market][0], name)
    for unit, wrong in (
        ("reward", "profit"),
        ("profit", "reward"),
        ("reward", "conversions"),
        ("episodes", "reward"),
    ):
        turned = re.sub(rf"\] {unit}\b", f"] {wrong}", text)
        if turned != text:
            yield "another unit", turned
    for word in OVERSTATED:
        yield "overstated", text[:-1] + f", {word}."
        yield "overstated", f"{word.capitalize()}, {text[0].lower()}{text[1:]}"
    for phrase, claim in UNDECIDED.items():
        if phrase in text:
            yield "overstated", text.replace(phrase, claim)
    for cause in CAUSES:
        yield "cause claimed", text[:-1] + cause + "."
    yield "merged", f"{text[:-1]}, and {other[0].lower()}{other[1:]}"
    yield "merged", f"{other[:-1]}, while {text[0].lower()}{text[1:]}"


def _exchange(text: str, a: str, b: str) -> str:
    return text.replace(a, "\0").replace(b, a).replace("\0", b)


def _same_kind(a: str, b: str) -> bool:
    return (a in POLICIES) is (b in POLICIES)


def _symmetric(finding: Finding, word: str) -> bool:
    """Whether the word has no direction in this finding, so that turning it makes nothing false."""
    return (finding.topic, word) in {("training", "first"), ("training", "last"), ("ten", "first")} or (
        finding.relation is Relation.OPEN
    )
