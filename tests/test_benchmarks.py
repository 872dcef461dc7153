"""What the benchmarks share out."""

import pytest

from benchmarks.training import shares


@pytest.mark.parametrize(
    ("runs", "cores", "expected"), [(5, 2, [[0, 2, 4], [1, 3]]), (2, 4, [[0], [1]]), (1, 1, [[0]])]
)
def test_no_process_goes_without_runs(runs: int, cores: int, expected: list[list[int]]) -> None:
    assert shares(runs, cores) == expected
