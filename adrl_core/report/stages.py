"""The stages of a study: where each keeps its results and the hash of everything that decides them.

A stage's inputs are the code its notebook reaches through imports, the notebook's own code and the outputs
of the stages before it; its settings are compared apart, by value. Code is hashed as a syntax tree without
docstrings, so comments, docstrings and formatting are free to change. Modules that decide no result are
left out.
"""

import ast
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import jupytext

from adrl_core import config
from adrl_core.config import (
    EVALUATION,
    SYNTHETIC,
    TRAINING,
    Auctions,
    ConfigurationError,
    Frozen,
    Study,
    profile_auctions,
    profile_study,
    validate,
)
from adrl_core.files import LOGS, log_files, sha256

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = "executed.ipynb"
MANIFEST = "manifest.json"
MARKETS = ("published", "channels")
VARIANTS: Mapping[str, tuple[str, ...]] = {
    "smoke": ("full", "tuned", "no_budget"),
    "quick": ("full", "tuned", "no_budget"),
    "paper": tuple(config.VARIANTS),
}
"""Variants that a profile trains unless told otherwise."""
HARDER: Mapping[str, tuple[str, ...]] = {
    "margin": ("tuned", "tuned+reward=profit", "planner", "planner+reward=profit"),
    "pacing": ("tuned", "planner"),
    "shift": ("tuned", "planner"),
    "channels+fee=2": ("tuned", "planner"),
}
"""The harder markets, one of them with a fee for asking, and the variants trained on each."""
SMALL = ("smoke", "quick")
SMALL_HARDER: Mapping[str, tuple[str, ...]] = {"pacing": ("planner",), "channels+fee=2": ("planner",)}
"""What the small profiles try of them."""

# These move results, they do not make them.
MACHINERY = (
    "adrl_core",
    "adrl_core.files",
    "adrl_core.report.execute",
    "adrl_core.report.manifest",
    "adrl_core.report.stages",
)
# What only the summary and the commentary depend on: the others compare their settings by value.
ON_RESULTS = ("summary", "commentary")
ON_RESULTS_ONLY = ("adrl_core.config", "adrl_core.evidence.figures", "adrl_core.report")


@dataclass(frozen=True)
class Stage:
    """One kind of stage: its folder below results/<name> and the files it must leave there."""

    folder: str
    outputs: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    """Fields of the study that decide the outcome; `team` stands for the variant."""
    after: tuple[str, ...] = ()
    """Folders of the trainings that it reads."""
    measured: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns that hold time or energy, by table: no run repeats them, so no replay compares them."""
    held: tuple[str, ...] = ()
    """Tables that its notebook holds and only shows, which a replay compares like its outputs."""

    @property
    def has_variant(self) -> bool:
        """Whether the stage depends on the team's configuration."""
        return "{variant}" in self.folder

    @property
    def has_market(self) -> bool:
        """Whether the stage belongs to one market."""
        return "{market}" in self.folder


TRAINED = "{market}/{variant}/train"

STAGES: Mapping[str, Stage] = {
    "market": Stage("{market}/market", settings=("market", "fee"), held=("constants",)),
    "train": Stage(
        TRAINED,
        ("episodes.parquet", "updates.parquet", "decisions.parquet", "checkpoint.pt"),
        TRAINING,
    ),
    "baselines": Stage("{market}/baselines", ("evaluation.parquet", "steps.parquet"), settings=EVALUATION),
    "evaluate": Stage(
        "{market}/{variant}/evaluate", ("evaluation.parquet", "steps.parquet"), EVALUATION, (TRAINED,)
    ),
    "guardrails": Stage(
        "{market}/{variant}/guardrails", ("guardrails.parquet", "caps.parquet"), EVALUATION, (TRAINED,)
    ),
    "oversight": Stage(
        "{market}/{variant}/oversight",
        (
            "detection.parquet",
            "power.parquet",
            "switches.parquet",
            "trail.parquet",
            "tampering.parquet",
            "latency.parquet",
        ),
        EVALUATION,
        (TRAINED,),
        measured={
            "trail.parquet": ("append_rate", "safe_rate", "verify_rate"),
            "latency.parquet": ("elapsed", "computing"),
        },
    ),
    "privacy": Stage(
        "{market}/{variant}/privacy",
        (
            "privacy.parquet",
            "training.parquet",
            "accounting.parquet",
            "features.parquet",
            "vault.parquet",
        ),
        (*TRAINING, "evaluation_episodes"),
        (TRAINED,),
    ),
    "fairness": Stage(
        "{market}/{variant}/fairness",
        ("rates.parquet", "parity.parquet"),
        EVALUATION,
        (TRAINED, "{market}/full/train"),
    ),
    "integrity": Stage(
        "{market}/{variant}/integrity",
        ("detection.parquet", "learning.parquet", "rewards.parquet", "trainings.parquet"),
        (*TRAINING, "evaluation_episodes"),
        (TRAINED, "{market}/{variant}+reward=profit/train"),
    ),
    "explanations": Stage(
        "{market}/{variant}/explanations",
        (
            "known.parquet",
            "importance.parquet",
            "landscape.parquet",
            "values.parquet",
            "features.parquet",
            "decision.parquet",
        ),
        EVALUATION,
        (TRAINED,),
    ),
    "footprint": Stage(
        "{market}/{variant}/footprint",
        ("energy.parquet", "heldout.parquet", "stopping.parquet", "transfer.parquet"),
        (*TRAINING, "evaluation_episodes"),
        (TRAINED, "shift/{variant}/train"),
        measured={
            "energy.parquet": (
                "seconds",
                "processor_seconds",
                "processor",
                "memory",
                "energy",
                "low",
                "high",
            )
        },
    ),
    "rivals": Stage(
        "{market}/rivals",
        ("rivals.parquet", "trainings.parquet", "curves.parquet"),
        (*EVALUATION, "seeds", "episodes"),
        measured={"trainings.parquet": ("seconds", "steps_per_second")},
    ),
    "generalists": Stage(
        "generalists",
        ("generalists.parquet", "trainings.parquet"),
        ("seeds", "episodes", "evaluation_episodes"),
        measured={"trainings.parquet": ("seconds",)},
    ),
    "offline": Stage(
        "{market}/offline",
        ("log.parquet", "curves.parquet", "ends.parquet", "online.parquet", "references.parquet"),
        (*EVALUATION, "seeds", "episodes"),
    ),
    "auctions": Stage(
        "auctions",
        ("setting.parquet", "log.parquet", "episodes.parquet", "simulated.parquet", "training.parquet"),
        tuple(Auctions.model_fields),
    ),
    "contested": Stage(
        "contested",
        ("runs.parquet", "references.parquet", "prices.parquet"),
        ("seeds", "episodes", "evaluation_episodes"),
    ),
    "calibration": Stage(
        "calibration", ("recovery.parquet", "match.parquet", "coverage.parquet"), ("evaluation_episodes",)
    ),
    "summary": Stage("", ("facts.json",)),
    "commentary": Stage("commentary", ("commentary.json", "facts.json")),
}

GOVERNED = "tuned"
"""The variant on which governance is tried out."""
GOVERNANCE: Mapping[str, tuple[str, ...]] = {
    "guardrails": ("channels", "pacing", "shift"),
    "oversight": ("channels", "shift"),
    "privacy": ("channels",),
    "fairness": ("channels",),
    "integrity": ("margin",),
    "explanations": ("channels",),
    "footprint": ("channels",),
}
"""The trials of governance and the markets of each, in the order of the book's sections."""
RIVALS: Mapping[str, tuple[str, ...]] = {
    "smoke": ("channels",),
    "quick": ("channels",),
    "paper": ("channels", "margin", "pacing", "shift"),
}
"""Markets on which a profile trains rivals, if it studies `channels`."""

OFFLINE = "channels"
"""The market on which teams learn from a log before they go online, if a study has it."""


def results_root() -> Path:
    """Folder of all results: the environment variable ADRL_RESULTS, or results/ in the repository."""
    return Path(os.environ.get("ADRL_RESULTS") or ROOT / "results").absolute()


@dataclass(frozen=True)
class Job:
    """One stage of one study; build it with `job`, which validates."""

    stage: str
    profile: str
    name: str
    """Folder of the study below the results root; the profile's name unless chosen otherwise."""
    study: Study | None
    """None for stages of no market, such as the summary, which reads whatever the other stages left."""
    market: str = ""
    """Market of the stage, with its fee if it has one of its own, such as channels+fee=2; or nothing."""
    changes: tuple[tuple[str, Any], ...] = ()
    """Study fields changed against the profile."""
    bidding: Auctions | None = None
    """What is in the place of the study where the stage bids on single auctions."""

    @property
    def variant(self) -> str:
        """Variant of the stage, or nothing where the team plays no part."""
        return self.study.variant if self.study and STAGES[self.stage].has_variant else ""

    @property
    def folder(self) -> str:
        """Folder of the stage relative to results/<name>; empty for the summary."""
        return STAGES[self.stage].folder.format(market=self.market, variant=self.variant)

    @property
    def after(self) -> tuple[str, ...]:
        """Folders, relative to results/<name>, of the trainings that the stage reads."""
        return tuple(
            folder.format(market=self.market, variant=self.variant) for folder in STAGES[self.stage].after
        )

    @property
    def directory(self) -> Path:
        """Absolute folder of the stage."""
        return results_root() / self.name / self.folder

    @property
    def uncommitted(self) -> tuple[str, ...]:
        """Outputs too large to commit: weights, and update logs that nothing quotes."""
        if self.stage != "train":
            return ()
        quoted = self.market in MARKETS and self.variant in config.TEAMS
        return ("checkpoint.pt",) if quoted else ("checkpoint.pt", "updates.parquet")

    @property
    def external(self) -> tuple[Path, ...]:
        """Files outside the repository that decide the outcome, as far as they are here."""
        return (log_files(self.bidding.log) or ()) if self.bidding else ()

    @property
    def lacking(self) -> str:
        """Why the stage cannot run on this machine, or nothing if it can."""
        if self.bidding and self.bidding.log != SYNTHETIC and not self.external:
            return f"the log {self.bidding.log} is not here; {LOGS} may name its folder"
        return ""

    @property
    def cassette(self) -> Path:
        """Where the replies of the language model for this study are recorded, if they are."""
        return ROOT / "cassettes" / f"{self.name}.json"

    @property
    def title(self) -> str:
        """How messages call the stage."""
        return f"{self.name}/{self.folder or 'summary'}"

    @property
    def notebook(self) -> Path:
        """The stage's text notebook."""
        return ROOT / "notebooks" / f"{self.stage}.py"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that decide the outcome."""
        model = self.study or self.bidding
        return model.settings(STAGES[self.stage].settings) if model else {}

    @property
    def parameters(self) -> dict[str, Any]:
        """Values for the notebook's parameters cell."""
        model = self.study or self.bidding
        return model.model_dump(mode="json") if model else {}


def job(
    stage: str,
    profile: str,
    market: str = "",
    variant: str = "",
    name: str = "",
    changes: Mapping[str, Any] | None = None,
) -> Job:
    """A validated job.

    Raises:
        ConfigurationError: unknown stage, profile, market, variant or study field, or a value out of range.
    """
    if stage not in STAGES:
        raise ConfigurationError(f"stage = {stage!r}: unknown; allowed: {', '.join(STAGES)}")
    name = name or profile
    if Path(name).name != name or name.startswith("."):
        raise ConfigurationError(f"name = {name!r}: allowed is one folder name, without / and leading dot")
    kind, changes = STAGES[stage], dict(changes or {})
    for own in sorted({"market", "variant"} & set(changes)):
        raise ConfigurationError(f"{own}: cannot be set; choose it with --{own} or --{own}s")
    if kind.has_variant and "/" in variant:
        raise ConfigurationError(f"variant = {variant!r}: a slash is not allowed")
    bare, fee = parse_market(market if kind.has_market else MARKETS[0])
    study = profile_study(
        profile,
        bare,
        variant if kind.has_variant else "full",
        **(_without(changes, Auctions, Study) | fee),
    )
    bidding = profile_auctions(profile, **_without(changes, Study, Auctions)) if stage == "auctions" else None
    own_study = study if kind.settings and bidding is None else None
    place, chosen = market if kind.has_market else "", tuple(sorted(changes.items()))
    return Job(stage, profile, name, own_study, place, chosen, bidding)


def _without(changes: dict[str, Any], other: type[Frozen], model: type[Frozen]) -> dict[str, Any]:
    """Changes, but for those of fields that only the other model has."""
    return {k: v for k, v in changes.items() if k in model.model_fields or k not in other.model_fields}


def parse_market(market: str) -> tuple[str, dict[str, Any]]:
    """Split `name` or `name+fee=value` into the market's name and the study fields that follow.

    Raises:
        ConfigurationError: something else follows the name.
    """
    name, plus, change = market.partition("+")
    if not plus:
        return name, {}
    what, _, value = change.partition("=")
    if what != "fee" or not value:
        raise ConfigurationError(f"market = {market!r}: only +fee=VALUE may follow the name")
    return name, {"fee": value}


def jobs(
    profile: str, markets: tuple[str, ...], variants: tuple[str, ...], name: str, changes: Mapping[str, Any]
) -> list[Job]:
    """All jobs of a study, in an order in which they could run."""
    build = partial(job, profile=profile, name=name, changes=changes)
    found = []
    for market in markets:
        found += [build("market", market=market), build("baselines", market=market)]
        for variant in variants:
            found += [build(stage, market=market, variant=variant) for stage in ("train", "evaluate")]
    if "channels" in markets:
        found += [build("rivals", market=market) for market in RIVALS[profile]]
        found.append(build("generalists"))
        found.append(build("offline", market=OFFLINE))
        found.append(build("contested"))
    if "channels" in markets and GOVERNED in variants:
        trials = [build(s, market=m, variant=GOVERNED) for s, on in GOVERNANCE.items() for m in on]
        there = {work.folder for work in found}
        needed = dict.fromkeys(folder for trial in trials for folder in trial.after if folder not in there)
        for folder in needed:
            market, variant, stage = folder.split("/")
            found.append(build(stage, market=market, variant=variant))
        found += trials
    if "channels" in markets:
        for market, on_it in (SMALL_HARDER if profile in SMALL else HARDER).items():
            found.append(build("baselines", market=market))
            trained = [
                build(stage, market=market, variant=v) for v in on_it for stage in ("train", "evaluate")
            ]
            found += [work for work in trained if work not in found]
    if set(MARKETS) <= set(markets) and not (bidding := build("auctions")).lacking:
        found.append(bidding)
    return [*found, build("calibration"), build("summary"), build("commentary")]


def parse_changes(changes: Iterable[str]) -> dict[str, Any]:
    """Turn FIELD=VALUE texts into values; a value is JSON, or else a plain text."""
    found: dict[str, Any] = {}
    for change in changes:
        field, separator, value = change.partition("=")
        if not separator or ";" in value:
            raise ConfigurationError(f"--set {change!r}: expected FIELD=VALUE, without semicolon")
        try:
            found[field] = json.loads(value)
        except json.JSONDecodeError:
            found[field] = value
    return found


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


def notebook_study(variables: Mapping[str, Any], stage: str) -> tuple[Study, Path]:
    """Validate a notebook's parameters; returns the study and the stage's output folder, made if need be.

    Args:
        variables: the notebook's globals(), taken right after its parameters cell.
        stage: name of the notebook.

    Raises:
        ConfigurationError: a parameter is unknown (papermill turns it into a stray variable) or out of range.
    """
    given = plain_variables(variables)
    directory = str(given.pop("directory", ""))
    study = Study.validated(**given)
    default = STAGES[stage].folder.format(market=study.market, variant=study.variant)
    folder = Path(directory) if directory else results_root() / "custom" / default
    folder.mkdir(parents=True, exist_ok=True)
    return study, folder


def notebook_auctions(variables: Mapping[str, Any]) -> tuple[Auctions, Path]:
    """The same for the notebook that bids on single auctions."""
    given = plain_variables(variables)
    directory = str(given.pop("directory", ""))
    study = validate(Auctions, given)
    folder = Path(directory) if directory else results_root() / "custom" / STAGES["auctions"].folder
    folder.mkdir(parents=True, exist_ok=True)
    return study, folder


def plain_variables(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values that a notebook has set by hand, without what IPython keeps there itself."""
    plain = (bool, int, float, str, list, dict, tuple, type(None))
    own = {"In", "Out"}
    return {k: v for k, v in variables.items() if k[0] != "_" and k not in own and isinstance(v, plain)}
