"""Whether a sentence says what its finding says, and nothing else.

The check knows nothing of how the sentence came about. It reads it as a row of tokens and asks: are all
words known; are the things, the measure and the market the finding's own; does the direction fit who stands
on which side of it; does every number belong to the thing beside it. What it cannot read it refuses: a true
sentence may be refused, a false one must not pass.
"""

from collections.abc import Callable, Mapping

from adrl_core.commentary.findings import Finding, Relation
from adrl_core.commentary.lexicon import Kind, Reading, Token, read

WORDS = (5, 45)
"""Fewest and most words of a sentence."""
NEAR = 4
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
    reading = read(text, kinds)
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
    used = [token.value for token in reading.tokens if token.kind is Kind.SLOT]
    found += [f"quotes [{slot}] more than once" for slot in sorted({s for s in used if used.count(s) > 1})]
    if slots and not used:
        found.append("quotes no number")
    return found


def _mentions(tokens: list[Token], *kinds: Kind) -> list[int]:
    return [at for at, token in enumerate(tokens) if token.kind in kinds]


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


def _belongs(tokens: list[Token], at: int, finding: Finding) -> bool:
    """Whether the number at a place stands beside the thing that owns it."""
    owner = _owner(tokens, at, finding)
    names = _mentions(tokens, Kind.NAME)
    before = [n for n in names if n < at]
    after = [n for n in names if n > at]
    linked = after and after[0] - at <= NEAR and _links(tokens[at + 1 : after[0]])
    if linked:
        return tokens[after[0]].value == owner
    if not before:
        return bool(after) and tokens[after[0]].value == owner
    return tokens[before[-1]].value == owner


def _links(between: list[Token]) -> bool:
    """Whether the words between a number and a name tie the one to the other."""
    tying = {"of", "for", "that", "earned by"}
    return all(token.kind in (Kind.FILLER, Kind.MEASURE) for token in between) and any(
        token.text in tying for token in between
    )


def _numbers_belong(finding: Finding, tokens: list[Token]) -> Problems:
    """Each owned number beside its owner, or both numbers, after both names, in the order of the names."""
    owned = [at for at in _mentions(tokens, Kind.SLOT) if _owner(tokens, at, finding)]
    astray = [at for at in owned if not _belongs(tokens, at, finding)]
    if astray and len(owned) == 2 and _in_order(tokens, owned, finding):
        astray = []
    return [f"{tokens[at].text} does not stand beside what it belongs to" for at in astray]


def _in_order(tokens: list[Token], owned: list[int], finding: Finding) -> bool:
    """Whether two names come first, each once, and then their numbers in the same order."""
    first, second = owned
    names = _mentions(tokens, Kind.NAME)
    before = [tokens[n].value for n in names if n < first]
    between = [tokens[n].value for n in names if first < n < second]
    after = [n for n in names if n > second]
    owners = [_owner(tokens, at, finding) for at in owned]
    return before == owners and between in ([], [owners[1]]) and not after


def _units_fit(finding: Finding, tokens: list[Token]) -> Problems:
    """A measure right after a number must be that number's."""
    found = []
    for at in _mentions(tokens, Kind.SLOT):
        unit = finding.number(tokens[at].value).unit
        after = tokens[at + 1] if at + 1 < len(tokens) else None
        if after and after.kind is Kind.MEASURE and after.value != unit:
            found.append(f"{tokens[at].text} is followed by {after.text!r}; its unit is {unit or 'none'!r}")
    return found


def _intervals_follow(finding: Finding, tokens: list[Token]) -> Problems:
    """The number before an interval is its estimate."""
    slots = [tokens[at].value for at in _mentions(tokens, Kind.SLOT)]
    at = slots.index("interval") if "interval" in slots else None
    fits = at is None or (at > 0 and slots[at - 1] in ("share", "gain"))
    return [] if fits else ["[interval] does not follow its estimate"]


def _comparison(finding: Finding, tokens: list[Token]) -> Problems:
    """Subject and object named, each direction between the right two, or nothing decided."""
    found = _numbers_belong(finding, tokens) + _units_fit(finding, tokens) + _shares_fit(finding, tokens)
    named = {tokens[at].value for at in _mentions(tokens, Kind.NAME)}
    found += [f"does not name {of}" for of in (finding.subject, finding.object) if of not in named]
    if finding.measure != "reward" and not any(t.value == finding.measure for t in tokens):
        found.append(f"does not name the measure, {finding.measure}")
    if any(t.text == "or" for t in tokens) and not _mentions(tokens, Kind.WHETHER):
        found.append("offers alternatives")
    directions = _mentions(tokens, Kind.ABOVE, Kind.BELOW)
    undecided = _mentions(tokens, Kind.OPEN)
    if finding.relation is Relation.OPEN:
        if not undecided:
            found.append("does not say that the runs leave it open")
        hedged = _mentions(tokens, Kind.WHETHER)
        if directions and not (hedged and hedged[0] < directions[0]):
            found.append("states a direction that the runs leave open")
        return found
    if undecided:
        found.append("leaves open what the runs decide")
    if not directions and not any(t.kind is Kind.SLOT and t.value == "share" for t in tokens):
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
    if not before:
        return astray
    left = before[-1]
    others = [owner for owner in (after or before) if owner != left]
    if not others and after:
        others = [owner for owner in reversed(before) if owner != left]
    if not others:
        return astray
    stated = Relation.ABOVE if tokens[at].kind is Kind.ABOVE else Relation.BELOW
    turned = Relation.BELOW if finding.relation is Relation.ABOVE else Relation.ABOVE
    if left not in (finding.subject, finding.object):
        return astray
    fits = stated is (finding.relation if left == finding.subject else turned)
    return [] if fits else [f"{tokens[at].text!r} turns the relation round"]


def _shares_fit(finding: Finding, tokens: list[Token]) -> Problems:
    """A share of the relation is a share of the object's."""
    found = []
    for at in _mentions(tokens, Kind.SLOT):
        if tokens[at].value == "share" and not finding.number("share").owner:
            after = [n for n in _mentions(tokens, Kind.NAME) if n > at]
            of = at + 1 < len(tokens) and tokens[at + 1].text == "of"
            if not (of and after and tokens[after[0]].value == finding.object):
                found.append("[share] is not followed by what it is a share of")
    return found


def _one_way(
    finding: Finding, tokens: list[Token], ways: Mapping[Relation, Kind], still: Relation
) -> Problems:
    """A change: only words of its direction, or words that leave it open."""
    stated = {kind for relation, kind in ways.items() for _ in _mentions(tokens, kind)}
    undecided = bool(_mentions(tokens, Kind.OPEN))
    if finding.relation is Relation.STATES:
        return ["states more than a number"] if undecided or stated else []
    if finding.relation is still:
        return [] if undecided and not stated else ["does not leave open what the runs leave open"]
    if undecided:
        return ["leaves open what the runs decide"]
    return [] if stated == {ways[finding.relation]} else ["does not state the direction, or another one"]


_STARTS = ("up from", "down from")
_CHANGE = {Relation.RISES: Kind.RISES, Relation.FALLS: Kind.FALLS}


def _change(start: str, end: str) -> Check:
    """A check of sentences that tell how a number went from a start to an end."""

    def check(finding: Finding, tokens: list[Token]) -> Problems:
        found = _one_way(finding, tokens, _CHANGE, Relation.STEADY) + _units_fit(finding, tokens)
        if not any(t.kind is Kind.NAME for t in tokens):
            found.append(f"does not name {finding.subject}")
        for at in _mentions(tokens, Kind.SLOT):
            marks = [
                t.kind
                for t in tokens[max(0, at - 2) : at]
                if t.kind in (Kind.FROM, Kind.TO, Kind.PAIR) or t.text in _STARTS
            ]
            slot = tokens[at].value
            if slot == start and (not marks or marks[-1] is Kind.TO):
                found.append(f"[{start}] is not marked as the start")
            if slot == end and marks and marks[-1] is Kind.FROM:
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
    texts = [t.text for t in tokens]
    if "ten episodes" not in texts and "tenth episode" not in texts:
        found.append("does not say that it is about ten episodes")
    if (finding.relation is Relation.STEADY) is not bool(_mentions(tokens, Kind.OPEN)):
        found.append("does not say what the runs decide")
    printed = {
        "report",
        "published report",
        "printed",
        "prints",
        "reports",
        "publication",
        "published",
        "original",
    }
    printed |= {"announces", "announced", "promises", "promised", "advertised", "headline", "publishes"}
    source = [at for at, text in enumerate(texts) if text in printed]
    for at in _mentions(tokens, Kind.SLOT):
        near = any(abs(s - at) <= NEAR + 2 for s in source)
        if tokens[at].value == "printed" and not near:
            found.append("[printed] is not said to be the report's")
        if tokens[at].value == "gain" and any(0 < at - s <= 2 for s in source):
            found.append("[gain] is said to be the report's")
    return found


_SIDES = {Relation.HELPS: 1, Relation.HARMS: -1, Relation.EARLIER: -1, Relation.LATER: 1}
"""Whether the part helps, in reward or in speed."""


def _part(up: Kind, down: Kind, still: Relation | None) -> Check:
    """A check of sentences on what a part does: its presence or its removal, times what follows from it."""

    def check(finding: Finding, tokens: list[Token]) -> Problems:
        found = _units_fit(finding, tokens) + _intervals_follow(finding, tokens)
        if not any(t.kind is Kind.NAME for t in tokens):
            found.append(f"does not name {finding.subject}")
        effects = {tokens[at].kind for at in _mentions(tokens, up, down)}
        undecided = bool(_mentions(tokens, Kind.OPEN))
        if finding.relation is still:
            return found if undecided else [*found, "does not leave open what the runs leave open"]
        if undecided:
            return [*found, "leaves open what the runs decide"]
        if len(effects) != 1:
            return [*found, "states no effect, or two"]
        sign = (1 if effects == {up} else -1) * (-1 if _mentions(tokens, Kind.REMOVED) else 1)
        return found if sign == _SIDES[finding.relation] else [*found, "turns the effect round"]

    return check


def _speed(finding: Finding, tokens: list[Token]) -> Problems:
    """Earlier or later without the part, and each number of episodes with the right team."""
    found = _part(Kind.SOONER, Kind.LATER, None)(finding, tokens)
    slots = [tokens[at].value for at in _mentions(tokens, Kind.SLOT)]
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


def _labelled(labels: Mapping[str, set[str]]) -> Check:
    """A check of sentences in which every number has a word that tells which it is, in the same order."""
    known = {word: slot for slot, several in labels.items() for word in several}

    def check(finding: Finding, tokens: list[Token]) -> Problems:
        found = _units_fit(finding, tokens)
        if finding.subject and not any(t.value == finding.subject for t in tokens if t.kind is Kind.NAME):
            found.append(f"does not name {finding.subject}")
        places = _mentions(tokens, Kind.SLOT)
        if places and _owner(tokens, places[0], finding) and not _belongs(tokens, places[0], finding):
            found.append(f"{tokens[places[0]].text} does not stand beside what it belongs to")
        slots = [tokens[at].value for at in places]
        told = [known[t.text] for t in tokens if t.text in known and known[t.text] in slots]
        if [slot for slot, before in zip(told, [None, *told], strict=False) if slot != before] != slots:
            found.append("does not tell its numbers apart in their order")
        if _mentions(tokens, Kind.OPEN):
            found.append("leaves open what is known")
        return found

    return check


def _modes(finding: Finding, tokens: list[Token]) -> Problems:
    """How often both are asked, late in the training; that it is the Controller who asks may be said."""
    tokens = [t._replace(kind=Kind.FILLER) if t.value == "no_controller" else t for t in tokens]
    early = [f"speaks of the {token.text}" for token in tokens if token.text in _EARLY]
    return early + _labelled({"share": {"both"}})(finding, tokens)


_EARLY = {"first third", "first", "opening third", "opening", "start", "beginning", "early", "outset"}
_LATE = {
    "last third",
    "last",
    "final third",
    "final",
    "closing third",
    "closing",
    "end",
    "late",
    "close",
    "finish",
}
_SPENT = {"spends", "spent", "spend", "spending"}
_PER_UNIT = {
    f"{start} {unit}{end}"
    for start in ("for each", "for every", "per", "on each", "on every", "each", "every")
    for unit in ("unit", "currency unit", "unit of currency")
    for end in ("", " spent", " of spend", " it spends", " that it spends")
}
_VERDICTS = {
    "all": {"claims", "claim", "all"},
    "reproduced": {"reproduced", "reproduce", "hold", "hold up", "held", "stand", "confirmed"},
    "contradicted": {"contradicted", "contradict"},
    "inconsistent_in_itself": {
        "inconsistent",
        "inconsistent with",
        "at odds",
        "at odds with",
        "clash",
        "clash with",
        "conflict",
    },
}
_COMMON = (Kind.OPEN, Kind.PAIR, Kind.LABEL, Kind.FILLER)
_CHECKS: Mapping[str, tuple[tuple[Kind, ...], Check]] = {
    "comparison": ((Kind.OPEN, Kind.WHETHER, Kind.ABOVE, Kind.BELOW, Kind.PAIR, Kind.FILLER), _comparison),
    "bid": ((Kind.OPEN, Kind.WHETHER, Kind.ABOVE, Kind.BELOW, Kind.PAIR, Kind.FILLER), _comparison),
    "training": (
        (Kind.OPEN, Kind.RISES, Kind.FALLS, Kind.FROM, Kind.TO, Kind.PAIR, Kind.LABEL, Kind.FILLER),
        _change("first", "last"),
    ),
    "milestone": (
        (Kind.OPEN, Kind.RISES, Kind.FALLS, Kind.FROM, Kind.TO, Kind.PAIR, Kind.FILLER),
        _change("before", "now"),
    ),
    "ten": (_COMMON, _ten),
    "ablation": (
        (Kind.OPEN, Kind.REMOVED, Kind.GAIN, Kind.LOSS, Kind.PAIR, Kind.FILLER),
        _part(Kind.GAIN, Kind.LOSS, Relation.UNSEEN),
    ),
    "speed": ((Kind.OPEN, Kind.REMOVED, Kind.WHOLE, Kind.SOONER, Kind.LATER, Kind.PAIR, Kind.FILLER), _speed),
    "modes": (_COMMON, _modes),
    "placement": (_COMMON, _labelled({"first": _EARLY, "last": _LATE})),
    "roi": (_COMMON, _labelled({"spend": _SPENT, "roi": _PER_UNIT})),
    "ledger": (_COMMON, _labelled(_VERDICTS)),
    "missing": (_COMMON, lambda _finding, _tokens: []),
}
"""For each topic, the kinds of tokens that its sentences hold, in order of precedence, and the check."""
