"""`adrl diff` as a user meets it: folders, studies, commits, the text, the page and the errors."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from git import Repo
from typer.testing import CliRunner

from adrl_core.cli import app
from adrl_core.report import diff
from adrl_core.report.facts import Fact, FactStore

SEEDS, BANK = 8, 4


def evaluation(policy: str, seeds: int, generator: np.random.Generator) -> pd.DataFrame:
    """A made-up evaluation table."""
    frame = pd.DataFrame(
        {
            "policy": policy,
            "seed": np.repeat(np.arange(seeds), BANK),
            "episode": np.tile(np.arange(BANK), seeds),
        }
    )
    for metric, level in (("reward", 500), ("profit", 1000), ("conversions", 20)):
        frame[metric] = generator.normal(level, level / 50, len(frame))
    return frame


def write(folder: Path, shift: float = 0.0, **git: str) -> Path:
    """A made-up study with two variants; `shift` is added to the reward of `tuned`, with some noise."""
    generator = np.random.default_rng(0)
    baselines = pd.concat([evaluation(name, 1, generator) for name in ("random", "fixed")])
    tables = {"baselines": baselines}
    tables |= {f"{name}/evaluate": evaluation(name, SEEDS, generator) for name in ("full", "tuned")}
    if shift:
        tables["tuned/evaluate"]["reward"] += np.repeat(shift + generator.normal(0, 1, SEEDS), BANK)
    for stage, frame in tables.items():
        path = folder / "channels" / stage
        path.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(path / "evaluation.parquet")
        manifest = {
            "git": {"commit": "a" * 40, **git},
            "packages": {"numpy": "2"},
            "settings": {"fee": shift, "team": {"reward_scale": 1.0}},
        }
        (path / "manifest.json").write_text(json.dumps(manifest))
    fact = Fact(value=500.0 + shift, low=499.0 + shift, high=501.0 + shift, format=".1f")
    FactStore(profile="x", facts={"channels.tuned.reward.mean": fact}).save(folder / "facts.json")
    return folder


def adrl(*arguments: object) -> Result:
    """Call `adrl diff`."""
    return CliRunner().invoke(app, ["diff", *map(str, arguments)])


@pytest.fixture
def pair(results_root: Path) -> tuple[Path, Path]:
    """Two studies; the reward of `tuned` differs by 25."""
    return write(results_root / "before"), write(results_root / "after", 25.0, commit="b" * 40)


def test_a_shift_is_told(pair: tuple[Path, Path]) -> None:
    outcome = adrl("before", "after")
    assert outcome.exit_code == 0
    assert re.search(r"channels/tuned +reward .*8 runs, paired +changed", outcome.output)
    assert "12 comparisons: 11 identical, 1 changed." in outcome.output
    assert "Identical: channels/fixed, channels/full, channels/random." in outcome.output
    assert re.search(r"channels\.tuned\.reward\.mean +500\.0 .* 525\.0 ", outcome.output)
    assert re.search(r"git\.commit +a{10} +b{10} ", outcome.output)
    assert re.search(r"settings\.fee +0\.0 +25\.0 ", outcome.output)
    assert "reward_scale" not in outcome.output
    assert "\x1b" not in outcome.output


def test_exit_code_on_request(pair: tuple[Path, Path]) -> None:
    assert adrl("before", "after", "--fail-on-change").exit_code == 1
    assert adrl("before", "before", "--fail-on-change").exit_code == 0


def test_identical(pair: tuple[Path, Path]) -> None:
    """A study by name and the same one by path."""
    outcome = adrl("before", pair[0])
    assert outcome.exit_code == 0
    assert "12 comparisons: 12 identical." in outcome.output
    assert "Facts: 1 equal, 0 different, 0 only in A, 0 only in B." in outcome.output


def test_missing_variants_are_named(pair: tuple[Path, Path]) -> None:
    before, after = pair
    shutil.rmtree(before / "channels/full")
    shutil.rmtree(after / "channels/baselines")
    outcome = adrl("before", "after")
    assert outcome.exit_code == 0
    assert "Only in A: channels/fixed, channels/random." in outcome.output
    assert "Only in B: channels/full." in outcome.output
    assert "3 comparisons" in outcome.output


def test_other_seeds_are_not_paired(pair: tuple[Path, Path]) -> None:
    path = pair[1] / "channels/full/evaluate/evaluation.parquet"
    frame = pd.read_parquet(path)
    frame[frame["seed"] < 5].to_parquet(path)
    assert re.search(r"channels/full +reward .* 8 and 5 runs +within noise", adrl("before", "after").output)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"parameters": {"fee": 1}, "git": null}'])
def test_manifests_of_any_age(content: str, pair: tuple[Path, Path]) -> None:
    for path in pair[0].rglob("manifest.json"):
        path.write_text(content)
    outcome = adrl("before", "after")
    assert outcome.exit_code == 0
    assert "not recorded" in outcome.output


def test_parameters_stand_in_for_settings() -> None:
    old: dict[str, Any] = {"s": {"parameters": {"fee": 0, "seeds": 2}}}
    new: dict[str, Any] = {"s": {"parameters": {"fee": 1, "seeds": 2}, "settings": {"fee": 1}}}
    assert list(diff.setting_changes(old, new)) == [("parameters.fee", "0", "1", ("s",))]


def test_facts_of_a_later_format(pair: tuple[Path, Path]) -> None:
    path = pair[0] / "facts.json"
    store = json.loads(path.read_text())
    store["facts"]["channels.tuned.reward.mean"]["colour"] = "blue"
    path.write_text(json.dumps(store))
    assert "Facts: 0 equal, 1 different" in adrl("before", "after").output


@pytest.fixture
def repository(tmp_path: Path, results_root: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A repository whose second commit moves `tuned`; its working tree holds no results."""
    repo = Repo.init(tmp_path / "repository")
    root = Path(repo.working_dir)
    monkeypatch.setattr(diff, "ROOT", root)
    with repo.config_writer() as config:
        config.set_value("user", "name", "a").set_value("user", "email", "a@b.example")
    for shift in (0.0, 25.0):
        write(root / "results/paper", shift)
        write(root / "results/quick")
        (root / "results/paper/run.log").write_text("text")
        repo.git.add("results")
        repo.index.commit(f"shift {shift}")
    repo.create_tag("v1", "HEAD~1")
    repo.git.rm("-r", "-q", "results")
    return repo


def test_commits(repository: Repo) -> None:
    before = repository.git.status("--porcelain")
    outcome = adrl("v1", "HEAD")
    assert outcome.exit_code == 0, outcome.output
    assert "11 identical, 1 changed" in outcome.output
    assert f"A  v1 (commit {repository.commit('v1').hexsha[:10]}, results/paper)" in outcome.output
    assert "12 identical" in adrl("HEAD~1", "v1:paper").output
    assert "12 identical" in adrl(repository.head.commit.hexsha[:8] + ":quick", "v1:quick").output
    assert repository.git.status("--porcelain") == before


def test_a_commit_against_a_folder(repository: Repo, results_root: Path) -> None:
    write(results_root / "mine")
    assert "12 identical" in adrl("v1", "mine").output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nosuch", "results 'nosuch': not found; allowed:"),
        ("", "results '': not found"),
        ("v9:paper", "results 'v9:paper': not found"),
        ("v1:nosuch", "has no folder results/nosuch"),
        ("v1:paper/run.log", "has no folder results/paper/run.log"),
        ("v1:paper/channels", "has no evaluation in results/paper/channels"),
    ],
)
def test_unknown_results(text: str, message: str, repository: Repo) -> None:
    outcome = adrl("v1", text)
    assert outcome.exit_code == 2
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert message in outcome.stderr
    assert outcome.stdout == ""


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("channels/full/evaluate/evaluation.parquet", b"PAR1 no"),
        ("facts.json", b'{"facts": '),
        ("facts.json", b'{"facts": {"a": {"value": null}}}'),
    ],
)
def test_damaged_files_are_named(file: str, content: bytes, pair: tuple[Path, Path]) -> None:
    (pair[0] / file).write_bytes(content)
    outcome = adrl("before", "after")
    assert outcome.exit_code == 1
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert f"before: {file}: cannot be read" in outcome.stderr


@pytest.mark.parametrize("damage", ["column", "twice", "nan"])
def test_tables_that_cannot_be_compared(damage: str, pair: tuple[Path, Path]) -> None:
    path = pair[0] / "channels/full/evaluate/evaluation.parquet"
    frame = pd.read_parquet(path)
    if damage == "column":
        frame = frame.drop(columns="seed")
    elif damage == "twice":
        frame = pd.concat([frame, frame])
    else:
        frame.loc[0, "reward"] = np.nan
    frame.to_parquet(path)
    outcome = adrl("before", "after")
    assert outcome.exit_code == 1
    assert "before: channels/full/evaluate/evaluation.parquet: cannot be read" in outcome.stderr


def test_nothing_in_common(pair: tuple[Path, Path]) -> None:
    (pair[1] / "channels").rename(pair[1] / "moon")
    outcome = adrl("before", "after")
    assert outcome.exit_code == 1
    assert "before and after: no policy was evaluated on the same market in both" in outcome.stderr


class Reader(HTMLParser):
    """Tags, attributes and text of a page, and whether every tag is closed."""

    VOID = frozenset({"meta", "link", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an empty tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Check that tags are nested."""
        assert self.open.pop() == tag


def test_page(pair: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "out" / "diff.html"
    assert adrl("before", "after", "--page", path).exit_code == 0
    text = path.read_text()
    page = Reader(text)
    assert page.open == []
    for outside in ("http", "<script", "<link", "<img", " src=", "@import", "url("):
        assert outside not in text
    assert not [attributes for _, attributes in page.tags if {"src", "href"} & attributes.keys()]
    rows = set(re.findall(r'<th scope="row">([^<]+)</th><td>([^<]+)</td><td class="verdict">([^<]+)<', text))
    expected = {
        (f"channels/{policy}", metric, "identical")
        for policy in ("fixed", "full", "random", "tuned")
        for metric in ("reward", "profit", "conversions")
    } - {("channels/tuned", "reward", "identical")}
    assert rows == expected | {("channels/tuned", "reward", "changed")}
    (drawing,) = [attributes["aria-label"] or "" for tag, attributes in page.tags if tag == "svg"]
    assert drawing.startswith("channels/tuned, reward: B minus A +")
    assert drawing.endswith("8 of 8 runs higher in B")
    assert sum(tag == "circle" for tag, _ in page.tags) == SEEDS
    assert "prefers-color-scheme: dark" in text and '<html lang="en">' in text


def test_page_escapes_names(results_root: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = write(results_root / name)
        (folder / "channels/full").rename(folder / "channels/full+<b>")
    adrl("a", "b", "--page", tmp_path / "diff.html")
    text = (tmp_path / "diff.html").read_text()
    assert "full+&lt;b&gt;" in text and "<b>" not in text


def test_unwritable_page(pair: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = adrl("before", "after", "--page", tmp_path / "file" / "diff.html")
    assert outcome.exit_code == 1
    assert len(outcome.stderr.strip().splitlines()) == 1
