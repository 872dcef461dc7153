"""What people did about a policy, on record: approvals, the kill switch thrown and taken back.

The record is a trail of its own, beside the file that was acted on, so that `adrl audit verify` finds
tampering with it as with the trail of decisions. The switch itself cannot serve: it is gone once taken back.
"""

import time
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from adrl_core.governance.audit import Trail
from adrl_core.governance.oversight import Stop

LOG = "operations.jsonl"
"""Name of the record, in the folder of approvals and kill switch."""
PATIENCE = 5.0
"""Seconds to wait for another person's entry."""


def log_path(file: Path) -> Path:
    """Where it goes on record what is done to a file."""
    return file.with_name(LOG)


def enter(file: Path, what: str, who: str, note: str = "", **more: str) -> None:
    """Put on record who did what to a file, flushed to disk.

    Raises:
        ValueError: the record does not verify, so that it is not continued.
        BlockingIOError: others keep it open.
    """
    entry = {"what": what, "file": str(file), "who": who, "when": datetime.now(UTC).isoformat(), "note": note}
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            with Trail(log_path(file), anchor_every=1) as trail:
                trail.append([entry | more])
            return
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)


def thrown(switch: Path) -> Stop | None:
    """What a kill switch says, or nothing where it is not thrown or says nothing that can be read."""
    try:
        return Stop.model_validate_json(switch.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
