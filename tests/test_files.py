"""Files written whole or not at all, and tables written small."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from adrl_core.files import replacing, save_table, sha256, write_text


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with replacing(path) as partial:
        partial.write_text("slow")
        write_text(path, "quick")
        assert path.read_text() == "quick"
    assert path.read_text() == "slow"
    assert list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_written_twice_has_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        with replacing(tmp_path / folder / "checkpoint.pt") as partial:
            torch.save({"weights": torch.arange(3.0)}, partial)
    assert sha256(tmp_path / "one" / "checkpoint.pt") == sha256(tmp_path / "two" / "checkpoint.pt")


def test_a_failed_block_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_text(path, "old")
    with pytest.raises(OSError, match="disk full"), replacing(path) as partial:
        assert partial.match("a.*.partial/a.partial.json")
        partial.write_text("half")
        raise OSError("disk full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_saved_table_keeps_names_whole_numbers_and_seven_digits(tmp_path: Path) -> None:
    frame = pd.DataFrame({"policy": ["a", "b"], "seed": [2**40, 1], "reward": [np.pi * 1e3, -1.5]})
    save_table(frame, tmp_path / "t.parquet")
    found = pd.read_parquet(tmp_path / "t.parquet")
    assert found["policy"].tolist() == ["a", "b"] and found["seed"].tolist() == [2**40, 1]
    assert found["reward"].dtype == "float32"
    np.testing.assert_allclose(found["reward"], frame["reward"], rtol=1e-7)
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]
