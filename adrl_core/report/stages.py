"""The stages of a study: where each keeps its results, what decides them, and which a profile runs."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adrl_core import config
from adrl_core.config import EVALUATION, TRAINING, Auctions, ConfigurationError, Study, validate

ROOT = Path(__file__).resolve().parents[2]
STUDY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
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
    "margin": ("full", "tuned", "tuned+reward=profit", "planner", "planner+reward=profit"),
    "pacing": ("full", "tuned", "planner"),
    "shift": ("full", "tuned", "planner"),
    "channels+fee=2": ("full", "tuned", "planner"),
}
"""The harder markets, one of them with a fee for asking, and the variants trained on each."""
SMALL = ("smoke", "quick")
SMALL_HARDER: Mapping[str, tuple[str, ...]] = {"pacing": ("planner",), "channels+fee=2": ("planner",)}
"""What the small profiles try of them."""


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
        ("generalists.parquet", "trainings.parquet", "arrivals.parquet"),
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

ON_RESULTS = ("summary", "commentary")
"""The stages that read whatever the others have left."""
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


def study_name(name: str) -> str:
    """The name itself if a study, and so its folder below the results root, may have it.

    Raises:
        ConfigurationError: it may not.
    """
    if not STUDY_NAME.fullmatch(name):
        raise ConfigurationError(
            f"name = {name!r}: allowed are letters, digits, - and _, beginning with a letter"
        )
    return name


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
