"""The README's table: written between its marks, and known to be stale when a fact changes."""

from pathlib import Path

import pytest

from adrl_core.report import readme
from adrl_core.report.facts import Fact, FactStore


def store(reward: float) -> FactStore:
    """Made-up facts of every cell."""
    number = Fact(value=reward, format=".1f", low=reward - 1, high=reward + 1)
    facts = {f"study.{key}": Fact(value=20) for key in ("seeds", "episodes", "evaluation_episodes")}
    for _, published, channels, claim in readme.ROWS:
        facts |= {f"published.{published}.reward.mean": number, f"channels.{channels}.reward.mean": number}
        facts |= {claim: number} if claim else {}
    return FactStore(profile="paper", facts=facts)


def test_table_stands_between_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
    readme.update(store(511.27), path)
    text = path.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert "| Random | 511.3 | 511.3 [510.3, 512.3] | 511.3 [510.3, 512.3] |" in text
    assert readme.is_current(store(511.27), path)
    assert not readme.is_current(store(511.37), path)


def test_missing_marks_are_named(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("no marks")
    with pytest.raises(ValueError, match="no <!-- results -->"):
        readme.update(store(1.0), path)
