"""Sentences in which a word beside each number tells which of several it is."""

from itertools import pairwise

from adrl_core.commentary.grounding.numbers import belongs, numbers_belong, units_fit
from adrl_core.commentary.grounding.sentence import ASIDE, Problems, Sentence, changes
from adrl_core.commentary.lexicon import Kind, Token

_EARLY = {"early", "earlier", "first", "initial", "beginning", "start", "outset", "opening"}
_MEASURING = {"judging by", "according to", "using", "taking"} | {
    f"{start}{verb} {by}"
    for start in ("", "as ")
    for verb in ("judged", "measured", "reckoned", "seen", "assessed")
    for by in ("by", "against", "from")
}
_YARDSTICK = {"to", "with", "from", "by the standard of"} | ASIDE | _MEASURING
_STANDARDS = {"the", "a", "yardstick", "benchmark", "reference", "standard", "measure"}


def labelled(sentence: Sentence) -> Problems:
    """Every number has a label that tells which it is, in the same order."""
    quoted = sentence.quoted
    found = units_fit(sentence) + sentence.unnamed(sentence.finding.subject)
    if sentence.undecided:
        found.append("leaves open what is known")
    if _subject_measures(sentence):
        found.append(f"measures by {sentence.finding.subject}")
    if sentence.owned[:1] and not (belongs(sentence, sentence.owned[0]) or _object_measures(sentence)):
        found.append(f"[{quoted[0]}] does not stand beside what it belongs to")
    if changes(labels(sentence.tokens, {*quoted, "first", "last"})) != quoted or _twice(sentence):
        found.append("does not tell its numbers apart in their order")
    return found


def placed(sentence: Sentence) -> Problems:
    """Shares of the budget in the wrong channel, by parts of an episode, not of the training."""
    trained = [f"speaks of {t.text!r}" for t in sentence.tokens if t.text.startswith("train")]
    if len(labels(sentence.tokens, {"placement"})) > 1:
        trained.append("speaks of two wrong places")
    return trained + _about(sentence, "placement", "a wrong channel") + labelled(sentence)


def returned(sentence: Sentence) -> Problems:
    """Profit for each unit spent, not the other way round."""
    tokens, found = sentence.tokens, []
    for at in sentence.slots:
        near = (*sentence.before(at, 4), *sentence.after(at, 3))
        if tokens[at].value == "roi" and not any(t.value == "profit" for t in near):
            found.append("[roi] is not said to be profit")
        if tokens[at].value == "roi" and any(t.value == "spend" for t in sentence.before(at, 1)):
            found.append("[roi] is said to be spent")
    for at in sentence.slots:
        near = sentence.after(at, 2)
        pause = next((i for i, t in enumerate(near) if t.comma), len(near))
        beside = [t for t in near[:pause] if t.kind is Kind.LABEL]
        if tokens[at].value == "spend" and any(t.value == "roi" for t in beside):
            found.append("[spend] is said to be of each unit")
    for at in sentence.places(Kind.LABEL):
        if tokens[at].value == "roi" and [t.text for t in sentence.after(at, 1)] == ["of"]:
            found.append(f"{tokens[at].text!r} is not of what is spent")
    return found + labelled(sentence)


def asked_late(sentence: Sentence) -> Problems:
    """How often both are asked, late in the training; that it is the Controller who asks may be said."""
    early = [f"speaks of {token.text!r}" for token in sentence.tokens if token.text in {*_EARLY, "one"}]
    rest = tuple(token for token in sentence.tokens if token.value != "no_controller")
    early += _steps(sentence) + _asked(sentence)
    if sentence.tokens[-1].text == "late":
        early.append("says that they are asked late")
    beside = numbers_belong(Sentence(rest, sentence.finding))
    left = ["leaves open what is known"] if sentence.undecided else []
    return (
        early + left + beside + _about(sentence, "modes", "both") + sentence.unnamed(sentence.finding.subject)
    )


_STEPS = ("step", "time", "decision", "occasion", "case")
_VERBS = (
    "ask",
    "consult",
    "call",
    "involv",
    "brings",
    "brought",
    "bringing",
    "seek",
    "sought",
    "turn",
    "engag",
    "has",
    "quer",
    "go",
)


def _steps(sentence: Sentence) -> Problems:
    """The share is one of steps: "[share] of the steps", "the share of steps is [share]"."""
    texts = [token.text for token in sentence.tokens]
    for at in sentence.slots:
        after = texts[at + 1 : at + 6]
        stop = next(
            (i for i, text in enumerate(after) if text in ("both", "specialists", "episodes")), len(after)
        )
        spoken_of = any(map(_is_step, texts[:at]))
        back = "them" in after[:stop] or {"share", "proportion", "part", "fraction"} & set(texts[:at])
        if not (any(map(_is_step, [*after[:stop], *texts[max(0, at - 4) : at]])) or (spoken_of and back)):
            return ["[share] is not one of steps"]
    return []


def _is_step(text: str) -> bool:
    return text.startswith(_STEPS) or " step" in text or " time" in text


def _asked(sentence: Sentence) -> Problems:
    """Both are asked, and do not ask: an active verb stands before them, a passive one with "by" after."""
    texts = [token.text for token in sentence.tokens]
    both = texts.index("both") if "both" in texts else len(texts)
    if any(text.startswith(_VERBS) for text in texts[:both]):
        passive = any(text in ("is", "are", "was", "were") for text in texts[:both])
        return ["turns round who asks"] if passive and "by" in texts[:both] else []
    passive = any(text in ("are", "were", "is", "being", "get") for text in texts[both:])
    return [] if passive else ["turns round who asks"]


def _about(sentence: Sentence, label: str, what: str) -> Problems:
    return [] if labels(sentence.tokens, {label}) else [f"does not speak of {what}"]


def counted(sentence: Sentence) -> Problems:
    """The number of all claims right before that word; the others with one label each, in their order."""
    for at in sentence.slots:
        if [t.text for t in sentence.before(at, 1)] == ["but"]:
            return [f"excepts {sentence.tokens[at].text}"]
        after = labels(sentence.after(at, 3), {number.slot for number in sentence.finding.numbers})
        if sentence.tokens[at].value == "all" and after[:1] != ["all"]:
            return ["[all] is not followed by what it counts"]
    rest = tuple(t for t in sentence.tokens if not (t.kind in (Kind.SLOT, Kind.LABEL) and t.value == "all"))
    others = Sentence(rest, sentence.finding)
    if labels(rest, set(others.quoted)) != others.quoted:
        return ["does not tell its numbers apart in their order"]
    return labelled(others)


def labels(tokens: tuple[Token, ...], values: set[str]) -> list[str]:
    """Of which of some values there are labels, in their order."""
    return [token.value for token in tokens if token.kind is Kind.LABEL and token.value in values]


def _twice(sentence: Sentence) -> bool:
    """Whether two numbers have both their labels between them, and one more after."""
    if len(sentence.slots) != 2:
        return False
    first, second = sentence.slots
    between = set(labels(sentence.tokens[first:second], set(sentence.quoted)))
    return len(between) == 2 and bool(labels(sentence.tokens[second:], set(sentence.quoted)))


def _subject_measures(sentence: Sentence) -> bool:
    """Whether the subject is named as the measure: "according to S", "with S as the yardstick"."""
    tokens, finding = sentence.tokens, sentence.finding
    return bool(finding.object) and any(
        any(t.text in _MEASURING for t in sentence.before(at, 1))
        or any(t.text == "as" and u.text in _STANDARDS for t, u in pairwise(sentence.after(at, 3)))
        for at in sentence.names
        if tokens[at].value == finding.subject
    )


def _object_measures(sentence: Sentence) -> bool:
    """Whether the object is named as a measure only, so that all numbers are the subject's."""
    tokens = sentence.tokens
    measures = [name for name in sentence.names if tokens[name].value == sentence.finding.object]
    return len(measures) < len(sentence.names) and all(
        any(t.text in _YARDSTICK for t in sentence.before(name, 2))
        and not any(t.kind is Kind.NAME for t in sentence.before(name, 1))
        for name in measures
    )
