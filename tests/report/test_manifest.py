"""Damage and staleness are found; what decides no result is free to change."""

import json
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest

from adrl_core.report import manifest
from adrl_core.report.inputs import code_only, inputs
from adrl_core.report.jobs import job
from adrl_core.report.manifest import Manifest, describe, outdated, verify
from adrl_core.report.stages import MANIFEST, NOTEBOOK, ROOT, STAGES


def finish(stage: str, market: str = "", variant: str = "") -> Path:
    """Leave the results of a stage as if it had run; returns its folder."""
    work = job(stage, "smoke", market, variant)
    work.directory.mkdir(parents=True, exist_ok=True)
    for file in STAGES[stage].outputs:
        (work.directory / file).write_text(f"content of {file}")
    nbformat.write(nbformat.v4.new_notebook(), work.directory / NOTEBOOK)
    describe(work, inputs(work), datetime.now(UTC)).save(work.directory / MANIFEST)
    return work.directory


@pytest.fixture
def study(results_root: Path) -> Path:
    """A finished little study; returns its folder."""
    finish("market", "published")
    finish("train", "published", "full")
    finish("evaluate", "published", "full")
    return finish("summary")


def test_whole(study: Path) -> None:
    assert verify("smoke") == []


def test_weights_may_be_absent(study: Path) -> None:
    (study / "published/full/train/checkpoint.pt").unlink()
    assert verify("smoke") == []


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("published/full/train/episodes.parquet", None, "missing"),
        ("published/full/train/episodes.parquet", "content of epi", "edited or truncated"),
        ("facts.json", "{}", "edited or truncated"),
        ("published/full/train/manifest.json", '{"stage": ', "not a valid manifest"),
        ("published/full/train/manifest.json", None, "no manifest"),
    ],
)
def test_damage(study: Path, file: str, content: str | None, problem: str) -> None:
    path = study / file
    path.unlink()
    if content is not None:
        path.write_text(content)
    found = verify("smoke")
    assert any(problem in line and "/".join(file.split("/")[:-1]) in line for line in found), found
    assert all("\n" not in line for line in found)


def test_recorded_exception(study: Path) -> None:
    directory = study / "published/market"
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell("1/0", outputs=[nbformat.v4.new_output("error", ename="E", evalue="")])
    ]
    nbformat.write(notebook, directory / NOTEBOOK)
    loaded = Manifest.load(directory / MANIFEST)
    hashes = loaded.outputs | {NOTEBOOK: manifest.sha256(directory / NOTEBOOK)}
    loaded.model_copy(update={"outputs": hashes}).save(directory / MANIFEST)
    assert verify("smoke") == ["smoke/published/market/executed.ipynb: recorded an exception"]


def test_changed_code(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change in the learner makes training stale, and the message names it; the market is untouched."""
    learner = (ROOT / "adrl_core/agents/ddqn.py").read_text()
    monkeypatch.setattr(
        "adrl_core.report.inputs.code_only",
        lambda s: code_only(s) + "changed" if s == learner else code_only(s),
    )
    assert any(
        "published/full/train: stale, changed: adrl_core/agents/ddqn.py" in line for line in verify("smoke")
    )
    assert not outdated(job("market", "smoke", "published"))


def test_new_upstream_results(study: Path) -> None:
    (study / "published/full/train/episodes.parquet").write_text("others")
    work = job("train", "smoke", "published", "full")
    describe(work, inputs(work), datetime.now(UTC)).save(work.directory / MANIFEST)
    found = verify("smoke")
    assert any(line.startswith("smoke/published/full/evaluate: stale") for line in found)


def test_update_logs_of_ablations_may_be_absent_those_of_the_team_may_not(results_root: Path) -> None:
    for variant in ("full", "no_budget"):
        (finish("train", "published", variant) / "updates.parquet").unlink()
    finish("summary")
    assert verify("smoke") == ["smoke/published/full/train/updates.parquet: missing"]


def test_another_configuration(study: Path) -> None:
    """Recorded settings that are not the variant's; a setting that the record lacks is the default."""
    path = study / "published/full/train" / MANIFEST
    content = json.loads(path.read_text())
    del content["settings"]["team"]["bidding"]["double"]
    path.write_text(json.dumps(content))
    assert verify("smoke") == []
    content["settings"]["team"]["bidding"]["discount"] = 0.5
    path.write_text(json.dumps(content))
    expected = "smoke/published/full/train: stale, other settings: team; run `adrl study smoke` again"
    assert verify("smoke") == [expected]


def test_other_parameters_are_outdated(study: Path) -> None:
    assert not outdated(job("train", "smoke", "published", "full"))
    assert outdated(job("train", "smoke", "published", "full", changes={"episodes": 9}))
    assert not outdated(job("train", "smoke", "channels", "full")), "it has not run"


def test_renamed_study(study: Path) -> None:
    study.rename(study.with_name("other"))
    assert all("belongs to smoke" in line for line in verify("other"))


def test_notices(study: Path) -> None:
    path = study / "published/market" / MANIFEST
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"lock": "0" * 64}))
    assert verify("smoke") == []
    (notice,) = [line for line in manifest.notices("smoke") if "requirements.lock" in line]
    assert notice.startswith("1 of ")
    assert notice.endswith(" stages ran with another requirements.lock, such as smoke/published/market")


def test_other_data_are_noticed_and_absent_data_are_not(
    results_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The results of a log stay valid where it is not, and are stale where it is another."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "own.json").write_text("{}")
    (logs / "own-auctions.txt").write_text("0 1 0.1")
    monkeypatch.setenv("ADRL_LOGS", str(logs))
    work = job("auctions", "smoke", changes={"log": "own"})
    work.directory.mkdir(parents=True)
    for file in STAGES["auctions"].outputs:
        (work.directory / file).write_text(f"content of {file}")
    nbformat.write(nbformat.v4.new_notebook(), work.directory / NOTEBOOK)
    describe(work, inputs(work), datetime.now(UTC)).save(work.directory / MANIFEST)
    recorded = Manifest.load(work.directory / MANIFEST).external
    assert recorded == {path.name: manifest.sha256(path) for path in logs.iterdir()}
    assert not outdated(work)
    (logs / "own-auctions.txt").write_text("1 1 0.1")
    assert "stale, other data: own-auctions.txt" in manifest.verify_stage(work.directory / MANIFEST)[0]
    monkeypatch.setenv("ADRL_LOGS", str(tmp_path))
    assert manifest.verify_stage(work.directory / MANIFEST) == []
