"""What tests of the book share: a book of one page on made-up results, and the browser to open it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

TOCTREE = "```{toctree}\n:glob:\n\nreferences\ndesign\nstatus\nnotebooks/*\n```\n"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on PATH"
)


def build_page(root: Path, text: str, **settings: Any) -> Path:
    """Build root/book, one page of MyST text, without a warning; returns the HTML page."""
    source = root / "book"
    source.mkdir(exist_ok=True)
    (source / "index.md").write_text(f"# Page\n\n{text}\n\n{TOCTREE}")
    for page in ("references", "design", "status"):
        (source / f"{page}.md").write_text(f"# {page}\n")
    settings = {"html_theme": "sphinx_book_theme", "nb_execution_mode": "off"} | settings
    with docutils_namespace(), (root / "warnings.txt").open("w") as warnings:
        app = Sphinx(source, None, root / "html", root / "doctrees", "html", settings, None, warnings)
        app.build()
    assert (root / "warnings.txt").read_text() == ""
    return root / "html" / "index.html"
