"""Twin replay, with small runs injected: what is signed, what is refused, and what the messages say."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from git import Repo

from adrl_core.report import replay, small_runs, stages, twin
from adrl_core.report.inputs import inputs, inputs_hash
from adrl_core.report.jobs import job
from adrl_core.report.manifest import Manifest, describe, stale
from adrl_core.report.stages import MANIFEST, NOTEBOOK, STAGES

COMMIT = "c" * 40
FRAME = pd.DataFrame(
    {"seed": [0, 1], "append_rate": [1.0, 2.0], "bytes": [10, 20]}  # as in the trail of oversight
)


def save_stage(stage: str, commit: str | None = COMMIT, dirty: bool = False, variant: str = "full") -> Path:
    """Leave the results of a stage on `channels` as if a commit had made them; returns its manifest."""
    work = job(stage, "paper", "channels", variant)
    work.directory.mkdir(parents=True, exist_ok=True)
    for file in STAGES[stage].outputs:
        (work.directory / file).write_text(f"content of {file}")
    nbformat.write(nbformat.v4.new_notebook(), work.directory / NOTEBOOK)
    manifest = describe(work, inputs(work), datetime.now(UTC))
    manifest.git = {"commit": commit, "dirty": dirty}
    manifest.save(work.directory / MANIFEST)
    return work.directory / MANIFEST


def age(path: Path, changed: str = "adrl_core/agents/team.py") -> None:
    """Make a stage stale, as if an input had been another when it ran."""
    manifest = Manifest.load(path)
    older = manifest.inputs | {changed: "0" * 64}
    manifest.model_copy(update={"inputs": older, "inputs_hash": inputs_hash(older)}).save(path)


@pytest.fixture
def oversight(results_root: Path) -> Path:
    """Manifest of a stale trial, made at a clean commit; its training is current, without its weights."""
    train = save_stage("train")
    (train.parent / "checkpoint.pt").unlink()
    path = save_stage("oversight")
    age(path)
    return path


Change = Callable[[str, str, pd.DataFrame], pd.DataFrame]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Callable[[Change], list[tuple[str, list[str]]]]:
    """Inject what small runs leave: FRAME in every table, changed by a function of side, table and frame."""

    def inject(change: Change) -> list[tuple[str, list[str]]]:
        ran: list[tuple[str, list[str]]] = []

        def run(tree: Path, side: Path, manifests: Sequence[Manifest]) -> None:
            ran.append((side.name, [manifest.job.folder for manifest in manifests]))
            for manifest in manifests:
                folder = side / manifest.job.folder
                folder.mkdir(parents=True)
                (folder / small_runs.LOG).write_text("what it said")
                for table in twin.tables(manifest):
                    change(side.name, table, FRAME.copy()).to_parquet(side / table)
                (folder / small_runs.SECONDS).write_text("1.0")

        monkeypatch.setattr(twin, "run_side", run)
        monkeypatch.setattr(twin, "export", lambda commit, folder: None)
        monkeypatch.setattr(twin, "check_commit", lambda manifest: None)
        return ran

    return inject


def unchanged(side: str, table: str, frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def test_equal_twins_are_signed(oversight: Path, small: Callable) -> None:
    """The signature says what was compared with what; a measured column may differ, the others beside not."""

    def measured(side: str, table: str, frame: pd.DataFrame) -> pd.DataFrame:
        if table.endswith("trail.parquet") and side == twin.PRESENT:
            frame["append_rate"] += 1.0
        return frame

    ran = small(measured)
    announced, line = replay.resign("paper")
    assert "1 stages run small twice" in announced
    folders = ["channels/full/train", "channels/full/oversight"]
    assert sorted(ran) == sorted([(COMMIT, folders), (twin.PRESENT, folders)])
    assert "signed anew (changed: adrl_core/agents/team.py)" in line
    manifest = Manifest.load(oversight)
    assert stale(manifest) == ""
    (record,) = manifest.resigned
    assert (record["kind"], record["against"], record["profile"]) == ("twin", COMMIT, "smoke")
    assert {"channels/full/train/episodes.parquet", "channels/full/oversight/trail.parquet"} <= {
        *record["tables"]
    }
    assert "append_rate" in record["left_out"]["channels/full/oversight/trail.parquet"]


def test_a_difference_is_refused(oversight: Path, small: Callable) -> None:
    """The message names stage, table, row and column; the other stages are signed all the same."""
    other = save_stage("market", variant="")
    age(other, "adrl_core/market/base.py")

    def bytes_differ(side: str, table: str, frame: pd.DataFrame) -> pd.DataFrame:
        if table.endswith("trail.parquet") and side == twin.PRESENT:
            frame.loc[1, "bytes"] += 1
        return frame

    small(bytes_differ)
    before = oversight.read_text()
    with pytest.raises(RuntimeError) as refusal:
        list(replay.resign("paper"))
    for part in ("paper/channels/full/oversight", "trail.parquet", "row 1", "column bytes", "20", "21"):
        assert part in str(refusal.value)
    assert oversight.read_text() == before
    assert Manifest.load(other).resigned[0]["tables"] == ["channels/market/constants.parquet"]


def test_code_that_cannot_run_is_refused(
    oversight: Path, small: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(unchanged)
    run = twin.run_side

    def fail(tree: Path, side: Path, manifests: Sequence[Manifest]) -> None:
        run(tree, side, manifests)
        if side.name == COMMIT:
            (side / "channels/full/oversight" / small_runs.SECONDS).unlink()

    monkeypatch.setattr(twin, "run_side", fail)
    with pytest.raises(RuntimeError, match=r"oversight cannot run in the smoke profile by the code of ccc"):
        list(replay.resign("paper"))
    assert oversight.with_name(small_runs.LOG).read_text() == "what it said"


def test_the_first_commit_counts(oversight: Path, small: Callable) -> None:
    """A stage that was signed before is compared with the code that made it."""
    small(unchanged)
    list(replay.resign("paper"))
    age(oversight, "adrl_core/market/base.py")
    list(replay.resign("paper"))
    assert [record["against"] for record in Manifest.load(oversight).resigned] == [COMMIT, COMMIT]


def test_each_side_trains_once(oversight: Path, small: Callable) -> None:
    """Stages of one commit share its trainings, and all commits share the present code's."""
    age(save_stage("guardrails"))
    age(save_stage("fairness", "d" * 40))
    ran = small(unchanged)
    assert len(list(replay.resign("paper"))) == 1 + 3
    folders = dict(ran)
    assert sorted(folders) == [COMMIT, "d" * 40, twin.PRESENT]
    assert folders["d" * 40] == ["channels/full/train", "channels/full/fairness"]
    assert all(ran.count("channels/full/train") == 1 for ran in folders.values())


@pytest.mark.parametrize(
    ("commit", "dirty", "part"),
    [
        (COMMIT, True, "ran from uncommitted code"),
        (None, None, "ran from uncommitted code"),
        (COMMIT, False, "not in the history of this checkout"),
    ],
)
def test_commits_that_cannot_be_had(
    commit: str | None, dirty: bool, part: str, results_root: Path, tmp_path: Path, monkeypatch
) -> None:
    """Uncommitted code, a commit that is unknown: refused before anything runs, in one line."""
    path = save_stage("market", commit, dirty, variant="")
    age(path, "adrl_core/market/base.py")
    commit_files(tmp_path / "repository", {"file": "text"})
    monkeypatch.setattr(twin, "ROOT", tmp_path / "repository")
    monkeypatch.setattr(twin, "twins", lambda *_: pytest.fail("it runs"))
    with pytest.raises(RuntimeError, match=part) as refusal:
        list(replay.resign("paper"))
    assert "\n" not in str(refusal.value)


def test_dry_run(oversight: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "check_commit", lambda manifest: None)
    monkeypatch.setattr(twin, "twins", lambda *_: pytest.fail("it runs"))
    age(oversight.parents[1] / "train" / MANIFEST)
    before = oversight.read_text()
    assert [line.partition(" (")[0] for line in replay.resign("paper", dry_run=True)] == [
        "paper/channels/full/train: exact",
        "paper/channels/full/oversight: twin",
    ]
    assert oversight.read_text() == before


@pytest.mark.parametrize("absent", ["updates.parquet", ""])
def test_trainings_without_their_update_log_need_a_twin(
    absent: str, results_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_stage("train", variant="no_entropy")
    age(path)
    if absent:
        (path.parent / absent).unlink()
    monkeypatch.setattr(twin, "check_commit", lambda manifest: None)
    (line,) = replay.resign("paper", dry_run=True)
    assert (": exact and twin (" if absent else ": exact (") in line


def commit_files(folder: Path, files: dict[str, str]) -> str:
    """Commit files in a repository, made if need be; returns the commit."""
    repository = Repo.init(folder)
    with repository.config_writer() as config:
        config.set_value("user", "name", "someone")
        config.set_value("user", "email", "someone@example.org")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    repository.index.add(list(files))
    return repository.index.commit("files").hexsha


def test_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree of a commit, without results and without a trace in the repository."""
    monkeypatch.setattr(twin, "ROOT", tmp_path / "repository")
    old = commit_files(twin.ROOT, {"code/a.py": "1", "results/big": "x"})
    commit_files(twin.ROOT, {"code/a.py": "2"})
    twin.export(old, tmp_path / "tree")
    assert (tmp_path / "tree/code/a.py").read_text() == "1"
    assert not (tmp_path / "tree/results").exists()
    assert len(Repo(twin.ROOT).git.worktree("list").splitlines()) == 1


NOTES = """# %% tags=["parameters"]
value = 1
directory = ""

# %%
import sys

import pandas as pd
from mine import NAME

assert "leftover" not in sys.modules
sys.modules["leftover"] = sys
table = pd.DataFrame({"value": [10 // value], "name": [NAME]})

# %% tags=["show"]
raise SystemExit("only shows")
"""


@pytest.mark.slow
def test_small_runs(tmp_path: Path) -> None:
    """The tree's own code runs, with the parameters, each notebook afresh; a failing one leaves its log."""
    tree, out = tmp_path / "tree", tmp_path / "out"
    (tree / "notebooks").mkdir(parents=True)
    (tree / "notebooks/notes.py").write_text(NOTES)
    (tree / "mine.py").write_text("NAME = 'of the tree'")
    runs = [
        {
            "notebook": "notebooks/notes.py",
            "parameters": {"value": value},
            "directory": str(out / str(value)),
            "frames": ["table"],
        }
        for value in (2, 0, 5)
    ]
    script = [sys.executable, "-P", small_runs.__file__]
    subprocess.run(
        script, cwd=tree, env={"PYTHONPATH": str(tree)}, input=json.dumps(runs), text=True, check=True
    )
    assert pd.read_parquet(out / "2/table.parquet")[["value", "name"]].to_numpy().tolist() == [
        [5, "of the tree"]
    ]
    assert pd.read_parquet(out / "5/table.parquet")["value"].tolist() == [2]
    assert not (out / "0" / small_runs.SECONDS).exists()
    assert "ZeroDivisionError" in (out / "0" / small_runs.LOG).read_text()


@pytest.mark.parametrize(
    ("one", "other", "kinds", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0 + 2**-51], "float64", "row 1, column x"),
        ([0.0], [-0.0], "float32", "row 0, column x"),
        ([float("nan"), 1.0], [float("nan"), float("nan")], "float64", "row 1, column x"),
        ([1], [1], ("int64", "int32"), "int32"),
        ([1.0], [1.0, 2.0], "float64", "2 rows"),
        (["a", "b"], ["a", "c"], "str", "row 1, column x: 'b' recorded, 'c' replayed"),
        ([1, None], [1, 0], "Int64", "row 1"),
        ([None, True], [False, True], "boolean", "row 0"),
    ],
)
def test_compare(one: list, other: list, kinds: str | tuple[str, str], message: str) -> None:
    kinds = (kinds, kinds) if isinstance(kinds, str) else kinds
    left, right = (pd.DataFrame({"x": x}, dtype=kind) for x, kind in zip((one, other), kinds, strict=True))
    with pytest.raises(RuntimeError, match=message):
        twin.compare("title", left, right)
    twin.compare("title", left, left.set_axis(left.index + 5))


def test_a_side_has_an_environment_of_its_own(
    oversight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sides run at once in threads, so this process's environment, which they share, stays as it is."""
    given: list[dict[str, str]] = []

    def run(command: list[str], env: dict[str, str], **_: object) -> "subprocess.CompletedProcess[str]":
        given.append(env)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    side = Manifest.load(oversight)
    with monkeypatch.context() as frozen:
        for method in ("__setitem__", "__delitem__"):
            frozen.setattr(type(os.environ), method, lambda *_: pytest.fail("the environment changes"))
        twin.run_side(tmp_path / "tree", tmp_path / "side", [side])
    (environment,) = given
    assert environment["PYTHONPATH"] == str(tmp_path / "tree")
    assert environment["ADRL_RESULTS"] == str(tmp_path / "side")
    assert environment["OMP_NUM_THREADS"] == "1"


def test_measured_columns_belong_to_outputs() -> None:
    assert all(table in kind.outputs for kind in stages.STAGES.values() for table in kind.measured)
