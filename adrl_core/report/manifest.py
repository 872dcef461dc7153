"""The manifest of a stage: what ran, from which inputs, on which machine, and what it left.

A manifest is written last, so a stage without one is unfinished.
"""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import nbformat
import psutil
from git import GitCommandError, InvalidGitRepositoryError, NoSuchPathError, Repo
from pydantic import BaseModel, ConfigDict, ValidationError

from adrl_core.config import completed
from adrl_core.files import sha256, write_text
from adrl_core.report.inputs import inputs, inputs_hash
from adrl_core.report.jobs import Job, job
from adrl_core.report.stages import MANIFEST, NOTEBOOK, ROOT, STAGES, results_root

PACKAGES = ("adrl-core", "numpy", "pandas", "pyarrow", "pydantic", "scipy", "torch", "papermill", "snakemake")
LOCK = ROOT / "requirements.lock"


class Manifest(BaseModel):
    """Content of manifest.json."""

    model_config = ConfigDict(extra="forbid")

    stage: str
    profile: str
    name: str
    market: str
    variant: str
    changes: dict[str, Any]
    """Study fields changed against the profile."""
    parameters: dict[str, Any]
    settings: dict[str, Any]
    """Settings that decide the outcome, the team's configuration written out."""
    inputs_hash: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    """File relative to the stage's folder -> SHA-256."""
    external: dict[str, str] = {}
    """File outside the repository that decided the outcome -> SHA-256; it need not be here any more."""
    uncommitted: list[str]
    """Outputs that are too large to commit and so may be absent."""
    git: dict[str, Any]
    packages: dict[str, str]
    lock: str | None
    """SHA-256 of requirements.lock."""
    hardware: dict[str, Any]
    started: str
    ended: str
    seconds: float
    resigned: list[dict[str, Any]] = []

    @classmethod
    def load(cls, path: Path) -> "Manifest":
        """Read a manifest.

        Raises:
            ValueError: it is truncated or not a manifest.
        """
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            raise ValueError(f"{path}: not a valid manifest ({error.errors()[0]['msg']})") from None

    def save(self, path: Path) -> None:
        """Write atomically."""
        write_text(path, self.model_dump_json(indent=2) + "\n")

    @property
    def job(self) -> Job:
        """The job that wrote this."""
        return job(self.stage, self.profile, self.market, self.variant, self.name, self.changes)


def describe(work: Job, found: dict[str, str], started: datetime) -> Manifest:
    """The manifest of a job that has just ended.

    Raises:
        FileNotFoundError: a declared output is not there.
    """
    ended = datetime.now(UTC)
    return Manifest(
        stage=work.stage,
        profile=work.profile,
        name=work.name,
        market=work.market,
        variant=work.variant,
        changes=dict(work.changes),
        parameters=work.parameters,
        settings=work.settings,
        inputs_hash=inputs_hash(found),
        inputs=found,
        outputs={file: sha256(work.directory / file) for file in output_files(work)},
        external={path.name: sha256(path) for path in work.external},
        uncommitted=list(work.uncommitted),
        git=git_state(),
        packages={name: installed(name) for name in PACKAGES} | {"python": platform.python_version()},
        lock=sha256(LOCK) if LOCK.exists() else None,
        hardware=hardware(),
        started=started.isoformat(timespec="seconds"),
        ended=ended.isoformat(timespec="seconds"),
        seconds=round((ended - started).total_seconds(), 1),
    )


def output_files(work: Job) -> list[str]:
    """Outputs of a job, relative to its folder: declared ones, its notebook, and the summary's figures."""
    figures = work.directory.glob("figures/*") if work.stage == "summary" else ()
    drawn = sorted(str(p.relative_to(work.directory)) for p in figures if p.suffix in {".svg", ".json"})
    return [NOTEBOOK, *STAGES[work.stage].outputs, *drawn]


def git_state() -> dict[str, Any]:
    """Commit of the code and whether tracked files other than results differ from it."""
    try:
        repository = Repo(ROOT)
        changed = repository.git.diff("HEAD", "--name-only", "--", ".", ":(exclude)results")
        return {"commit": repository.head.commit.hexsha, "dirty": bool(changed)}
    except (InvalidGitRepositoryError, NoSuchPathError, GitCommandError, ValueError):
        return {"commit": None, "dirty": None}


def installed(name: str) -> str:
    """Version of a package, or "absent"."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def hardware() -> dict[str, Any]:
    """The machine: processor, usable cores, memory in GiB, accelerators, operating system."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    reports = [p.read_text(encoding="utf-8") for p in Path("/proc/driver/nvidia/gpus").glob("*/information")]
    return {
        "processor": processor or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "device": os.environ.get("ADRL_DEVICE", "cpu"),
        "gpus": [report.splitlines()[0].partition(":")[2].strip() for report in reports],
        "system": f"{platform.system()} {platform.machine()}",
    }


def manifests(name: str) -> list[Path]:
    """Paths of the manifests of a study, sorted."""
    return sorted((results_root() / name).rglob(MANIFEST))


def verify(profile: str) -> list[str]:
    """Problems of a study's results, one line each; an empty list means that all is well.

    Args:
        profile: folder of the study below the results root.
    """
    base = results_root() / profile
    paths = manifests(profile)
    if not paths:
        return [f"{profile}: no results in {base}; make them with `adrl study {profile}`"]
    problems = [problem for path in paths for problem in verify_stage(path)]
    if not (base / MANIFEST).exists():
        problems.append(f"{profile}/summary: has not run; no facts")
    for notebook in sorted(base.rglob(NOTEBOOK)):
        if not notebook.with_name(MANIFEST).exists():
            folder = notebook.parent.relative_to(base)
            problems.append(f"{profile}/{folder}: no manifest, the stage is unfinished")
    return problems


def verify_stage(path: Path) -> list[str]:
    """Problems of one stage, given its manifest: damaged outputs, recorded exceptions, stale inputs."""
    try:
        manifest = Manifest.load(path)
        work = manifest.job
    except (ValueError, OSError) as error:
        return [str(error)]
    if work.directory != path.parent:
        return [f"{path}: belongs to {work.title}, it was copied or renamed"]
    found = verify_outputs(path, manifest)
    if reason := stale(manifest):
        found.append(f"{work.title}: stale, {reason}; run `adrl study {manifest.profile}` again")
    return found


def verify_outputs(path: Path, manifest: Manifest) -> list[str]:
    """Outputs of a stage that are missing, edited or truncated, or hold an exception; one line each."""
    found, work = [], manifest.job
    for file, expected in manifest.outputs.items():
        output = path.parent / file
        if not output.exists():
            if file not in work.uncommitted:
                found.append(f"{work.title}/{file}: missing")
        elif sha256(output) != expected:
            found.append(f"{work.title}/{file}: edited or truncated, its hash is not the recorded one")
        elif file == NOTEBOOK and failed(output):
            found.append(f"{work.title}/{file}: recorded an exception")
    return found


def failed(notebook: Path) -> bool:
    """Whether an executed notebook recorded an exception."""
    content = nbformat.read(notebook, as_version=4)
    if content.metadata.get("papermill", {}).get("exception"):
        return True
    outputs = (o for cell in content.cells if cell.cell_type == "code" for o in cell.outputs)
    return any(output.output_type == "error" for output in outputs)


def stale(manifest: Manifest) -> str:
    """Why the recorded inputs or settings are not the present ones, or nothing if they are."""
    work = manifest.job
    try:
        present = inputs(work)
    except (FileNotFoundError, ValueError) as error:
        return str(error)
    if other := changed(completed(manifest.settings), work.settings):
        return "other settings: " + ", ".join(other)
    if other := [p.name for p in work.external if manifest.external.get(p.name) != sha256(p)]:
        return "other data: " + ", ".join(other)
    if inputs_hash(present) == manifest.inputs_hash:
        return ""
    return "changed: " + ", ".join(changed(manifest.inputs, present))


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Sorted keys whose values differ, or that only one of two mappings has."""
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def outdated(work: Job) -> bool:
    """Whether a job has results that are damaged, stale or from other parameters; false if it has none."""
    path = work.directory / MANIFEST
    if not path.exists():
        return False
    return bool(verify_stage(path)) or completed(Manifest.load(path).settings) != work.settings


def notices(name: str) -> list[str]:
    """What a reader should know of a study though it is no error: a changed lock, uncommitted code."""
    present = sha256(LOCK) if LOCK.exists() else None
    found = [Manifest.load(path) for path in manifests(name)]
    kinds = {
        "another requirements.lock": [m.job.title for m in found if m.lock != present],
        "uncommitted code": [m.job.title for m in found if m.git["dirty"]],
    }
    return [
        f"{len(titles)} of {len(found)} stages ran with {what}, such as {titles[0]}"
        for what, titles in kinds.items()
        if titles
    ]
