"""Papermill I/O handler: reads py:percent text notebooks through Jupytext, leaves the rest to papermill.

Registered under the entry-point group `papermill.io`, so that `papermill notebooks/train.py out.ipynb`
works like it does with .ipynb files.
"""

import jupytext
import nbformat
from papermill.iorw import papermill_io


def read(path: str) -> str:
    """The notebook as .ipynb JSON text, whichever of the two formats it is stored in."""
    text: str = papermill_io.get_handler("local").read(path)
    return str(nbformat.writes(jupytext.reads(text, fmt="py:percent"))) if path.endswith(".py") else text


def write(buffer: str, path: str) -> None:
    """Write an executed notebook."""
    papermill_io.get_handler("local").write(buffer, path)


def listdir(path: str) -> list[str]:
    """Paths in a folder."""
    return list(papermill_io.get_handler("local").listdir(path))


def pretty_path(path: str) -> str:
    """The path as shown in log messages."""
    return path
