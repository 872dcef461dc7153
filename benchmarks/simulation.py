"""Simulated environment steps a second, reset included, on one thread."""

import time

import torch

from adrl_core.config import MARKET_NAMES
from adrl_core.market import make_market
from adrl_core.market.presets import BID_LEVELS, CHANNELS, STEPS
from benchmarks.measure import Measurement, synchronise


@torch.inference_mode()
def simulation(repeats: int, device: str, rows: int = 4096) -> list[Measurement]:
    """Steps a second of every market, with actions drawn at random before the clock starts."""
    torch.set_num_threads(1)
    measurements = []
    for name in MARKET_NAMES:
        market = make_market(name, device=device)
        levels = torch.randint(BID_LEVELS, (STEPS, rows), device=device)
        shares = torch.rand(STEPS, rows, CHANNELS, device=device).log().neg()
        actions = list(zip(market.bids[levels], shares / shares.sum(2, keepdim=True), strict=True))
        measurement = Measurement(f"{name}, {rows:,} episodes on {device}", "steps/s")
        for repeat in range(repeats + 1):
            synchronise(device)
            clock = time.perf_counter()
            market.reset(range(rows), [repeat] * rows)
            for bid, allocation in actions:
                market.step(bid, allocation)
            synchronise(device)
            if repeat:  # The first round warms up.
                measurement.values.append(rows * STEPS / (time.perf_counter() - clock))
        measurements.append(measurement)
    return measurements
