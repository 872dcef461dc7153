"""The audit trail tried out: coverage, size, speed, tampering; and how long a decision of the stack takes."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from adrl_core.agents.policy import Action, Policy
from adrl_core.agents.team import TeamLearner, TeamPolicy
from adrl_core.config import MarketName
from adrl_core.evaluate import play
from adrl_core.governance.audit import GENESIS, Anchor, Trail, anchor_path, read, verify
from adrl_core.governance.decisions import Recorded
from adrl_core.governance.guardrails import Guarded
from adrl_core.governance.trials.guardrails import limits_of
from adrl_core.governance.trials.oversight import DEPLOYED_SEED, Watch, approved
from adrl_core.market import Market, Step, make_market
from adrl_core.market.presets import STEPS

log = logging.getLogger(__name__)

RECORDED_EPISODES = 3
"""Episodes of each run that go on record."""
TIMED_EPISODES = 2
"""Episodes of each run whose decisions are timed."""
WARM_UP = 20
"""First decisions, which are left out."""
STACKS = ("team", "supervised", "guarded", "recorded", "anchored")
"""Stacks that are timed, each with one more layer: the last flushes the trail to disk at every decision."""
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "edited": "edited",
        "forged": "edited",
        "removed": "removed",
        "reordered": "reordered",
        "truncated": "truncated",
        "rewritten": "edited",
        "rewritten, anchor kept": "edited",
        "crash": "torn",
    }
)
"""What is done to a trail, and what `verify` should call it.

A digit edited; a record edited and given its right hash; a record removed; two swapped; some cut off at the
end; a record edited and all after it written anew, anchor included, without and with a copy of the anchor out
of reach; the last record cut short as by a crash."""


class Kept:
    """A policy whose actions, as they reach the market, are kept."""

    def __init__(self, policy: Policy) -> None:
        self.policy, self.name = policy, policy.name
        self.actions: list[Action] = []

    def reset(self, market: Market) -> None:
        """Start the next episode."""
        self.policy.reset(market)

    def act(self, state: Tensor) -> Action:
        """The policy's action."""
        self.actions.append(self.policy.act(state))
        return self.actions[-1]

    def observe(self, step: Step) -> None:
        """See what the last action brought."""
        self.policy.observe(step)


def one_run(learner: TeamLearner, index: int) -> TeamLearner:
    """The team of a single run, taken out of those trained together."""
    team = TeamLearner(learner.config, [learner.seeds[index]])
    team.load_networks(
        {
            agent: {name: tensor[index : index + 1] for name, tensor in tensors.items()}
            for agent, tensors in learner.networks().items()
        }
    )
    return team


def stack(
    learner: TeamLearner, market_name: MarketName, watch: Watch, folder: Path, trail: Trail
) -> dict[str, Policy]:
    """The team alone, then with each layer of governance around it, up to the trail."""
    team = TeamPolicy(learner)
    supervised = approved(learner, team, watch, folder)
    guarded = Guarded(supervised, limits_of(market_name))
    recorded = Recorded(guarded, supervised, team, trail)
    return dict(zip(STACKS, (team, supervised, guarded, recorded, recorded), strict=True))


def record_run(learner: TeamLearner, market_name: MarketName, watch: Watch, path: Path) -> dict[str, Any]:
    """Deploy one run through the whole stack with its trail, and measure the trail.

    Returns:
        seed; number of `decisions` and how many stand `on_record` with the action that reached the market;
        bytes of the trail; records a second appended (`append_rate`), appended and flushed to disk one by
        one (`safe_rate`), and verified (`verify_rate`).
    """
    market, seed = make_market(market_name), learner.seeds[0]
    with Trail(path) as trail:
        kept = Kept(stack(learner, market_name, watch, path.parent, trail)["recorded"])
        for episode in range(RECORDED_EPISODES):
            play(kept, market, np.array([DEPLOYED_SEED + seed]), np.array([episode]))
    records = list(read(path))
    made = [
        (number // STEPS, number % STEPS, action.bid.item(), action.allocation[0].tolist())
        for number, action in enumerate(kept.actions)
    ]
    found = [(r["episode"], r["step"], r["final"]["bid"], r["final"]["allocation"]) for r in records]
    clock = time.perf_counter()
    verify(path)
    verified = time.perf_counter() - clock
    return {
        "seed": seed,
        "decisions": len(made),
        "on_record": sum(decision in found for decision in made),
        "bytes": path.stat().st_size,
        "append_rate": _append_rate(path.with_name("fast.jsonl"), records, 1000),
        "safe_rate": _append_rate(path.with_name("safe.jsonl"), records[:STEPS], 1),
        "verify_rate": len(records) / verified,
    }


def _append_rate(path: Path, records: Sequence[Mapping[str, Any]], anchor_every: int) -> float:
    with Trail(path, anchor_every) as trail:
        clock = time.perf_counter()
        for record in records:
            trail.append([record])
        return len(records) / (time.perf_counter() - clock)


def try_trails(
    learner: TeamLearner, market_name: MarketName, watch: Watch, tampered: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`record_run` of every run, a row each, and `try_tampering` with the first run's trail."""
    torch.set_num_threads(1)
    rows = []
    with TemporaryDirectory() as name:
        for index, seed in enumerate(learner.seeds):
            path = Path(name) / str(seed) / "trail.jsonl"
            path.parent.mkdir()
            rows.append(record_run(one_run(learner, index), market_name, watch, path))
        log.info("trail: %d decisions of %d runs", sum(row["decisions"] for row in rows), len(rows))
        first = Path(name) / str(learner.seeds[0]) / "trail.jsonl"
        return pd.DataFrame(rows), try_tampering(first, tampered)


def try_tampering(path: Path, repetitions: int, seed: int = 0) -> pd.DataFrame:
    """Damage copies of a whole trail in every way of KINDS, each at random places, and verify them.

    Returns:
        A row a kind and repetition: whether anything was `found`, whether it was `named` as it should be, and
        the number of whole records `lost`.
    """
    generator = np.random.default_rng(seed)
    lines, records = path.read_bytes().splitlines(keepends=True), list(read(path))
    anchor = Anchor.model_validate_json(anchor_path(path).read_bytes())
    rows = []
    with TemporaryDirectory() as name:
        for repetition in range(repetitions):
            forged = _rewritten(Path(name) / f"{repetition}.jsonl", records, generator)
            for kind, expected in KINDS.items():
                damaged = _damaged(kind, lines, forged, generator)
                left = Anchor(records=0, hash=GENESIS) if kind == "crash" else anchor
                if kind == "rewritten":
                    left = Anchor(records=len(forged), hash=json.loads(forged[-1])["hash"])
                copy = Path(name) / "damaged.jsonl"
                copy.write_bytes(b"".join(damaged))
                report = verify(copy, left)
                rows.append(
                    {
                        "kind": kind,
                        "repetition": repetition,
                        "found": bool(report.problems),
                        "named": expected in {problem.kind for problem in report.problems},
                        "lost": len(records) - sum(line.endswith(b"\n") for line in damaged),
                    }
                )
    return pd.DataFrame(rows)


def _rewritten(path: Path, records: Sequence[dict[str, Any]], generator: np.random.Generator) -> list[bytes]:
    """The lines of a valid trail in which one bid is another."""
    place = int(generator.integers(len(records)))
    final = records[place]["final"]
    edited = [*records]
    edited[place] = records[place] | {"final": final | {"bid": final["bid"] + 0.01}}
    with Trail(path) as trail:
        trail.append(edited)
    return path.read_bytes().splitlines(keepends=True)


def _damaged(
    kind: str, lines: list[bytes], forged: list[bytes], generator: np.random.Generator
) -> list[bytes]:
    damaged, last = [*lines], len(lines) - 1
    place = int(generator.integers(last))
    match kind:
        case "edited":
            digits = [at for at, byte in enumerate(lines[place]) if chr(byte).isdigit()]
            at = int(generator.choice(digits))
            other = b"%d" % ((int(lines[place][at : at + 1]) + generator.integers(1, 10)) % 10)
            damaged[place] = lines[place][:at] + other + lines[place][at + 1 :]
        case "forged":
            edited = next(i for i, (old, new) in enumerate(zip(lines, forged, strict=True)) if old != new)
            damaged[edited] = forged[edited]
        case "removed":
            del damaged[place]
        case "reordered":
            other_place = (place + int(generator.integers(1, last))) % last
            damaged[place], damaged[other_place] = damaged[other_place], damaged[place]
        case "truncated":
            del damaged[place + 1 :]
        case "crash":
            damaged[-1] = lines[-1][: int(generator.integers(1, len(lines[-1])))]
        case _:
            damaged = forged
    return damaged


@torch.inference_mode()
def time_decisions(policy: Policy, market: Market, seed: int) -> pd.DataFrame:
    """How long each decision of one row takes, from the state to the action as plain numbers.

    Returns:
        A row a decision: `elapsed`, by the clock, and `computing`, by the processor, which other programs on
        the machine do not lengthen, both in milliseconds.
    """
    taken = []
    for episode in range(TIMED_EPISODES):
        state = market.reset([DEPLOYED_SEED + seed], [episode])
        policy.reset(market)
        for _ in range(STEPS):
            clock, processor = time.perf_counter(), time.thread_time()
            action = policy.act(state)
            action.bid.item(), action.allocation.tolist()
            taken.append((time.perf_counter() - clock, time.thread_time() - processor))
            step = market.step(*action)
            policy.observe(step)
            state = step.state
    return 1e3 * pd.DataFrame(taken[WARM_UP:], columns=["elapsed", "computing"])


def time_stacks(learner: TeamLearner, market_name: MarketName, watch: Watch) -> pd.DataFrame:
    """How long decisions take as layers are added: `time_decisions` of each `stack` and run."""
    torch.set_num_threads(1)
    market, frames = make_market(market_name), []
    for index, seed in enumerate(learner.seeds):
        single = one_run(learner, index)
        for name in STACKS:
            with TemporaryDirectory() as folder:
                anchor_every = 1 if name == "anchored" else 1000
                with Trail(Path(folder) / "trail.jsonl", anchor_every) as trail:
                    policy = stack(single, market_name, watch, Path(folder), trail)[name]
                    taken = time_decisions(policy, market, seed)
            frames.append(taken.assign(stack=name, seed=seed))
    return pd.concat(frames, ignore_index=True)
