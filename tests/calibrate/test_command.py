"""`adrl calibrate`: a log that tells too little stops it with one line, and nothing is written."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from adrl_core.cli import app
from adrl_core.market.presets import CHANNEL_NAMES


@pytest.fixture
def presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of presets."""
    folder = tmp_path / "presets"
    folder.mkdir()
    monkeypatch.setenv("ADRL_PRESETS", str(folder))
    for module in ("levels", "goodness"):
        monkeypatch.setattr(f"adrl_core.calibrate.{module}.PATHS", 64)
    return folder


def table(rows: int = 1200) -> pd.DataFrame:
    """Auctions at random prices, all won at a bid of 99, one in four clicked."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "price": np.exp(rng.normal(0.5, 0.5, rows)),
            "click": (np.arange(rows) % 4 == 0).astype(int),
            "ctr": 0.2,
            "channel": np.array(CHANNEL_NAMES)[np.arange(rows) % 3],
        }
    )


def calibrated(log: pd.DataFrame, folder: Path, price_per: str, *options: str) -> Result:
    """Run the command on a log."""
    log.to_csv(folder / "log.csv", index=False)
    named = ["--name", "mine", "--price-per", price_per, *options]
    return CliRunner().invoke(app, ["calibrate", str(folder / "log.csv"), *named])


ONCE = table().assign(channel=["video"] * 15 + ["search", "display", "search"] * 395)
LOST = table().assign(click=0, won=0, bid=0.1)


@pytest.mark.parametrize(
    ("log", "price_per", "message"),
    [
        (ONCE, "click", "channel video: log: its auctions lie in 1 block"),
        (LOST, "mille", "channel search: log: 0 clicks in 0 won auctions; to turn a price per mille"),
        (LOST, "click", "channel search: log: 0 usable prices; a log-normal needs 10 or more"),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_log_that_tells_too_little(log, price_per, message, presets: Path, tmp_path: Path) -> None:
    outcome = calibrated(log, tmp_path, price_per)
    assert outcome.exit_code == 2
    lines = outcome.stderr.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert list(presets.iterdir()) == []


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_days_left_out_and_steps_too_thin_are_told(presets: Path, tmp_path: Path) -> None:
    day = np.arange(1200) / 100.0
    log = table().assign(time=86400.0 * (day + np.where(day >= 6.0, 40.0, 0.0)))
    outcome = calibrated(log, tmp_path, "mille")
    assert outcome.exit_code == 0
    told = " ".join(outcome.stdout.split())
    assert "gaps of the log: 40 episodes without auctions" in told
    assert "steps hold too few auctions to tell how prices move: in channel search" in told
    assert sorted(path.name for path in presets.iterdir()) == ["mine.json", "mine.svg"]
