"""`adrl check` on a little study that really ran: it passes, and every kind of forgery fails it."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import jupytext
import nbformat
import pytest
from typer.testing import CliRunner

from adrl_core.cli import app
from adrl_core.files import sha256
from adrl_core.report import readme
from adrl_core.report.facts import FactStore
from adrl_core.report.inputs import inputs
from adrl_core.report.jobs import Job, jobs
from adrl_core.report.manifest import Manifest, describe
from adrl_core.report.stages import MANIFEST, NOTEBOOK

pytestmark = pytest.mark.slow
STUDY = "paper"
"""The prose is held against results of this name."""
BOOK = {
    "_toc.yml": "root: index\nchapters:\n  - file: results\n",
    "index.md": "# A book\n\nOf {fact}`study.seeds` runs, told in {structural}`2` parts.\n",
    "results.md": (
        "# Results\n\nRandom earns {fact}`published.random.reward.mean`. The maximum bid earns\n"
        "{claim}`more | published.constant_max.reward > published.random.reward`.\n"
    ),
}


def execute(work: Job) -> None:
    """Run a stage's notebook in this process, without the cells that only show, and write its manifest."""
    found, started = inputs(work), datetime.now(UTC)
    work.directory.mkdir(parents=True, exist_ok=True)
    variables: dict[str, object] = {}
    for cell in jupytext.read(work.notebook, fmt="py:percent").cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and "show" not in tags:
            exec(cell.source, variables)
            if "parameters" in tags:
                variables |= work.parameters | {"directory": str(work.directory)}
    nbformat.write(nbformat.v4.new_notebook(), work.directory / NOTEBOOK)
    describe(work, found, started).save(work.directory / MANIFEST)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results root with the published settings on the published market."""
    root = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADRL_RESULTS", str(root))
        patch.setenv("ADRL_COMMENTARY", "template")  # the recording is of other results
        for work in jobs("smoke", ("published",), ("full",), STUDY, {}):
            execute(work)
    return root


@pytest.fixture
def study(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the study that a test may damage."""
    shutil.copytree(finished, tmp_path / "results")
    monkeypatch.setenv("ADRL_RESULTS", str(tmp_path / "results"))
    monkeypatch.setattr(readme, "is_current", lambda _: True)
    return tmp_path / "results" / STUDY


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book about it."""
    folder = tmp_path / "book"
    folder.mkdir()
    for name, text in BOOK.items():
        (folder / name).write_text(text)
    return folder


def check(book: Path) -> tuple[int, list[str]]:
    """Exit code and lines of `adrl check`."""
    outcome = CliRunner().invoke(app, ["check", STUDY, "--book", str(book)])
    return outcome.exit_code, outcome.stdout.splitlines()


def replace(path: Path, before: str, after: str) -> None:
    """Change a text file."""
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def sign(study: Path) -> None:
    """Have the summary's manifest vouch for the facts as they are."""
    manifest = Manifest.load(study / MANIFEST)
    outputs = manifest.outputs | {"facts.json": sha256(study / "facts.json")}
    manifest.model_copy(update={"outputs": outputs}).save(study / MANIFEST)


def test_whole(study: Path, book: Path) -> None:
    code, lines = check(book)
    assert (code, lines[:2]) == (
        0,
        [
            "paper: results are whole, current and match their facts, and the prose matches them",
            "numerals declared structural: 1 (index.md 1)",
        ],
    )
    facts = FactStore.load(study / "facts.json")
    assert lines[2].startswith("claims: ")
    counts = [int(part.split()[0]) for part in lines[2].removeprefix("claims: ").split(", ")]
    assert sum(counts) == facts["ledger.count.all"].value


@pytest.mark.parametrize("signed", [False, True])
def test_a_fact_changed_by_one_digit(study: Path, book: Path, signed: bool) -> None:
    path = study / "facts.json"
    content = json.loads(path.read_text())
    content["facts"]["published.random.reward.mean"]["value"] += 0.001
    path.write_text(json.dumps(content))
    if signed:
        sign(study)
    code, lines = check(book)
    assert code == 1
    told = "fact published.random.reward.mean: " if signed else "facts.json: edited or truncated"
    assert any(told in line for line in lines), lines


def test_a_typed_numeral(study: Path, book: Path) -> None:
    replace(book / "results.md", "earns {fact}`published.random.reward.mean`", "earns 270.9")
    code, lines = check(book)
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith("book/results.md:3: numeral '270.9' has no source")


def test_an_edited_table(study: Path, book: Path) -> None:
    path = study / "published/baselines/evaluation.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    code, lines = check(book)
    assert code == 1
    assert "paper/published/baselines/evaluation.parquet: edited or truncated" in lines[0]


def test_a_false_claim(study: Path, book: Path) -> None:
    replace(
        book / "results.md",
        "{claim}`more | published.constant_max.reward >",
        "{claim}`less | published.constant_max.reward <",
    )
    code, lines = check(book)
    assert code == 1
    (line,) = lines
    assert line.startswith("book/results.md:4: false: 'less | published.constant_max.reward <")
    assert "published.constant_max.reward = " in line


def test_an_unknown_fact(study: Path, book: Path) -> None:
    replace(book / "index.md", "study.seeds", "study.seed")
    code, lines = check(book)
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith(
        "book/index.md:3: fact 'study.seed': unknown in profile 'paper'; nearest: study.seeds"
    )


def test_a_manifest_from_another_configuration(study: Path, book: Path) -> None:
    path = study / "published/full/train" / MANIFEST
    content = json.loads(path.read_text())
    content["settings"]["team"]["bidding"]["discount"] = 0.5
    path.write_text(json.dumps(content))
    code, lines = check(book)
    assert code == 1
    assert "paper/published/full/train: stale, other settings: team" in lines[0]


def test_other_profiles_may_refute_the_prose(
    study: Path, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adrl_core.report import facts

    monkeypatch.setattr(facts, "PROSE_PROFILE", "another")
    replace(book / "results.md", "random.reward.mean", "tuned.reward.mean")
    assert check(book)[0] == 0


def test_a_book_without_contents(study: Path, tmp_path: Path) -> None:
    outcome = CliRunner().invoke(app, ["check", STUDY, "--book", str(tmp_path)])
    assert outcome.exit_code == 2
    assert outcome.stderr == f"adrl: book = {str(tmp_path)!r}: has no _toc.yml\n"
