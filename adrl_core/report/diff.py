"""Two sets of results, from folders or commits, compared with all that may explain their differences."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import pandas as pd
from git import GitCommandError, InvalidGitRepositoryError, NoSuchPathError, Repo, Tree

from adrl_core.config import ConfigurationError
from adrl_core.evidence.comparison import (
    METRICS,
    Case,
    Comparison,
    FactChanges,
    Verdict,
    compare,
    compare_facts,
)
from adrl_core.report.facts import PROSE_PROFILE, Fact
from adrl_core.report.stages import MANIFEST, ROOT, results_root

FACTS, BASELINES, TEAM = "facts.json", "*/baselines/evaluation.parquet", "*/*/evaluate/evaluation.parquet"
PATTERNS = (FACTS, BASELINES, TEAM, MANIFEST, f"*/*/{MANIFEST}", f"*/*/*/{MANIFEST}")
"""Files of a study that are read, relative to its folder; all others are left alone."""

Files = Mapping[PurePosixPath, bytes]


@dataclass(frozen=True)
class ResultSet:
    """What is compared of one study."""

    label: str
    evaluations: dict[Case, pd.DataFrame]
    facts: dict[str, Fact]
    manifests: dict[str, dict[str, Any]]
    """Stage's folder ("" is the summary) -> content of its manifest, of whatever age."""


class SettingChange(NamedTuple):
    """Something recorded beside the results that differs, and so may explain why they do."""

    name: str
    a: str
    b: str
    stages: tuple[str, ...]


@dataclass(frozen=True)
class Diff:
    """Everything in which two sets of results differ."""

    a: ResultSet
    b: ResultSet
    comparisons: list[Comparison]
    facts: FactChanges
    settings: list[SettingChange]

    @property
    def only_a(self) -> list[Case]:
        """Policies that only A holds."""
        return sorted(self.a.evaluations.keys() - self.b.evaluations)

    @property
    def only_b(self) -> list[Case]:
        """Policies that only B holds."""
        return sorted(self.b.evaluations.keys() - self.a.evaluations)

    @property
    def changed(self) -> bool:
        """Whether any comparison exceeds noise."""
        return any(item.verdict is Verdict.CHANGED for item in self.comparisons)

    @property
    def counts(self) -> str:
        """How many comparisons came to each verdict, in words."""
        verdicts = [item.verdict for item in self.comparisons]
        return ", ".join(f"{verdicts.count(kind)} {kind}" for kind in Verdict if kind in verdicts)


def diff(a: ResultSet, b: ResultSet) -> Diff:
    """Compare two sets of results.

    Raises:
        ValueError: they have no evaluation in common.
    """
    comparisons = compare(a.evaluations, b.evaluations)
    if not comparisons:
        raise ValueError(f"{a.label} and {b.label}: no policy was evaluated on the same market in both")
    changes = list(setting_changes(a.manifests, b.manifests))
    return Diff(a, b, comparisons, compare_facts(a.facts, b.facts), changes)


def load(text: str) -> ResultSet:
    """Read results from a folder, a study below the results root, or a commit (REF or REF:STUDY).

    Raises:
        ConfigurationError: there are no results by that name.
        ValueError: a file is damaged; the message names it.
    """
    for folder in (Path(text), results_root() / text):
        files = {
            PurePosixPath(path.relative_to(folder)): path.read_bytes()
            for pattern in PATTERNS
            for path in folder.glob(pattern)
        }
        if any(path.match(BASELINES) or path.match(TEAM) for path in files):
            return _read(text, files)
    return _read(*_committed(text))


def _committed(text: str) -> tuple[str, Files]:
    """Label and files of a study as they are in a commit of this repository."""
    ref, _, name = text.partition(":")
    name = name or PROSE_PROFILE
    try:
        repository = Repo(ROOT)
        commit = repository.commit(
            repository.git.rev_parse("--verify", "--end-of-options", f"{ref}^{{commit}}")
        )
    except (GitCommandError, InvalidGitRepositoryError, NoSuchPathError):
        raise ConfigurationError(
            f"results {text!r}: not found; allowed: a folder with evaluations, "
            "a study in the results folder, or a commit as REF or REF:STUDY"
        ) from None
    where = f"commit {commit.hexsha[:10]}"
    try:
        folder = commit.tree / "results" / name
    except KeyError:
        folder = None
    if not isinstance(folder, Tree):
        raise ConfigurationError(f"results {text!r}: {where} has no folder results/{name}")
    items = ((PurePosixPath(item.path).relative_to(folder.path), item) for item in folder.traverse())  # type: ignore[union-attr]
    files = {path: item.data_stream.read() for path, item in items if _wanted(path)}  # type: ignore[union-attr]
    if not any(path.match(BASELINES) or path.match(TEAM) for path in files):
        raise ConfigurationError(f"results {text!r}: {where} has no evaluation in results/{name}")
    return f"{text} ({where}, results/{name})", files


def _wanted(path: PurePosixPath) -> bool:
    # A relative pattern matches from the right, at any depth.
    return any(len(path.parts) == p.count("/") + 1 and path.match(p) for p in PATTERNS)


def _read(label: str, files: Files) -> ResultSet:
    found = ResultSet(label, {}, {}, {})
    for path, content in files.items():
        try:
            if path.name == MANIFEST:
                found.manifests[str(path.parent).removeprefix(".")] = _manifest(content)
            elif path.name == FACTS:
                found.facts.update(_facts(content))
            elif path.match(TEAM):
                market, variant = path.parts[:2]
                found.evaluations[Case(market, variant, "seed")] = _table(_frame(content))
            else:
                for policy, rows in _frame(content).groupby("policy"):
                    found.evaluations[Case(path.parts[0], str(policy), "episode")] = _table(rows)
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"{label}: {path}: cannot be read ({reason})") from None
    return found


def _manifest(content: bytes) -> dict[str, Any]:
    """Whatever is recorded; nothing, if it cannot be told."""
    try:
        loaded = json.loads(content)
    except ValueError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _facts(content: bytes) -> Iterator[tuple[str, Fact]]:
    """Facts by key; fields that this version does not know are left out."""
    for key, fact in json.loads(content)["facts"].items():
        yield key, Fact.model_validate({k: v for k, v in fact.items() if k in Fact.model_fields})


def _frame(content: bytes) -> pd.DataFrame:
    return pd.read_parquet(BytesIO(content))


def _table(frame: pd.DataFrame) -> pd.DataFrame:
    """The compared columns of an evaluation by seed and episode."""
    table = frame.set_index(["seed", "episode"]).sort_index()
    if not table.index.is_unique:
        raise ValueError("it holds an episode twice")
    table = table[[metric for metric in METRICS if metric in table]].astype(float)
    if table.isna().any(axis=None):
        raise ValueError("it holds values that are not numbers")
    return table


def setting_changes(
    a: Mapping[str, dict[str, Any]], b: Mapping[str, dict[str, Any]]
) -> Iterator[SettingChange]:
    """What the manifests of stages in both sets record differently: commit, packages, machine, settings."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for stage in sorted(a.keys() & b.keys()):
        of_a, of_b = a[stage], b[stage]
        # Older manifests record the parameters only.
        settings = "settings" if "settings" in of_a and "settings" in of_b else "parameters"
        for part in ("git", "packages", "hardware", settings):
            left, right = dict(_flat(part, of_a.get(part, {}))), dict(_flat(part, of_b.get(part, {})))
            for name in sorted(left.keys() | right.keys()):
                values = [str(side.get(name, "not recorded")) for side in (left, right)]
                if values[0] != values[1]:
                    found.setdefault((name, *values), []).append(stage or "summary")  # type: ignore[arg-type]
    return (SettingChange(*change, tuple(stages)) for change, stages in sorted(found.items()))


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield name, value
        return
    for key, part in value.items():
        yield from _flat(f"{name}.{key}", part)
