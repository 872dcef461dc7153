"""Does every number belong to the thing beside it, and has it its own unit."""

from adrl_core.commentary.finding import Relation
from adrl_core.commentary.grounding.sentence import BACK, Problems, Sentence
from adrl_core.commentary.lexicon import Kind, Token

NEAR = 6
"""Words that may stand between a number and the name after it that it belongs to."""
_TYING = {"of", "for", "that", "earned by", "with", "from", "under", "by"}
_TAKING = {
    *("with", "earning", "making", "getting", "bringing", "bringing in", "collecting", "taking", "reaching"),
    *("scoring", "yielding", "achieving", "averaging", "returning", "producing", "delivering", "gathering"),
    *("posting", "ending", "finishing", "standing", "landing"),
}
_AGAINST = {
    *("against", "as against", "versus", "to", "rather than", "instead of", "and not", "as opposed to"),
    *("compared with", "compared to", "in comparison with"),
}
_ITS = {"its", "their", "theirs", "it", "that", "the latter"}


def numbers_belong(sentence: Sentence) -> Problems:
    """Each owned number beside its owner, or two numbers in an order that tells whose they are."""
    astray = [at for at in sentence.owned if not belongs(sentence, at)]
    if len(sentence.owned) == 2 and (_in_order(sentence) or _set_against(sentence)):
        astray = []
    return [f"{sentence.tokens[at].text} does not stand beside what it belongs to" for at in astray]


def belongs(sentence: Sentence, at: int) -> bool:
    """Whether the number at a place stands beside the thing that owns it.

    A number belongs to the name that it is tied to ("[s] for S"); the first one, after "with" or a participle
    behind a comma, to the subject of the sentence ("S trails O, earning [s]"); else to the name before it, or
    to the first one.
    """
    tokens, owner = sentence.tokens, sentence.owner(at)
    before = [name for name in sentence.names if name < at]
    after = [name for name in sentence.names if name > at]
    if after and (not before or (after[0] - at <= NEAR and _links(tokens[at + 1 : after[0] + 1]))):
        return tokens[after[0]].value == owner
    if not before:
        return False
    first = sentence.owned[0] == at
    between = tokens[max(before[-1], at - 4) : at]
    taken = any(token.comma and token.text in {*_TAKING, "it"} for token in between)
    return tokens[sentence.main_name if first and taken else before[-1]].value == owner


def _links(words: tuple[Token, ...]) -> bool:
    """Whether the words from after a number to a name tie the one to the other."""
    *between, name = words
    return (
        all(token.kind in (Kind.FILLER, Kind.MEASURE) for token in between)
        and not any(token.comma for token in (words if words[0].text not in _TYING else words[1:]))
        and (
            any(token.text in _TYING for token in between) or (not between and name.text.startswith("under "))
        )
    )


def _in_order(sentence: Sentence) -> bool:
    """Whether two names, each once, and then or before their two numbers stand in the same order."""
    first, second = sentence.owned
    values = [sentence.tokens[name].value for name in sentence.names]
    owners = [sentence.owner(first), sentence.owner(second)]
    if values != owners:
        return False
    one, other = sentence.names
    respectively = any(token.text == "respectively" for token in sentence.after(second, 3))
    plain = respectively or (one == sentence.main_name and not sentence.relative(first))
    return (plain and other < second and one < first) or one > second


def _set_against(sentence: Sentence) -> bool:
    """Whether one's number is set against the other's once both are named: "S beats O, [s] against [o]"."""
    first, second = sentence.owned
    between = sentence.tokens[first + 1 : second]
    before = [name for name in sentence.names if name < first]
    apart = any(t.text in _AGAINST for t in between) and all(t.kind is not Kind.NAME for t in between)
    if not apart or len({sentence.tokens[name].value for name in before}) != 2:
        return False
    spoken_of = before[-1] if sentence.relative(first) else sentence.main_name
    return sentence.tokens[spoken_of].value == sentence.owner(first)


def units_fit(sentence: Sentence) -> Problems:
    """A measure right after a number must be that number's."""
    found = []
    for at in sentence.slots:
        unit = sentence.finding.number(sentence.tokens[at].value).unit
        for token in sentence.after(at, 1):
            if sentence.tokens[at].value != "interval" and token.kind is Kind.MEASURE and token.value != unit:
                found.append(
                    f"{sentence.tokens[at].text} is followed by {token.text!r}; its unit is {unit!r}"
                )
    return found


def intervals_follow(sentence: Sentence) -> Problems:
    """The number before an interval is its estimate; without one, it is called an interval."""
    quoted = sentence.quoted
    if "interval" not in quoted:
        return []
    called = any("interval" in token.text for token in sentence.tokens if token.kind is Kind.FILLER)
    alone = called and not {"share", "gain"} & set(quoted)
    follows = quoted[: quoted.index("interval")][-1:] in (["share"], ["gain"])
    return [] if alone or follows else ["[interval] does not follow its estimate"]


def shares_fit(sentence: Sentence) -> Problems:
    """A share of the relation is the subject's, of what the object earns."""
    return [
        "[share] is not followed by what it is a share of"
        for at in sentence.slots
        if sentence.tokens[at].value == "share" and not sentence.owner(at) and not _share_fits(sentence, at)
    ]


def _share_fits(sentence: Sentence, at: int) -> bool:
    tokens, finding = sentence.tokens, sentence.finding
    before = [tokens[name].value for name in sentence.names if name < at]
    undecided = finding.relation is Relation.OPEN  # then it is not said who is who
    named = [name for name in sentence.names if not (undecided and tokens[name].text in BACK)]
    after = [tokens[name].value for name in named if name > at]
    back = any(token.text in _ITS for token in tokens[at + 2 : at + 5])
    if [token.text for token in sentence.after(at, 1)] != ["of"]:
        return False
    if [token.text for token in sentence.before(at, 1)] == ["up"]:  # what is given up, not what is left
        return False
    if after:
        return after[0] == finding.object and (before[-1:] in ([], [finding.subject]) or back)
    if not back or len(set(before)) < 2:
        return False
    earner = before[-1] if sentence.relative(at) else tokens[sentence.main_name].value
    return earner == finding.subject
