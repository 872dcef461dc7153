"""Repeating what a study recorded: its facts from its tables, and its first episodes from its code."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from adrl_core.config import Study, completed
from adrl_core.report.facts import FactStore
from adrl_core.report.manifest import Manifest, changed, git_state, manifests, stale, verify_outputs
from adrl_core.report.stages import inputs, inputs_hash

EPISODES = 3
REPLAYABLE = ("train", "baselines", "evaluate")


def changed_facts(results: Path) -> list[str]:
    """Facts in facts.json that the tables of the study do not give exactly, one line each."""
    from adrl_core.evidence.summary import summarise

    stored, computed = FactStore.load(results / "facts.json").facts, summarise(results).facts
    return [
        f"fact {key}: facts.json has {stored.get(key)}, the tables give {computed.get(key)}"
        for key in changed(stored, computed)
    ]


def resign(name: str, market: str = "", variant: str = "") -> Iterator[str]:
    """Sign stale stages anew where a replay gives exactly what is recorded; yields a line a stage.

    Raises:
        RuntimeError: a stage cannot be signed; the message says what differs.
        FileNotFoundError: there is nothing to sign.
    """
    paths = manifests(name)
    if not paths:
        raise FileNotFoundError(f"{name}: no results")
    loaded = [(path, Manifest.load(path)) for path in paths]
    chosen = [(p, m) for p, m in loaded if market in ("", m.market) and variant in ("", m.variant)]
    # Trainings come first: evaluations read what they left.
    for path, manifest in sorted(chosen, key=lambda item: item[1].stage != "train"):
        title = manifest.job.title
        reason = stale(manifest)
        if not reason:
            continue
        if manifest.stage not in REPLAYABLE:
            yield f"{title}: {reason}; has no replay, run `adrl study` again"
            continue
        if damage := verify_outputs(path, manifest):
            raise RuntimeError(damage[0])
        sign(path, manifest)
        yield f"{title}: replayed exactly and signed anew ({reason})"


def sign(path: Path, manifest: Manifest) -> None:
    """Replay one stage and, if nothing differs, record its present inputs.

    Raises:
        RuntimeError: more than code has changed, or the replay differs.
    """
    if reason := changed(completed(manifest.settings), manifest.job.settings):
        raise RuntimeError(f"{manifest.job.title}: other settings ({', '.join(reason)}); run it again")
    present = inputs(manifest.job)
    others = [name for name in changed(manifest.inputs, present) if not name.endswith(".py")]
    if others:
        raise RuntimeError(
            f"{manifest.job.title}: more than code has changed ({', '.join(others)}); run it again"
        )
    record = {
        "replayed": replay(path.parent, manifest),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": git_state(),
        "was": manifest.inputs_hash,
    }
    update = {
        "inputs": present,
        "inputs_hash": inputs_hash(present),
        "resigned": [*manifest.resigned, record],
    }
    manifest.model_copy(update=update).save(path)


def replay(directory: Path, manifest: Manifest) -> str:
    """Repeat a stage and compare it exactly with its tables; returns what was repeated.

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
            for table in ("episodes", "updates"):
                recorded = pd.read_parquet(directory / f"{table}.parquet")
                recorded = recorded[(recorded["episode"] < EPISODES) & recorded["seed"].isin(runs)]
                compare(f"{title}/{table}", recorded, pd.read_parquet(Path(scratch) / f"{table}.parquet"))
        return f"first {EPISODES} episodes of runs {', '.join(map(str, runs))}"
    from adrl_core.evaluate import evaluate_baselines, evaluate_team

    if manifest.stage == "baselines":
        repeated = evaluate_baselines(study)
    else:
        repeated = evaluate_team(study, directory.parent / "train" / "checkpoint.pt")
    for table, frame in (("evaluation", repeated.episodes), ("steps", repeated.steps)):
        compare(f"{title}/{table}", pd.read_parquet(directory / f"{table}.parquet"), frame)
    return "all of it"


def compare(title: str, recorded: pd.DataFrame, repeated: pd.DataFrame) -> None:
    """Raise RuntimeError naming the first value in which two tables differ, if they do."""
    recorded, repeated = recorded.reset_index(drop=True), repeated.reset_index(drop=True)
    if list(recorded) != list(repeated) or len(recorded) != len(repeated):
        raise RuntimeError(
            f"{title}: recorded {len(recorded)} rows with columns {list(recorded)}, "
            f"replayed {len(repeated)} with {list(repeated)}; run it again"
        )
    repeated = repeated.astype(recorded.dtypes)
    for column in recorded:
        pairs = zip(recorded[column], repeated[column], strict=True)
        for row, (was, now) in enumerate(pairs):
            if was != now and not (pd.isna(was) and pd.isna(now)):
                raise RuntimeError(f"{title}: row {row}, column {column}: {was!r} recorded, {now!r} replayed")
