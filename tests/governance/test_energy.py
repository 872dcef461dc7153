"""The meter adds up, speaks to nobody and leaves nothing; bounds by hand."""

import time

import numpy as np
import pytest

from adrl_core.governance.energy import CORE_POWER, Meter, Reading, bounds


@pytest.fixture
def meter(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Meter()


def busy(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_bounds_by_hand():
    low, high = bounds(Reading(seconds=10.0, processor_seconds=4.0, processor=20.0, memory=30.0))
    assert (low, high) == (4.0 * CORE_POWER[0], 10.0 * CORE_POWER[1] + 30.0)
    assert Reading(1.0, 1.0, 2.0, 3.0).energy == 5.0


def test_episodes_add_up_and_nothing_is_left(meter, tmp_path, capfd):
    for number in range(2):
        busy(0.3)
        meter.watch(number, np.zeros(1), None)
    total = meter.total
    assert 0.6 <= total.seconds < 5.0 and 0.0 < total.processor_seconds <= total.seconds + 0.5
    assert total.memory > 0.0 and total.energy > total.memory
    assert meter.design_power > 0.0 and meter.method
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    # What another process had used before it was interrupted is kept.
    meter.load_state_dict({"total": [100.0, 50.0, 5.0, 7.0]})
    meter.watch(2, np.zeros(1), None)
    assert meter.total.seconds > 100.0 and meter.total.energy > 12.0
    assert meter.state_dict() == {"total": list(meter.total)}
