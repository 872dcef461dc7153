"""Assertions in prose, evaluated on made-up facts."""

import pytest

from adrl_core.report.assertions import evaluate
from adrl_core.report.facts import Fact, FactError, FactStore

STORE = FactStore(
    profile="paper",
    facts={
        "m.a.reward.mean": Fact(value=10.0, format=".1f"),
        "m.b.reward.mean": Fact(value=8.0, format=".1f"),
        "m.full.reward.mean": Fact(value=9.0, format=".1f"),
        "m.a.minus.b.reward.p": Fact(value=0.01, format="p"),
        "m.a.minus.b.reward.p_holm": Fact(value=0.2, format="p"),
        "m.ablation.a.reward.p_holm": Fact(value=0.6, format="p"),
        "m.share": Fact(value=0.5, format=".0%"),
        "m.word": Fact(value="above"),
    },
)


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ("m.a.reward > m.b.reward", True),
        ("m.a.reward.mean < m.b.reward", False),
        ("m.a.reward >= 10", True),
        ("10.5 <= m.a.reward", False),
        ("m.a.reward > m.b.reward, p < 0.05", True),
        ("m.b.reward < m.a.reward, p < 0.05", True),
        ("m.a.reward > m.b.reward, p_holm < 0.05", False),
        ("m.a.reward > m.full.reward, p_holm > 0.5", True),
        ("m.a.reward ~ m.b.reward", False),
        ("m.share > 0.4, m.share < 0.6", True),
        ("m.share > 0.4, m.share > 0.6", False),
        ("m.word = above", True),
        ("m.word = below", False),
    ],
)
def test_conditions(conditions: str, holds: bool) -> None:
    outcome = evaluate(f"some words | {conditions}", STORE)
    assert (outcome.words, outcome.holds) == ("some words", holds)


def test_the_explanation_names_the_values() -> None:
    outcome = evaluate("more | m.a.reward > m.b.reward, p < 0.05", STORE)
    assert outcome.explanation == ("m.a.reward = 10.0, m.b.reward = 8.0; m.a.minus.b.reward.p = 0.010")
    assert outcome.fact == STORE["m.a.reward.mean"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no bar", "expected words | conditions"),
        (" | m.a.reward > 1", "expected words | conditions"),
        ("w | m.a.reward", "is not `A > B`"),
        ("w | p < 0.05", "p stands before the comparison"),
        ("w | m.a.reward > m.c.reward", "'m.c.reward': unknown in profile 'paper'; nearest: "),
        ("w | m.b.reward < m.full.reward, p < 0.05", "'m.b.minus.full.reward.p': unknown"),
        ("w | m.a.reward > 1, p < 0.05", "no p value"),
        ("w | m.word > 1", "'above' is not a number"),
    ],
)
def test_what_cannot_be_evaluated_is_an_error(text: str, message: str) -> None:
    with pytest.raises(FactError) as caught:
        evaluate(text, STORE)
    assert message in str(caught.value)
