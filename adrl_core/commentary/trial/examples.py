"""Findings of every kind and direction, with made-up facts, for the tests of the commentary."""

from collections.abc import Iterator
from itertools import product

from adrl_core.commentary.finding import Finding, Number, Relation
from adrl_core.commentary.names import Role


def _numbers(*slots: tuple[str, str, str]) -> tuple[Number, ...]:
    return tuple(Number(slot=slot, fact=f"x.{slot}", owner=owner, unit=unit) for slot, owner, unit in slots)


def comparison(
    subject: str, relation: Relation, other: str, measure: str = "reward", market: str = "channels"
) -> Finding:
    """One policy against another."""
    return Finding(
        key=f"{market}.{subject}.versus.{other}.{measure}.{relation}",
        role=Role.PERFORMANCE,
        relation=relation,
        market=market,
        subject=subject,
        object=other,
        measure=measure,
        numbers=_numbers(("subject", subject, measure), ("object", other, measure), ("share", "", "")),
        topic="comparison",
    )


def of_part(topic: str, part: str, relation: Relation, market: str = "channels") -> Finding:
    """What a part is worth, or how fast the team is without it."""
    numbers = {
        "ablation": (("share", part, ""), ("interval", part, "")),
        "speed": (("without", part, "episodes"), ("whole", "full", "episodes")),
    }
    return Finding(
        key=f"{market}.{topic}.{part}.{relation}",
        role=Role.STRATEGY,
        relation=relation,
        market=market,
        subject=part,
        numbers=_numbers(*numbers[topic]),
        topic=topic,
    )


def of_team(
    topic: str,
    team: str,
    relation: Relation,
    slots: tuple[tuple[str, str], ...],
    other: str = "",
    measure: str = "reward",
    market: str = "channels",
) -> Finding:
    """Something about one team; each slot with its unit."""
    return Finding(
        key=f"{market}.{topic}.{team}.{relation}",
        role=Role.STRATEGY,
        relation=relation,
        market=market,
        subject=team,
        object=other,
        measure=measure,
        numbers=_numbers(*((slot, team, unit) for slot, unit in slots)),
        topic=topic,
    )


_TRAINING = (("first", "reward"), ("last", "reward"))
_MILESTONE = (("episode", "episodes"), ("now", "reward"), ("before", "reward"))
_TEN = (("gain", "reward"), ("interval", ""), ("printed", ""))
_ROI = (("roi", "profit"), ("spend", ""))
_PLACEMENT = (("first", ""), ("last", ""))
_MODES = (("share", ""),)
_DELAY = ("delay", "", "episodes")


def _bid(relation: Relation, market: str) -> Finding:
    finding = comparison("tuned", relation, "full", measure="bid", market=market)
    return finding.model_copy(update={"topic": "bid", "numbers": finding.numbers[:2]})


def examples() -> Iterator[Finding]:
    """Findings of every topic, in every direction, the trained team winning and losing."""
    compared = (Relation.ABOVE, Relation.BELOW, Relation.OPEN)
    for relation, other in product(compared, ("oracle", "best_constant", "random")):
        yield comparison("tuned", relation, other)
        yield comparison("full", relation, other, measure="profit")
    for relation in compared:
        yield comparison("full", relation, "constant_max", market="published")
        yield _bid(relation, "channels")
    for relation in (Relation.HELPS, Relation.HARMS, Relation.UNSEEN):
        for part in ("no_bidding", "uniform_replay"):
            yield of_part("ablation", part, relation)
    for relation in (Relation.EARLIER, Relation.LATER):
        for part in ("no_controller", "plain_head"):
            yield of_part("speed", part, relation)
    for relation in (Relation.RISES, Relation.FALLS, Relation.STEADY):
        yield of_team("training", "tuned", relation, _TRAINING)
        yield of_team("milestone", "full", relation, _MILESTONE)
        yield of_team("ten", "full", relation, _TEN)
    yield of_team("milestone", "full", Relation.STATES, _MILESTONE[:2])
    for relation, team in product(compared, ("guarded", "fair", "private")):
        finding = comparison(team, relation, "tuned")
        yield finding.model_copy(update={"numbers": finding.numbers[2:]})
    for relation in compared:
        yield comparison("private", relation, "unprepared")
        yield comparison("shaped", relation, "for_profit", measure="profit", market="margin")
        yield comparison("planner", relation, "lookahead", market="pacing")
        yield comparison("planner", relation, "oracle_threshold", market="shift")
        for rival in ("ppo", "dqn", "bandit", "online_lp"):
            yield comparison(rival, relation, "planner", measure="profit", market="margin")
        yield comparison("tuned", relation, "best_constant", market="channels_fee_2")
    yield from _of_mechanisms()
    yield of_team("modes", "tuned", Relation.STATES, _MODES)
    yield of_team("placement", "full", Relation.STATES, _PLACEMENT, other="oracle")
    yield of_team("roi", "tuned", Relation.STATES, _ROI, measure="profit")
    counted = ("all", "reproduced", "contradicted", "inconsistent_in_itself")
    yield Finding(
        key="ledger",
        role=Role.BUSINESS,
        relation=Relation.STATES,
        numbers=_numbers(*((slot, "", "") for slot in counted)),
        topic="ledger",
    )
    yield from _more_examples()


def _of_mechanisms() -> Iterator[Finding]:
    """What mechanisms of governance do, in numbers."""
    for topic, team in (("broken", "guarded"), ("exposure", "fair")):
        finding = comparison(team, Relation.BELOW, "tuned", measure="")
        yield finding.model_copy(
            update={"key": f"channels.{topic}", "topic": topic, "numbers": finding.numbers[:2]}
        )
    yield Finding(
        key="channels.bound",
        role=Role.BUSINESS,
        relation=Relation.STATES,
        market="channels",
        measure="",
        numbers=_numbers(
            ("caught", "", ""), ("faulty", "", ""), ("alarms", "", ""), ("delay", "", "episodes")
        ),
        topic="bound",
    )


def _more_examples() -> Iterator[Finding]:
    """Findings that the independent paraphrases are about, besides those above."""
    on = {"market": "published"}
    for team in ("tuned", "full"):
        yield comparison(team, Relation.ABOVE, "random", **on)
        yield comparison(team, Relation.BELOW, "constant_max", measure="profit", **on)
        yield of_team("training", team, Relation.RISES, _TRAINING, **on)
        yield of_team("modes", team, Relation.STATES, _MODES, **on)
        yield of_team("roi", team, Relation.STATES, _ROI, measure="profit", **on)
    yield comparison("tuned", Relation.BELOW, "constant_max", **on)
    yield comparison("tuned", Relation.BELOW, "full", **on)
    yield comparison("tuned", Relation.ABOVE, "full")
    yield comparison("tuned", Relation.ABOVE, "best_constant", measure="profit")
    yield comparison("full", Relation.BELOW, "oracle")
    yield comparison("full", Relation.OPEN, "best_constant")
    yield _bid(Relation.OPEN, "published")
    yield of_team("ten", "full", Relation.STEADY, _TEN, **on)
    yield of_team("placement", "tuned", Relation.STATES, _PLACEMENT, other="oracle")
    yield of_team("milestone", "tuned", Relation.RISES, _MILESTONE)
    yield of_part("ablation", "no_bidding", Relation.HELPS, **on)
    for part in ("uniform_replay", "no_controller"):
        yield of_part("ablation", part, Relation.UNSEEN, **on)
    for part in ("no_controller", "no_budget"):
        yield of_part("speed", part, Relation.EARLIER, **on)
    for market in ("published", "channels"):
        yield of_part("speed", "no_bidding", Relation.LATER, market)
