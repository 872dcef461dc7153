"""A study end to end: complete, interrupted and resumed, failing, and damaged afterwards."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from adrl_core.report import execute, manifest, stages
from adrl_core.report.inputs import inputs_hash

from .conftest import COMMAND, ROOT, Adrl

pytestmark = pytest.mark.slow
TRAIN = "published/full/train"
LITTLE = ("--markets", "published", "--variants", "full")


def tables(study: Path) -> dict[str, pd.DataFrame]:
    """Every table of a study by its path."""
    return {str(path.relative_to(study)): pd.read_parquet(path) for path in sorted(study.rglob("*.parquet"))}


def assert_same_tables(one: Path, other: Path) -> None:
    """Both studies hold the same tables, value for value."""
    left, right = tables(one), tables(other)
    assert left.keys() == right.keys()
    assert left
    for path, table in left.items():
        assert_frame_equal(table, right[path], check_exact=True)


def heed_interrupts() -> None:
    """Undo that a shell's background jobs ignore Ctrl-C, which their children inherit."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(path: Path, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a file exists while a process runs."""
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, "the process ended too early"
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)


def test_complete(adrl: Adrl, results: Path) -> None:
    """One market and variant: checked, taken up without work, damaged and repaired."""
    done = adrl("study", "smoke", *LITTLE)
    assert done.returncode == 0, done.stderr
    assert manifest.verify("smoke") == []
    checked = adrl("check", "smoke")
    assert checked.returncode == 0, checked.stdout + checked.stderr

    weights = list((results / "smoke").rglob("checkpoint.pt"))
    assert weights and {path.stat().st_mode & 0o777 for path in weights} == {0o600}

    again = adrl("study", "smoke", *LITTLE, "--dry-run")
    assert "Nothing to be done" in again.stdout + again.stderr

    facts = results / "smoke/facts.json"
    facts.write_text(facts.read_text().replace('"value": ', '"value": 1', 1))
    table = results / "smoke" / TRAIN / "episodes.parquet"
    table.write_bytes(table.read_bytes()[:-100])
    checked = adrl("check", "smoke")
    assert checked.returncode == 1
    assert "smoke/summary/facts.json: edited or truncated" in checked.stdout
    assert f"smoke/{TRAIN}/episodes.parquet: edited or truncated" in checked.stdout

    repaired = adrl("study", "smoke", *LITTLE)
    assert repaired.returncode == 0, repaired.stderr
    assert adrl("check", "smoke").returncode == 0

    # No result names a folder of this machine.
    texts = [path for path in (results / "smoke").rglob("*") if path.suffix in {".json", ".ipynb", ".svg"}]
    assert [path for path in texts if str(ROOT) in path.read_text()] == [], (
        "results name this machine's folders"
    )


@pytest.mark.parametrize("victim", ["workflow", "everything"])
def test_killed_and_resumed(adrl: Adrl, results: Path, victim: str) -> None:
    """SIGKILL in the middle of a training; the same command goes on, to the same tables."""
    command = ["study", "smoke", *LITTLE, "--until", "train", "--set", "episodes=12"]
    resume = results / "smoke" / TRAIN / "resume.pt"
    with subprocess.Popen([*COMMAND, *command], cwd=ROOT, start_new_session=True) as process:
        wait_for(resume, process)
        (os.killpg if victim == "everything" else os.kill)(process.pid, signal.SIGKILL)
    assert not (results / "smoke" / TRAIN / stages.MANIFEST).exists()
    resumed = adrl(*command)
    assert resumed.returncode == 0, resumed.stderr
    assert not resume.exists()
    if victim == "everything":
        log = (results / "smoke" / TRAIN / execute.LOG).read_text()
        assert "resuming after episode" in log

    whole = adrl(*command, "--name", "whole")
    assert whole.returncode == 0, whole.stderr
    assert_same_tables(results / "smoke", results / "whole")


def test_interrupted(results: Path) -> None:
    """Ctrl-C stops a stage with one line and exit code 130, and leaves it resumable."""
    folder = results / "smoke" / TRAIN
    command = [*COMMAND, "run", "train", "--set", "episodes=40"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509  (no threads here)
    ) as process:
        wait_for(folder / "resume.pt", process)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.decode().strip().splitlines() == [
        "adrl: interrupted; the same command takes it up where it stopped"
    ]
    assert (folder / "resume.pt").exists()
    assert not (folder / stages.MANIFEST).exists()
    assert not (folder / stages.NOTEBOOK).exists()


def test_a_dry_run_leaves_nothing(adrl: Adrl, results: Path) -> None:
    """Of a name that looks like a number, and a fee that is spelt in another way than its folder."""
    markets = ("--markets", "published,channels+fee=1e1", "--variants", "full")
    outcome = adrl("study", "smoke", "--name", "NaN", *markets, "--dry-run")
    assert outcome.returncode == 0, outcome.stderr
    for folder in ("published/market", "channels+fee=10/market"):
        assert str(results / "NaN" / folder / stages.MANIFEST) in outcome.stdout + outcome.stderr
    assert not results.exists()


def test_failing_notebook(adrl: Adrl, results: Path) -> None:
    """A failed stage keeps its notebook with the traceback and its log; exit codes are not zero."""
    (results / "smoke" / TRAIN / "updates.parquet").mkdir(parents=True)  # Saving the table will fail.
    outcome = adrl("run", "train")
    assert outcome.returncode == 1
    assert len(outcome.stderr.strip().splitlines()) == 1, outcome.stderr
    assert "IsADirectoryError" in outcome.stderr
    folder = results / "smoke" / TRAIN
    notebook = nbformat.read(folder / execute.FAILED, as_version=4)
    assert any(output.output_type == "error" for c in notebook.cells for output in c.get("outputs", ()))
    assert "IsADirectoryError" in (folder / execute.LOG).read_text()
    assert not (folder / stages.MANIFEST).exists()
    assert not (folder / stages.NOTEBOOK).exists()

    study = adrl("study", "smoke", *LITTLE, "--until", "train")
    assert study.returncode == 1
    assert "IsADirectoryError" in study.stderr


def test_checkpoint_of_another_configuration(adrl: Adrl, results: Path) -> None:
    """Weights that another study left are refused in one line."""
    for name, episodes in (("smoke", "6"), ("other", "3")):
        assert adrl("run", "train", "--name", name, "--set", f"episodes={episodes}").returncode == 0
    shutil.copy(results / "other" / TRAIN / "checkpoint.pt", results / "smoke" / TRAIN / "checkpoint.pt")
    outcome = adrl("run", "evaluate", "--set", "episodes=6")
    assert outcome.returncode == 1
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert "not trained with the settings of this study" in outcome.stderr


def test_resign(adrl: Adrl, results: Path) -> None:
    """A stale training is signed if its replay is identical, and refused if a value differs."""
    assert adrl("run", "train").returncode == 0
    path = results / "smoke" / TRAIN / stages.MANIFEST
    signed = manifest.Manifest.load(path)
    older = signed.inputs | {"adrl_core/train.py": "0" * 64}
    signed.model_copy(update={"inputs": older, "inputs_hash": inputs_hash(older)}).save(path)
    assert manifest.stale(manifest.Manifest.load(path)) == "changed: adrl_core/train.py"
    outcome = adrl("resign", "smoke")
    assert outcome.returncode == 0, outcome.stderr
    renewed = manifest.Manifest.load(path)
    assert renewed.inputs_hash == signed.inputs_hash
    assert renewed.resigned[0]["replayed"] == "first 3 episodes of runs 0, 1"

    table = path.parent / "episodes.parquet"
    frame = pd.read_parquet(table)
    frame.loc[1, "reward"] += 1
    frame.to_parquet(table, index=False)
    hashes = signed.outputs | {"episodes.parquet": manifest.sha256(table)}
    update = {"inputs": older, "inputs_hash": inputs_hash(older), "outputs": hashes}
    signed.model_copy(update=update).save(path)
    outcome = adrl("resign", "smoke")
    assert outcome.returncode == 1
    assert "row 1, column reward" in outcome.stderr


def test_papermill_reads_text_notebooks(results: Path, tmp_path: Path) -> None:
    """`papermill notebooks/train.py` works, and stops at a misspelt parameter."""
    papermill = [
        COMMAND[0],
        "-m",
        "papermill",
        "notebooks/train.py",
        str(tmp_path / "out.ipynb"),
        "--no-progress-bar",
    ]
    good = subprocess.run([*papermill, "-p", "episodes", "2", "-p", "seeds", "1"], cwd=ROOT, check=False)
    assert good.returncode == 0
    assert len(pd.read_parquet(results / "custom" / TRAIN / "episodes.parquet")) == 2
    bad = subprocess.run(
        [*papermill, "-p", "episdoes", "2"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert bad.returncode != 0
    assert "episdoes: unknown parameter" in bad.stderr
