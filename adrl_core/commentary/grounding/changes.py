"""How a number went from a start to an end, and what ten episodes brought."""

from collections.abc import Callable

from adrl_core.commentary.finding import Relation
from adrl_core.commentary.grounding.numbers import NEAR, intervals_follow, units_fit
from adrl_core.commentary.grounding.sentence import Problems, Sentence, changes
from adrl_core.commentary.lexicon import Kind, Token

_WAYS = {Relation.RISES: Kind.RISES, Relation.FALLS: Kind.FALLS}
_EARLIER = {"earlier", "before", "previously", "formerly"}
_STARTS = {"up from", "down from", "up on", "an increase on", "higher than", "lower than", "more than"}


def change(start: str, end: str) -> Callable[[Sentence], Problems]:
    """A check of sentences that tell how a number went from a start to an end."""

    def check(sentence: Sentence) -> Problems:
        found = units_fit(sentence) + sentence.unnamed(sentence.finding.subject)
        timed = _timed(sentence, start, end)
        silent = not sentence.has(Kind.RISES, Kind.FALLS) and not sentence.undecided
        if not (timed and silent and sentence.finding.relation is not Relation.STEADY):
            found += _one_way(sentence)
        quoted = [at for at in sentence.slots if sentence.tokens[at].value != "episode"]
        late = [at for at in sentence.places(*_WAYS.values()) if len(quoted) == 2 and at > quoted[-1]]
        summed = late == [len(sentence.tokens) - 1] and timed and sentence.tokens[-1].comma
        if late and not summed:
            found.append("states a change after both numbers")
        for at in sentence.slots:
            slot = sentence.tokens[at].value
            if [t.text for t in sentence.before(at, 1)] == ["by"]:
                found.append(f"[{slot}] is said to be a difference")
            if slot == start and not _starts(sentence, at, timed):
                found.append(f"[{start}] is not marked as the start")
            if slot == end and not timed and _from(sentence, at):
                found.append(f"[{end}] is marked as the start")
            if slot == "episode" and [t.text for t in sentence.before(at, 2)][:1] in (
                ["in"],
                ["since"],
                ["after"],
            ):
                found.append("[episode] is not where the change ends")
            if slot == "episode" and any(
                t.value == start for t in sentence.before(at, 3) if t.kind is Kind.SLOT
            ):
                found.append(f"[episode] is said to be that of [{start}]")
            if slot == "episode" and not any(
                t.text in ("episode", "episodes") for t in sentence.before(at, 1)
            ):
                found.append("[episode] does not follow the word")
        return found

    return check


def _timed(sentence: Sentence, start: str, end: str) -> bool:
    """Whether words of time stand on both numbers, in their order."""
    quoted = [slot for slot in sentence.quoted if slot in (start, end)]
    times = [
        start if sentence.tokens[at].kind is Kind.FROM else end for at in sentence.places(Kind.FROM, Kind.TO)
    ]
    return len(quoted) == 2 and changes(times) == quoted


def _starts(sentence: Sentence, at: int, timed: bool) -> bool:
    """Whether the number at a place is marked as a start, and not as an end after it."""
    marks = [
        t.kind is not Kind.TO
        for t in _led_by(sentence, at)
        if t.kind in (Kind.FROM, Kind.PAIR, Kind.TO) or t.text in _STARTS or _told_from(t)
    ]
    if _looked_back_on(sentence, at):
        marks = [True]
    late = any(t.kind is Kind.TO and t.text not in ("to", "into") for t in sentence.after(at, 1))
    return (timed or marks[-1:] == [True]) and not late


def _led_by(sentence: Sentence, at: int) -> tuple[Token, ...]:
    """The two tokens before a number, not counting "a reward of"."""
    before = sentence.tokens[:at]
    if [t.text for t in before[-3:]] == ["a", "reward", "of"] or [t.text for t in before[-2:]] == [
        "one",
        "of",
    ]:
        before = before[: -3 if before[-2].text == "reward" else -2]
    return before[-2:]


def _from(sentence: Sentence, at: int) -> bool:
    """Whether the number at a place is marked as a start."""
    marked = [
        place
        for place in range(max(0, at - 2), at)
        if sentence.tokens[place].kind is Kind.FROM or sentence.tokens[place].text in _STARTS
    ]
    backward = [place for place in marked if place and _looked_back_on(sentence, place - 1)]
    return marked != backward or _looked_back_on(sentence, at)


def _looked_back_on(sentence: Sentence, at: int) -> bool:
    """Whether a word right after a number says that it was before: "[before] earlier"."""
    return sentence.tokens[at].kind is Kind.SLOT and any(
        t.text in _EARLIER and not t.comma for t in sentence.after(at, 1)
    )


def _told_from(token: Token) -> bool:
    return token.kind is Kind.OPEN and token.text.endswith(" from")


def _one_way(sentence: Sentence) -> Problems:
    """Only words of the change's direction, or words that leave it open."""
    relation = sentence.finding.relation
    stated = {sentence.tokens[at].kind for at in sentence.places(*_WAYS.values())}
    if relation is Relation.STATES:
        return ["states more than a number"] if sentence.undecided or stated else []
    if relation is Relation.STEADY:
        left_open = sentence.undecided and (not stated or _hedged(sentence))
        return [] if left_open else ["does not leave open what the runs leave open"]
    if sentence.undecided:
        return ["leaves open what the runs decide"]
    return [] if stated == {_WAYS[relation]} else ["does not state the direction, or another one"]


def _hedged(sentence: Sentence) -> bool:
    """Whether every direction follows a word that leaves it open, with no pause in between."""
    hedges = sentence.places(Kind.HEDGE)
    return bool(hedges) and all(
        at > hedges[0] and not any(t.comma for t in sentence.tokens[hedges[0] + 1 : at + 1])
        for at in sentence.places(*_WAYS.values())
    )


def ten_episodes(sentence: Sentence) -> Problems:
    """The gain after ten episodes, and beside it what the report prints."""
    finding = sentence.finding
    found = units_fit(sentence) + intervals_follow(sentence)
    labels = {at: sentence.tokens[at].value for at in sentence.places(Kind.LABEL)}
    if finding.topic not in labels.values():
        found.append("does not say that it is about ten episodes")
    if (finding.relation is Relation.STEADY) is not bool(sentence.undecided):
        found.append("does not say what the runs decide")
    source = [at for at, label in labels.items() if label == "printed"]
    if any("as" in (t.text for t in sentence.before(at, 2)) for at in source):
        found.append("says that the report says so, too")
    for at in sentence.slots:
        bound = [t for t in sentence.before(at, 1) if t.text.endswith("than") or t.kind is Kind.OPEN]
        if bound and not sentence.tokens[at].comma:
            found.append(f"{sentence.tokens[at].text} is said to be a bound")
    for at in sentence.undecided:
        told = any(t.kind is Kind.LABEL and t.value == "printed" for t in sentence.before(at, 3))
        if told and not any(t.comma for t in sentence.tokens[max(0, at - 2) : at + 1]):
            found.append("says that the report leaves it open")
    if source and "printed" not in sentence.quoted:
        found.append("speaks of the report without its number")
    for at in sentence.slots:
        far = any(abs(place - at) > 2 * NEAR for place in source)
        if sentence.tokens[at].value == "printed" and (far or not source):
            found.append("[printed] alone is not said to be the report's")
        if sentence.tokens[at].value == "gain" and any(0 < at - place <= 2 for place in source):
            found.append("[gain] is said to be the report's")
    return found
