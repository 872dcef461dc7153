"""Twin replay: a stage runs small by the code that made it and by the present code, and both must agree.

What cannot be repeated from what is committed, because it needs weights that are not, or because it would
take hours, is compared at a smaller size: the stage and the trainings that it reads run in the `smoke`
profile twice, once from the tree of the commit that its manifest records and once from the present one. All
their tables must be equal to the last bit, but for the measurements that `Stage.measured` names. This is
evidence of another kind than an exact replay: it shows that two codes do the same in a small study, not that
the recorded numbers come out again. The signature therefore says which it was.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import numpy as np
import pandas as pd
from git import GitCommandError, InvalidGitRepositoryError, NoSuchPathError, Repo

from adrl_core.config import PROFILES
from adrl_core.report import small_runs
from adrl_core.report.execute import kernel_variables
from adrl_core.report.manifest import Manifest
from adrl_core.report.stages import MANIFEST, ROOT, STAGES, results_root

PROFILE = "smoke"
PRESENT = "present"
"""Name of the side that runs the present code; the others are named by their commits."""


def check_commit(manifest: Manifest) -> None:
    """Raise RuntimeError unless the code that made a stage can be had from the history."""
    title, commit = manifest.job.title, manifest.git["commit"]
    if manifest.git["dirty"] or not commit:
        raise RuntimeError(f"{title}: ran from uncommitted code, which no replay can repeat; run it again")
    try:
        Repo(ROOT).git.merge_base("--is-ancestor", commit, "HEAD")
    except (InvalidGitRepositoryError, NoSuchPathError):
        raise RuntimeError(f"{title}: ran at commit {commit}, and {ROOT} is no git repository") from None
    except GitCommandError:
        raise RuntimeError(
            f"{title}: ran at commit {commit}, which is not in the history of this checkout; "
            "if that is shallow, `git fetch --unshallow` completes it"
        ) from None


def export(commit: str, folder: Path) -> None:
    """Write the tree of a commit, results apart, into a folder."""
    with TemporaryFile() as file:
        Repo(ROOT).archive(file, commit, path=[".", ":(exclude)results"], format="tar")
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            archive.extractall(folder, filter="data")


def needed(manifest: Manifest) -> list[Manifest]:
    """The manifests of the trainings that a stage reads, and its own last: the order in which they run."""
    base = results_root() / manifest.name
    return [*(Manifest.load(base / folder / MANIFEST) for folder in manifest.job.after), manifest]


def tables(manifest: Manifest) -> list[str]:
    """Tables that a small run of a stage leaves, relative to the folder of the study."""
    held = (f"{name}.parquet" for name in STAGES[manifest.stage].held)
    files = [*(file for file in manifest.outputs if file.endswith(".parquet")), *held]
    return [f"{manifest.job.folder}/{file}" for file in files]


def left_out(manifest: Manifest) -> dict[str, list[str]]:
    """Columns of these tables that hold measurements, and so differ from run to run."""
    measured = STAGES[manifest.stage].measured
    return {f"{manifest.job.folder}/{table}": list(columns) for table, columns in measured.items()}


def small_run(manifest: Manifest, side: Path) -> dict[str, Any]:
    """What `small_runs` reads: the stage with its recorded parameters, but for the sizes of the profile."""
    sizes = {name: size for name, size in PROFILES[PROFILE].items() if name in manifest.parameters}
    return {
        "notebook": f"notebooks/{manifest.stage}.py",
        "parameters": manifest.parameters | sizes,
        "directory": str(side / manifest.job.folder),
        "frames": STAGES[manifest.stage].held,
    }


def run_side(tree: Path, side: Path, manifests: Sequence[Manifest]) -> None:
    """Run stages small, in order, with the code of a tree; each leaves its folder below `side`."""
    environment = kernel_variables(1, os.environ) | {"PYTHONPATH": str(tree), "ADRL_RESULTS": str(side)}
    script = [sys.executable, "-P", small_runs.__file__]
    runs = json.dumps([small_run(manifest, side) for manifest in manifests])
    outcome = subprocess.run(script, cwd=tree, env=environment, input=runs, text=True, check=False)
    if outcome.returncode:
        raise RuntimeError(f"the small runs in {tree} ended with code {outcome.returncode}")


@contextmanager
def twins(manifests: Sequence[Manifest], cores: int) -> Iterator[Path]:
    """Run stages, and the trainings that they read, small by the present code and by their commits'.

    What several stages of a commit read runs once.

    Args:
        manifests: of the stages.
        cores: sides that run at once.

    Yields:
        A temporary folder, below which each side has its results in a folder of its name.
    """
    sides: dict[str, dict[str, Manifest]] = {PRESENT: {}}
    for manifest in manifests:
        # Trainings go first, whoever reads them.
        for stage in needed(manifest):
            for side in (PRESENT, manifest.git["commit"]):
                sides.setdefault(side, {})[stage.job.folder] = stage
    with TemporaryDirectory() as scratch, TemporaryDirectory() as trees:

        def run(side: str) -> None:
            tree = ROOT if side == PRESENT else Path(trees) / side
            if side != PRESENT:
                export(side, tree)
            run_side(tree, Path(scratch) / side, list(sides[side].values()))

        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(run, sides))
        yield Path(scratch)


def agree(manifest: Manifest, scratch: Path) -> dict[str, Any]:
    """Compare a stage's twins, and those of the trainings that it reads.

    Args:
        manifest: of the stage.
        scratch: what `twins` yields.

    Returns:
        What the signature has to say of the comparison.

    Raises:
        RuntimeError: one of them did not run, or a value differs; the message names the first.
    """
    commit = manifest.git["commit"]
    names = (f"by the code of {commit[:10]}", "by the present code")
    compared: list[str] = []
    omitted: dict[str, list[str]] = {}
    for stage in needed(manifest):
        for side, name in zip((commit, PRESENT), names, strict=True):
            folder = scratch / side / stage.job.folder
            if not (folder / small_runs.SECONDS).exists():
                log = results_root() / manifest.name / manifest.job.folder / small_runs.LOG
                shutil.copy(folder / small_runs.LOG, log)
                raise RuntimeError(
                    f"{manifest.job.title}: {stage.job.folder} cannot run in the {PROFILE} profile {name} "
                    f"(see {log})"
                )
        aside = left_out(stage)
        for table in tables(stage):
            one, other = (pd.read_parquet(scratch / side / table) for side in (commit, PRESENT))
            title = f"{manifest.job.title}: {PROFILE} {table}"
            compare(title, one, other, names, aside.get(table, ()))
            compared.append(table)
        omitted |= aside
    return {"against": commit, "profile": PROFILE, "tables": compared, "left_out": omitted}


def compare(
    title: str,
    one: pd.DataFrame,
    other: pd.DataFrame,
    names: tuple[str, str] = ("recorded", "replayed"),
    measured: Sequence[str] = (),
) -> None:
    """Raise RuntimeError naming the first value in which two tables differ by a bit, if they do.

    Args:
        title, names: what messages call the table and the two sides.
        one, other: the tables; rows, columns, their order and types must be the same.
        measured: columns whose values may differ.
    """
    shapes = [
        (len(frame), [f"{name} {kind}" for name, kind in frame.dtypes.items()]) for frame in (one, other)
    ]
    if shapes[0] != shapes[1]:
        told = [
            f"{rows} rows of {', '.join(columns)} {name}"
            for name, (rows, columns) in zip(names, shapes, strict=True)
        ]
        raise RuntimeError(f"{title}: {'; '.join(told)}")
    for column in one.columns.difference([*measured], sort=False):
        a, b = (frame[column].reset_index(drop=True) for frame in (one, other))
        different = (a != b).fillna(False).astype(bool) & a.notna() & b.notna() | (a.isna() != b.isna())
        if a.dtype.kind == "f":
            different |= (np.signbit(a) != np.signbit(b)) & a.notna()
        if different.any():
            row = int(different.to_numpy().argmax())
            values = f"{a.tolist()[row]!r} {names[0]}, {b.tolist()[row]!r} {names[1]}"
            raise RuntimeError(f"{title}: row {row}, column {column}: {values}")
