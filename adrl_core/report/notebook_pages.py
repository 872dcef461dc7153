"""The book's pages of executed notebooks: copies of those in the results, and a word on those not run."""

from pathlib import Path

import nbformat

from adrl_core.report.chapters import listed
from adrl_core.report.stages import NOTEBOOK


def stage_document(stage: str) -> str:
    """Page of a stage's executed notebook, e.g. channels/full/train -> /notebooks/channels-full-train."""
    return f"/notebooks/{stage.replace('/', '-') or 'summary'}"


def command(stage: str, profile: str) -> str:
    """The command that repeats a stage, e.g. published/full/train, published/baselines, summary."""
    *place, name = stage.split("/")
    options = "".join(
        f" --{option} {value}" for option, value in zip(("market", "variant"), place, strict=False)
    )
    return f"adrl run {name} --profile {profile}{options}"


def place_notebooks(results: Path, target: Path) -> None:
    """Mirror every executed notebook of the results into the book; unchanged ones keep their date.

    Notebooks in the table of contents that the results lack get a page that says so.
    """
    target.mkdir(parents=True, exist_ok=True)
    names = [Path(name).name for name in listed(target.parent) if name.startswith(f"{target.name}/")]
    wanted = {f"{name}.ipynb": absent(name.replace("-", "/"), results.name) for name in names}
    for notebook in sorted(results.rglob(NOTEBOOK)):
        stage = notebook.parent.relative_to(results).as_posix().removeprefix(".")
        wanted[Path(stage_document(stage)).name + ".ipynb"] = described(notebook)
    for stale in set(target.glob("*.ipynb")) - {target / name for name in wanted}:
        stale.unlink()
    for name, content in wanted.items():
        copy = target / name
        if not copy.exists() or copy.read_text(encoding="utf-8") != content:
            copy.write_text(content, encoding="utf-8")


def described(path: Path) -> str:
    """An executed notebook as JSON in which every image has, as text alternative, the sentence before it."""
    notebook = nbformat.read(path, as_version=4)
    before = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            before = " ".join(line for line in cell.source.splitlines() if not line.startswith("#"))
        elif any(kind.startswith("image/") for output in cell.outputs for kind in output.get("data", {})):
            cell.metadata["mystnb"] = {"image": {"alt": f"Figure: {before.split('. ')[0].strip()}"}}
    return str(nbformat.writes(notebook))


def absent(stage: str, profile: str) -> str:
    """The page of a stage that the profile has not run, as JSON."""
    text = (
        f"# {stage.replace('/', ', ')}\n\nThis stage was not run in profile {profile}; "
        f"`{command(stage, profile)}` runs it."
    )
    cell = nbformat.v4.new_markdown_cell(text, id="absent")
    return str(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])))
