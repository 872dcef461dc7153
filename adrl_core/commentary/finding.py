"""A finding: one relation that the data hold, with the numbers that may be quoted for it."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from adrl_core.commentary.names import Role
from adrl_core.report.facts import FactStore


class Relation(StrEnum):
    """What a finding states."""

    ABOVE = "above"
    BELOW = "below"
    OPEN = "open"
    """Two quantities that the data cannot tell apart."""
    RISES = "rises"
    FALLS = "falls"
    STEADY = "steady"
    """A change that the data cannot tell from none."""
    HELPS = "helps"
    HARMS = "harms"
    UNSEEN = "unseen"
    """A part whose contribution the data cannot tell from none."""
    EARLIER = "earlier"
    LATER = "later"
    STATES = "states"
    """A number by itself."""
    MISSING = "missing"
    """Results that there are not yet; the subject lists them."""


class Number(BaseModel):
    """A number that a finding may quote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slot: str
    """How it stands in a sentence, in square brackets."""
    fact: str
    """Key of its fact, with `|interval` for the interval."""
    owner: str = ""
    """The policy or part that it belongs to; empty if it belongs to the relation."""
    unit: str = ""
    """The noun that may follow it."""


class Finding(BaseModel):
    """One relation that the data hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    role: Role
    relation: Relation
    market: str = ""
    subject: str = ""
    object: str = ""
    measure: str = "reward"
    numbers: tuple[Number, ...] = ()
    surprising: bool = False
    """Whether the published report, or common sense, would have led one to expect something else."""
    weight: float = 0.0
    """Rank among the findings of its role and market."""
    lead: str = ""
    """Pattern of the words that tie it to the finding before it."""
    known: tuple[str, ...] = ()
    """Things that its paragraph has named before."""
    repeats: int = 0
    """How many findings of its kind stand right before it; each is put another way than the last."""
    topic: str = ""
    """Which kind of statement this is."""
    fixed: bool = False
    """Whether it is printed in its plain words: a list, in which there is nothing to phrase."""

    @property
    def paragraph(self) -> str:
        """Which of its role's paragraphs it stands in: its market's, or that on governance."""
        return "governance" if self.key.startswith("governance.") else self.market

    def number(self, slot: str) -> Number:
        """The number with this slot."""
        return next(n for n in self.numbers if n.slot == slot)


COMPARED = {"above": Relation.ABOVE, "below": Relation.BELOW, "not distinguishable from": Relation.OPEN}
"""The words of facts that compare, and what they state."""


def compared(
    store: FactStore,
    key: str,
    means: Mapping[str, str],
    share: str = "",
    *,
    role: Role,
    market: str,
    measure: str = "reward",
    weight: float = 0.5,
) -> Iterator[Finding]:
    """The finding that compares two policies; none where they were not compared.

    Args:
        store: facts of the study.
        key: fact of the comparison, without its `.word`.
        means: names of subject and object, each with the fact of what it earns.
        share: fact of the subject's mean as a share of the object's, where there is one.
        role: who comments on it.
        market: where they were compared.
        measure: what was compared.
        weight: rank among the findings of role and market.
    """
    if f"{key}.word" not in store.facts:
        return
    (subject, mine), (other, theirs) = means.items()
    numbers = [
        Number(slot="subject", fact=mine, owner=subject, unit=measure),
        Number(slot="object", fact=theirs, owner=other, unit=measure),
    ]
    if share in store.facts:
        numbers.append(Number(slot="share", fact=share))
    yield Finding(
        key=key,
        role=role,
        relation=COMPARED[str(store[f"{key}.word"].value)],
        market=market,
        subject=subject,
        object=other,
        measure=measure,
        numbers=tuple(numbers),
        weight=weight,
        topic="comparison",
    )


def listed(things: Sequence[str]) -> str:
    """Things as an English list."""
    return f"{', '.join(things[:-1])} and {things[-1]}" if len(things) > 1 else things[0]
