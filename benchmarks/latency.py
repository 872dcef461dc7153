"""How long one decision of the team takes: a state in, a bid and an allocation out."""

import time

import numpy as np
import torch

from adrl_core.agents.team import TeamLearner, TeamPolicy
from adrl_core.config import Team
from adrl_core.market import make_market
from benchmarks.measure import Measurement

DECISIONS = 2000


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
    return [median, late]
