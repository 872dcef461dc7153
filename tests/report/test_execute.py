"""Running a stage: the environment of its kernel, and what a killed run left behind."""

import os
from pathlib import Path

import pytest

from adrl_core.report import execute
from adrl_core.report.stages import ROOT


def test_kernel_variables() -> None:
    """The given ones, with few threads, the repository first on the path, and caches inside it."""
    given = {"PYTHONPATH": "mine", "OMP_NUM_THREADS": "64", "HOME": "home"}
    found = execute.kernel_variables(2, given)
    assert given == {"PYTHONPATH": "mine", "OMP_NUM_THREADS": "64", "HOME": "home"}
    assert found["PYTHONPATH"] == f"{ROOT}{os.pathsep}mine"
    assert (found["OMP_NUM_THREADS"], found["MKL_NUM_THREADS"], found["HOME"]) == ("2", "2", "home")
    assert all(Path(found[variable]).is_relative_to(ROOT) for variable in execute.CACHES)
    assert execute.kernel_variables(1, {})["PYTHONPATH"] == str(ROOT)


def test_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADRL_OLD", "old")
    before = dict(os.environ)
    with pytest.raises(ValueError, match="inside"), execute.environment({"ADRL_OLD": "a", "ADRL_NEW": "b"}):
        assert (os.environ["ADRL_OLD"], os.environ["ADRL_NEW"]) == ("a", "b")
        raise ValueError("inside")
    assert dict(os.environ) == before


def test_halves_are_dropped(tmp_path: Path) -> None:
    """Files half written, but neither locks and notes nor anything whole."""
    kept = {"lock.partial", "inputs.partial", "resume.pt", "episodes.parquet"}
    for name in (*kept, "resume.0a1b2c3d.partial/resume.partial.pt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    execute.drop_halves(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
