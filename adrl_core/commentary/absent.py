"""What a full report would comment on and has no results for, so that it is named and not passed over."""

from collections.abc import Iterator, Mapping

from adrl_core.commentary.finding import Finding, Relation, listed
from adrl_core.commentary.names import MARKETS, PARTS, SIMPLE, TEAMS, Role, name
from adrl_core.evidence.harder import PREFIX
from adrl_core.report.facts import FactStore

TRIALS: Mapping[str, str] = {
    "guardrails": "the safety layer",
    "oversight": "oversight",
    "privacy": "privacy",
    "fairness": "fairness",
    "integrity": "the monitors",
    "explanations": "explanations",
    "footprint": "the footprint",
}
"""The trials of governance, by the second part of their facts' keys."""


def absent(store: FactStore) -> Iterator[Finding]:
    """Markets on which policies have not been compared, and stages without results."""
    untried = [name(market) for market in MARKETS if not _tried(store, market)]
    untried += [] if _starts(store, "auctions.") else ["logs of real auctions"]
    if untried:
        yield _missing("missing.markets", "untried", untried)
    stages = [topic for market in SIMPLE if _any(store, market, TEAMS) for topic in _parts(store, market)]
    trials = [topic for trial, topic in TRIALS.items() if not _starts(store, f"governance.{trial}.")]
    stages += ["governance"] if len(trials) == len(TRIALS) else trials
    if stages:
        yield _missing("missing.stages", "missing", stages)


def _parts(store: FactStore, market: str) -> Iterator[str]:
    """Teams that were not trained on a market, and parts whose ablation was not."""
    yield from (f"{name(team)} on {name(market)}" for team in TEAMS if not _any(store, market, (team,)))
    parts = [name(part) for part in PARTS if f"{market}.ablation.{part}.reward.word" not in store.facts]
    if parts:
        yield (
            f"ablations of {listed(parts)} on {name(market)}"
            if len(parts) < len(PARTS)
            else (f"ablations on {name(market)}")
        )


def _tried(store: FactStore, market: str) -> bool:
    """Whether any team was evaluated on a market, here or as one of the harder ones."""
    return any(_any(store, place, (*TEAMS, "planner")) for place in (market, f"{PREFIX}.{market}"))


def _any(store: FactStore, market: str, teams: tuple[str, ...]) -> bool:
    return any(f"{market}.{team}.reward.mean" in store.facts for team in teams)


def _starts(store: FactStore, prefix: str) -> bool:
    return any(key.startswith(prefix) for key in store.facts)


def _missing(key: str, topic: str, things: list[str]) -> Finding:
    return Finding(
        key=key,
        role=Role.BUSINESS,
        relation=Relation.MISSING,
        subject=listed(things),
        topic=topic,
        fixed=True,
    )
