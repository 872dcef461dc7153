"""The audit trail against everything that may be done to its file, and against a crash at every byte."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrl_core.governance.audit import (
    GENESIS,
    Anchor,
    Trail,
    anchor_path,
    canonical,
    read,
    verify,
)

RECORDS = [{"step": t, "bid": t / 3.0, "overrides": ["quality"] * (t % 2)} for t in range(8)]


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    path = tmp_path / "trail.jsonl"
    with Trail(path) as opened:
        opened.append(RECORDS[:5])
        opened.append(RECORDS[5:])
    return path


def found(path: Path, anchor: Anchor | None = None) -> list[tuple[int, str]]:
    return [(problem.record, problem.kind) for problem in verify(path, anchor).problems]


def relined(path: Path, change) -> None:
    """Rewrite the file with its list of lines changed in place."""
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))


def forged(line: bytes, **changes) -> bytes:
    """The line with its body changed and its own hash made right again."""
    body = canonical({**json.loads(line)["body"], **changes})
    return b'{"body":%b,"hash":"%b"}\n' % (body, hashlib.sha256(body).hexdigest().encode())


def test_what_is_written_is_read_and_verifies(trail: Path) -> None:
    assert list(read(trail)) == RECORDS
    report = verify(trail)
    assert report.problems == [] and report.unanchored == 0 and report.end.records == len(RECORDS)


def test_the_chain_is_sha256_over_the_previous_hash_and_the_canonical_record(trail: Path) -> None:
    previous = GENESIS
    for index, line in enumerate(trail.read_text().splitlines()):
        body = json.dumps(
            {"index": index, "previous": previous, "record": RECORDS[index]},
            sort_keys=True,
            separators=(",", ":"),
        )
        previous = hashlib.sha256(body.encode()).hexdigest()
        assert line == f'{{"body":{body},"hash":"{previous}"}}'
    assert json.loads(anchor_path(trail).read_text()) == {"records": len(RECORDS), "hash": previous}


def test_every_edited_byte_is_found_at_its_record(trail: Path) -> None:
    """Each byte of the file in turn is changed; without its line end, a record runs into the next."""
    content = trail.read_bytes()
    record = 0
    for place, byte in enumerate(content):
        changed = bytearray(content)
        changed[place] = byte ^ 1
        trail.write_bytes(changed)
        problems = found(trail)
        assert problems and problems[0][0] == record
        assert problems[0][1] == "edited" or (byte == 10 and problems[0][1] == "torn")
        record += byte == 10
    assert record == len(RECORDS)


def test_an_edit_with_its_own_hash_put_right_is_found(trail: Path) -> None:
    relined(trail, lambda lines: lines.__setitem__(3, forged(lines[3], record={"bid": 9.9})))
    assert found(trail) == [(3, "edited")]


@pytest.mark.parametrize("index", [0, len(RECORDS) - 1])
def test_a_forged_first_or_last_record_is_found(trail: Path, index: int) -> None:
    relined(trail, lambda lines: lines.__setitem__(index, forged(lines[index], record={"bid": 9.9})))
    assert found(trail) == [(index, "edited")]


def test_a_chain_rewritten_to_its_end_misses_the_anchor(trail: Path) -> None:
    def rewrite(lines: list[bytes]) -> None:
        lines[3] = forged(lines[3], record={"bid": 9.9})
        for i in range(4, len(lines)):
            lines[i] = forged(lines[i], previous=json.loads(lines[i - 1])["hash"])

    kept = Anchor.model_validate_json(anchor_path(trail).read_bytes())
    relined(trail, rewrite)
    assert found(trail) == [(len(RECORDS) - 1, "edited")]
    # Whoever rewrites the anchor too is caught by a copy of it alone.
    anchor_path(trail).write_text(json.dumps({"records": 8, "hash": verify(trail).end.hash}))
    assert found(trail) == []
    assert found(trail, kept) == [(len(RECORDS) - 1, "edited")]


@pytest.mark.parametrize("body", [b"[]", b"7", b"{}", b"nonsense", b'{"index":null,"previous":""}'])
def test_a_line_that_is_no_record_is_found_even_with_its_hash(trail: Path, body: bytes) -> None:
    line = b'{"body":%b,"hash":"%b"}\n' % (body, hashlib.sha256(body).hexdigest().encode())
    relined(trail, lambda lines: lines.__setitem__(2, line))
    assert found(trail) == [(2, "edited")]


def test_a_huge_index_is_found_and_costs_nothing(trail: Path) -> None:
    relined(trail, lambda lines: lines.append(forged(lines[-1], index=10**18)))
    assert found(trail) == [(len(RECORDS), "removed")]


def test_removed_records_are_found(trail: Path) -> None:
    relined(trail, lambda lines: lines.__delitem__(slice(2, 5)))
    report = verify(trail)
    assert [(p.record, p.kind) for p in report.problems] == [(2, "removed")]
    assert report.problems[0].detail.startswith("3 ")


def test_reordered_and_repeated_records_are_found(trail: Path) -> None:
    relined(trail, lambda lines: lines.insert(2, lines.pop(5)))
    assert found(trail) == [(2, "reordered"), (3, "reordered"), (4, "reordered")]
    relined(trail, lambda lines: lines.insert(5, lines.pop(2)))
    assert found(trail) == []
    relined(trail, lambda lines: lines.insert(6, lines[1]))
    assert found(trail) == [(1, "reordered")]


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_any_other_selection_of_the_lines_is_found(tmp_path_factory, data) -> None:
    path = tmp_path_factory.mktemp("any") / "trail.jsonl"
    with Trail(path) as opened:
        opened.append(RECORDS)
    order = data.draw(st.lists(st.integers(0, len(RECORDS) - 1), max_size=len(RECORDS) + 2))
    relined(path, lambda lines: lines.__setitem__(slice(None), [lines[i] for i in order]))
    assert bool(found(path)) == (order != list(range(len(RECORDS))))


@pytest.mark.parametrize("kept", range(len(RECORDS)))
def test_truncation_is_found(trail: Path, kept: int) -> None:
    relined(trail, lambda lines: lines.__delitem__(slice(kept, None)))
    assert found(trail) == [(kept, "truncated")]


def test_a_missing_or_damaged_anchor_is_found(trail: Path) -> None:
    anchor_path(trail).write_text("{}")
    assert found(trail) == [(0, "unanchored")]
    anchor_path(trail).unlink()
    assert found(trail) == [(0, "unanchored")]
    with pytest.raises(ValueError, match="unanchored"):
        Trail(trail)


def test_a_deleted_trail_is_not_begun_anew(trail: Path) -> None:
    trail.unlink()
    with pytest.raises(FileNotFoundError):
        verify(trail)
    with pytest.raises(ValueError, match="truncated"):
        Trail(trail)


@pytest.mark.parametrize("anchored", [False, True], ids=["crash", "cut"])
def test_a_file_cut_at_every_byte_of_the_last_record(trail: Path, anchored: bool) -> None:
    """Before the anchor counts it, as in a crash, the record alone is lost; afterwards it is truncated."""
    content = trail.read_bytes()
    last = len(content.splitlines(keepends=True)[-1])
    before = len(RECORDS) - 1
    anchor = anchor_path(trail).read_text()
    if not anchored:
        line = json.loads(content.splitlines()[-2])
        anchor = json.dumps({"records": before, "hash": line["hash"]})
    for cut in range(1, last + 1):
        trail.write_bytes(content[:-cut])
        anchor_path(trail).write_text(anchor)
        torn = [(before, "torn")] if cut < last else []
        assert found(trail) == torn + ([(before, "truncated")] if anchored else [])
        assert list(read(trail)) == RECORDS[:before]
        if anchored:
            with pytest.raises(ValueError, match="truncated"):
                Trail(trail)
            continue
        with Trail(trail) as opened:
            opened.append(RECORDS[:1])
        recovered = [{"recovered_bytes": last - cut}] if cut < last else []
        assert list(read(trail)) == RECORDS[:before] + recovered + RECORDS[:1]
        assert found(trail) == []


def test_a_trail_that_does_not_verify_is_not_continued(trail: Path) -> None:
    relined(trail, lambda lines: lines.__delitem__(2))
    with pytest.raises(ValueError, match="record 2 is removed"):
        Trail(trail)


def test_a_trail_is_open_once_only_and_goes_on_after_closing(trail: Path) -> None:
    with Trail(trail) as opened:
        with pytest.raises(BlockingIOError):
            Trail(trail)
        opened.append(RECORDS[:2])
    assert list(read(trail)) == RECORDS + RECORDS[:2] and found(trail) == []


def test_anchors_come_as_often_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    with Trail(path, anchor_every=3) as opened:
        unanchored = []
        for record in RECORDS:
            opened.append([record])
            unanchored.append(verify(path).unanchored)
    assert unanchored == [1, 2, 0, 1, 2, 0, 1, 2]
    assert verify(path).unanchored == 0


def test_a_killed_process_loses_nothing_it_appended(tmp_path: Path) -> None:
    path = tmp_path / "trail.jsonl"
    code = (
        "import os, signal; from pathlib import Path; from adrl_core.governance.audit import Trail\n"
        f"trail = Trail(Path({str(path)!r})); trail.append([{{'n': i}} for i in range(10)])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ, "PYTHONPATH": os.getcwd()})
    report = verify(path)
    assert report.problems == [] and (report.end.records, report.unanchored) == (10, 10)
    with Trail(path) as opened:
        opened.append([{"n": 10}])
    assert [record["n"] for record in read(path)] == list(range(11)) and verify(path).unanchored == 0


def test_a_failed_write_closes_the_trail_and_is_recovered(tmp_path: Path) -> None:
    class Full:
        """A disk that takes ten bytes more."""

        closed = False

        def __init__(self, file) -> None:
            self.file, self.room = file, 10

        def write(self, data: bytes) -> int:
            if not self.room:
                raise OSError("no space left")
            written, self.room = self.file.write(data[: self.room]), 0
            return written

        def close(self) -> None:
            self.file.close()
            self.closed = True

    path = tmp_path / "trail.jsonl"
    with Trail(path) as opened:
        opened.append(RECORDS[:2])
        opened.file = Full(opened.file)
        with pytest.raises(OSError, match="no space"):
            opened.append(RECORDS[2:4])
    assert found(path) == [(2, "torn")]
    with Trail(path) as opened:
        opened.append(RECORDS[2:])
    assert list(read(path)) == [*RECORDS[:2], {"recovered_bytes": 10}, *RECORDS[2:]]


def test_numbers_that_json_lacks_are_spelled_out() -> None:
    record = {"q": [1.5, float("nan"), float("inf")], "deep": {"x": (-np.inf, 0.1)}, "name": "NaN"}
    assert canonical(record) == b'{"deep":{"x":["-inf",0.1]},"name":"NaN","q":[1.5,"nan","inf"]}'
