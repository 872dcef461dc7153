"""The store of facts: formatting, validation, loading and saving."""

from pathlib import Path

import pytest

from adrl_core.report.facts import Fact, FactError, FactStore

MEAN = Fact(
    value=-1234.56,
    unit="reward",
    format=",.1f",
    low=-1300.0,
    high=-1200.0,
    interval="95 % t interval",
    n=20,
    unit_of_analysis="training runs",
    source="a/b.parquet",
    row="mean of reward",
)


def test_every_part_is_formatted() -> None:
    parts = {part: MEAN.text(part) for part in ("value", "low", "high", "interval", "n", "unit")}
    assert parts == {
        "value": "−1,234.6",
        "low": "−1,300.0",
        "high": "−1,200.0",
        "interval": "[−1,300.0, −1,200.0]",
        "n": "20",
        "unit": "reward",
    }


def test_missing_parts_are_empty_and_words_stay_words() -> None:
    word = Fact(value="above")
    assert word.text() == "above"
    assert [word.text("interval"), word.text("n"), word.tooltip()] == ["", "", ""]


def test_tooltip_tells_interval_n_and_source() -> None:
    assert MEAN.tooltip() == (
        "reward; 95 % t interval [−1,300.0, −1,200.0]; n = 20 training runs; "
        "source: a/b.parquet (mean of reward)"
    )


@pytest.mark.parametrize(
    "content",
    [
        {"value": 1.0, "low": 0.0},
        {"value": 1.5, "format": "d"},
        {"value": float("nan")},
        {"value": 1.0, "n": -1},
        {"value": 1.0, "colour": "red"},
    ],
)
def test_a_fact_that_could_mislead_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Fact.model_validate(content)


def test_saved_store_loads_unchanged(tmp_path: Path) -> None:
    store = FactStore(profile="smoke", facts={"a.b": MEAN, "c": Fact(value=3)})
    store.save(tmp_path / "facts.json")
    assert FactStore.load(tmp_path / "facts.json") == store
    assert isinstance(FactStore.load(tmp_path / "facts.json")["c"].value, int)


def test_unknown_key_names_the_nearest() -> None:
    with pytest.raises(
        FactError, match=r"'published\.full\.mean': unknown .*; nearest: published\.full\.reward\.mean"
    ):
        FactStore(profile="smoke", facts={"published.full.reward.mean": MEAN})["published.full.mean"]


@pytest.mark.parametrize("text", ["", '{"profile": "smoke"', '{"profile": "smoke", "facts": {"a": {}}}'])
def test_damaged_store_is_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "facts.json").write_text(text)
    with pytest.raises(FactError, match=r"facts\.json"):
        FactStore.load(tmp_path / "facts.json")


def test_missing_store_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(FactError, match=r"missing; `adrl study smoke` makes it"):
        FactStore.load(tmp_path / "smoke" / "facts.json")
