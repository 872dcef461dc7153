"""Repeating what a study recorded: its facts from its tables, and its stages from their code.

A replay is exact where what is committed suffices: the first episodes of a training, the evaluation of
policies that need no weights or whose weights are there. Everything else has a twin replay (`report.twin`).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from adrl_core.config import Study, completed
from adrl_core.report import twin
from adrl_core.report.facts import Fact, FactStore
from adrl_core.report.inputs import inputs, inputs_hash
from adrl_core.report.manifest import Manifest, changed, git_state, manifests, stale, verify_outputs
from adrl_core.report.stages import NOTEBOOK, ON_RESULTS, STAGES

EPISODES = 3
LAST_DIGITS = 1e-9
"""Difference of a number, relative or absolute, that the order of sums on another processor explains."""


def changed_facts(results: Path) -> list[str]:
    """Facts in facts.json that the tables of the study do not give, one line each.

    Numbers may differ by what another processor's sums leave in their last digits, no more.
    """
    from adrl_core.evidence.summary import summarise

    stored, computed = FactStore.load(results / "facts.json").facts, summarise(results).facts
    return [
        f"fact {key}: facts.json has {stored.get(key)}, the tables give {computed.get(key)}"
        for key in changed(stored, computed)
        if not (key in stored and key in computed and same(stored[key], computed[key]))
    ]


def same(a: Fact, b: Fact) -> bool:
    """Whether two facts differ in nothing but the last digits of their numbers."""
    first, second = a.model_dump(), b.model_dump()
    return all(
        math.isclose(value, second[field], rel_tol=LAST_DIGITS, abs_tol=LAST_DIGITS)
        if isinstance(value, float) and isinstance(second[field], float)
        else value == second[field]
        for field, value in first.items()
    )


@dataclass
class Renewal:
    """A stale stage on its way to a new signature."""

    path: Path
    """Of the manifest."""
    manifest: Manifest
    reason: str
    """Why it is stale."""
    present: dict[str, str]
    """Its inputs when all began."""
    exact: bool
    """Whether it is replayed exactly, as far as what is there allows."""
    twin: bool
    """Whether it is compared with its twin."""
    record: dict[str, Any] = field(default_factory=dict)
    """What the signature will say."""

    @property
    def title(self) -> str:
        """How messages call the stage."""
        return self.manifest.job.title

    @property
    def how(self) -> str:
        """The kind of replay, in words."""
        return " and ".join(["exact"] * self.exact + ["twin"] * self.twin)


def resign(
    name: str, market: str = "", variant: str = "", *, cores: int = 1, dry_run: bool = False
) -> Iterator[str]:
    """Sign stale stages anew where a replay finds no difference; yields a line a stage.

    Args:
        name: folder of the study.
        market, variant: only these, if given.
        cores: twins that run at once.
        dry_run: only say what would be replayed, and how.

    Raises:
        RuntimeError: stages cannot be signed, after all others have been; the message says what differs.
        FileNotFoundError: there is nothing to sign.
    """
    paths = manifests(name)
    if not paths:
        raise FileNotFoundError(f"{name}: no results")
    loaded = [(path, Manifest.load(path)) for path in paths]
    chosen = [(p, m) for p, m in loaded if market in ("", m.market) and variant in ("", m.variant)]
    waiting: list[Renewal] = []
    refused: list[str] = []
    # Trainings come first: the others read what they left.
    for path, manifest in sorted(chosen, key=lambda item: item[1].stage != "train"):
        if not (reason := stale(manifest)):
            continue
        if manifest.stage in ON_RESULTS:
            yield f"{manifest.job.title}: {reason}; has no replay, run `adrl study` again"
            continue
        try:
            waiting.append(examined(path, manifest, reason))
        except RuntimeError as error:
            refused.append(str(error))
            yield f"refused: {error}"
    if dry_run:
        yield from (f"{renewal.title}: {renewal.how} ({renewal.reason})" for renewal in waiting)
        waiting = []
    if made := [renewal.manifest.git["commit"][:10] for renewal in waiting if renewal.twin]:
        commits = ", ".join(sorted({*made}))
        yield f"{len(made)} stages run small twice, by the code of {commits} and by the present one"
    for renewal, problem in replayed(waiting, cores):
        if trouble := problem or sign(renewal):
            refused.append(trouble)
            yield f"refused: {trouble}"
        else:
            yield f"{renewal.title}: {renewal.record['replayed']}; signed anew ({renewal.reason})"
    if refused:
        others = f" (and {len(refused) - 1} more stages are not signed)" if len(refused) > 1 else ""
        raise RuntimeError(refused[0] + others)


def examined(path: Path, manifest: Manifest, reason: str) -> Renewal:
    """Decide how a stale stage is replayed.

    Raises:
        RuntimeError: more than code has changed, or its results or its code are not what was recorded.
    """
    title = manifest.job.title
    if damage := verify_outputs(path, manifest):
        raise RuntimeError(damage[0])
    if other := changed(completed(manifest.settings), manifest.job.settings):
        raise RuntimeError(f"{title}: other settings ({', '.join(other)}); run it again")
    if other := sorted({NOTEBOOK, *STAGES[manifest.stage].outputs} ^ manifest.outputs.keys()):
        raise RuntimeError(f"{title}: other outputs ({', '.join(other)}); run it again")
    try:
        present = inputs(manifest.job)
    except (OSError, ValueError) as error:
        raise RuntimeError(f"{title}: {error}") from None
    if other := [name for name in changed(manifest.inputs, present) if not name.endswith(".py")]:
        raise RuntimeError(f"{title}: more than code has changed ({', '.join(other)}); run it again")
    match manifest.stage:
        case "train":
            # Hardly anything of the first episodes shows what the Bidding agent learns but the update log.
            exact, apart = True, not (path.parent / "updates.parquet").exists()
        case "baselines":
            exact, apart = True, False
        case "evaluate":
            exact = (path.parents[1] / "train" / "checkpoint.pt").exists()
            apart = not exact
        case _:
            exact, apart = False, True
    if apart:
        twin.check_commit(manifest)
    return Renewal(path, manifest, reason, present, exact, apart)


def replayed(waiting: list[Renewal], cores: int) -> Iterator[tuple[Renewal, str]]:
    """Replay stages, exactly first; yields each with what forbids its signature, or an empty text."""
    apart = []
    for renewal in waiting:
        try:
            if renewal.exact:
                renewal.record["replayed"] = replay(renewal.path.parent, renewal.manifest)
        except RuntimeError as error:
            yield renewal, str(error)
            continue
        if renewal.twin:
            apart.append(renewal)
        else:
            yield renewal, ""
    if not apart:
        return
    with twin.twins([renewal.manifest for renewal in apart], cores) as scratch:
        for renewal in apart:
            try:
                comparison = twin.agree(renewal.manifest, scratch)
            except RuntimeError as error:
                yield renewal, str(error)
                continue
            said = [renewal.record["replayed"]] if renewal.exact else []
            said.append(f"{twin.PROFILE} twin of commit {comparison['against'][:10]}")
            renewal.record |= {"replayed": "; ".join(said), **comparison}
            yield renewal, ""


def sign(renewal: Renewal) -> str:
    """Record the present inputs of a stage whose replay found no difference; returns a problem, if any."""
    manifest = renewal.manifest
    if inputs(manifest.job) != renewal.present:
        return f"{renewal.title}: the code was changed while it was replayed"
    record = {
        "kind": renewal.how,
        **renewal.record,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": git_state(),
        "was": manifest.inputs_hash,
    }
    update = {
        "inputs": renewal.present,
        "inputs_hash": inputs_hash(renewal.present),
        "resigned": [*manifest.resigned, record],
    }
    manifest.model_copy(update=update).save(renewal.path)
    return ""


def replay(directory: Path, manifest: Manifest) -> str:
    """Repeat a stage and compare it exactly with its tables; returns what was repeated.

    Update logs that are not committed are not compared.

    Raises:
        RuntimeError: a value differs; the message names the first.
    """
    study = Study.validated(**manifest.parameters)
    title = manifest.job.title
    if manifest.stage == "train":
        from adrl_core.train import train

        runs = sorted({0, study.seeds - 1})
        with TemporaryDirectory() as scratch:
            train(study, Path(scratch), runs=runs, stop_after=EPISODES)
            for table in ("episodes", "updates", "decisions"):
                if not (directory / f"{table}.parquet").exists():
                    continue
                recorded = pd.read_parquet(directory / f"{table}.parquet")
                recorded = recorded[(recorded["episode"] < EPISODES) & recorded["seed"].isin(runs)]
                twin.compare(
                    f"{title}/{table}", recorded, pd.read_parquet(Path(scratch) / f"{table}.parquet")
                )
        return f"first {EPISODES} episodes of runs {', '.join(map(str, runs))}"
    from adrl_core.evaluate import evaluate_baselines, evaluate_team

    if manifest.stage == "baselines":
        repeated = evaluate_baselines(study)
    else:
        repeated = evaluate_team(study, directory.parent / "train" / "checkpoint.pt")
    for table, frame in (("evaluation", repeated.episodes), ("steps", repeated.steps)):
        recorded = pd.read_parquet(directory / f"{table}.parquet")
        # Tables are written in single precision.
        types = {name: dtype for name, dtype in recorded.dtypes.items() if name in frame}
        twin.compare(f"{title}/{table}", recorded, frame.astype(types))
    return "all of it"
