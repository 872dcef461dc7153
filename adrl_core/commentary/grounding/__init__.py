"""Whether a sentence says what its finding says, and nothing else.

The check knows nothing of how the sentence came about. It reads it as a row of tokens and asks: are all
words known; are the things, the measure and the market the finding's own; does the direction fit who stands
on which side of it; does every number belong to the thing beside it. What it cannot read it refuses: a true
sentence may be refused, a false one must not pass.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise

from adrl_core.commentary.finding import Finding, Relation
from adrl_core.commentary.grounding.changes import change, ten_episodes
from adrl_core.commentary.grounding.comparisons import comparison
from adrl_core.commentary.grounding.governed import bounded, broken, exposed
from adrl_core.commentary.grounding.labels import asked_late, counted, placed, returned
from adrl_core.commentary.grounding.parts import effect, speed
from adrl_core.commentary.grounding.sentence import Problems, Sentence, referred
from adrl_core.commentary.lexicon import Kind, read

WORDS = (5, 45)
"""Fewest and most words of a sentence."""

_OPEN = (Kind.OPEN, Kind.HEDGE, Kind.WHETHER, Kind.NONE, Kind.SHOWN)
_COMPARED = (*_OPEN, Kind.ABOVE, Kind.BELOW, Kind.DIFFERS, Kind.PAIR, Kind.FILLER)
_CHANGED = (*_OPEN, Kind.RISES, Kind.FALLS, Kind.FROM, Kind.TO, Kind.DIFFERS, Kind.PAIR, Kind.FILLER)
_TEN = (*_OPEN, Kind.LABEL, Kind.RISES, Kind.DIFFERS, Kind.PAIR, Kind.FILLER)
_WORTH = (*_OPEN, Kind.REMOVED, Kind.GAIN, Kind.LOSS, Kind.PAIR, Kind.FILLER)
_SPEED = (*_OPEN, Kind.REMOVED, Kind.WHOLE, Kind.SOONER, Kind.LATER, Kind.PAIR, Kind.FILLER)
_TOLD = (*_OPEN, Kind.LABEL, Kind.PAIR, Kind.FILLER)
_CHECKS: Mapping[str, tuple[tuple[Kind, ...], Callable[[Sentence], Problems]]] = {
    "comparison": (_COMPARED, comparison),
    "bid": (_COMPARED, comparison),
    "training": (_CHANGED, change("first", "last")),
    "milestone": (_CHANGED, change("before", "now")),
    "ten": (_TEN, ten_episodes),
    "ablation": (_WORTH, effect(Kind.GAIN, Kind.LOSS, Relation.UNSEEN)),
    "speed": (_SPEED, speed),
    "modes": (_TOLD, asked_late),
    "placement": (_TOLD, placed),
    "roi": (_TOLD, returned),
    "ledger": (_TOLD, counted),
    "broken": (_TOLD, broken),
    "exposure": (_TOLD, exposed),
    "bound": (_TOLD, bounded),
}
"""For each topic, the kinds of tokens that its sentences hold, in order of precedence, and the check."""


def problems(text: str, finding: Finding) -> Problems:
    """What speaks against printing a sentence for a finding; nothing if it is grounded.

    Args:
        text: one sentence, its numbers as the finding's slots in square brackets.
        finding: what it should say.
    """
    found = _form(text)
    if found:
        return found
    kinds, check = _CHECKS[finding.topic]
    slots = {number.slot for number in finding.numbers}
    reading = read(text, kinds, slots | {finding.topic, f"{finding.topic}.words"})
    sentence = Sentence(referred(reading.tokens, finding), finding)
    found = [f"holds {word!r}, which is not in the vocabulary" for word in reading.unknown]
    return found + _foreign(sentence) + _denials(sentence) + _quotes(sentence) or check(sentence)


def _form(text: str) -> Problems:
    """One sentence of a fair length in plain letters."""
    found = []
    if not text.isascii() and any(c.isalpha() and not c.isascii() for c in text):
        found.append("holds letters that are not Latin")
    if not text.endswith(".") or any(mark in text[:-1] for mark in ".!?"):
        found.append("is not one sentence that ends in a full stop")
    count = len(text.split())
    if not WORDS[0] <= count <= WORDS[1]:
        found.append(f"has {count} words; allowed: {WORDS[0]} to {WORDS[1]}")
    return found


def _foreign(sentence: Sentence) -> Problems:
    """Names, measures, markets and numbers that are not the finding's."""
    finding = sentence.finding
    asker = {"no_controller"} if finding.topic == "modes" else set()
    allowed = {
        Kind.NAME: {finding.subject, finding.object} | asker,
        Kind.MARKET: {finding.market},
        Kind.SLOT: {number.slot for number in finding.numbers},
        Kind.MEASURE: {number.unit for number in finding.numbers} | {finding.measure, "episodes"},
    }
    return [
        f"holds {token.text!r}, which the finding does not"
        for token in sentence.tokens
        if token.kind in allowed and token.value not in allowed[token.kind]
    ]


def _denials(sentence: Sentence) -> Problems:
    """Nothing is denied flatly, and nothing twice."""
    texts = [token.text for token in sentence.tokens]
    found = ["excepts one"] if ("but", "one") in pairwise(texts) else []
    taken_back = [at for at in sentence.taken_back if at > max(sentence.undecided, default=at)]
    found += ["takes back what it leaves open"] if taken_back else []
    for at in sentence.places(Kind.NONE):
        text = sentence.tokens[at].text
        doubled = any(t.kind in (Kind.NONE, Kind.OPEN) for t in sentence.after(at, 2))
        hedged = any(t.kind is Kind.HEDGE for t in sentence.tokens[:at])
        if not sentence.undecided:
            found.append(f"denies with {text!r} what cannot be known to be absent")
        if doubled or hedged:
            found.append(f"denies twice, with {text!r}")
    return found


def _quotes(sentence: Sentence) -> Problems:
    """Every number at most once, and at least one where there is one."""
    quoted = sentence.quoted
    found = [f"quotes [{slot}] more than once" for slot in sorted({s for s in quoted if quoted.count(s) > 1})]
    return found or (["quotes no number"] if sentence.finding.numbers and not quoted else [])
