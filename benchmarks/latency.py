"""How long a decision of the team, and of the whole stack, takes: a state in, bid and allocation out."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from adrl_core.agents.team import TeamLearner, TeamPolicy
from adrl_core.config import Team
from adrl_core.governance.audit import Trail
from adrl_core.governance.trials.oversight import watch_over
from adrl_core.governance.trials.trail import stack, time_decisions
from adrl_core.market import make_market
from benchmarks.measure import Measurement

DECISIONS = 2000
BANK = 100
"""Episodes from which the stack's performance bound is set."""


@torch.inference_mode()
def latency(repeats: int) -> list[Measurement]:
    """Median and 99th percentile in milliseconds, for one state at a time on one CPU thread."""
    torch.set_num_threads(1)
    market, policy = make_market("channels"), TeamPolicy(TeamLearner(Team(), [0]))
    states = np.repeat(market.reset([0], [0]).numpy(), DECISIONS, 0)
    states[:, :4] = np.random.default_rng(0).random((DECISIONS, 4))
    policy.reset(market)
    median, late = Measurement("one decision, p50", "ms"), Measurement("one decision, p99", "ms")
    for repeat in range(repeats + 1):
        seconds = []
        for state in states:
            clock = time.perf_counter()
            action = policy.act(torch.from_numpy(state[None]))
            action.bid.item(), action.allocation.tolist()
            seconds.append(time.perf_counter() - clock)
        if repeat:
            median.values.append(1e3 * float(np.quantile(seconds, 0.5)))
            late.values.append(1e3 * float(np.quantile(seconds, 0.99)))
    return [median, late, *governed(repeats)]


def governed(repeats: int) -> list[Measurement]:
    """The same through supervision, safety layer and audit trail, in episodes of the `channels` market.

    By the clock, and of the processor, which other work on the machine does not lengthen.
    """
    learner, market, watch = TeamLearner(Team(), [0]), make_market("channels"), watch_over("channels", BANK)
    names = {"elapsed": "whole stack", "computing": "whole stack, processor"}
    found = {(c, q): Measurement(f"{names[c]}, p{100 * q:.0f}", "ms") for c in names for q in (0.5, 0.99)}
    for repeat in range(repeats + 1):
        with TemporaryDirectory() as folder, Trail(Path(folder) / "trail.jsonl") as trail:
            policy = stack(learner, "channels", watch, Path(folder), trail)["recorded"]
            taken = time_decisions(policy, market, seed=0)
        if repeat:
            for (column, level), measurement in found.items():
                measurement.values.append(float(taken[column].quantile(level)))
    return list(found.values())
