"""Findings on the harder markets, on rivals, and on logs of real auctions."""

from collections.abc import Iterator

from adrl_core.commentary.finding import Finding, Number, Relation, compared
from adrl_core.commentary.names import RIVALS, SIMPLE, TEAMS, Role
from adrl_core.evidence import harder as evidence
from adrl_core.evidence.harder import GOALS, Goal, key_of
from adrl_core.report.facts import FactStore

HARDER = tuple(market for goal in GOALS if (market := key_of(goal.market)) not in SIMPLE)
"""The markets beyond the simple ones, as fact keys call them."""
AGENT = "auctions.agent.minus.rlb"


def harder(store: FactStore) -> Iterator[Finding]:
    """On each market with a goal: the planning team against the rule of that goal, and the others."""
    for goal in GOALS:
        yield from _on(store, goal)


def _on(store: FactStore, goal: Goal) -> Iterator[Finding]:
    market, measure = key_of(goal.market), goal.metric
    place = market if market in SIMPLE else f"{evidence.PREFIX}.{market}"
    # Where the goal is profit, everyone is taken as having learned from profit.
    learned = {team: f"{team}_reward_profit" if measure == "profit" else team for team in (*TEAMS, "planner")}
    by = "_profit" if measure == "profit" else ""

    def earned(policy: str) -> str:
        return f"{place}.{policy}.{measure}.mean"

    planner = f"{place}.{learned['planner']}"
    yield from compared(
        store,
        f"{planner}.versus.{goal.rule}.{measure}",
        {"planner": earned(learned["planner"]), goal.rule.removesuffix(by): earned(goal.rule)},
        f"{planner}.over.{goal.rule}.{measure}.ratio",
        role=Role.PERFORMANCE,
        market=market,
        measure=measure,
        weight=0.6,
    )
    if market not in SIMPLE:
        for team in TEAMS:
            yield from compared(
                store,
                f"{place}.{learned[team]}.versus.best_constant{by}.{measure}",
                {team: earned(learned[team]), "best_constant": earned(f"best_constant{by}")},
                role=Role.PERFORMANCE,
                market=market,
                measure=measure,
            )
    means = {rival: f"rivals.{market}.{rival}{by}.{measure}.mean" for rival in RIVALS}
    if present := [rival for rival in RIVALS if means[rival] in store.facts]:
        best = max(present, key=lambda rival: float(store[means[rival]].value))
        for other, called in (("planner", "planner"), ("tuned", "team")):
            yield from compared(
                store,
                f"rivals.{market}.{best}{by}.minus.{called}.{measure}",
                {best: means[best], other: earned(learned[other])},
                role=Role.PERFORMANCE,
                market=market,
                measure=measure,
                weight=0.6,
            )


def auctioned(store: FactStore) -> Iterator[Finding]:
    """The bidding agent against RLB on logged auctions, by budget."""
    facts = {
        "above": f"{AGENT}.clicks.above",
        "budgets": "auctions.constant.budgets",
        "below": f"{AGENT}.clicks.below",
        "expected": f"{AGENT}.expected.above",
    }
    if all(fact in store.facts for fact in facts.values()):
        yield Finding(
            key=AGENT,
            role=Role.PERFORMANCE,
            relation=Relation.STATES,
            numbers=tuple(Number(slot=slot, fact=fact) for slot, fact in facts.items()),
            topic="auctions",
            fixed=True,
        )
