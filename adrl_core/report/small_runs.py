"""A script, not for import: runs notebooks of the source tree that it is started in, one process each.

It must work with the code of any commit, so it uses nothing of the package. Standard input is JSON, a list of
runs in order: `notebook`, its file; `parameters` for its parameters cell; `directory`, its output folder; and
`frames`, the names of tables that the notebook holds without saving them, which are saved as well. Cells with
the tag `show` are left out. A folder receives the notebook's own outputs, a log, and `seconds`, the time it
took, if it succeeded.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

# Imported once, before the first fork, because they take seconds.
import jupytext
import pandas as pd
import scipy.stats  # noqa: F401
import torch  # noqa: F401

LOG, SECONDS = "twin.log", "seconds"


def play(run: dict[str, Any]) -> None:
    """Execute a notebook's code with its parameters in this process."""
    variables: dict[str, Any] = {}
    for cell in jupytext.read(run["notebook"], fmt="py:percent").cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and "show" not in tags:
            exec(cell.source, variables)
            if "parameters" in tags:
                variables |= run["parameters"] | {"directory": run["directory"]}
    for name in run["frames"]:
        frame: pd.DataFrame = variables[name]
        frame.reset_index().to_parquet(Path(run["directory"]) / f"{name}.parquet", index=False)


def play_apart(run: dict[str, Any]) -> None:
    """Play in a process of its own, so that no run depends on those before it."""
    folder = Path(run["directory"])
    folder.mkdir(parents=True)
    started = time.monotonic()
    child = os.fork()
    if not child:
        with (folder / LOG).open("w", encoding="utf-8") as log:
            os.dup2(log.fileno(), sys.stdout.fileno())
            os.dup2(log.fileno(), sys.stderr.fileno())
            status = 1
            try:
                play(run)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
    if os.waitpid(child, 0)[1] == 0:
        (folder / SECONDS).write_text(f"{time.monotonic() - started:.1f}", encoding="utf-8")


if __name__ == "__main__":
    parent = os.getppid()
    for run in json.load(sys.stdin):
        if os.getppid() != parent:
            sys.exit("whoever wanted the runs has gone")
        play_apart(run)
