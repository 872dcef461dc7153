"""What a part of the team does for the reward, and for the speed of learning."""

from collections.abc import Callable
from itertools import pairwise

from adrl_core.commentary.finding import Relation
from adrl_core.commentary.grounding.numbers import intervals_follow, units_fit
from adrl_core.commentary.grounding.sentence import CONCEDING, Problems, Sentence, changes
from adrl_core.commentary.lexicon import Kind

_SIDES = {Relation.HELPS: 1, Relation.HARMS: -1, Relation.EARLIER: -1, Relation.LATER: 1}
"""Whether the part helps, in reward or in speed."""


def effect(up: Kind, down: Kind, still: Relation | None) -> Callable[[Sentence], Problems]:
    """A check of sentences on what a part does: its presence or its removal, times what follows from it."""

    def check(sentence: Sentence) -> Problems:
        relation = sentence.finding.relation
        found = units_fit(sentence) + intervals_follow(sentence) + sentence.unnamed(sentence.finding.subject)
        found += _shares_lost(sentence) + _removed(sentence)
        effects = {sentence.tokens[at].kind for at in sentence.places(up, down)}
        if relation is still:
            return found + _left_open(sentence, up, down)
        if sentence.undecided:
            return [*found, "leaves open what the runs decide"]
        if _said_twice(sentence, up, down) == _SIDES[relation]:
            return found
        if len(effects) != 1:
            return [*found, "states no effect, or two"]
        sign = (1 if effects == {up} else -1) * (-1 if sentence.has(Kind.REMOVED) else 1)
        return found if sign == _SIDES[relation] else [*found, "turns the effect round"]

    return check


def _said_twice(sentence: Sentence, up: Kind, down: Kind) -> int:
    """The side of a part of which two clauses tell, one of its presence and one of its removal, or zero.

    "The Bidding agent brings [share] of the reward, which is lost when it is removed" says twice that it
    helps.
    """
    starts = [0, *(at for at, token in enumerate(sentence.tokens) if token.comma), len(sentence.tokens)]
    told = []
    for start, end in pairwise(starts):
        kinds = {token.kind for token in sentence.tokens[start:end]}
        if kinds & {up, down}:
            told.append((kinds & {up, down}, Kind.REMOVED in kinds))
    sides = {up: ({up}, {down}), down: ({down}, {up})}
    for kind, (there, gone) in sides.items():
        if sorted(told, key=lambda clause: clause[1]) == [(there, False), (gone, True)]:
            return 1 if kind is up else -1
    return 0


def _left_open(sentence: Sentence, up: Kind, down: Kind) -> Problems:
    """Says that the runs leave it open, and concedes no effect beside it."""
    if not sentence.undecided:
        return ["does not leave open what the runs leave open"]
    first, last = sentence.undecided[0], sentence.undecided[-1]
    stated = sentence.places(up, down)
    conceded = any(
        t.text in CONCEDING
        for at in stated
        for t in sentence.tokens[min(at, last) : max(at, first)]
        if not first < at < last
    )
    return ["states an effect that the runs leave open"] if conceded else []


def _shares_lost(sentence: Sentence) -> Problems:
    """What is lost or gained is a share, not what is left: not "falls to [share]"."""
    left = [at for at in sentence.slots if [t.text for t in sentence.before(at, 1)] in (["to"], ["at"])]
    return [
        f"{sentence.tokens[at].text} is said to be what is left"
        for at in left
        if sentence.tokens[at].value == "share" and not sentence.undecided and _falls(sentence, at)
    ]


def _falls(sentence: Sentence, at: int) -> bool:
    return any(token.kind in (Kind.GAIN, Kind.LOSS) for token in sentence.before(at, 3))


def _removed(sentence: Sentence) -> Problems:
    """What is removed is the part: its name, or "it", beside the word."""
    removed = sentence.places(Kind.REMOVED)
    return (
        [] if not removed or any(_beside_part(sentence, at) for at in removed) else ["removes something else"]
    )


def _beside_part(sentence: Sentence, at: int) -> bool:
    """Whether the part, or "it", stands by the word at a place, with no "and" in between."""
    if any(token.kind is Kind.NAME for token in sentence.before(at, 1)):
        return True
    near = (*sentence.before(at, 3), *sentence.after(at, 2))
    joined = any(token.kind is Kind.PAIR for token in sentence.after(at, 1))
    return not joined and any(token.kind is Kind.NAME or token.text == "it" for token in near)


def speed(sentence: Sentence) -> Problems:
    """Earlier or later without the part, and each number of episodes with the right team."""
    if _with_part(sentence):
        return ["speaks of the team with the part by the part's name"]
    if _started(sentence) == ["without"]:
        return ["[without] is said to be the start"]
    teams = ["without" if sentence.tokens[at].kind is Kind.REMOVED else "whole" for at in _teams(sentence)]
    if len(sentence.quoted) == 2 and changes(teams) == sentence.quoted:
        return sentence.unnamed(sentence.finding.subject) + units_fit(sentence) + _faster(sentence)
    return effect(Kind.SOONER, Kind.LATER, None)(sentence) + _episodes_given(sentence)


def _teams(sentence: Sentence) -> list[int]:
    return sentence.places(Kind.REMOVED, Kind.WHOLE)


def _with_part(sentence: Sentence) -> bool:
    """Whether a part is said to be there: "with the Controller", unless "removed" follows."""
    return any(
        [t.text for t in sentence.before(name, 1)] == ["with"]
        and not any(t.kind is Kind.REMOVED for t in sentence.after(name, 2))
        for name in sentence.names
    )


def _faster(sentence: Sentence) -> Problems:
    """Where each number has its team, which of the two is said to be faster: none, or the one that is.

    A direction is about the number that it describes ("the shorter [whole]"), or the part that it is a verb
    of, or the team that was spoken of last, or else about the one without the part.
    """
    found = _differences(sentence)
    for at in sentence.places(Kind.SOONER, Kind.LATER):
        last = max((team for team in _teams(sentence) if team < at), default=None)
        of_whole = last is not None and sentence.tokens[last].kind is Kind.WHOLE
        if last is None:
            of_whole = any(token.kind is Kind.NAME for token in sentence.before(at, 1))
        (described,) = sentence.after(at, 1) or (sentence.tokens[at],)
        if described.kind is Kind.SLOT and [t.text for t in sentence.before(at, 1)] in (["the"], ["a"]):
            of_whole = described.value == "whole"
        sooner = (sentence.tokens[at].kind is Kind.SOONER) is not of_whole
        if sooner is not (sentence.finding.relation is Relation.EARLIER):
            found.append(f"{sentence.tokens[at].text!r} turns the effect round")
    return found


def _started(sentence: Sentence) -> list[str]:
    """The numbers that come after "from"."""
    tokens = sentence.tokens
    return [tokens[at].value for at in sentence.slots if [t.text for t in sentence.before(at, 1)] == ["from"]]


def _differences(sentence: Sentence) -> Problems:
    """A number is a time, not a difference of times: not "[without] episodes later"."""
    return [
        f"{sentence.tokens[at].text} is said to be a difference"
        for at in sentence.slots
        if [
            t.kind
            for t in sentence.after(at, 2)
            if t.kind is not Kind.MEASURE and not (t.comma and _timed(sentence, at))
        ][:1]
        in ([Kind.SOONER], [Kind.LATER])
    ]


def _timed(sentence: Sentence, at: int) -> bool:
    """Whether the number at a place is said to be a time: "after [without] episodes"."""
    return [t.text for t in sentence.before(at, 1)] in (["after"], ["in"], ["of"])


def _episodes_given(sentence: Sentence) -> Problems:
    """Where not both teams are named: from the whole team's number, or with it as the second of a pair."""
    found = _differences(sentence)
    quoted, tokens = sentence.quoted, sentence.tokens
    if quoted == ["whole", "without"] and _started(sentence) == ["whole"] and sentence.has(Kind.REMOVED):
        return []
    for at in sentence.slots:
        last = max((team for team in _teams(sentence) if team < at), default=None)
        of_whole = last is not None and tokens[last].kind is Kind.WHOLE
        second = quoted[0] == "without" and any(t.kind is Kind.PAIR for t in sentence.before(at, 3))
        if tokens[at].value == "without" and of_whole:
            found.append("[without] is given to the whole team")
        if tokens[at].value == "whole" and not (of_whole or second):
            found.append("[whole] is not given to the whole team")
    named = [tokens[at].kind is Kind.WHOLE for at in _teams(sentence)]
    if len(quoted) == 2 and changes(map(str, named)) == [str(slot == "whole") for slot in reversed(quoted)]:
        found.append("both teams are named, in the other order than their numbers")
    if quoted == ["whole", "without"] and not sentence.has(Kind.WHOLE):
        found.append("the numbers stand in an order that does not tell whose they are")
    return found
