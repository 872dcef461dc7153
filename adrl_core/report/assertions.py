"""Assertions in prose: what a sentence says of the facts, written beside its words and checked at each build.

    {claim}`more than | channels.tuned.reward > channels.best_constant.reward, p < 0.05`

Before the bar stand the words that a reader sees; after it, conditions joined by commas:

- `A > B` (also `<`, `>=`, `<=`) compares two numbers, each a fact's key, or a literal number;
- `A ~ B` says that the two cannot be told apart, `p < 0.05` that they can: both look up the p value of the
  comparison of A with B; `p_holm` and other tests likewise;
- `A = word` compares a fact that is a word.

`<market>.<policy>.<metric>` is short for the mean of that metric.
"""

import operator
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from adrl_core.report.chapters import chapters, pieces
from adrl_core.report.facts import Fact, FactError, FactStore

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
SIGNIFICANCE = 0.05
"""Two quantities that cannot be told apart have a p value of at least this."""
CONDITION = re.compile(r"(?P<left>\S+)\s*(?P<sign>>=|<=|>|<|~|=)\s*(?P<right>.+)")
P_NAME = re.compile(r"p(_[a-z]+)?")


class Outcome(NamedTuple):
    """What became of an assertion."""

    words: str
    holds: bool
    explanation: str
    """Every condition with the values it was evaluated on."""
    fact: Fact | None
    """The first fact that it rests on."""


class Pair(NamedTuple):
    """The two quantities that a p value is about, as `<market>.<policy>.<metric>`."""

    left: str
    right: str


def problems(book: Path, store: FactStore) -> list[str]:
    """Assertions of the chapters that are false or cannot be evaluated, and unknown facts; one line each.

    There are none if the prose is not about these results: others may refute it and lack facts.
    """
    found = []
    for path in chapters(book) if store.strict else ():
        for piece in pieces(path.read_text(encoding="utf-8")):
            problem = ""
            try:
                if piece.kind == "claim":
                    outcome = evaluate(piece.text, store)
                    problem = "" if outcome.holds else f"false: {piece.text!r} ({outcome.explanation})"
                elif piece.kind == "fact":
                    store[piece.text.partition("|")[0]]
            except FactError as error:
                problem = str(error)
            if problem:
                found.append(f"{book.name}/{path.relative_to(book)}:{piece.line}: {problem}")
    return found


def evaluate(text: str, store: FactStore) -> Outcome:
    """Evaluate the content of a claim role.

    Raises:
        FactError: the text is no assertion, or a fact that it names is unknown.
    """
    words, bar, conditions = text.partition("|")
    if not bar or not words.strip():
        raise FactError(f"claim {text!r}: expected words | conditions")
    pair: Pair | None = None
    holds, explanations, first = True, [], None
    for condition in conditions.split(","):
        match = CONDITION.fullmatch(condition.strip())
        if not match:
            raise FactError(
                f"claim {text!r}: {condition.strip()!r} is not `A > B`, `A ~ B`, `A = word` or `p < x`"
            )
        left, sign, right = match["left"], match["sign"], match["right"].strip()
        if P_NAME.fullmatch(left):
            if pair is None:
                raise FactError(f"claim {text!r}: {left} stands before the comparison that it is about")
            left = p_key(pair, left, store)
        else:
            pair = Pair(left, right)
        if first is None:
            first = _fact(left, store) or _fact(right, store)
        true, explanation = _condition(left, sign, right, store)
        holds &= true
        explanations.append(explanation)
    return Outcome(words.strip(), holds, "; ".join(explanations), first)


def _condition(left: str, sign: str, right: str, store: FactStore) -> tuple[bool, str]:
    if sign == "~":
        key = p_key(Pair(left, right), "p", store)
        return _number(key, store) >= SIGNIFICANCE, f"{key} = {store[key].text()}"
    if sign == "=":
        fact = store[left]
        return fact.text() == right, f"{left} = {fact.text()}"
    values = [_number(operand, store) for operand in (left, right)]
    shown = [f"{o} = {_fact(o, store).text()}" for o in (left, right) if _fact(o, store)]  # type: ignore[union-attr]
    return OPERATORS[sign](*values), ", ".join(shown)


def _number(operand: str, store: FactStore) -> float:
    fact = _fact(operand, store)
    value = fact.value if fact else operand
    try:
        return float(value)
    except ValueError:
        raise FactError(f"fact {operand!r}: {value!r} is not a number") from None


def _fact(operand: str, store: FactStore) -> Fact | None:
    """The fact that an operand names, or None if it is a literal number."""
    try:
        float(operand)
    except ValueError:
        mean = f"{operand}.mean"
        return store[mean if mean in store.facts else operand]
    return None


def p_key(pair: Pair, name: str, store: FactStore) -> str:
    """Key of the p value of a comparison.

    Raises:
        FactError: the pair is not of one market and metric, or the two were not compared.
    """
    parts = [key.split(".") for key in pair]
    if any(len(part) != 3 for part in parts) or parts[0][::2] != parts[1][::2]:
        raise FactError(f"{pair.left} against {pair.right}: no p value; compare <market>.<policy>.<metric>")
    (market, a, metric), (_, b, _) = parts
    candidates = [f"{market}.{x}.minus.{y}.{metric}.{name}" for x, y in ((a, b), (b, a))]
    candidates += [f"{market}.ablation.{x}.{metric}.{name}" for x, y in ((a, b), (b, a)) if y == "full"]
    for key in candidates:
        if key in store.facts:
            return key
    store[candidates[0]]  # raises, naming the nearest keys
    raise AssertionError
