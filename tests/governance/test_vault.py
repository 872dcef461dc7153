"""What was saved comes back; what was touched, or is opened with the wrong key, does not."""

import hashlib
import os
import pickle
import stat

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adrl_core.agents.team import TeamLearner
from adrl_core.config import ConfigurationError, Team
from adrl_core.governance import vault
from adrl_core.governance.vault import (
    DIGEST_SIZE,
    KEY_VARIABLE,
    NONCE_SIZE,
    PLAIN,
    SEALED,
    load,
    new_key,
    save,
)

TENSORS = {
    "controller": {"w": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1.5])},
    "bidding": {"deep": {"er": torch.tensor([1, 2, 3])}},
    "step": torch.tensor(7),
}


@pytest.fixture(params=[False, True], ids=["plain", "sealed"])
def sealed(request, monkeypatch):
    """Both ways of keeping a file."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    if request.param:
        monkeypatch.setenv(KEY_VARIABLE, new_key())
    return request.param


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    return a.dtype == b.dtype and torch.equal(a, b)


def test_nested_tensors_come_back(sealed, tmp_path):
    save(tmp_path / "a.vault", TENSORS)
    assert same(load(tmp_path / "a.vault"), TENSORS)


def test_a_team_comes_back_and_acts_the_same(sealed, tmp_path):
    saved, fresh = TeamLearner(Team(), [3]), TeamLearner(Team(), [4])
    save(tmp_path / "team.vault", saved.networks())
    fresh.load_networks(load(tmp_path / "team.vault"))
    state = torch.rand(1, 5, 10)
    assert torch.equal(fresh.controller.greedy(state), saved.controller.greedy(state))
    assert same(fresh.networks(), saved.networks())


def test_views_and_shared_tensors_are_saved_as_they_look(sealed, tmp_path):
    base = torch.arange(6.0).reshape(2, 3)
    tensors = {"transposed": base.T, "row": base[1], "again": base}
    save(tmp_path / "a.vault", tensors)
    assert same(load(tmp_path / "a.vault"), tensors)


def test_only_the_owner_can_read_it(sealed, tmp_path):
    path = tmp_path / "a.vault"
    path.write_text("there before, open to all")
    path.chmod(0o666)
    before = os.umask(0)
    try:
        save(path, TENSORS)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_save_leaves_the_old_file(sealed, tmp_path, monkeypatch):
    path = tmp_path / "a.vault"
    save(path, TENSORS)
    monkeypatch.setattr(vault.os, "fdopen", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save(path, {"other": torch.zeros(1)})
    assert same(load(path), TENSORS)
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_crash_left_behind_is_no_obstacle(sealed, tmp_path):
    path = tmp_path / "a.vault"
    (tmp_path / "a.partial.vault").write_text("half a file, open to all")
    save(path, TENSORS)
    assert same(load(path), TENSORS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_byte_counts(sealed, tmp_path):
    """A bit flipped anywhere: magic line, digest or nonce, header of the tensors, tensors, tag."""
    path = tmp_path / "a.vault"
    save(path, TENSORS)
    whole = path.read_bytes()
    assert whole.startswith(SEALED if sealed else PLAIN)
    assert len(whole) > len(PLAIN) + (NONCE_SIZE + 16 if sealed else DIGEST_SIZE) + 100
    for place in range(len(whole)):
        touched = bytearray(whole)
        touched[place] ^= 1 << place % 8
        path.write_bytes(touched)
        with pytest.raises(ConfigurationError, match=r"damaged|tampered|encrypted"):
            load(path)


def test_shorter_and_longer_files_are_refused(sealed, tmp_path):
    path = tmp_path / "a.vault"
    save(path, TENSORS)
    whole = path.read_bytes()
    for changed in [*(whole[:length] for length in range(len(whole))), whole + b"\0", whole + whole]:
        path.write_bytes(changed)
        with pytest.raises(ConfigurationError, match=r"damaged|tampered"):
            load(path)


@settings(deadline=None, max_examples=50)
@given(content=st.binary(max_size=200), start=st.sampled_from([b"", PLAIN, SEALED]))
def test_what_is_no_vault_is_one_error(content, start, tmp_path_factory):
    path = tmp_path_factory.mktemp("vault") / "a.vault"
    path.write_bytes(start + content)
    with pytest.raises(ConfigurationError, match=r"vault = .*a\.vault: "):
        load(path)


def test_a_pickle_is_not_run(tmp_path):
    ran = tmp_path / "ran"

    class Payload:
        def __reduce__(self):
            return ran.touch, ()

    pickled = pickle.dumps(Payload())
    for start in (b"", PLAIN, PLAIN + hashlib.sha256(pickled).digest()):
        (tmp_path / "a.vault").write_bytes(start + pickled)
        with pytest.raises(ConfigurationError, match=r"damaged|holds no tensors"):
            load(tmp_path / "a.vault")
    assert not ran.exists()


def test_the_wrong_key_and_no_key(tmp_path, monkeypatch):
    path = tmp_path / "a.vault"
    monkeypatch.setenv(KEY_VARIABLE, new_key())
    save(path, TENSORS)
    monkeypatch.setenv(KEY_VARIABLE, new_key())
    with pytest.raises(ConfigurationError, match="wrong key, or the file was tampered with"):
        load(path)
    monkeypatch.setenv(KEY_VARIABLE, "")
    with pytest.raises(ConfigurationError, match=f"encrypted; set {KEY_VARIABLE}"):
        load(path)


def test_a_plain_file_does_not_pass_where_a_key_is_set(tmp_path, monkeypatch):
    """Else an attacker without the key puts a file of his own in place of the sealed one."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    save(tmp_path / "a.vault", TENSORS)
    monkeypatch.setenv(KEY_VARIABLE, new_key())
    with pytest.raises(ConfigurationError, match="not encrypted"):
        load(tmp_path / "a.vault")


@pytest.mark.parametrize("key", ["hunter2", "ab" * 31, "ab" * 33, "zz" * 32])
def test_what_is_no_key_is_not_repeated(key, tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, key)
    for action in (lambda: save(tmp_path / "a.vault", TENSORS), lambda: load(tmp_path / "a.vault")):
        with pytest.raises(ConfigurationError, match="64 hexadecimal digits") as caught:
            action()
        assert key not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_same_tensors_are_never_sealed_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, new_key())
    written = []
    for _ in range(2):
        save(tmp_path / "a.vault", TENSORS)
        written.append((tmp_path / "a.vault").read_bytes())
    assert written[0][len(SEALED) :][:NONCE_SIZE] != written[1][len(SEALED) :][:NONCE_SIZE]
    assert b"controller" not in written[0]


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"a/b": torch.zeros(1)}, "a/b"),
        ({"a": {"": torch.zeros(1)}}, "'a/'"),
        ({"a": {"b": [1.0]}}, r"a/b = \[1\.0\]"),
    ],
)
def test_what_cannot_be_named_or_is_no_tensor(tensors, message, tmp_path):
    with pytest.raises(ConfigurationError, match=message):
        save(tmp_path / "a.vault", tensors)


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigurationError, match="no such file"):
        load(tmp_path / "a.vault")
