"""Running a stage: its notebook under papermill, a log beside it, and the manifest last of all."""

import errno
import logging
import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import nbformat
import papermill
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import papermill_io

from adrl_core import notebook_io
from adrl_core.files import exclusive, replacing, write_text
from adrl_core.report.inputs import inputs, inputs_hash
from adrl_core.report.jobs import Job
from adrl_core.report.manifest import describe
from adrl_core.report.stages import MANIFEST, NOTEBOOK, ROOT

LOG = "run.log"
FAILED = "executed.failed.ipynb"
OWNER_ONLY = 0o600
CACHE = ROOT / ".snakemake" / "cache"
CACHES = {"IPYTHONDIR": "ipython", "JUPYTER_RUNTIME_DIR": "jupyter", "MPLCONFIGDIR": "matplotlib"}
"""Environment variables that name a folder for caches or sockets -> that folder in CACHE."""


class StageError(RuntimeError):
    """A stage failed; the message is one line."""


class Tee:
    """A text stream that writes to several others, as papermill wants it: write and flush."""

    def __init__(self, *streams: IO[str]) -> None:
        self.streams = streams

    def write(self, text: str) -> None:
        """Write to all streams."""
        for stream in self.streams:
            stream.write(text)

    def flush(self) -> None:
        """Flush all streams."""
        for stream in self.streams:
            stream.flush()


def run(work: Job, threads: int) -> None:
    """Execute a job's notebook; its folder holds a manifest afterwards if and only if it succeeded.

    Args:
        work: the job.
        threads: threads that numerical libraries may use.

    Raises:
        StageError: the notebook failed; what it got to is kept, with a log.
        OSError: a folder cannot be written, or an input is missing.
    """
    found, started = inputs(work), datetime.now(UTC)
    work.directory.mkdir(parents=True, exist_ok=True)
    # A job whose workflow was killed needs a moment to notice and to let go.
    with exclusive(work.directory / "lock.partial", patience=10):
        (work.directory / MANIFEST).unlink(missing_ok=True)
        (work.directory / FAILED).unlink(missing_ok=True)
        try:
            drop_halves(work.directory)
            drop_foreign_state(work.directory, inputs_hash(found))
            execute(work, threads)
            keep_private(work)
            describe(work, found, started).save(work.directory / MANIFEST)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise StageError(f"{work.title}: no space left for {work.directory}") from None
            raise
        (work.directory / "inputs.partial").unlink()


def keep_private(work: Job) -> None:
    """Let nobody but their owner read or change the weights, as approvals are bound to them."""
    for weights in work.directory.glob("*.pt"):
        weights.chmod(OWNER_ONLY)


def drop_halves(directory: Path) -> None:
    """Remove what a killed run left half written; nobody else writes in a folder that is locked."""
    for half in directory.glob("*.*.partial/"):
        shutil.rmtree(half)


def drop_foreign_state(directory: Path, present: str) -> None:
    """Remove resumable state left by a run with other inputs, and note whose state comes now."""
    note = directory / "inputs.partial"
    if not note.exists() or note.read_text(encoding="utf-8") != present:
        for state in directory.glob("*resume.pt"):
            state.unlink()
    note.write_text(present, encoding="utf-8")


def execute(work: Job, threads: int) -> None:
    """Run the notebook in its own kernel, from the repository's root."""
    papermill_io.register(str(work.notebook), notebook_io)
    destination = work.directory / NOTEBOOK
    # A relative folder, so that no machine's paths get into the notebook.
    parameters = {**work.parameters, "directory": os.path.relpath(work.directory, ROOT)}
    interactive = sys.stderr.isatty()
    for folder in CACHES.values():
        (CACHE / folder).mkdir(parents=True, exist_ok=True)
    with (
        warnings.catch_warnings(),
        environment(kernel_variables(threads, os.environ)),
        (work.directory / LOG).open("w", encoding="utf-8") as log,
        logged_to(log),
        replacing(destination) as partial,
    ):
        stream = Tee(log, sys.stderr) if interactive else Tee(log)
        # Papermill does not know that its reader understands .py files.
        warnings.filterwarnings("ignore", message="The specified file")
        try:
            papermill.execute_notebook(
                str(work.notebook),
                str(partial),
                parameters,
                kernel_name="python3",
                progress_bar=interactive,
                stdout_file=stream,
                stderr_file=stream,
                cwd=str(ROOT),
                autosave_cell_every=0,
                start_timeout=300,  # A machine that is busy elsewhere may take minutes.
                extra_arguments=["--log-level=50"],
            )
        except PapermillExecutionError as error:
            log.write("\n".join(error.traceback) + "\n")
            write_text(work.directory / FAILED, nbformat.writes(tidied(partial, work)))
            reason = " ".join(f"{error.ename}: {error.evalue}".split())
            raise StageError(f"{work.title}: {reason} (see {FAILED} and {LOG} in {work.directory})") from None
        partial.write_text(nbformat.writes(tidied(partial, work)), encoding="utf-8")


@contextmanager
def logged_to(stream: IO[str]) -> Iterator[None]:
    """Send what papermill has to say, such as that an interrupted kernel has died, to a stream of ours."""
    handler, logger = logging.StreamHandler(stream), logging.getLogger("papermill")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def kernel_variables(threads: int, environ: Mapping[str, str]) -> dict[str, str]:
    """An environment for running notebooks: few threads, caches and sockets inside the repository."""
    caches = {variable: str(CACHE / folder) for variable, folder in CACHES.items()}
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    path = os.pathsep.join([str(ROOT), *filter(None, [environ.get("PYTHONPATH")])])
    return {**environ, **caches, **limits, "PYTHONPATH": path}


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables of this process, whose kernel inherits them; not for use in threads."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def tidied(path: Path, work: Job) -> NotebookNode:
    """An executed notebook without this machine's paths and without overwritten progress lines."""
    text = path.read_text(encoding="utf-8").replace(f"{ROOT}/", "")
    notebook = nbformat.reads(text, as_version=4)
    notebook.metadata.papermill.update(input_path=f"notebooks/{work.notebook.name}", output_path=NOTEBOOK)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                output.text = re.sub(r"[^\n]*\r(?!\n)", "", output.text)
    return notebook
