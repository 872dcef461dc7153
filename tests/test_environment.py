"""environment.yml and requirements.lock name the same versions."""

from pathlib import Path

from adrl_core.report.environment import conda_environment, pinned

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()


def test_environment_equals_the_lock() -> None:
    assert (ROOT / "environment.yml").read_text() == conda_environment(LOCK)


def test_lock_is_complete_and_names_no_index() -> None:
    assert len(pinned(LOCK)) > 100
    assert "torch==2.13.0" in pinned(LOCK)
    assert "--index-url" not in LOCK.replace("--no-emit-index-url", "")
    assert "://" not in LOCK
