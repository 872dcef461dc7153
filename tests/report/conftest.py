"""A results root for tests that write results."""

from pathlib import Path

import pytest


@pytest.fixture
def results_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty results root."""
    monkeypatch.setenv("ADRL_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"
