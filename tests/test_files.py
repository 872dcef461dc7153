"""Tables written small."""

from pathlib import Path

import numpy as np
import pandas as pd

from adrl_core.files import save_table


def test_a_saved_table_keeps_names_whole_numbers_and_seven_digits(tmp_path: Path) -> None:
    frame = pd.DataFrame({"policy": ["a", "b"], "seed": [2**40, 1], "reward": [np.pi * 1e3, -1.5]})
    save_table(frame, tmp_path / "t.parquet")
    found = pd.read_parquet(tmp_path / "t.parquet")
    assert found["policy"].tolist() == ["a", "b"] and found["seed"].tolist() == [2**40, 1]
    assert found["reward"].dtype == "float32"
    np.testing.assert_allclose(found["reward"], frame["reward"], rtol=1e-7)
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]
