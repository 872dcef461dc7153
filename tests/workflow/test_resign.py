"""`adrl resign` in a copy of the repository whose code changes: harmlessly, and then not."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from git import Repo

from adrl_core.report.manifest import Manifest
from adrl_core.report.stages import MANIFEST

from .conftest import COMMAND, ROOT

pytestmark = pytest.mark.slow
CODE = "adrl_core/market/reward.py"


class Copy:
    """The repository's code in a repository of its own."""

    def __init__(self, folder: Path) -> None:
        for name in ("adrl_core", "notebooks"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", ".gitignore"):
            shutil.copy(ROOT / name, folder)
        self.folder, self.repository = folder, Repo.init(folder)
        with self.repository.config_writer() as config:
            config.set_value("user", "name", "someone")
            config.set_value("user", "email", "someone@example.org")
        self.commit()

    def commit(self) -> str:
        """Commit all; returns the commit."""
        self.repository.git.add("--all")
        return self.repository.index.commit("change").hexsha

    def change(self, old: str, new: str) -> None:
        """Replace text in CODE and commit."""
        text = (self.folder / CODE).read_text()
        assert old in text
        (self.folder / CODE).write_text(text.replace(old, new))
        self.commit()

    def adrl(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Call the copy's `adrl`."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder)},
            text=True,
            capture_output=True,
            check=False,
        )


def test_twins(tmp_path: Path, results: Path) -> None:
    """An evaluation without its weights is signed after a renaming, and refused after another number."""
    (tmp_path / "copy").mkdir()
    copy = Copy(tmp_path / "copy")
    made = copy.repository.head.commit.hexsha
    for stage in ("market", "train", "evaluate"):
        outcome = copy.adrl("run", stage)
        assert outcome.returncode == 0, outcome.stderr
    published = results / "smoke/published"
    (published / "full/train/checkpoint.pt").unlink()

    copy.change("terms", "summands")
    outcome = copy.adrl("resign", "smoke")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    kinds = {}
    for folder in ("full/train", "market", "full/evaluate"):
        manifest = Manifest.load(published / folder / MANIFEST)
        (record,) = manifest.resigned
        kinds[folder] = record["kind"]
        assert manifest.git["commit"] == made
        assert record.get("against", made) == made
    assert kinds == {"full/train": "exact", "market": "twin", "full/evaluate": "twin"}

    copy.change("CLICK_WEIGHT = 0.5", "CLICK_WEIGHT = 0.25")
    outcome = copy.adrl("resign", "smoke")
    assert outcome.returncode == 1
    refused = [line for line in outcome.stdout.splitlines() if line.startswith("refused: ")]
    for stage, table, column in (
        ("full/train", "episodes", "reward"),
        ("market", "constants", "reward"),
        ("full/evaluate", "episodes", "reward"),
    ):
        (line,) = (text for text in refused if f"smoke/published/{stage}" in text.split(":")[1])
        assert all(part in line for part in (table, "row 0", f"column {column}")), line
    assert len(Manifest.load(published / "market" / MANIFEST).resigned) == 1
