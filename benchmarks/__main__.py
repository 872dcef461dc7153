"""`python -m benchmarks [suite ...]`: tables of speed, and JSON if asked for."""

import argparse
import json
from pathlib import Path

from adrl_core.files import write_text
from benchmarks.calibration import calibration
from benchmarks.latency import latency
from benchmarks.measure import hardware, show
from benchmarks.replay import replay
from benchmarks.simulation import simulation
from benchmarks.training import training

SUITES = ("simulation", "training", "latency", "replay", "calibration")


def main() -> None:
    """Run the suites named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"{', '.join(SUITES)}; all if omitted")
    parser.add_argument("--device", default="cpu", help="also measure on this torch device, e.g. cuda")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--runs", type=int, default=20, help="training runs of a team")
    parser.add_argument("--episodes", type=int, default=20, help="timed training episodes")
    parser.add_argument("--json", type=Path, help="write all values there")
    arguments = parser.parse_args()
    unknown = set(arguments.suites) - set(SUITES)
    if unknown:
        parser.error(f"suite = {', '.join(sorted(unknown))}: unknown; allowed: {', '.join(SUITES)}")
    for name in ("repeats", "runs", "episodes"):
        if getattr(arguments, name) < 1:
            parser.error(f"{name} = {getattr(arguments, name)}: expected 1 or more")
    repeats, device = arguments.repeats, arguments.device
    results = {}
    for suite in arguments.suites or SUITES:
        if suite == "simulation":
            devices = dict.fromkeys(("cpu", device))
            measurements = [m for one in devices for m in simulation(repeats, one)]
        elif suite == "training":
            measurements = training(repeats, device, arguments.runs, arguments.episodes)
        elif suite == "latency":
            measurements = latency(repeats)
        elif suite == "replay":
            measurements = replay(repeats)
        else:
            measurements = calibration(repeats)
        show(suite, measurements)
        results[suite] = [measurement.summary() for measurement in measurements]
    if arguments.json:
        write_text(arguments.json, json.dumps({"hardware": hardware(), "suites": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
