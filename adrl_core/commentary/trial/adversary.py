"""Makes false sentences out of true ones, in every way that the check of the commentary must see through."""

import re
from collections.abc import Iterator
from itertools import combinations

from adrl_core.commentary.finding import Finding, Relation
from adrl_core.commentary.lexicon import Kind, read
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
NEGATED = {
    "earns": "does not earn",
    "makes": "does not make",
    "gets": "does not get",
    "loses": "does not lose",
    "reaches": "does not reach",
    "bids": "does not bid",
    "asks": "does not ask",
    "beats": "does not beat",
    "trails": "does not trail",
    "falls": "does not fall",
    "rises": "does not rise",
    "spends": "does not spend",
    "are": "are not",
    "is": "is not",
    "has": "has not",
}
"""Verbs, and what denies them."""
OVERSTATED = (
    "significantly",
    "always",
    "beyond doubt",
    "without exception",
    "by far",
    "dramatically",
    "certainly",
    "in every single episode",
    "on all markets",
    "with certainty",
    "overwhelmingly",
    "twice over",
)
CAUSES = (
    ", because it bids higher",
    ", thanks to its Controller",
    ", which causes more conversions",
    ", due to prioritised replay",
    " and therefore deserves more budget",
    ", since it explores longer",
    ", as it learns from more data",
    " by asking both specialists",
    " owing to the oracle",
)
EMBELLISHED = {
    " in half the time": "",
    ", using fewer steps": "",
    " at a lower price": "",
    ", as the report announces": "ten",
    " after ten episodes of training": "ten",
    " in the last third of an episode": "placement",
    " for every advertiser": "",
    " without learning": "",
    ", asking both specialists in all steps": "modes",
    ", and its bids are higher": "",
    ", twice the usual amount": "",
}
"""Additions that no finding holds, but for one topic."""
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
        for mine in _named(a, text):
            for other_id, other_name in {**POLICIES, **PARTS}.items():
                if other_id not in (a, b) and other_name not in text and _same_kind(a, other_id):
                    yield "another's name", text.replace(mine, other_name)
            for theirs in _named(b, text):
                if b in POLICIES and mine not in theirs and theirs not in mine:
                    yield "names exchanged", _exchange(text, mine, theirs)
    for a, b in OPPOSITES:
        for word, opposite in ((a, b), (b, a)):
            turned = re.sub(rf"(?<!\[)\b{word}\b(?!\])", opposite, text, flags=re.IGNORECASE)
            if turned != text and not _symmetric(finding, word):
                yield "direction turned", turned
    for taken, kept in (("without", "with"), ("Without", "With")):
        if taken in text and finding.topic in ("ablation", "speed"):
            yield "direction turned", text.replace(taken, kept)
    for verb, negated in NEGATED.items():
        if re.search(rf"\b{verb}\b", text) and finding.relation is not Relation.OPEN:
            yield "negated", re.sub(rf"\b{verb}\b", f"never {verb}", text, count=1)
            yield "negated", re.sub(rf"\b{verb}\b", negated, text, count=1)
    for market, name in MARKETS.items():
        if market != finding.market and finding.market and MARKETS[finding.market] in text:
            yield "another market", text.replace(MARKETS[finding.market], name)
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
        if not ("asking" in cause and finding.topic == "modes"):
            yield "cause claimed", text[:-1] + cause + "."
    for more, its_own in EMBELLISHED.items():
        if finding.topic != its_own:
            yield "embellished", text[:-1] + more + "."
    yield "merged", f"{text[:-1]}, and {other[0].lower()}{other[1:]}"
    yield "merged", f"{other[:-1]}, while {text[0].lower()}{text[1:]}"


def _named(thing: str, text: str) -> list[str]:
    """The names under which a sentence mentions a policy or part, as they are written there."""
    tokens = read(text, ()).tokens
    names = {t.text for t in tokens if t.kind is Kind.NAME and t.value == thing}
    return [text[at : at + len(n)] for n in sorted(names) if (at := text.lower().find(n)) >= 0]


def _exchange(text: str, a: str, b: str) -> str:
    return text.replace(a, "\0").replace(b, a).replace("\0", b)


def _same_kind(a: str, b: str) -> bool:
    return (a in POLICIES) is (b in POLICIES)


def _symmetric(finding: Finding, word: str) -> bool:
    """Whether the word has no direction in this finding, so that turning it makes nothing false."""
    return (finding.topic, word) in {("training", "first"), ("training", "last"), ("ten", "first")} or (
        finding.relation in (Relation.OPEN, Relation.UNSEEN, Relation.STEADY)
    )
