"""Energy of a training or of decisions, as codecarbon estimates it offline, and how far off that may be.

Where the processor has no energy counter (RAPL) or hides it, as virtual machines do, codecarbon takes the
load of this process times the thermal design power it finds for the processor's name, and for memory a power
by its size, of which the whole machine's is charged. Neither is a measurement. `bounds` therefore gives a
range: the processor seconds at the lowest power a core, without memory, and the whole time at the highest,
with it.
"""

import logging
import time
from collections import Counter
from typing import Any, NamedTuple

from codecarbon import OfflineEmissionsTracker
from codecarbon.external.hardware import CPU
from numpy.typing import NDArray
from torch import Tensor, nn

from adrl_core.agents.team import TeamLearner

COUNTRY = "USA"
"""Country whose electricity codecarbon is told of; energy, all that is reported, does not depend on it."""
CORE_POWER = (2.6, 20.0)
"""Least and most thermal design power a core, in W, among processors of one current series for servers: AMD
EPYC 9965, 500 W for 192 cores, and 9175F, 320 W for 16."""
JOULES = 3.6e6
"""Joules in a kWh."""


class Reading(NamedTuple):
    """What was used; readings add up."""

    seconds: float = 0.0
    """Wall time."""
    processor_seconds: float = 0.0
    """Time of processors on this process."""
    processor: float = 0.0
    """Energy of the processors, in J."""
    memory: float = 0.0
    """Energy of the memory, in J."""

    @property
    def energy(self) -> float:
        """Energy, in J."""
        return self.processor + self.memory


def bounds(reading: Reading) -> tuple[float, float]:
    """Least and most energy, in J, that the same time may have taken."""
    low, high = CORE_POWER
    return low * reading.processor_seconds, high * reading.seconds + reading.memory


class Meter:
    """Reads the energy of this process, stretch by stretch; it looks on at a training episode by episode.

    Nothing is sent and no file written.
    """

    def __init__(self) -> None:
        # It speaks before it has read which level to speak at.
        logging.disable(logging.CRITICAL)
        self.tracker = OfflineEmissionsTracker(
            country_iso_code=COUNTRY,
            output_methods=[],
            tracking_mode="process",
            allow_multiple_runs=True,
            log_level="critical",
        )
        logging.disable(logging.NOTSET)
        self.total = Reading()
        self.start()

    @property
    def method(self) -> str:
        """How codecarbon comes to the energy of the processors."""
        return str(self._processors()._mode)

    @property
    def design_power(self) -> float:
        """Thermal design power, in W, that it takes the machine's processors to have."""
        return float(self._processors()._tdp)

    def _processors(self) -> CPU:
        return next(part for part in self.tracker._hardware if isinstance(part, CPU))

    def start(self) -> None:
        """Begin a stretch."""
        self.tracker.start_task()
        self.processor_seconds = time.process_time()

    def stop(self) -> Reading:
        """End the stretch and return what it took."""
        used = self.tracker.stop_task()
        spent = time.process_time() - self.processor_seconds
        return Reading(used.duration, spent, used.cpu_energy * JOULES, used.ram_energy * JOULES)

    def watch(self, number: int, rewards: NDArray, learner: TeamLearner) -> None:
        """Add what an episode took, and begin the next stretch."""
        self.total = Reading(*map(sum, zip(self.total, self.stop(), strict=True)))
        self.start()

    def state_dict(self) -> dict[str, Any]:
        """What has been used so far."""
        return {"total": list(self.total)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.total = Reading(*state["total"])


class Passes:
    """Counts the states of one run that networks are evaluated in, while acting and while learning.

    A pass is one state through one network's trunk; actor, critic and streams share it.

    Args:
        learner: the team whose networks are watched.
    """

    def __init__(self, learner: TeamLearner) -> None:
        self.counts: Counter[str] = Counter(acting=0, learning=0)
        networks = (learner.controller.network, learner.bidding.online, learner.bidding.target)
        for network in (*networks, learner.budget.network):
            network.trunk.register_forward_hook(self._count)

    def _count(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self.counts["acting" if output.shape[1] == 1 else "learning"] += output.shape[1]

    def watch(self, number: int, rewards: NDArray, learner: TeamLearner) -> None:
        """The hooks see for themselves."""

    def state_dict(self) -> dict[str, Any]:
        """The counts."""
        return dict(self.counts)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up saved counts."""
        self.counts = Counter(state)
