"""Findings against the facts that they come from."""

import pytest

from adrl_core.commentary.advice import ADVICE, advise
from adrl_core.commentary.finding import COMPARED, Finding, Relation
from adrl_core.commentary.findings import along_the_training, collect
from adrl_core.commentary.grounding import problems
from adrl_core.commentary.names import PARTS, SIMPLE, Role
from adrl_core.commentary.phrasing import linked, template
from adrl_core.commentary.trial.examples import comparison
from adrl_core.report.facts import Fact, FactStore
from adrl_core.report.stages import ROOT

PAPER = FactStore.load(ROOT / "results" / "paper" / "facts.json")
FOUND = {finding.key: finding for finding in collect(PAPER)}


def changed(**values: Fact) -> FactStore:
    """The paper's facts with others in place of some; dots of keys as double underscores."""
    facts = {key.replace("__", "."): fact for key, fact in values.items()}
    return PAPER.model_copy(update={"facts": PAPER.facts | facts})


@pytest.mark.parametrize("key", FOUND)
def test_findings_quote_facts_that_exist(key: str) -> None:
    for number in FOUND[key].numbers:
        fact, _, part = number.fact.partition("|")
        assert PAPER[fact].text("interval" if part else "value")


@pytest.mark.parametrize(
    ("word", "relation"),
    [("above", Relation.ABOVE), ("below", Relation.BELOW), ("not distinguishable from", Relation.OPEN)],
)
def test_the_direction_is_that_of_the_test(word: str, relation: Relation) -> None:
    store = changed(channels__tuned__versus__oracle__reward__word=Fact(value=word))
    found = {finding.key: finding for finding in collect(store)}
    assert found["channels.tuned.versus.oracle.reward"].relation is relation
    assert found["channels.tuned.versus.oracle.reward"].surprising is (relation is not Relation.BELOW)


def test_a_team_that_loses_to_a_constant_is_a_surprise_that_comes_first() -> None:
    store = changed(channels__full__versus__best_constant__reward__word=Fact(value="below"))
    found = [f for f in collect(store) if (f.role, f.market) == (Role.PERFORMANCE, "channels")]
    heaviest = max(found, key=lambda finding: finding.weight)
    assert (heaviest.key, heaviest.surprising) == ("channels.full.versus.best_constant.reward", True)


@pytest.mark.parametrize(("word", "relation"), COMPARED.items())
def test_bids_are_compared_run_by_run(word: str, relation: Relation) -> None:
    """Intervals of the two means may overlap though the runs tell them apart."""
    store = changed(
        channels__tuned__bid__mean=Fact(value=4.3, low=4.1, high=4.5),
        channels__full__bid__mean=Fact(value=4.4, low=4.2, high=4.6),
        channels__tuned__minus__full__bid__word=Fact(value=word),
    )
    found = {finding.key: finding for finding in collect(store)}
    assert found["channels.tuned.versus.full.bid"].relation is relation


def without(*prefixes: str) -> list[Finding]:
    """The findings of a study that lacks some facts."""
    facts = {key: fact for key, fact in PAPER.facts.items() if not key.startswith(prefixes)}
    return collect(PAPER.model_copy(update={"facts": facts}))


def missing(found: list[Finding]) -> str:
    return " ".join(template(finding) for finding in found if finding.relation is Relation.MISSING)


@pytest.mark.parametrize(
    ("prefixes", "named"),
    [
        (("channels.",), "no table of policies yet for the channels market"),
        (
            ("auctions.", "harder.shift."),
            "no table of policies yet for the shift market and logs of real auctions.",
        ),
        (("governance.",), "no results yet on governance."),
        (("governance.privacy.", "governance.footprint."), "no results yet on privacy and the footprint."),
        (("published.tuned.",), "the tuned team on the published market"),
        (("channels.ablation.",), "no results yet on ablations on the channels market."),
        (
            ("channels.ablation.no_bud", "channels.ablation.single"),
            "the Budget agent and double Q-learning on",
        ),
    ],
)
def test_what_has_no_results_is_named(prefixes: tuple[str, ...], named: str) -> None:
    assert named in missing(without(*prefixes))


def test_what_has_results_is_not_called_missing() -> None:
    assert "no results" not in missing(collect(PAPER))
    assert "table of policies" not in missing(collect(PAPER))
    bare = without("channels.", "governance.", "rivals.channels.")
    assert not [finding for finding in bare if finding.market == "channels"]


@pytest.mark.parametrize(("market", "best"), [("channels", "bandit"), ("pacing", "online_lp")])
def test_the_best_rival_is_compared(market: str, best: str) -> None:
    rivals = {
        f: PAPER[f"rivals.{market}.{f}.reward.mean"].value for f in ("ppo", "dqn", "bandit", "online_lp")
    }
    assert max(rivals, key=lambda rival: float(rivals[rival])) == best
    found = [f for f in FOUND.values() if f.market == market and f.subject in rivals]
    assert {f.subject for f in found} == {best}
    assert {f.object for f in found} >= {"planner"}


def test_where_profit_is_the_goal_everyone_has_learned_from_profit() -> None:
    found = [f for f in FOUND.values() if f.paragraph == "margin"]
    assert found and {f.measure for f in found} == {"profit"}
    for number in (n for f in found for n in f.numbers if n.owner):
        assert (
            number.owner in ("oracle", "best_constant")
            or "profit." in number.fact.split(".profit.mean")[0] + "."
        )


@pytest.mark.parametrize(("word", "given"), [("above", True), ("below", False)])
def test_a_bandit_is_recommended_where_it_beats_the_networks(word: str, given: bool) -> None:
    store = changed(rivals__channels__bandit__minus__team__reward__word=Fact(value=word))
    assert (
        "Before training networks, try a bandit with a linear model of the reward." in advise(collect(store))
    ) is given


def test_a_market_that_is_added_is_commented_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line in names.py: findings, words and check follow from the facts."""
    monkeypatch.setitem(SIMPLE, "shift", "best_constant")
    shifted = {
        key.replace("channels.", "shift.", 1): fact
        for key, fact in PAPER.facts.items()
        if key.startswith("channels.")
    }
    found = collect(PAPER.model_copy(update={"facts": PAPER.facts | shifted}))
    own = [finding for finding in found if finding.market == "shift"]
    model = [f for f in found if f.paragraph == "channels" and f.subject != "planner"]  # its goal is another
    assert len(own) == len(model)
    for finding in linked(own):
        assert finding.fixed or problems(template(finding), finding) == [], template(finding)
    assert "shift" not in missing(found)


@pytest.mark.parametrize(("word", "relation"), COMPARED.items())
def test_findings_on_mechanisms_have_the_direction_of_their_facts(word: str, relation: Relation) -> None:
    store = changed(
        governance__guardrails__channels__enforced__minus_counted__broken__word=Fact(value=word),
        governance__fairness__fair__minus_tuned__exposure__word=Fact(value=word),
    )
    found = {finding.key: finding for finding in collect(store)}
    assert found["governance.guardrails.channels.enforced.broken.mean"].relation is relation
    assert found["governance.fairness.fair.exposure.ratio"].relation is relation
    limits = "Put the safety layer before the market: its price is known, that of a broken limit is not."
    assert (limits in advise(list(found.values()))) is (relation is Relation.BELOW)


def test_milestones_follow_each_other() -> None:
    key = "channels.full.training.milestone.{}.reward"
    facts = {}
    for milestone, mean in enumerate((10.0, 20.0, 19.0), start=1):
        base = key.format(milestone)
        facts |= {f"{base}.episode": Fact(value=100 * milestone), f"{base}.mean": Fact(value=mean)}
    facts[f"{key.format(2)}.word"] = Fact(value="above")
    facts[f"{key.format(3)}.word"] = Fact(value="not distinguishable from")
    found = along_the_training(FactStore(profile="x", facts=facts), "channels", "full")
    assert [f.relation for f in found] == [Relation.STATES, Relation.RISES, Relation.STEADY]
    assert found[1].number("before").fact == f"{key.format(2)}.before"


def test_neighbours_are_linked_and_put_differently() -> None:
    first, second, third = linked(
        [
            comparison("full", Relation.BELOW, "oracle"),
            comparison("tuned", Relation.BELOW, "oracle"),
            comparison("tuned", Relation.ABOVE, "random"),
        ]
    )
    assert template(first).startswith("On the channels market, the team")
    assert template(second).startswith("Likewise, ") and third.lead == ""
    assert template(second).replace("tuned team", "team with the published settings") not in template(first)


def test_a_thing_is_called_by_its_short_name_once_it_is_known() -> None:
    first, second = linked(
        [comparison("full", Relation.BELOW, "oracle"), comparison("full", Relation.ABOVE, "random")]
    )
    assert "the team with the published settings" in template(first)
    assert "published team" in template(second) and "settings" not in template(second)


def test_parts_whose_effect_is_not_seen_are_told_together() -> None:
    words = {part: ("no detectable effect" if part.startswith("no_") else "helps") for part in PARTS}
    store = changed(**{f"channels__ablation__{p}__reward__word": Fact(value=w) for p, w in words.items()})
    together = next(f for f in collect(store) if f.key == "channels.ablation.unseen")
    assert together.fixed and template(together).endswith(
        "the Controller, the Bidding agent, the Budget agent and the entropy bonus."
    )
    alone = changed(**{f"channels__ablation__{p}__reward__word": Fact(value="helps") for p in PARTS})
    assert "channels.ablation.unseen" not in {f.key for f in collect(alone)}


def relation_of(finding: Finding, relation: Relation) -> Finding:
    return finding.model_copy(update={"relation": relation})


@pytest.mark.parametrize("advice", [advice for advice in ADVICE if advice.needs])
def test_advice_is_given_only_where_all_it_rests_on_holds(advice: object) -> None:
    held = [
        comparison("a", relations[0], "b").model_copy(update={"key": key})
        for key, relations in advice.needs.items()  # type: ignore[attr-defined]
    ]
    assert advice.text in advise(held)  # type: ignore[attr-defined]
    for i in range(len(held)):
        broken = [*held[:i], relation_of(held[i], Relation.RISES), *held[i + 1 :]]
        assert advice.text not in advise(broken) and advice.text not in advise(held[:i] + held[i + 1 :])  # type: ignore[attr-defined]
