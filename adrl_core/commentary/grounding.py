"""Whether a sentence says what its finding says, and nothing else.

The check knows nothing of how the sentence came about. It reads it as a row of tokens and asks: are all
words known; are the things, the measure and the market the finding's own; does the direction fit who stands
on which side of it; does every number belong to the thing beside it. What it cannot read it refuses: a true
sentence may be refused, a false one must not pass.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise

from adrl_core.commentary.findings import Finding, Relation
from adrl_core.commentary.lexicon import Kind, Reading, Token, read

WORDS = (5, 45)
"""Fewest and most words of a sentence."""
NEAR = 6
"""Words that may stand between a number and the name after it that it belongs to."""

Problems = list[str]
Check = Callable[[Finding, list[Token]], Problems]


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
    reading = read(text, kinds, {number.slot for number in finding.numbers} | {finding.topic})
    return _vocabulary(reading, finding) or check(finding, reading.tokens)


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


def _vocabulary(reading: Reading, finding: Finding) -> Problems:
    """Only known words, and of the names, measures, markets and numbers only the finding's."""
    found = [f"holds {word!r}, which is not in the vocabulary" for word in reading.unknown]
    slots = {number.slot for number in finding.numbers}
    units = {number.unit for number in finding.numbers} | {finding.measure}
    allowed = {
        Kind.NAME: {finding.subject, finding.object}
        | ({"no_controller"} if finding.topic == "modes" else set()),
        Kind.MARKET: {finding.market},
        Kind.SLOT: slots,
        Kind.MEASURE: units,
    }
    for token in reading.tokens:
        if token.value != "episodes" and token.kind in allowed and token.value not in allowed[token.kind]:
            found.append(f"holds {token.text!r}, which the finding does not")
    denials = [t.text for t in reading.tokens if t.kind is Kind.NONE]
    if denials and not _undecided(reading.tokens):
        found.append(f"denies with {denials[0]!r} what cannot be known to be absent")
    for at in _mentions(reading.tokens, Kind.NONE):
        near = any(t.kind in (Kind.NONE, Kind.OPEN) for t in reading.tokens[at + 1 : at + 3])
        hedged = any(t.kind is Kind.HEDGE for t in reading.tokens[:at])
        if near or hedged:
            found.append(f"denies twice, with {reading.tokens[at].text!r}")
    used = [token.value for token in reading.tokens if token.kind is Kind.SLOT]
    found += [f"quotes [{slot}] more than once" for slot in sorted({s for s in used if used.count(s) > 1})]
    if slots and not used:
        found.append("quotes no number")
    return found


def _mentions(tokens: list[Token], *kinds: Kind) -> list[int]:
    return [at for at, token in enumerate(tokens) if token.kind in kinds]


def _undecided(tokens: list[Token]) -> list[int]:
    """Places where a sentence leaves something open: in so many words, or by denying that it is shown."""
    denied = _mentions(tokens, Kind.NONE) if _mentions(tokens, Kind.SHOWN) else []
    return sorted([*_mentions(tokens, Kind.OPEN, Kind.HEDGE), *denied])


def _owner(tokens: list[Token], at: int, finding: Finding) -> str:
    """The thing that a token refers to: a name itself, a number's owner."""
    token = tokens[at]
    return finding.number(token.value).owner if token.kind is Kind.SLOT else token.value


def _references(tokens: list[Token], finding: Finding) -> list[int]:
    """Places of names, and of numbers that belong to one."""
    return [
        at
        for at in _mentions(tokens, Kind.NAME, Kind.SLOT)
        if tokens[at].kind is Kind.NAME or _owner(tokens, at, finding)
    ]


_TYING = {"of", "for", "that", "earned by", "with", "from", "under", "by"}
_TAKING = {"earning", "making", "getting", "bringing", "bringing in", "collecting", "taking", "reaching", "scoring"}
_TAKING |= {"with", "yielding", "achieving", "averaging", "returning", "producing", "delivering", "gathering", "posting"}


def _belongs(tokens: list[Token], at: int, finding: Finding) -> bool:
    """Whether the number at a place stands beside the thing that owns it.

    A number belongs to the name that it is tied to ("[s] for S"); after "with" or a participle behind a comma, to the
    subject of the sentence ("S trails O, earning [s]"); else to the name before it, or to the first one.
    """
    owner = _owner(tokens, at, finding)
    names = _mentions(tokens, Kind.NAME)
    before = [n for n in names if n < at]
    after = [n for n in names if n > at]
    if after and after[0] - at <= NEAR and _links(tokens[at + 1 : after[0]]):
        return tokens[after[0]].value == owner
    if not before:
        return bool(after) and tokens[after[0]].value == owner
    other = any(_owner(tokens, slot, finding) for slot in _mentions(tokens[:at], Kind.SLOT))
    taken = not other and any(t.comma and t.text in _TAKING for t in tokens[max(before[-1], at - 4) : at])
    return tokens[_first_subject(tokens) if taken else before[-1]].value == owner


_ASIDE = {"against", "measured against", "compared with", "compared to", "relative to", "beside", "next to", "unlike"}
_ASIDE |= {"set beside", "set against", "than", "in comparison with", "in comparison to", "held against", "put beside"}


def _first_subject(tokens: list[Token]) -> int:
    """Place of the first name that is not put aside, as in "against O, S earns more"."""
    names = _mentions(tokens, Kind.NAME)
    main = [n for n in names if not (n > 0 and tokens[n - 1].text in _ASIDE)]
    return (main or names)[0]


def _links(between: list[Token]) -> bool:
    """Whether the words between a number and a name tie the one to the other."""
    return all(token.kind in (Kind.FILLER, Kind.MEASURE) for token in between) and any(
        token.text in _TYING for token in between
    )


def _numbers_belong(finding: Finding, tokens: list[Token]) -> Problems:
    """Each owned number beside its owner, or both numbers, after both names, in the order of the names."""
    owned = [at for at in _mentions(tokens, Kind.SLOT) if _owner(tokens, at, finding)]
    astray = [at for at in owned if not _belongs(tokens, at, finding)]
    if len(owned) == 2 and (_in_order(tokens, owned, finding) or _set_against(tokens, owned, finding)):
        astray = []
    return [f"{tokens[at].text} does not stand beside what it belongs to" for at in astray]


def _in_order(tokens: list[Token], owned: list[int], finding: Finding) -> bool:
    """Whether two names, each once, and their two numbers stand in the same order, one pair after the other."""
    first, second = owned
    names = _mentions(tokens, Kind.NAME)
    values = [tokens[n].value for n in names]
    owners = [_owner(tokens, at, finding) for at in owned]
    if len(names) < len(owners) or values[: len(owners)] != owners:
        return False
    names_first = names[1] < second and values[2:] == [] and (names[1] < first or names[0] < first < names[1])
    relative = any(t.text in _RELATIVE for t in tokens[names[-1] : first])
    names_first &= names[0] == _first_subject(tokens) and not relative
    return names_first or (names[0] > second and values == owners)


_RELATIVE = {"whose", "which", "who", "that"}
_AGAINST = {"against", "versus", "to", "rather than", "compared with", "compared to", "as opposed to", "and not"}
_AGAINST |= {"instead of", "as against", "not", "in comparison with"}


def _set_against(tokens: list[Token], owned: list[int], finding: Finding) -> bool:
    """Whether a clause on one of two names sets its number against the other's: "O ..., S, whose ... [s] against [o]"."""
    first, second = owned
    between = tokens[first + 1 : second]
    names = [at for at in _mentions(tokens, Kind.NAME) if at < first]
    apart = any(t.text in _AGAINST for t in between) and all(t.kind is not Kind.NAME for t in between)
    if not apart or len({tokens[n].value for n in names}) != len(owned):
        return False
    relative = any(t.text in _RELATIVE for t in tokens[names[-1] : first])
    return tokens[names[-1] if relative else _first_subject(tokens)].value == _owner(tokens, first, finding)


def _units_fit(finding: Finding, tokens: list[Token]) -> Problems:
    """A measure right after a number must be that number's."""
    found = []
    for at in _mentions(tokens, Kind.SLOT):
        unit = finding.number(tokens[at].value).unit
        after = tokens[at + 1] if at + 1 < len(tokens) else None
        if tokens[at].value != "interval" and after and after.kind is Kind.MEASURE and after.value != unit:
            found.append(f"{tokens[at].text} is followed by {after.text!r}; its unit is {unit or 'none'!r}")
    return found


def _intervals_follow(finding: Finding, tokens: list[Token]) -> Problems:
    """The number before an interval is its estimate; without one, it is called an interval."""
    slots = [tokens[at].value for at in _mentions(tokens, Kind.SLOT)]
    if "interval" not in slots:
        return []
    after = slots[: slots.index("interval")]
    alone = not {"share", "gain"} & set(slots) and any("interval" in t.text for t in tokens if t.kind is Kind.FILLER)
    return [] if alone or after[-1:] in (["share"], ["gain"]) else ["[interval] does not follow its estimate"]


def _comparison(finding: Finding, tokens: list[Token]) -> Problems:
    """Subject and object named, each direction between the right two, or nothing decided."""
    found = _numbers_belong(finding, tokens) + _units_fit(finding, tokens) + _shares_fit(finding, tokens)
    named = {tokens[at].value for at in _mentions(tokens, Kind.NAME)}
    found += [f"does not name {of}" for of in (finding.subject, finding.object) if of not in named]
    if finding.measure != "reward" and not any(t.value == finding.measure for t in tokens):
        found.append(f"does not name the measure, {finding.measure}")
    hedged = _mentions(tokens, Kind.WHETHER, Kind.HEDGE)
    if any(t.text == "or" for t in tokens) and not hedged:
        found.append("offers alternatives")
    directions = _mentions(tokens, Kind.ABOVE, Kind.BELOW)
    undecided = _undecided(tokens)
    if finding.relation is Relation.OPEN:
        if not undecided:
            found.append("does not say that the runs leave it open")
        stated = sorted([*directions, *_mentions(tokens, Kind.DIFFERS)])
        markers = sorted([*hedged, *undecided])
        references = _references(tokens, finding)
        added = [at for at, t in enumerate(tokens) if t.text == "and" and t.comma and at > max(references)]
        anew = [at for at in stated if any(a < at and not any(a < m < at for m in hedged) for a in added)]
        trailing = [at for at in stated[1:] if at > max(references) and len(hedged) < 2] + anew
        if trailing or any(not ([m for m in markers if m < at] or [None])[-1] in hedged for at in stated):
            found.append("states a difference that the runs leave open")
        return found
    if undecided:
        found.append("leaves open what the runs decide")
    told = {t.value for t in tokens if t.kind is Kind.SLOT}
    if not directions and "share" not in told and not told >= {"subject", "object"}:
        found.append("states no direction")
    return found + [p for at in directions for p in _direction_fits(finding, tokens, at)]


def _direction_fits(finding: Finding, tokens: list[Token], at: int) -> Problems:
    """The two compared stand on their right sides of a direction.

    On its left is what was named last before it. On its right is what is named next; where that is nothing,
    or the same thing again ("where O earns [o], S earns more, [s]"), it is the other one.
    """
    references = _references(tokens, finding)
    before = [_owner(tokens, r, finding) for r in references if r < at]
    after = [_owner(tokens, r, finding) for r in references if r > at]
    astray = [f"{tokens[at].text!r} does not stand between what it compares"]
    if any(t.kind is Kind.SLOT and t.value == "share" for t in tokens[at + 1 : at + 2]):
        return [f"{tokens[at].text!r} is said of [share]"]
    if not after and _mentions(tokens[:at], Kind.ABOVE, Kind.BELOW):
        return astray
    left = _described(finding, tokens, at) or (before[-1] if before else "")
    if not left:
        return _direction_first(finding, tokens, at)
    others = [owner for owner in (after or before) if owner != left]
    if not others:
        others = [owner for owner in reversed(before) if owner != left]
    if not others:
        return astray
    stated = Relation.ABOVE if tokens[at].kind is Kind.ABOVE else Relation.BELOW
    turned = Relation.BELOW if finding.relation is Relation.ABOVE else Relation.ABOVE
    if left not in (finding.subject, finding.object):
        return astray
    fits = stated is (finding.relation if left == finding.subject else turned)
    return [] if fits else [f"{tokens[at].text!r} turns the relation round"]


_COMPARATIVES = {"more", "less", "higher", "lower", "better", "worse", "larger", "smaller", "greater", "bigger"}
_COMPARATIVES |= {"more than that", "higher than that", "less than that", "lower than that", "above that", "below that"}


def _described(finding: Finding, tokens: list[Token], at: int) -> str:
    """The owner of the number that a comparative describes: "a higher [s]", "a lower reward, [s]", "more, [s]"."""
    if tokens[at].text not in _COMPARATIVES:
        return ""
    articled = at > 0 and tokens[at - 1].text in ("a", "an", "the")
    rest = [t for t in tokens[at + 1 : at + 1 + NEAR] if not (articled and t.kind in (Kind.FILLER, Kind.MEASURE))]
    if not articled and rest and rest[0].text in ("at", "with", "to"):
        rest = rest[1:]
    if not rest or rest[0].kind is not Kind.SLOT:
        return ""
    return finding.number(rest[0].value).owner


def _direction_first(finding: Finding, tokens: list[Token], at: int) -> Problems:
    """A direction before both names: "higher for S, [s], than for O, [o]"."""
    names = _mentions(tokens, Kind.NAME)
    than = [i for i, t in enumerate(tokens) if i > at and t.text in ("than", "against")]
    first = [tokens[n].value for n in names if than and n < than[0]]
    rest = [tokens[n].value for n in names if than and n > than[0]]
    if len(set(first)) != 1 or len(set(rest)) != 1 or set(first) == set(rest):
        return [f"{tokens[at].text!r} does not stand between what it compares"]
    stated = Relation.ABOVE if tokens[at].kind is Kind.ABOVE else Relation.BELOW
    turned = Relation.BELOW if finding.relation is Relation.ABOVE else Relation.ABOVE
    fits = stated is (finding.relation if first[0] == finding.subject else turned)
    return [] if fits else [f"{tokens[at].text!r} turns the relation round"]


_BACK = {"its", "their", "theirs", "it", "what it", "that", "the latter"}


def _shares_fit(finding: Finding, tokens: list[Token]) -> Problems:
    """A share of the relation is the subject's, of what the object earns."""
    found = []
    names = _mentions(tokens, Kind.NAME)
    for at in _mentions(tokens, Kind.SLOT):
        if tokens[at].value == "share" and not finding.number("share").owner:
            before, after = [n for n in names if n < at], [n for n in names if n > at]
            of = at + 1 < len(tokens) and tokens[at + 1].text == "of"
            back = any(t.text in _BACK for t in tokens[at + 2 : at + 5])
            relative = bool(before) and any(t.text in _RELATIVE for t in tokens[before[-1] : at])
            earner = tokens[before[-1] if relative or after else _first_subject(tokens)].value if before else ""
            if of and after:
                fits = tokens[after[0]].value == finding.object and (earner in ("", finding.subject) or back)
            else:
                fits = of and back and earner == finding.subject and len({tokens[n].value for n in before}) > 1
            if not fits:
                found.append("[share] is not followed by what it is a share of")
    return found


def _one_way(
    finding: Finding, tokens: list[Token], ways: Mapping[Relation, Kind], still: Relation
) -> Problems:
    """A change: only words of its direction, or words that leave it open."""
    stated = {kind for relation, kind in ways.items() for _ in _mentions(tokens, kind)}
    undecided = bool(_undecided(tokens))
    if finding.relation is Relation.STATES:
        return ["states more than a number"] if undecided or stated else []
    if finding.relation is still:
        return [] if undecided and not stated else ["does not leave open what the runs leave open"]
    if undecided:
        return ["leaves open what the runs decide"]
    return [] if stated == {ways[finding.relation]} else ["does not state the direction, or another one"]


_CHANGE = {Relation.RISES: Kind.RISES, Relation.FALLS: Kind.FALLS}
_START = (Kind.FROM, Kind.PAIR)
_START_TEXTS = ("up from", "down from", "up on", "an increase on", "higher than", "lower than", "more than")


def _change(start: str, end: str) -> Check:
    """A check of sentences that tell how a number went from a start to an end."""

    def marked(tokens: list[Token]) -> bool:
        """Whether words of time stand on both numbers, in their order."""
        slots = [t.value for t in tokens if t.kind is Kind.SLOT and t.value in (start, end)]
        times = [start if t.kind is Kind.FROM else end for t in tokens if t.kind in (Kind.FROM, Kind.TO)]
        told = [time for time, last in zip(times, [None, *times], strict=False) if time != last]
        return len(slots) == 2 and told == slots

    def check(finding: Finding, tokens: list[Token]) -> Problems:
        found = _units_fit(finding, tokens)
        told = marked(tokens)
        silent = not _mentions(tokens, Kind.RISES, Kind.FALLS) and not _undecided(tokens)
        if not (told and silent and finding.relation is not Relation.STEADY):
            found += _one_way(finding, tokens, _CHANGE, Relation.STEADY)
        if not any(t.kind is Kind.NAME for t in tokens):
            found.append(f"does not name {finding.subject}")
        for at in _mentions(tokens, Kind.SLOT):
            marks = [
                "start" if t.kind in _START or t.text in _START_TEXTS else "end"
                for t in tokens[max(0, at - 2) : at]
                if t.kind in (*_START, Kind.TO) or t.text in _START_TEXTS
            ]
            slot = tokens[at].value
            late = any(t.kind is Kind.TO and t.text not in ("to", "into") for t in tokens[at + 1 : at + 2])
            if slot == start and (marks[-1:] != ["start"] and not told or late):
                found.append(f"[{start}] is not marked as the start")
            if slot == end and any(t.kind is Kind.FROM for t in tokens[max(0, at - 2) : at]) and not told:
                found.append(f"[{end}] is marked as the start")
            if slot == "episode" and not any(
                t.text in ("episode", "episodes") for t in tokens[max(0, at - 1) : at]
            ):
                found.append("[episode] does not follow the word")
        return found

    return check


def _ten(finding: Finding, tokens: list[Token]) -> Problems:
    """The gain after ten episodes, and beside it what the report prints."""
    found = _units_fit(finding, tokens) + _intervals_follow(finding, tokens)
    if not any(t.kind is Kind.LABEL and t.value == finding.topic for t in tokens):
        found.append("does not say that it is about ten episodes")
    if (finding.relation is Relation.STEADY) is not bool(_undecided(tokens)):
        found.append("does not say what the runs decide")
    slots = {tokens[at].value for at in _mentions(tokens, Kind.SLOT)}
    source = [at for at in _mentions(tokens, Kind.LABEL) if tokens[at].value == "printed"]
    if source and "printed" not in slots:
        found.append("speaks of the report without its number")
    for at in _mentions(tokens, Kind.SLOT):
        far = [s for s in source if abs(s - at) > 2 * NEAR]
        if tokens[at].value == "printed" and (far or not source):
            found.append("[printed] alone is not said to be the report's")
        if tokens[at].value == "gain" and any(0 < at - s <= 2 for s in source):
            found.append("[gain] is said to be the report's")
    return found


_SIDES = {Relation.HELPS: 1, Relation.HARMS: -1, Relation.EARLIER: -1, Relation.LATER: 1}
"""Whether the part helps, in reward or in speed."""


NO_EFFECT = "states no effect, or two"


def _part(up: Kind, down: Kind, still: Relation | None) -> Check:
    """A check of sentences on what a part does: its presence or its removal, times what follows from it."""

    def check(finding: Finding, tokens: list[Token]) -> Problems:
        found = _units_fit(finding, tokens) + _intervals_follow(finding, tokens)
        if not any(t.kind is Kind.NAME for t in tokens):
            found.append(f"does not name {finding.subject}")
        effects = {tokens[at].kind for at in _mentions(tokens, up, down)}
        undecided = bool(_undecided(tokens))
        if finding.relation is still:
            return found if undecided else [*found, "does not leave open what the runs leave open"]
        if undecided:
            return [*found, "leaves open what the runs decide"]
        if len(effects) != 1:
            return [*found, NO_EFFECT]
        sign = (1 if effects == {up} else -1) * (-1 if _mentions(tokens, Kind.REMOVED) else 1)
        return found if sign == _SIDES[finding.relation] else [*found, "turns the effect round"]

    return check


def _faster(finding: Finding, tokens: list[Token]) -> Problems:
    """Which of two teams, each with its number, is said to be faster: nothing, or the one that is.

    A direction is about the team that was spoken of last, or else of the one without the part.
    """
    found = [] if any(t.kind is Kind.NAME for t in tokens) else [f"does not name {finding.subject}"]
    for at in _mentions(tokens, Kind.SOONER, Kind.LATER):
        teams = _mentions(tokens[:at], Kind.REMOVED, Kind.WHOLE)
        of_whole = bool(teams) and tokens[teams[-1]].kind is Kind.WHOLE
        sooner = (tokens[at].kind is Kind.SOONER) is not of_whole
        if sooner is not (finding.relation is Relation.EARLIER):
            found.append(f"{tokens[at].text!r} turns the effect round")
    return found


def _speed(finding: Finding, tokens: list[Token]) -> Problems:
    """Earlier or later without the part, and each number of episodes with the right team."""
    slots = [tokens[at].value for at in _mentions(tokens, Kind.SLOT)]
    teams = ["without" if t.kind is Kind.REMOVED else "whole" for t in tokens if t.kind in (Kind.REMOVED, Kind.WHOLE)]
    told = len(slots) == 2 and [team for team, last in zip(teams, [None, *teams], strict=False) if team != last] == slots
    found = _part(Kind.SOONER, Kind.LATER, None)(finding, tokens)
    if told:
        return _faster(finding, tokens) + _units_fit(finding, tokens)
    removed, whole = _mentions(tokens, Kind.REMOVED), _mentions(tokens, Kind.WHOLE)
    for at in _mentions(tokens, Kind.SLOT):
        marks = [m for m in sorted(removed + whole) if m < at]
        pair = any(t.kind is Kind.PAIR for t in tokens[max(0, at - 3) : at])
        if (
            tokens[at].value == "whole"
            and tokens[at - 1].text == "from"
            and removed
            and slots == ["whole", "without"]
        ):
            return found  # from the whole team's to that without the part
        if tokens[at].value == "without" and marks and marks[-1] in whole:
            found.append("[without] is given to the whole team")
        if (
            tokens[at].value == "whole"
            and not (marks and marks[-1] in whole)
            and not (pair and slots[0] == "without")
        ):
            found.append("[whole] is not given to the whole team")
    if slots == ["without", "whole"] and any(
        tokens[at - 1].text == "from" and tokens[at].value == "without" for at in _mentions(tokens, Kind.SLOT)
    ):
        found.append("[without] is said to be the start")
    if slots == ["whole", "without"] and not whole:
        found.append("the numbers stand in an order that does not tell whose they are")
    return found


_YARDSTICK = {"judging by", "to", "against", "than", "with", "from", "beside"}
_MEASURING = {"judging by", "according to"} | {
    f"{start}{verb} {by}"
    for start in ("", "as ")
    for verb in ("judged", "measured", "reckoned", "seen", "assessed")
    for by in ("by", "against", "from")
}
_YARDSTICK |= {"using", "taking", "by the standard of", "set against", "relative to", "compared with"} | _MEASURING


_STANDARDS = {"the", "a", "yardstick", "benchmark", "reference", "standard", "measure"}


def _swapped(finding: Finding, tokens: list[Token]) -> bool:
    """Whether the subject is named as the measure: "according to S", "with S as the yardstick"."""
    subjects = [at for at in _mentions(tokens, Kind.NAME) if tokens[at].value == finding.subject]
    return bool(finding.object) and any(
        at > 0 and tokens[at - 1].text in {*_MEASURING, "using", "taking"}
        or any(t.text == "as" and u.text in _STANDARDS for t, u in pairwise(tokens[at + 1 : at + 4]))
        for at in subjects
    )


def _yardstick(finding: Finding, tokens: list[Token]) -> bool:
    """Whether the object is named as a measure only, so that all numbers are the subject's."""
    names = _mentions(tokens, Kind.NAME)
    measures = [n for n in names if tokens[n].value == finding.object]
    return len(measures) < len(names) and all(
        tokens[n - 1].kind is not Kind.NAME and any(t.text in _YARDSTICK for t in tokens[max(0, n - 2) : n])
        for n in measures
    )


def _labelled(finding: Finding, tokens: list[Token]) -> Problems:
    """Every number has a label that tells which it is, in the same order."""
    found = _units_fit(finding, tokens)
    if finding.subject and not any(t.value == finding.subject for t in tokens if t.kind is Kind.NAME):
        found.append(f"does not name {finding.subject}")
    places = _mentions(tokens, Kind.SLOT)
    if _swapped(finding, tokens):
        found.append(f"measures by {finding.subject}")
    owned = [at for at in places[:1] if _owner(tokens, at, finding)]
    found += [
        f"{tokens[at].text} does not stand beside what it belongs to"
        for at in owned
        if not (_belongs(tokens, at, finding) or _yardstick(finding, tokens))
    ]
    slots = [tokens[at].value for at in places]
    told = [t.value for t in tokens if t.kind is Kind.LABEL and t.value in {*slots, "first", "last"}]
    span = tokens[places[0] : places[-1]] if places else []
    between = {t.value for t in span if t.kind is Kind.LABEL and t.value in slots}
    after = any(t.kind is Kind.LABEL and t.value in slots for t in tokens[places[-1] :]) if places else False
    if len(slots) == 2 and len(between) == 2 and after:
        found.append("labels its numbers twice")
    if [slot for slot, before in zip(told, [None, *told], strict=False) if slot != before] != slots:
        found.append("does not tell its numbers apart in their order")
    if _undecided(tokens):
        found.append("leaves open what is known")
    return found


_EARLY = {"early", "earlier", "first", "initial", "beginning", "start", "outset", "opening"}


def _modes(finding: Finding, tokens: list[Token]) -> Problems:
    """How often both are asked, late in the training; that it is the Controller who asks may be said."""
    early = [f"speaks of {t.text!r}" for t in tokens if t.text in _EARLY]
    return early + _labelled(finding, [t for t in tokens if t.value != "no_controller"])


def _ledger(finding: Finding, tokens: list[Token]) -> Problems:
    """The number of all claims right before that word; the others labelled in their order."""
    whole = [at for at in _mentions(tokens, Kind.SLOT) if tokens[at].value == "all"]
    counted = whole and any(t.kind is Kind.LABEL and t.value == "all" for t in tokens[whole[0] + 1 : whole[0] + 4])
    if whole and not counted:
        return ["[all] is not followed by what it counts"]
    rest = [t for t in tokens if not (t.kind in (Kind.SLOT, Kind.LABEL) and t.value == "all")]
    slots = [t.value for t in rest if t.kind is Kind.SLOT]
    told = [t.value for t in rest if t.kind is Kind.LABEL and t.value in slots]
    return _labelled(finding, rest) if told == slots else ["does not tell its numbers apart in their order"]


_COMMON = (Kind.OPEN, Kind.HEDGE, Kind.WHETHER, Kind.NONE, Kind.SHOWN)
_COMPARED = (*_COMMON, Kind.ABOVE, Kind.BELOW, Kind.DIFFERS, Kind.PAIR, Kind.FILLER)
_CHANGED = (*_COMMON, Kind.RISES, Kind.FALLS, Kind.FROM, Kind.TO, Kind.DIFFERS, Kind.PAIR, Kind.FILLER)
_TOLD = (*_COMMON, Kind.LABEL, Kind.PAIR, Kind.FILLER)
_CHECKS: Mapping[str, tuple[tuple[Kind, ...], Check]] = {
    "comparison": (_COMPARED, _comparison),
    "bid": (_COMPARED, _comparison),
    "training": (_CHANGED, _change("first", "last")),
    "milestone": (_CHANGED, _change("before", "now")),
    "ten": ((*_COMMON, Kind.LABEL, Kind.RISES, Kind.DIFFERS, Kind.PAIR, Kind.FILLER), _ten),
    "ablation": (
        (*_COMMON, Kind.REMOVED, Kind.GAIN, Kind.LOSS, Kind.PAIR, Kind.FILLER),
        _part(Kind.GAIN, Kind.LOSS, Relation.UNSEEN),
    ),
    "speed": (
        (*_COMMON, Kind.REMOVED, Kind.WHOLE, Kind.SOONER, Kind.LATER, Kind.PAIR, Kind.FILLER),
        _speed,
    ),
    "modes": (_TOLD, _modes),
    "placement": (_TOLD, _labelled),
    "roi": (_TOLD, _labelled),
    "ledger": (_TOLD, _ledger),
    "missing": (_TOLD, lambda _finding, _tokens: []),
}
"""For each topic, the kinds of tokens that its sentences hold, in order of precedence, and the check."""
