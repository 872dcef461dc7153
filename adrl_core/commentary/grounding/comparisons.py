"""Who is above whom, or that the runs leave it open."""

from adrl_core.commentary.finding import Relation
from adrl_core.commentary.grounding.numbers import NEAR, numbers_belong, shares_fit, units_fit
from adrl_core.commentary.grounding.sentence import CONCEDING, Problems, Sentence
from adrl_core.commentary.lexicon import Kind

_COMPARATIVES = {
    *("more", "less", "higher", "lower", "better", "worse", "larger", "smaller", "greater", "bigger"),
    *("more than that", "higher than that", "less than that", "lower than that", "above that", "below that"),
}


def comparison(sentence: Sentence) -> Problems:
    """Subject and object named, each direction between the right two, or nothing decided."""
    finding = sentence.finding
    found = numbers_belong(sentence) + units_fit(sentence) + shares_fit(sentence)
    found += sentence.unnamed(finding.subject, finding.object)
    if any(
        sentence.tokens[at].text.startswith("under ") and sentence.tokens[at].comma for at in sentence.names
    ):
        found.append("says 'under' where it may mean below")
    if finding.measure != "reward" and not any(t.value == finding.measure for t in sentence.tokens):
        found.append(f"does not name the measure, {finding.measure}")
    for at in sentence.slots:
        scored = any(t.kind is Kind.SLOT for t in sentence.after(at, 2)) or _scored(sentence, at)
        if [t.text for t in sentence.before(at, 1)] == ["by"] and not scored:
            found.append(f"{sentence.tokens[at].text} is said to be a difference")
    if any(t.text == "or" for t in sentence.tokens) and not sentence.has(Kind.WHETHER, Kind.HEDGE):
        found.append("offers alternatives")
    return found + (_left_open(sentence) if finding.relation is Relation.OPEN else _decided(sentence))


def _scored(sentence: Sentence, at: int) -> bool:
    """Whether the number at a place is the first of a score: "by [s] reward an episode to [o]"."""
    to = [i for i in range(at + 1, min(at + 5, len(sentence.tokens) - 1)) if sentence.tokens[i].text == "to"]
    return bool(to) and sentence.tokens[to[0] + 1].kind is Kind.SLOT


def _left_open(sentence: Sentence) -> Problems:
    """Says that the runs leave it open, and every difference only after a word that hedges it."""
    found = [] if sentence.undecided else ["does not say that the runs leave it open"]
    hedges = sentence.places(Kind.WHETHER, Kind.HEDGE)
    stated = sentence.places(Kind.ABOVE, Kind.BELOW, Kind.DIFFERS)
    if hedges and not any(at > hedges[0] for at in stated):
        found.append("does not say what is left open")
    markers = sorted({*hedges, *sentence.undecided})
    last = max(sentence.references, default=0)
    added = [at for at, t in enumerate(sentence.tokens) if t.text == "and" and t.comma and at > last]
    for number, at in enumerate(stated):
        marker = max((m for m in markers if m < at), default=None)
        afterthought = any(a < at and not any(a < hedge < at for hedge in hedges) for a in added)
        again = number > 0 and at > last and len(hedges) < 2
        conceded = marker is not None and any(t.text in CONCEDING for t in sentence.tokens[marker:at])
        reason = marker is not None and any(
            t.comma and t.text in ("as", "since", "for") for t in sentence.tokens[marker:at]
        )
        if marker not in hedges or afterthought or again or conceded or reason:
            found.append(f"states with {sentence.tokens[at].text!r} what the runs leave open")
    return found


def _decided(sentence: Sentence) -> Problems:
    """Both numbers, a share or a direction, and no direction between the wrong two."""
    found = ["leaves open what the runs decide"] if sentence.undecided else []
    directions, quoted = sentence.places(Kind.ABOVE, Kind.BELOW), set(sentence.quoted)
    if not directions and "share" not in quoted and not quoted >= {"subject", "object"}:
        found.append("states no direction")
    return found + [problem for at in directions for problem in _direction_fits(sentence, at)]


def _direction_fits(sentence: Sentence, at: int) -> Problems:
    """The two compared stand on their right sides of a direction.

    On its left is what was named last before it. On its right is what is named next; where that is nothing,
    or the same thing again ("where O earns [o], S earns more, [s]"), it is the other one.
    """
    tokens, finding = sentence.tokens, sentence.finding
    before = [sentence.owner(r) for r in sentence.references if r < at]
    after = [sentence.owner(r) for r in sentence.references if r > at]
    said = [token for token in sentence.after(at, 3) if token.kind is not Kind.FILLER]
    if said and said[0].kind is Kind.SLOT and said[0].value == "share":
        return [f"{tokens[at].text!r} is said of [share]"]
    again = not after and any(t.kind in (Kind.ABOVE, Kind.BELOW) for t in tokens[:at])
    left = _described(sentence, at) or (before[-1] if before else _led(sentence, at))
    if again or left not in (finding.subject, finding.object) or {*before, *after} <= {left}:
        return [f"{tokens[at].text!r} does not stand between what it compares"]
    above = (tokens[at].kind is Kind.ABOVE) is (left == finding.subject)
    fits = above is (finding.relation is Relation.ABOVE)
    return [] if fits else [f"{tokens[at].text!r} turns the relation round"]


def _described(sentence: Sentence, at: int) -> str:
    """The owner of the number that a comparative describes: "a higher [s]", "more, [s]"."""
    if sentence.tokens[at].text not in _COMPARATIVES:
        return ""
    articled = [t.text for t in sentence.before(at, 1)] in (["a"], ["an"], ["the"])
    rest = [t for t in sentence.after(at, NEAR) if not (articled and t.kind in (Kind.FILLER, Kind.MEASURE))]
    if not articled and rest and rest[0].text in ("at", "with", "to"):
        rest = rest[1:]
    return sentence.finding.number(rest[0].value).owner if rest and rest[0].kind is Kind.SLOT else ""


def _led(sentence: Sentence, at: int) -> str:
    """The thing that a direction before both names is about: S in "higher for S, [s], than for O, [o]"."""
    than = [i for i, t in enumerate(sentence.tokens) if i > at and t.text in ("than", "against")]
    first = {sentence.tokens[name].value for name in sentence.names if than and name < than[0]}
    rest = {sentence.tokens[name].value for name in sentence.names if than and name > than[0]}
    return first.pop() if len(first) == len(rest) == 1 and first != rest else ""
