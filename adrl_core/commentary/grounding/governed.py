"""What a mechanism of governance does, in numbers that stand beside their team or their label."""

from adrl_core.commentary.grounding.labels import labels
from adrl_core.commentary.grounding.numbers import numbers_belong, units_fit
from adrl_core.commentary.grounding.sentence import Problems, Sentence
from adrl_core.commentary.lexicon import Kind

_BREAKING = ("break", "brok", "violat", "go beyond", "goes beyond", "went beyond")


def broken(sentence: Sentence) -> Problems:
    """How many decisions break a limit, behind the safety layer and without it."""
    texts = [token.text for token in sentence.tokens]
    about = [] if labels(sentence.tokens, {"broken"}) else ["does not speak of limits"]
    if not any(text.startswith(_BREAKING) for text in texts) or any(t.startswith("ke") for t in texts):
        about.append("does not say that they are broken")
    if not any("decision" in text or "step" in text for text in texts) or "episodes" in texts:
        about.append("does not count decisions")
    if any(labels(sentence.after(at, 1), {"broken"}) for at in sentence.slots):
        about.append("counts limits")
    return about + _of_both(sentence)


def exposed(sentence: Sentence) -> Problems:
    """The exposure of the group that is reached least, as a share of that of the one that is reached most."""
    texts = [token.text for token in sentence.tokens]
    first = min(sentence.slots)
    about = [] if labels(sentence.tokens, {"exposure"}) else ["does not speak of exposure"]
    if [text for text in texts if text in ("least", "most", "worst", "best")] not in (
        ["least", "most"],
        ["worst", "best"],
    ):
        about.append("does not speak of the least and the most reached group, in this order")
    elif not ({"least", "worst"} & set(texts[:first]) and {"most", "best"} & set(texts[first:])):
        about.append("does not set the least reached group against the most reached one")
    return about + _of_both(sentence)


def _of_both(sentence: Sentence) -> Problems:
    """Both teams named, each number beside its own, nothing left open."""
    found = numbers_belong(sentence) + units_fit(sentence)
    found += sentence.unnamed(sentence.finding.subject, sentence.finding.object)
    return [*found, "leaves open what is known"] if sentence.undecided else found


def bounded(sentence: Sentence) -> Problems:
    """What the performance bound stops, how often in vain, and how soon: a label right beside each number."""
    found = units_fit(sentence)
    if not labels(sentence.tokens, {"bound"}):
        found.append("does not name the performance bound")
    if sentence.undecided:
        found.append("leaves open what is known")
    if labels(sentence.tokens, set(sentence.quoted)) != sentence.quoted:
        found.append("does not tell its numbers apart in their order")
    stuck = [at for at in sentence.places(Kind.LABEL) if sentence.tokens[at].value == "delay"]
    if stuck and "delay" not in sentence.quoted:
        found.append("speaks of a stuck bid without its number")
    if any(labels(sentence.after(at, 1), {"caught"}) for at in stuck):
        found.append("turns round what stops what")
    early = ["delay"] if stuck and stuck[0] < min(sentence.slots) else []
    for at in sentence.slots:
        slot, after = sentence.tokens[at].value, sentence.after(at, 1)
        if slot in ("faulty", "alarms") and labels(after, {slot}) != [slot]:
            found.append(f"[{slot}] is not followed by what it counts")
        if slot == "delay" and not any(token.value == "episodes" for token in after):
            found.append("[delay] is not one of episodes")
        if slot == "delay" and [token.text for token in sentence.before(at, 1)] != ["after"]:
            found.append("[delay] is not said to be a time")
        if slot == "delay" and "delay" not in labels(sentence.before(at, 4), {"delay", "caught"}) + early:
            found.append("[delay] is not said to be that of a stuck bid")
        if slot == "caught" and not any(token.value == "caught" for token in sentence.before(at, 1)):
            found.append("[caught] is not said to be stopped")
    counted = [t for t in sentence.tokens if t.kind is Kind.SLOT and t.value in ("caught", "delay")]
    whole = "faulty" in sentence.quoted or "caught" not in sentence.quoted
    return found if counted and whole else [*found, "does not say what is stopped, of how many"]
