"""Patterns: what they stand for, and the grammars made of them."""

import numpy as np
import pytest

from adrl_core.commentary.patterns import first, gbnf, parse, sample, texts

NESTED = "the (tuned |)team (wins(| again)|loses)."


def test_a_pattern_stands_for_all_its_choices() -> None:
    expected = {f"the {a}team {b}." for a in ("tuned ", "") for b in ("wins", "wins again", "loses")}
    assert sorted(texts(parse(NESTED))) == sorted(expected)
    assert first(parse(NESTED)) == "the tuned team wins."
    assert {sample(parse(NESTED), np.random.default_rng(seed)) for seed in range(60)} == expected


def test_the_grammar_holds_the_same_choices() -> None:
    assert gbnf(parse(NESTED)) == (
        'root ::= "the " ("tuned " | "") "team " ("wins" ("" | " again") | "loses") "."\n'
    )
    assert gbnf(parse('say "so"')) == 'root ::= "say \\"so\\""\n'


@pytest.mark.parametrize("wrong", ["(a|b", "a)b", "a|b"])
def test_a_broken_pattern_is_an_error(wrong: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        parse(wrong)
