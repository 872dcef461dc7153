"""What there is to say: findings worked out from the facts, each with its numbers, direction and rank.

A finding states one relation and quotes its numbers by the keys of their facts. Whoever phrases it, a
language model or a template, adds nothing to it.
"""

from collections.abc import Iterator

from adrl_core.commentary.absent import absent
from adrl_core.commentary.finding import COMPARED, Finding, Number, Relation, compared, listed
from adrl_core.commentary.governed import governed
from adrl_core.commentary.harder import HARDER, auctioned, harder
from adrl_core.commentary.names import PARTS, SIMPLE, TEAMS, Role, name
from adrl_core.report.facts import Fact, FactStore

PARAGRAPHS = (*SIMPLE, *HARDER, "governance", "")
"""The paragraphs of each role: one a market, one on governance, and what belongs to no market."""
_CHANGES = {"above": Relation.RISES, "below": Relation.FALLS, "not distinguishable from": Relation.STEADY}
_PARTS = {"helps": Relation.HELPS, "harms": Relation.HARMS, "no detectable effect": Relation.UNSEEN}
_SPEED = {"earlier": Relation.EARLIER, "later": Relation.LATER}


def collect(store: FactStore) -> list[Finding]:
    """All findings that the facts hold, by role and paragraph."""
    found: list[Finding] = []
    for market in SIMPLE:
        if f"{market}.full.reward.mean" in store.facts:
            for build in (_references, _teams, _training, _behaviour, _ablations, _idle, _money):
                found += build(store, market)
    found += [*harder(store), *governed(store), *auctioned(store), *_ledger(store), *absent(store)]
    roles = list(Role)
    return sorted(found, key=lambda f: (roles.index(f.role), PARAGRAPHS.index(f.paragraph)))


def along_the_training(store: FactStore, market: str, team: str) -> list[Finding]:
    """What a team's training looks like at each milestone: the change since the one before."""
    found, milestone = [], 1
    while (key := f"{market}.{team}.training.milestone.{milestone}.reward") and f"{key}.mean" in store.facts:
        numbers = [
            Number(slot="episode", fact=f"{key}.episode", unit="episodes"),
            Number(slot="now", fact=f"{key}.mean", owner=team, unit="reward"),
        ]
        relation = Relation.STATES
        if f"{key}.word" in store.facts:
            relation = _CHANGES[str(store[f"{key}.word"].value)]
            numbers.append(Number(slot="before", fact=f"{key}.before", owner=team, unit="reward"))
        found.append(
            Finding(
                key=key,
                role=Role.PERFORMANCE,
                relation=relation,
                market=market,
                subject=team,
                numbers=tuple(numbers),
                topic="milestone",
                surprising=relation is Relation.FALLS,
            )
        )
        milestone += 1
    return found


def _references(store: FactStore, market: str) -> Iterator[Finding]:
    """Each team against the best policy that does not look, the oracle and chance."""
    expected = {SIMPLE[market]: Relation.ABOVE, "oracle": Relation.BELOW, "random": Relation.ABOVE}
    for team in TEAMS:
        for other, usual in expected.items():
            for finding in _comparison(store, market, team, other):
                surprising = finding.relation is not usual
                weight = surprising + (0.1 if other == "random" else 0.6)
                yield finding.model_copy(update={"surprising": surprising, "weight": weight})


def _teams(store: FactStore, market: str) -> Iterator[Finding]:
    """The tuned team against the published settings."""
    yield from _comparison(store, market, "tuned", "full", weight=0.7)


def _comparison(
    store: FactStore,
    market: str,
    subject: str,
    other: str,
    measure: str = "reward",
    role: Role = Role.PERFORMANCE,
    weight: float = 0.5,
) -> Iterator[Finding]:
    key = f"{market}.{subject}.{{}}.{other}.{measure}"
    means = {policy: f"{market}.{policy}.{measure}.mean" for policy in (subject, other)}
    share = f"{key.format('over')}.ratio"
    yield from compared(
        store, key.format("versus"), means, share, role=role, market=market, measure=measure, weight=weight
    )


def _training(store: FactStore, market: str) -> Iterator[Finding]:
    """What the whole training changed, and what its first ten episodes did."""
    for team in _present(store, market, TEAMS):
        base = f"{market}.{team}.training"
        yield Finding(
            key=f"{base}.gain.reward",
            role=Role.PERFORMANCE,
            relation=_CHANGES[str(store[f"{base}.gain.reward.word"].value)],
            market=market,
            subject=team,
            numbers=(
                Number(slot="first", fact=f"{base}.first.reward.mean", owner=team, unit="reward"),
                Number(slot="last", fact=f"{base}.last.reward.mean", owner=team, unit="reward"),
            ),
            topic="training",
            weight=0.3,
        )
    base = f"{market}.full.training.ten.reward"
    if f"{base}.word" in store.facts:
        relation = _CHANGES[str(store[f"{base}.word"].value)]
        yield Finding(
            key=base,
            role=Role.PERFORMANCE,
            relation=relation,
            market=market,
            subject="full",
            numbers=(
                Number(slot="gain", fact=f"{base}.gain", owner="full", unit="reward"),
                Number(slot="interval", fact=f"{base}.gain|interval", owner="full"),
                Number(slot="printed", fact="claim.C142"),
            ),
            topic="ten",
            surprising=relation is not Relation.RISES,
            weight=0.5,
        )


def _behaviour(store: FactStore, market: str) -> Iterator[Finding]:
    """How the teams bid, whom they ask, and where they put the money."""
    teams = _present(store, market, TEAMS)
    word = f"{market}.tuned.minus.full.bid.word"
    if word in store.facts:
        yield Finding(
            key=f"{market}.tuned.versus.full.bid",
            role=Role.STRATEGY,
            relation=COMPARED[str(store[word].value)],
            market=market,
            subject="tuned",
            object="full",
            measure="bid",
            numbers=(
                Number(slot="subject", fact=f"{market}.tuned.bid.mean", owner="tuned"),
                Number(slot="object", fact=f"{market}.full.bid.mean", owner="full"),
            ),
            topic="bid",
            weight=0.4,
        )
    for team in teams:
        yield Finding(
            key=f"{market}.{team}.share_both",
            role=Role.STRATEGY,
            relation=Relation.STATES,
            market=market,
            subject=team,
            numbers=(
                Number(slot="share", fact=f"{market}.{team}.training.last.share_both.mean", owner=team),
            ),
            topic="modes",
            weight=0.3,
        )
        placed = f"{market}.{team}.misplaced"
        if f"{placed}.first.mean" in store.facts:
            yield Finding(
                key=placed,
                role=Role.STRATEGY,
                relation=Relation.STATES,
                market=market,
                subject=team,
                object="oracle",
                numbers=tuple(
                    Number(slot=part, fact=f"{placed}.{part}.mean", owner=team) for part in ("first", "last")
                ),
                topic="placement",
                weight=0.5,
            )


def _ablations(store: FactStore, market: str) -> Iterator[Finding]:
    """What each part is worth in reward, and whether the team is faster with it."""
    for part in PARTS:
        base = f"{market}.ablation.{part}.reward"
        if f"{base}.word" not in store.facts:
            continue
        relation = _PARTS[str(store[f"{base}.word"].value)]
        share = _value(store[f"{base}.share"])
        yield Finding(
            key=base,
            role=Role.STRATEGY,
            relation=relation,
            market=market,
            subject=part,
            numbers=(
                Number(slot="share", fact=f"{base}.share", owner=part),
                Number(slot="interval", fact=f"{base}.share|interval", owner=part),
            ),
            topic="ablation",
            surprising=relation is not Relation.HELPS,
            weight=abs(share) + (relation is not Relation.UNSEEN),
        )
        speed = f"{market}.{part}.threshold"
        usually = f"{speed}.median" in store.facts  # else most runs never get there, and no mean tells when
        if usually and (word := str(store[f"{speed}.word"].value)) in _SPEED:
            yield Finding(
                key=f"{speed}.later",
                role=Role.STRATEGY,
                relation=_SPEED[word],
                market=market,
                subject=part,
                numbers=(
                    Number(slot="without", fact=f"{speed}.restricted_mean", owner=part, unit="episodes"),
                    Number(
                        slot="whole",
                        fact=f"{market}.full.threshold.restricted_mean",
                        owner="full",
                        unit="episodes",
                    ),
                ),
                topic="speed",
                surprising=word == "earlier",
                weight=0.5 if word == "earlier" else 0.2,
            )


def _idle(store: FactStore, market: str) -> Iterator[Finding]:
    """The parts whose contribution the data cannot tell from none, together."""
    unseen = [name(f.subject) for f in _ablations(store, market) if f.relation is Relation.UNSEEN]
    if len(unseen) > 1:
        yield Finding(
            key=f"{market}.ablation.unseen",
            role=Role.STRATEGY,
            relation=Relation.UNSEEN,
            market=market,
            subject=listed(unseen),
            topic="idle",
            surprising=True,
            weight=1.0,
            fixed=True,
        )


def _money(store: FactStore, market: str) -> Iterator[Finding]:
    """What the teams' purchases bring in, in currency."""
    for team in _present(store, market, TEAMS):
        yield from _comparison(store, market, team, SIMPLE[market], "profit", Role.BUSINESS)
        yield Finding(
            key=f"{market}.{team}.roi",
            role=Role.BUSINESS,
            relation=Relation.STATES,
            market=market,
            measure="profit",
            subject=team,
            numbers=(
                Number(slot="roi", fact=f"{market}.{team}.roi.ratio_of_sums", owner=team, unit="profit"),
                Number(slot="spend", fact=f"{market}.{team}.spend.mean", owner=team),
            ),
            topic="roi",
            weight=0.1,
        )


def _ledger(store: FactStore) -> Iterator[Finding]:
    """How many of the published claims held."""
    if "ledger.count.all" in store.facts:
        yield Finding(
            key="ledger.count",
            role=Role.BUSINESS,
            relation=Relation.STATES,
            numbers=tuple(
                Number(slot=slot, fact=f"ledger.count.{slot}")
                for slot in ("all", "reproduced", "contradicted", "inconsistent_in_itself")
            ),
            topic="ledger",
        )


def _present(store: FactStore, market: str, teams: tuple[str, ...]) -> list[str]:
    return [team for team in teams if f"{market}.{team}.reward.mean" in store.facts]


def _value(fact: Fact) -> float:
    return float(fact.value)
