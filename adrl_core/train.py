"""Training: collect, learn, log, save; every run of a study at once, resumed where it stopped."""

import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from adrl_core.agents.learner import Learner, make_learner
from adrl_core.agents.team import Episode, TeamLearner, mode_shares
from adrl_core.config import TRAINING, ConfigurationError, Study, completed
from adrl_core.files import replacing
from adrl_core.market import make_market
from adrl_core.market.presets import CHANNEL_NAMES, STATE_NAMES, STEPS
from adrl_core.market.reward import roi

log = logging.getLogger(__name__)

MODE_NAMES = ("bidding_only", "budget_only", "both")


def default_device() -> str:
    """The CPU, unless ADRL_DEVICE names another device."""
    return os.environ.get("ADRL_DEVICE", "cpu")


def train(
    study: Study,
    directory: Path,
    *,
    runs: Sequence[int] | None = None,
    stop_after: int | None = None,
    device: str | None = None,
) -> None:
    """Train every run of a study and write its tables and weights.

    Writes episodes.parquet (a row an episode and run), updates.parquet (a row an update, agent and run),
    decisions.parquet (every step of the first and last episode) and checkpoint.pt; while training,
    resume.pt holds all state, and a training that finds one goes on from it.

    Args:
        study: what to train.
        directory: where to write; made if missing.
        runs: the seeds to train; all of the study's if omitted.
        stop_after: train only that many episodes of the study's, on the study's schedules.
        device: a torch device; the CPU, or what ADRL_DEVICE names, if omitted.

    Raises:
        ConfigurationError: resume.pt belongs to another study.
    """
    device = device or default_device()
    # More threads would split sums differently, and gain little: jobs run side by side.
    torch.set_num_threads(1)
    directory.mkdir(parents=True, exist_ok=True)
    seeds = list(range(study.seeds) if runs is None else runs)
    last = study.episodes if stop_after is None else min(stop_after, study.episodes)
    market = make_market(study.market, reward=study.team.reward, fee=study.fee, device=device)
    learner = make_learner(study.team, seeds, device)
    journal = Journal(seeds)
    resume = directory / "resume.pt"
    key = {"settings": study.settings(TRAINING), "seeds": seeds}
    first = _take_up(resume, key, learner, journal) if resume.exists() else 0
    with _progress() as progress:
        task = progress.add_task(f"{study.market} {study.variant}", total=last, completed=first)
        clock = time.monotonic()
        for number in range(first, last):
            episode = learner.play_episode(market, number, study.episodes)
            metrics = learner.learn(number, study.episodes)
            epsilon = learner.exploration(number, study.episodes)
            journal.add(number, episode, metrics, epsilon, detailed=number in (0, study.episodes - 1))
            progress.update(task, advance=1)
            done = number + 1
            if done % study.checkpoint_every == 0 or done == last:
                with replacing(resume) as path:
                    torch.save(
                        {
                            "key": key,
                            "episode": done,
                            "learner": learner.state_dict(),
                            "journal": journal.rows,
                        },
                        path,
                    )
                rate = (done - first) / (time.monotonic() - clock)
                log.info(
                    "%s %s: episode %d of %d, %.2f episodes/s, %.0f s left",
                    study.market,
                    study.variant,
                    done,
                    last,
                    rate,
                    (last - done) / rate,
                )
    journal.write(directory)
    content = {**key, "networks": learner.networks()}
    with replacing(directory / "checkpoint.pt") as path:
        torch.save(content, path)
    resume.unlink(missing_ok=True)


def load_learner(study: Study, checkpoint: Path, device: str = "cpu") -> Learner:
    """The trained teams of a study, of whatever kind.

    Raises:
        ConfigurationError: the file is missing or damaged, or belongs to another configuration.
    """
    content = _load(checkpoint, device)
    if completed(content.get("settings", {})) != study.settings(TRAINING):
        raise ConfigurationError(
            f"checkpoint = {checkpoint}: not trained with the settings of this study; train it first"
        )
    learner = make_learner(study.team, content["seeds"], device)
    learner.load_networks(content["networks"])
    return learner


def load_team(study: Study, checkpoint: Path, device: str = "cpu") -> TeamLearner:
    """The trained teams of three networks of a study.

    Raises:
        ConfigurationError: as `load_learner`, or the study's teams are of another kind.
    """
    learner = load_learner(study, checkpoint, device)
    if not isinstance(learner, TeamLearner):
        raise ConfigurationError(f"variant = {study.variant!r}: a planning team, which has no networks")
    return learner


def _load(path: Path, device: str) -> dict[str, Any]:
    if not path.exists():
        raise ConfigurationError(f"checkpoint = {path}: not found; train the study first")
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises many kinds for damaged archives
        raise ConfigurationError(
            f"checkpoint = {path}: damaged ({type(error).__name__}); delete it"
        ) from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"checkpoint = {path}: not a checkpoint of this package")
    return content


def _take_up(resume: Path, key: dict[str, Any], learner: Learner, journal: "Journal") -> int:
    saved = _load(resume, str(learner.device))
    if saved.get("key") != key:
        raise ConfigurationError(f"resume = {resume}: left by another study; delete it to start anew")
    learner.load_state_dict(saved["learner"])
    journal.rows = saved["journal"]
    log.info("resuming after episode %d", saved["episode"])
    return int(saved["episode"])


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        disable=not sys.stderr.isatty(),
    )


class Journal:
    """The tables of a training, collected episode by episode."""

    def __init__(self, seeds: list[int]) -> None:
        self.seeds = seeds
        self.rows: dict[str, list[dict[str, Any]]] = {"episodes": [], "updates": [], "decisions": []}

    def add(
        self,
        number: int,
        episode: Episode,
        metrics: dict[str, dict[str, torch.Tensor]],
        epsilon: float,
        detailed: bool,
    ) -> None:
        """Log an episode and its updates; every decision of it too, if detailed."""
        runs = len(self.seeds)
        table: dict[str, Any] = {"seed": self.seeds, "episode": [number] * runs}
        columns = {
            "reward": [step.shaped for step in episode.steps],
            "conversions": [step.auctions.conversions for step in episode.steps],
            "clicks": [step.auctions.clicks for step in episode.steps],
            "impressions": [step.auctions.impressions for step in episode.steps],
            "spend": [step.auctions.spend for step in episode.steps],
            "profit": [step.profit for step in episode.steps],
        }
        totals = {name: torch.stack(column).double().sum(0) for name, column in columns.items()}
        table |= {name: total.tolist() for name, total in totals.items()}
        table["roi"] = roi(totals["profit"], totals["spend"]).tolist()
        table["mean_level"] = episode.level.double().mean(1).tolist()
        table["epsilon"] = [epsilon] * runs
        shares = mode_shares(episode.mode)
        table |= {f"share_{name}": shares[:, mode].tolist() for mode, name in enumerate(MODE_NAMES)}
        self.rows["episodes"].append(table)
        for agent, values in metrics.items():
            update = {"seed": self.seeds, "episode": [number] * runs, "agent": [agent] * runs}
            self.rows["updates"].append(update | {name: value.tolist() for name, value in values.items()})
        if detailed:
            self.rows["decisions"].append(self._decisions(number, episode))

    def _decisions(self, number: int, episode: Episode) -> dict[str, Any]:
        runs = len(self.seeds)
        table: dict[str, Any] = {
            "seed": np.repeat(self.seeds, STEPS).tolist(),
            "episode": [number] * (runs * STEPS),
            "step": list(range(STEPS)) * runs,
            "mode": episode.mode.flatten().tolist(),
            "level": episode.level.flatten().tolist(),
            "reward": episode.reward.flatten().tolist(),
        }
        for c, name in enumerate(CHANNEL_NAMES):
            table[f"allocation_{name}"] = episode.allocation[..., c].flatten().tolist()
        for i, name in enumerate(STATE_NAMES):
            table[name.replace(" ", "_")] = episode.state[..., i].flatten().tolist()
        return table

    def write(self, directory: Path) -> None:
        """Write one parquet file a table, sorted by seed and episode."""
        for name, rows in self.rows.items():
            frame = pd.concat([pd.DataFrame(row) for row in rows], ignore_index=True)
            frame = frame.sort_values(["seed", "episode"], kind="stable", ignore_index=True)
            floats = frame.select_dtypes("float64").columns
            frame[floats] = frame[floats].astype("float32")
            with replacing(directory / f"{name}.parquet") as path:
                frame.to_parquet(path, index=False)
