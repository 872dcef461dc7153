"""Checkpoints that cannot run code on load: named tensors as safetensors, encrypted if there is a key.

A vault file is a magic line and then either the SHA-256 of the safetensors bytes and these, or a nonce and
the same bytes sealed by AES-256-GCM, which covers the magic line too. The digest finds damage; only a key
finds tampering by someone who writes a digest to match.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor

from adrl_core.config import ConfigurationError
from adrl_core.files import replacing

KEY_VARIABLE = "ADRL_VAULT_KEY"
"""Environment variable of the key, 64 hexadecimal digits; unset or empty means none."""
PLAIN, SEALED = b"adrl vault 1 plain \n", b"adrl vault 1 sealed\n"
DIGEST_SIZE = hashlib.sha256().digest_size
NONCE_SIZE = 12
OWNER_ONLY = 0o600
SEPARATOR = "/"


def new_key() -> str:
    """A fresh random key, to be put into the environment."""
    return os.urandom(32).hex()


def save(path: Path, tensors: Mapping[str, Any]) -> None:
    """Write named tensors, whole or not at all, readable by their owner only; sealed if there is a key.

    Args:
        path: of the file; what is there is replaced.
        tensors: nested to any depth, e.g. `TeamLearner.networks()`; names are not empty and hold no slash.

    Raises:
        ConfigurationError: a name is empty or holds a slash, a value is no tensor, or the key is not one.
    """
    content = to_bytes(_flat(tensors))
    cipher = _cipher()
    if cipher is None:
        written = PLAIN + hashlib.sha256(content).digest() + content
    else:
        nonce = os.urandom(NONCE_SIZE)
        written = SEALED + nonce + cipher.encrypt(nonce, content, SEALED)
    with replacing(path) as partial:
        partial.unlink(missing_ok=True)
        # Made with its mode, so that there is no moment at which others can read it.
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as file:
            file.write(written)


def load(path: Path) -> dict[str, Any]:
    """Read what `save` wrote: the nested tensors, on the CPU.

    Raises:
        ConfigurationError: the file is missing, damaged or tampered with; the key is wrong, or not there; or
            there is a key and the file is not encrypted.
    """
    cipher = _cipher()
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(f"vault = {path}: no such file") from None
    magic, body = raw[: len(PLAIN)], raw[len(PLAIN) :]
    if magic not in (PLAIN, SEALED):
        raise ConfigurationError(f"vault = {path}: damaged, or not a vault file")
    if cipher is None:
        if magic == SEALED:
            raise ConfigurationError(f"vault = {path}: encrypted; set {KEY_VARIABLE} to its key")
        digest, content = body[:DIGEST_SIZE], body[DIGEST_SIZE:]
        if hashlib.sha256(content).digest() != digest:
            raise ConfigurationError(f"vault = {path}: damaged")
    else:
        if magic == PLAIN:
            # Else whoever can write the file could do without the key.
            raise ConfigurationError(f"vault = {path}: not encrypted, though {KEY_VARIABLE} is set")
        try:
            content = cipher.decrypt(body[:NONCE_SIZE], body[NONCE_SIZE:], SEALED)
        except (InvalidTag, ValueError):
            raise ConfigurationError(
                f"vault = {path}: {KEY_VARIABLE} is the wrong key, or the file was tampered with"
            ) from None
    try:
        return _nested(from_bytes(content))
    except SafetensorError as error:
        raise ConfigurationError(f"vault = {path}: holds no tensors: {error}") from None


def _cipher() -> AESGCM | None:
    digits = os.environ.get(KEY_VARIABLE)
    if not digits:
        return None
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if len(key) != 32:
        # Its value is not repeated: it may be a key but for one digit.
        raise ConfigurationError(f"{KEY_VARIABLE}: not a key; allowed are 64 hexadecimal digits")
    return AESGCM(key)


def _flat(tensors: Mapping[str, Any], prefix: str = "") -> dict[str, Tensor]:
    flat: dict[str, Tensor] = {}
    for name, value in tensors.items():
        path = f"{prefix}{name}"
        if not name or SEPARATOR in name:
            raise ConfigurationError(f"tensor name = {path!r}: allowed are names, not empty, without a slash")
        if isinstance(value, Mapping):
            flat |= _flat(value, path + SEPARATOR)
        elif isinstance(value, Tensor):
            # A copy of its own: the format holds no views and no tensor twice.
            flat[path] = value.detach().clone(memory_format=torch.contiguous_format)
        else:
            raise ConfigurationError(f"{path} = {value!r}: allowed are tensors and mappings of them")
    return flat


def _nested(flat: Mapping[str, Tensor]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, tensor in flat.items():
        *parents, name = path.split(SEPARATOR)
        node = nested
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = tensor
    return nested
