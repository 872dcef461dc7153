"""Everything but settings that decides the outcome of a job, as hashes.

A stage's inputs are the code its notebook reaches through imports, the notebook's own code and the outputs
of the stages before it; its settings are compared apart, by value. Code is hashed as a syntax tree without
docstrings, so comments, docstrings and formatting are free to change. Modules that decide no result are
left out.
"""

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import jupytext

from adrl_core.files import sha256
from adrl_core.report.jobs import Job
from adrl_core.report.stages import MANIFEST, NOTEBOOK, ON_RESULTS, ROOT, STAGES, results_root

# These move results, they do not make them.
MACHINERY = (
    "adrl_core",
    "adrl_core.files",
    "adrl_core.report.execute",
    "adrl_core.report.inputs",
    "adrl_core.report.jobs",
    "adrl_core.report.manifest",
    "adrl_core.report.stages",
)
# What only the summary and the commentary depend on: the others compare their settings by value.
ON_RESULTS_ONLY = ("adrl_core.config", "adrl_core.evidence.figures", "adrl_core.report")


def inputs(work: Job) -> dict[str, str]:
    """Everything but settings that decides the outcome of a job: what it is called -> SHA-256.

    Raises:
        FileNotFoundError: a stage that this one builds on has not run.
        ValueError: its manifest is truncated.
    """
    found = {f"notebooks/{work.notebook.name}": digest(notebook_code(work.notebook, without="show"))}
    for module, path in reached_modules(work.notebook).items():
        if module not in MACHINERY and (work.stage in ON_RESULTS or not module.startswith(ON_RESULTS_ONLY)):
            code = code_only(path.read_text(encoding="utf-8"))
            found[str(path.relative_to(ROOT))] = digest(code)
            for table in path.parent.glob("*.csv"):
                if table.name in code:
                    found[str(table.relative_to(ROOT))] = sha256(table)
    for folder in upstream(work):
        path = results_root() / work.name / folder / MANIFEST
        try:
            outputs = json.loads(path.read_text(encoding="utf-8"))["outputs"]
        except (json.JSONDecodeError, KeyError, TypeError):
            raise ValueError(f"{path}: not a valid manifest") from None
        for file, value in outputs.items():
            # The executed notebook carries run times, which decide nothing; figures are not commented on.
            if file != NOTEBOOK and (file == "facts.json" or work.stage != "commentary"):
                found[f"{folder}/{file}".lstrip("/")] = value
    if work.stage == "commentary" and work.cassette.exists():
        found[str(work.cassette.relative_to(ROOT))] = sha256(work.cassette)
    return found


def inputs_hash(found: Mapping[str, str]) -> str:
    """One hash for all inputs."""
    return digest(json.dumps(found, sort_keys=True))


def upstream(work: Job) -> list[str]:
    """Folders, relative to results/<name>, of the stages that a job reads."""
    base = results_root() / work.name
    for needed in work.after:
        if not (base / needed / MANIFEST).exists():
            raise FileNotFoundError(f"{work.title}: needs {work.name}/{needed}, which has not run")
    if work.stage == "summary":
        found = sorted(str(path.parent.relative_to(base)) for path in base.glob(f"*/**/{MANIFEST}"))
        return [folder for folder in found if folder != STAGES["commentary"].folder]
    if work.stage == "commentary":
        if not (base / MANIFEST).exists():
            raise FileNotFoundError(f"{work.title}: needs {work.name}/summary, which has not run")
        return [STAGES["summary"].folder]
    return list(work.after)


def digest(text: str) -> str:
    """SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def code_only(source: str) -> str:
    """Python source without comments, docstrings and formatting."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # A string standing alone documents what is before it; it is never executed to any effect.
            node.body = [item for item in body if not is_string(item)] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def is_string(node: ast.AST) -> bool:
    """Whether a statement is nothing but a string."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False


def notebook_code(path: Path, without: str = "") -> str:
    """Code of a text notebook's cells, comments removed, leaving out cells with the tag `without`."""
    cells = jupytext.read(path, fmt="py:percent").cells
    code = [c.source for c in cells if c.cell_type == "code" and without not in c.metadata.get("tags", [])]
    return code_only("\n".join(code))


def reached_modules(notebook: Path) -> dict[str, Path]:
    """Modules of this package that a notebook's code reaches through imports, parents included."""
    reached: dict[str, Path] = {}
    waiting = list(imported(notebook_code(notebook, without="show"), package=""))
    while waiting:
        module = waiting.pop()
        path = module_path(module)
        if path is None or module in reached:
            continue
        reached[module] = path
        waiting += imports_of(path)
        waiting.append(module.rpartition(".")[0])
    return reached


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """Names of this package's modules that a source file may import."""
    relative = path.relative_to(ROOT).with_suffix("")
    package = ".".join(relative.parent.parts)
    return tuple(imported(path.read_text(encoding="utf-8"), package))


def imported(source: str, package: str) -> Iterator[str]:
    """Dotted names that source code imports from this package; some name attributes, not modules."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("adrl_core"))
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([base] if base else [])])
            if base.startswith("adrl_core"):
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)


def module_path(module: str) -> Path | None:
    """Source file of a module of this package, or None if there is no such module."""
    if not module:
        return None
    base = ROOT.joinpath(*module.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)
