"""The check of the commentary as an adversary would test it, and as a fair reader would."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrl_core.commentary.finding import Relation
from adrl_core.commentary.grounding import problems
from adrl_core.commentary.patterns import parse, texts
from adrl_core.commentary.phrasing import pattern, sentence, template
from adrl_core.commentary.trial import DECEITS, INDEPENDENT, OWN, false_sentences, written
from adrl_core.commentary.trial.examples import comparison, examples, of_part

FINDINGS = {finding.key: finding for finding in examples()}
TURNED = {
    Relation.ABOVE: Relation.BELOW,
    Relation.BELOW: Relation.ABOVE,
    Relation.OPEN: Relation.ABOVE,
    Relation.HELPS: Relation.HARMS,
    Relation.HARMS: Relation.HELPS,
    Relation.UNSEEN: Relation.HELPS,
    Relation.EARLIER: Relation.LATER,
    Relation.LATER: Relation.EARLIER,
    Relation.RISES: Relation.FALLS,
    Relation.FALLS: Relation.RISES,
    Relation.STEADY: Relation.RISES,
}


@pytest.mark.parametrize("key", FINDINGS)
def test_every_phrasing_of_a_finding_is_grounded(key: str) -> None:
    finding = FINDINGS[key]
    for text in texts(parse(pattern(finding))):
        assert problems(sentence(text), finding) == []


def test_no_false_sentence_passes() -> None:
    tried: Counter[str] = Counter()
    for lie in false_sentences():
        tried[lie.kind] += 1
        assert problems(lie.text, lie.finding), f"{lie.kind}: {lie.text}"
    assert tried.total() >= 1000
    assert min(tried.values()) >= 10 and len(tried) >= 12, tried


@pytest.mark.parametrize("key", [key for key, finding in FINDINGS.items() if finding.relation in TURNED])
def test_sentences_of_the_opposite_finding_do_not_pass(key: str) -> None:
    """Whatever can be said of a team that wins is refused where it loses, and the other way round."""
    finding = FINDINGS[key]
    turned = finding.model_copy(update={"relation": TURNED[finding.relation]})
    own = {sentence(text) for text in texts(parse(pattern(finding)))}
    for text in map(sentence, texts(parse(pattern(turned)))):
        if text not in own and not neutral(text):
            assert problems(text, finding), text


def neutral(text: str) -> bool:
    """Whether it leaves the direction to the numbers: a share, or one number beside the other."""
    return "[share] of what" in text or re.search(r"\[\w+\] \w+ an episode where", text) is not None


policies = st.sampled_from(["tuned", "full", "oracle", "best_constant", "random", "constant_max"])
directions = st.sampled_from([Relation.ABOVE, Relation.BELOW, Relation.OPEN])


@given(policies, policies, directions, directions, st.randoms())
def test_a_comparison_passes_only_for_its_own_direction(
    subject: str, other: str, stated: Relation, held: Relation, random: np.random.Generator
) -> None:
    """Any two policies: a sentence that states one direction passes exactly where that direction holds."""
    if subject == other:
        return
    said, true = comparison(subject, stated, other), comparison(subject, held, other)
    text = sentence(random.choice(list(texts(parse(pattern(said))))))
    assert (problems(text, true) == []) is (stated is held) or neutral(text)


def test_a_team_that_loses_cannot_be_praised() -> None:
    finding = comparison("tuned", Relation.BELOW, "oracle")
    for praise in (
        "The tuned team earns [subject] reward an episode, more than the state oracle with [object].",
        "The tuned team impressively reaches [subject] reward an episode against the oracle's [object].",
        "The state oracle trails the tuned team, with [subject] reward an episode against [object].",
        "The tuned team earns [object] reward an episode, less than the state oracle with [subject].",
        "The tuned team all but matches the state oracle, with [subject] reward against [object].",
    ):
        assert problems(praise, finding), praise


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "full stop"),
        ("The tuned team wins. It earns [subject] reward, more than the oracle.", "one sentence"),
        ("Die getunte Mannschaft verdient [subject] reward weniger als the oracle.", "vocabulary"),
        ("调整后的团队 earns [subject] reward, less than the state oracle with [object].", "Latin"),
        ("The tuned team earns less than the state oracle.", "number"),
        ("The tuned team earns [subject] reward, less than the state oracle " * 8 + ".", "words"),
        ("The tuned team earns [subject] reward, less than [subject] of the state oracle.", "more than once"),
    ],
)
def test_replies_that_are_no_sentence_of_the_finding(text: str, reason: str) -> None:
    found = problems(text, comparison("tuned", Relation.BELOW, "oracle"))
    assert any(reason in problem for problem in found), found


def test_the_worth_of_a_part_multiplies_removal_and_effect() -> None:
    helps, harms = (of_part("ablation", "no_bidding", r) for r in (Relation.HELPS, Relation.HARMS))
    for text in (
        "Without the Bidding agent, the team loses [share] of its reward.",
        "The Bidding agent contributes [share] of the reward.",
        "Removing the Bidding agent costs the team [share] of its reward.",
    ):
        assert problems(text, helps) == [] and problems(text, harms)
    for text in ("Without the Bidding agent, the team gains [share] of its reward.",):
        assert problems(text, harms) == [] and problems(text, helps)


@pytest.mark.parametrize(("file", "count", "share"), [(OWN, 800, 0.8), (INDEPENDENT, 200, 0.8)])
def test_most_true_paraphrases_pass(file: str, count: int, share: float) -> None:
    verdicts = [problems(text, finding) == [] for text, finding in written(file)]
    assert len(verdicts) >= count and np.mean(verdicts) >= share


def test_no_sentence_written_to_deceive_passes() -> None:
    deceits = list(written(DECEITS))
    assert len(deceits) >= 200
    assert [text for text, finding in deceits if not problems(text, finding)] == []


def test_the_plain_sentence_of_every_finding_passes() -> None:
    assert [key for key, finding in FINDINGS.items() if problems(template(finding), finding)] == []
