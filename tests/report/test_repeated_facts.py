"""When two facts are the same: their last digits may be another processor's, nothing else may differ."""

import pytest

from adrl_core.report.facts import Fact
from adrl_core.report.replay import same

FACT = Fact(value=0.1 + 0.2, unit="reward", format=".3f", low=0.0, high=1.0, n=20, source="a.parquet")


def test_last_digits_may_differ() -> None:
    assert same(FACT, FACT.model_copy(update={"value": 0.3, "low": 1e-17}))


@pytest.mark.parametrize(
    "change",
    [
        {"value": 0.3000001},
        {"value": "0.3"},
        {"high": None},
        {"n": 19},
        {"unit": ""},
        {"source": "b.parquet"},
    ],
)
def test_nothing_else_may(change: dict[str, object]) -> None:
    assert not same(FACT, FACT.model_copy(update=change))
