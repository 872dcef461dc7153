"""The audit trail: an append-only file of JSON lines, each bound to the one before it by its hash.

A line is `{"body":B,"hash":"H"}`: B holds the record, its index and the hash of the line before (64 zeros for
the first) as canonical JSON (keys sorted, no blanks, ASCII), and H is the SHA-256 of B's bytes in hex.

The anchor, a small file beside the trail, holds the number of records and the last hash. It is replaced once
the records it counts are on disk, so records that go missing at the end are found too. What a hash chain
cannot do: whoever can write both files can rewrite all after the last anchor that was copied out of reach;
`verify` takes such a copy.
"""

import hashlib
import json
import logging
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from adrl_core.files import exclusive, write_text

log = logging.getLogger(__name__)

GENESIS = "0" * 64
_OPENING, _BETWEEN, _CLOSING = b'{"body":', b',"hash":"', b'"}\n'
_TAIL = len(_BETWEEN) + len(GENESIS) + len(_CLOSING)

Kind = Literal["edited", "removed", "reordered", "truncated", "torn", "unanchored"]


class Anchor(BaseModel):
    """How far a trail had come when it was last made safe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    records: int
    hash: str


class Problem(NamedTuple):
    """What is wrong, and at which record."""

    record: int
    kind: Kind
    detail: str


class Report(NamedTuple):
    """What a verification found."""

    end: Anchor
    """Number of records, missing ones included, and the hash of the last line."""
    unanchored: int
    """Records after the last anchor: not a fault, but nothing would tell if these went missing."""
    problems: list[Problem]


class Line(NamedTuple):
    """A line as it stands in the file; whole if its hash is that of its body."""

    whole: bool
    record: int = -1
    previous: str = ""
    hash: str = ""


def anchor_path(trail: Path) -> Path:
    """Where the anchor of a trail is."""
    return trail.with_name(f"{trail.name}.anchor")


def canonical(content: Mapping[str, Any]) -> bytes:
    """Canonical JSON; NaN and infinities, which JSON does not have, become the strings nan, inf and -inf."""
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_spelled_out(content), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def _spelled_out(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _spelled_out(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled_out(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


class Trail:
    """A trail open for appending, by one process at a time; use it in a `with` statement.

    When `append` returns, its records have been handed to the operating system: if the process dies, they are
    safe. A process that dies while it appends leaves at most one record cut short, the last in the file; of
    that batch, records not yet written are missing too. Every `anchor_every` records, and on closing, the
    file is flushed to disk (fsync) and then the anchor replaced: up to there, records survive the machine's
    end, and are missed if someone cuts the file. `anchor_every=1` does this in every append, at its price.

    Opening verifies the whole file. A record cut short is taken out, and a record `{"recovered_bytes": n}`
    put in its place.

    Args:
        path: of the trail; made if missing.
        anchor_every: records between two anchors.

    Raises:
        ValueError: what the file holds does not verify.
        BlockingIOError: another process has the trail open.
    """

    def __init__(self, path: Path, anchor_every: int = 1000) -> None:
        self.path, self.anchor_every = path, anchor_every
        with ExitStack() as held:
            held.enter_context(exclusive(path.with_name(f"{path.name}.lock"), patience=0.0))
            if not path.exists() and not anchor_path(path).exists():
                write_text(anchor_path(path), Anchor(records=0, hash=GENESIS).model_dump_json())
            self.file = held.enter_context(path.open("ab", buffering=0))
            report = verify(path)
            if faults := [problem for problem in report.problems if problem.kind != "torn"]:
                record, kind, detail = faults[0]
                raise ValueError(f"trail = {path}: record {record} is {kind}: {detail}; it is not continued")
            self.records, self.hash = report.end.records, report.end.hash
            self.anchored = self.records - report.unanchored
            if report.problems:
                self._recover()
            self.held = held.pop_all()

    def _recover(self) -> None:
        whole = sum(len(line) for line in _raw_lines(self.path) if line.endswith(b"\n"))
        torn = self.path.stat().st_size - whole
        log.warning("trail %s: record %d was cut short (%d bytes)", self.path, self.records, torn)
        os.truncate(self.path, whole)
        self.append([{"recovered_bytes": torn}])

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write records in one go.

        Raises:
            OSError: writing failed; the trail is closed then, and opening it again recovers what stands.
        """
        lines, index, previous = [], self.records, self.hash
        for record in records:
            body = canonical({"index": index, "previous": previous, "record": record})
            previous = hashlib.sha256(body).hexdigest()
            lines.append(b"".join((_OPENING, body, _BETWEEN, previous.encode(), _CLOSING)))
            index += 1
        rest = b"".join(lines)
        try:
            while rest:
                rest = rest[self.file.write(rest) :]
        except BaseException:
            self.file.close()
            raise
        self.records, self.hash = index, previous
        if self.records - self.anchored >= self.anchor_every:
            self.anchor()

    def anchor(self) -> Anchor:
        """Flush the trail to disk and replace its anchor, which is returned: keep a copy out of reach."""
        os.fsync(self.file.fileno())
        anchor = Anchor(records=self.records, hash=self.hash)
        write_text(anchor_path(self.path), anchor.model_dump_json())
        self.anchored = self.records
        return anchor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.held:
            if not self.file.closed:
                self.anchor()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a trail in order, unverified; a last one cut short is left out and warned of."""
    for line in _raw_lines(path):
        if not line.endswith(b"\n"):
            log.warning("trail %s: the last record was cut short (%d bytes)", path, len(line))
            return
        yield json.loads(line)["body"]["record"]


def verify(path: Path, anchor: Anchor | None = None) -> Report:
    """Check every record of a trail against its hash, its place in the chain, and the anchor.

    Args:
        path: of the trail.
        anchor: a copy kept elsewhere; the file beside the trail if omitted.

    Returns:
        The problems, in order of records. `edited`: a record is not what was written; `removed`: it is
        missing; `reordered`: it stands after later ones, or twice; `truncated`: records at the end are
        missing; `torn`: the last was cut short, as by a crash; `unanchored`: the anchor is missing.

    Raises:
        FileNotFoundError: there is no trail.
    """
    problems: list[Problem] = []
    if anchor is None:
        anchor, fault = _read_anchor(path)
        problems += fault
    gaps: list[range] = []
    end, before, anchored = 0, Line(True, -1, "", GENESIS), None
    for raw in _raw_lines(path):
        if not raw.endswith(b"\n"):
            problems.append(Problem(end, "torn", f"the file ends after {len(raw)} bytes of it"))
            break
        line = _parse(raw)
        if not line.whole:
            line = line._replace(record=end)
            problems.append(Problem(end, "edited", "its hash is not that of its content"))
        elif line.record < end:
            detail = "stands after later records" if _fill(gaps, line.record) else "stands there twice"
            problems.append(Problem(line.record, "reordered", detail))
        elif line.record == before.record + 1 and before.whole and line.previous != before.hash:
            problems.append(Problem(max(before.record, 0), "edited", "the chain breaks after it"))
        if line.record > end:
            gaps.append(range(end, line.record))
        if line.whole and line.record == anchor.records - 1:
            anchored = line.hash
        end, before = max(end, line.record + 1), line
    problems += [Problem(gap.start, "removed", f"{len(gap)} missing from here") for gap in gaps]
    if end < anchor.records:
        problems.append(Problem(end, "truncated", f"{anchor.records - end} missing from here to the anchor"))
    elif anchored not in (None, anchor.hash):
        problems.append(Problem(anchor.records - 1, "edited", "its hash, or one before, is not the anchored"))
    return Report(Anchor(records=end, hash=before.hash), max(end - anchor.records, 0), sorted(problems))


def _fill(gaps: list[range], index: int) -> bool:
    """Take an index out of the gaps; false if it is in none."""
    for place, gap in enumerate(gaps):
        if index in gap:
            parts = range(gap.start, index), range(index + 1, gap.stop)
            gaps[place : place + 1] = [part for part in parts if part]
            return True
    return False


def _read_anchor(path: Path) -> tuple[Anchor, list[Problem]]:
    try:
        return Anchor.model_validate_json(anchor_path(path).read_bytes()), []
    except (FileNotFoundError, ValueError) as error:
        state = "missing" if isinstance(error, FileNotFoundError) else "damaged"
        return Anchor(records=0, hash=GENESIS), [Problem(0, "unanchored", f"the anchor is {state}")]


def _raw_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _parse(raw: bytes) -> Line:
    body = raw[len(_OPENING) : -_TAIL]
    digest = hashlib.sha256(body).hexdigest()
    if raw == b"".join((_OPENING, body, _BETWEEN, digest.encode(), _CLOSING)):
        try:
            content = json.loads(body)
            return Line(True, int(content["index"]), content["previous"], digest)
        except (ValueError, KeyError, TypeError):
            pass  # not a body of ours, though someone gave it its hash
    return Line(False)
