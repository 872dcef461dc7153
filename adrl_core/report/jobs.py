"""One stage of one study as a job, and all jobs of a study."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from adrl_core import config
from adrl_core.config import (
    SYNTHETIC,
    Auctions,
    ConfigurationError,
    Frozen,
    Study,
    profile_auctions,
    profile_study,
)
from adrl_core.files import LOGS, log_files
from adrl_core.report.stages import (
    GOVERNANCE,
    GOVERNED,
    HARDER,
    MARKETS,
    OFFLINE,
    RIVALS,
    ROOT,
    SMALL,
    SMALL_HARDER,
    STAGES,
    results_root,
    study_name,
)


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
    name = study_name(name) if name else profile
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
    place = "+".join([bare, *(f"{field}={value}" for field, value in fee.items())]) if kind.has_market else ""
    return Job(stage, profile, name, own_study, place, tuple(sorted(changes.items())), bidding)


def _without(changes: dict[str, Any], other: type[Frozen], model: type[Frozen]) -> dict[str, Any]:
    """Changes, but for those of fields that only the other model has."""
    return {k: v for k, v in changes.items() if k in model.model_fields or k not in other.model_fields}


def parse_market(market: str) -> tuple[str, dict[str, Any]]:
    """Split `name` or `name+fee=value` into the market's name and the study fields that follow.

    A number has one text, its shortest without exponent, as it is part of a folder's name.

    Raises:
        ConfigurationError: something else follows the name, or the value is no number.
    """
    name, plus, change = market.partition("+")
    if not plus:
        return name, {}
    what, _, value = change.partition("=")
    if what != "fee" or not value:
        raise ConfigurationError(f"market = {market!r}: only +fee=VALUE may follow the name")
    try:
        fee = float(value) + 0.0  # of the two zeros the one without sign
    except ValueError:
        raise ConfigurationError(f"market = {market!r}: the fee must be a number, not {value!r}") from None
    return name, {"fee": np.format_float_positional(fee, trim="-")}


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
