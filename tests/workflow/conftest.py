"""Running the `adrl` command as a user does, with results in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "adrl_core.cli"]

Adrl = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty results root, which this process and its children use."""
    monkeypatch.setenv("ADRL_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"


@pytest.fixture
def adrl(results: Path) -> Adrl:
    """Call `adrl` with arguments; returns the completed process."""

    def call(*arguments: str, timeout: float = 1800) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=os.environ,
            text=True,
            capture_output=True,
            timeout=timeout,
            check=False,
        )

    return call
