"""A measurement, its table, and functions timed side by side in processes of their own."""

import os
import platform
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any

import torch
from rich.console import Console
from rich.table import Column, Table


@dataclass
class Measurement:
    """Repeated values of one quantity."""

    what: str
    unit: str
    values: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """What, unit, values, and their least, median and largest."""
        middle = statistics.median(self.values)
        return asdict(self) | {"min": min(self.values), "median": middle, "max": max(self.values)}


def show(title: str, measurements: list[Measurement]) -> None:
    """Print a table."""
    table = Table(Column("", no_wrap=True), "min", "median", "max", "unit", title=title, title_justify="left")
    for column in table.columns[1:4]:
        column.justify = "right"
    for measurement in measurements:
        summary = measurement.summary()
        numbers = (f"{summary[key]:,.3g}" if summary[key] < 1e3 else f"{summary[key]:,.0f}" for key in LEVELS)
        table.add_row(measurement.what, *numbers, measurement.unit)
    # Away from a terminal, rich would assume 80 columns and cut the numbers short.
    Console(width=None if sys.stdout.isatty() else 120).print(table)


LEVELS = ("min", "median", "max")


def hardware() -> dict[str, Any]:
    """What the numbers were measured on."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "machine": platform.machine(),
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)),
        "gpu": gpu,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def synchronise(device: str) -> None:
    """Wait until the device has done all work given to it."""
    if device != "cpu":
        torch.cuda.synchronize()


def side_by_side(function: Callable[..., Any], jobs: list[tuple[Any, ...]]) -> list[Any]:
    """Call function(start, *job) for all jobs at once, each in a fresh process with one thread.

    The function warms up, waits for the others at `start.wait()`, and returns what it measured after that.
    """
    context = get_context("spawn")
    start, answers = context.Barrier(len(jobs)), context.SimpleQueue()
    processes = [
        context.Process(target=_answer, args=(function, start, answers, job), daemon=True) for job in jobs
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        if process.exitcode:
            raise RuntimeError(f"{function.__name__}: a process ended with code {process.exitcode}")
    return [answers.get() for _ in jobs]


def _answer(function: Callable[..., Any], start: Barrier, answers: Any, job: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    try:
        answers.put(function(start, *job))
    except BaseException:
        start.abort()
        raise
