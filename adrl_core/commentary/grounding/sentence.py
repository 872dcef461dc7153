"""A sentence as a row of tokens beside the finding that it should state."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from adrl_core.commentary.finding import Finding
from adrl_core.commentary.lexicon import Kind, Token
from adrl_core.commentary.names import LEARNERS, RULES

Problems = list[str]

CONCEDING = {"but", "though", "although", "yet", "still", "while", "whereas"}
BACK = {"the team": LEARNERS, "the policy": RULES, "that policy": RULES}
"""What refers back to one of two things that a finding names, if only one of them is such a thing."""
_INSISTING = {"do", "does", "did", "is", "are", "was", "were", "has", "have"}
RELATIVE = {"whose", "which", "who", "that"}
ASIDE = {
    *(
        "against",
        "measured against",
        "compared with",
        "compared to",
        "relative to",
        "beside",
        "next to",
        "unlike",
    ),
    *(
        "set beside",
        "set against",
        "held against",
        "put beside",
        "than",
        "in comparison with",
        "in comparison to",
    ),
}
"""What puts the name after it aside: "against O, S earns more"."""


@dataclass(frozen=True)
class Sentence:
    """What the checks look at; places are indices of tokens."""

    tokens: tuple[Token, ...]
    finding: Finding

    def places(self, *kinds: Kind) -> list[int]:
        """Where tokens of these kinds stand."""
        return [at for at, token in enumerate(self.tokens) if token.kind in kinds]

    def has(self, *kinds: Kind) -> bool:
        """Whether it holds a token of these kinds."""
        return any(token.kind in kinds for token in self.tokens)

    def before(self, at: int, count: int) -> tuple[Token, ...]:
        """The tokens right before a place, at most `count` of them."""
        return self.tokens[max(0, at - count) : at]

    def after(self, at: int, count: int) -> tuple[Token, ...]:
        """The tokens right after a place, at most `count` of them."""
        return self.tokens[at + 1 : at + 1 + count]

    @cached_property
    def names(self) -> list[int]:
        """Where policies and parts are named."""
        return self.places(Kind.NAME)

    @cached_property
    def slots(self) -> list[int]:
        """Where numbers are quoted."""
        return self.places(Kind.SLOT)

    @cached_property
    def quoted(self) -> list[str]:
        """The numbers quoted, in their order."""
        return [self.tokens[at].value for at in self.slots]

    def owner(self, at: int) -> str:
        """The thing that a name or number refers to; empty for a number that belongs to none."""
        token = self.tokens[at]
        return self.finding.number(token.value).owner if token.kind is Kind.SLOT else token.value

    @cached_property
    def owned(self) -> list[int]:
        """Where numbers are quoted that belong to a thing."""
        return [at for at in self.slots if self.owner(at)]

    @cached_property
    def references(self) -> list[int]:
        """Where things are referred to, by name or by a number of theirs."""
        return sorted([*self.names, *self.owned])

    @cached_property
    def undecided(self) -> list[int]:
        """Where it leaves something open: in so many words, or by denying that it is shown."""
        denied = [at for at in self.places(Kind.NONE) if self._unseen(at)]
        return sorted([*self.places(Kind.OPEN, Kind.HEDGE), *denied])

    def _unseen(self, at: int) -> bool:
        """Whether a denial is of what could be shown: "no gain can be seen", "we detect none"."""
        shown = next((n for n in self.places(Kind.SHOWN) if n > at), None)
        follows = shown is not None and not any(token.comma for token in self.tokens[at + 1 : shown + 1])
        return follows or any(token.kind is Kind.SHOWN for token in self.before(at, 1))

    @cached_property
    def taken_back(self) -> list[int]:
        """Where it goes on with the like of "but it does"."""
        texts = [token.text for token in self.tokens]
        return [
            at
            for at, (first, second) in enumerate(pairwise(texts))
            if first in ("it", "they")
            and second in _INSISTING
            and CONCEDING & set(texts[max(0, at - 2) : at])
        ]

    @cached_property
    def main_name(self) -> int:
        """Place of the first name that is not put aside, the grammatical subject."""
        main = [at for at in self.names if not (at > 0 and self.tokens[at - 1].text in ASIDE)]
        return (main or self.names)[0]

    def relative(self, at: int) -> bool:
        """Whether the place is in a clause on the name before it: "S, whose reward is [s]"."""
        before = [name for name in self.names if name < at]
        return bool(before) and any(token.text in RELATIVE for token in self.tokens[before[-1] : at])

    def unnamed(self, *things: str) -> Problems:
        """A problem for each thing that is not named."""
        named = {self.tokens[at].value for at in self.names if self.tokens[at].text not in BACK}
        return [f"does not name {thing}" for thing in things if thing and thing not in named]


def referred(tokens: Iterable[Token], finding: Finding) -> tuple[Token, ...]:
    """Tokens in which "the team" and "the policy" stand for the one of the two compared that is one."""
    compared = (finding.subject, finding.object) if finding.object else ()

    def meant(token: Token) -> Token:
        things = [thing for thing in compared if thing in BACK[token.text]]
        if len(things) == 1:
            return token._replace(kind=Kind.NAME, value=things[0])
        return token._replace(kind=Kind.FILLER, value="")

    return tuple(meant(token) if token.text in BACK else token for token in tokens)


def changes(values: Iterable[str]) -> list[str]:
    """Values without those that repeat the one before."""
    found: list[str] = []
    for value in values:
        if found[-1:] != [value]:
            found.append(value)
    return found
