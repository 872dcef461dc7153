"""Findings on governance: what each mechanism costs the tuned team, and what it is good for."""

from collections.abc import Iterator

from adrl_core.commentary.finding import COMPARED, Finding, Number, Relation, compared
from adrl_core.commentary.names import Role
from adrl_core.report.facts import FactStore

SAFETY = "governance.guardrails.channels"
BOUND = "governance.oversight.channels"
NOISE = "governance.privacy"
PARITY = "governance.fairness"
PURPOSE = "governance.integrity"


def governed(store: FactStore) -> Iterator[Finding]:
    """What the facts hold of each mechanism, in the order of the chapter on governance."""
    yield from _kept(store, "guarded", f"{SAFETY}.enforced.share", f"{SAFETY}.enforced.minus_counted.reward")
    broken = f"{SAFETY}.enforced.minus_counted.broken"
    yield from _beside(
        store, "broken", f"{SAFETY}.{{}}.broken.mean", broken, guarded="enforced", tuned="counted"
    )
    yield from _bound(store)
    noised = f"{NOISE}.with.epsilon_1"
    yield from _kept(store, "private", f"{noised}.share", f"{noised}.minus_clean")
    yield from compared(
        store,
        f"{noised}.minus_without",
        {"private": f"{noised}.reward.mean", "unprepared": f"{NOISE}.without.epsilon_1.reward.mean"},
        role=Role.BUSINESS,
        market="channels",
    )
    yield from _kept(store, "fair", f"{PARITY}.fair.share", f"{PARITY}.fair.minus_tuned")
    exposure = f"{PARITY}.fair.minus_tuned.exposure"
    yield from _beside(
        store, "exposure", f"{PARITY}.{{}}.exposure.ratio", exposure, fair="fair", tuned="tuned"
    )
    yield from compared(
        store,
        f"{PURPOSE}.shaped.minus.profit.profit",
        {"shaped": f"{PURPOSE}.shaped.profit.mean", "for_profit": f"{PURPOSE}.profit.profit.mean"},
        role=Role.BUSINESS,
        market="margin",
        measure="profit",
    )


def _kept(store: FactStore, team: str, share: str, difference: str) -> Iterator[Finding]:
    """The share of the tuned team's reward that is left under a mechanism."""
    if f"{share}.mean" in store.facts:
        yield Finding(
            key=share,
            role=Role.BUSINESS,
            relation=COMPARED[str(store[f"{difference}.word"].value)],
            market="channels",
            subject=team,
            object="tuned",
            numbers=(Number(slot="share", fact=f"{share}.mean"),),
            topic="comparison",
        )


def _beside(store: FactStore, topic: str, fact: str, difference: str, **teams: str) -> Iterator[Finding]:
    """A number under a mechanism and the tuned team's without; `teams` says how the facts call both."""
    (subject, mine), (other, theirs) = teams.items()
    facts = (fact.format(mine), fact.format(theirs))
    if f"{difference}.word" in store.facts:
        yield Finding(
            key=facts[0],
            role=Role.BUSINESS,
            relation=COMPARED[str(store[f"{difference}.word"].value)],
            market="channels",
            subject=subject,
            object=other,
            measure="",
            numbers=(
                Number(slot="subject", fact=facts[0], owner=subject),
                Number(slot="object", fact=facts[1], owner=other),
            ),
            topic=topic,
        )


def _bound(store: FactStore) -> Iterator[Finding]:
    """What the performance bound stops, and how soon."""
    facts = {
        "caught": f"{BOUND}.caught",
        "faulty": f"{BOUND}.faulty",
        "alarms": f"{BOUND}.false_alarms",
        "delay": f"{BOUND}.stuck_bid.delay.median",
    }
    if all(fact in store.facts for fact in facts.values()):
        yield Finding(
            key=facts["caught"],
            role=Role.BUSINESS,
            relation=Relation.STATES,
            market="channels",
            measure="",
            numbers=tuple(
                Number(slot=slot, fact=fact, unit="episodes" if slot == "delay" else "")
                for slot, fact in facts.items()
            ),
            topic="bound",
        )
