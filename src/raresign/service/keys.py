"""API keys: long random texts, of which a file keeps only the SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import raresign

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_LINE = re.compile(r"(\S+) ([0-9a-f]{64})( change)?", re.ASCII)
_MOST = 10_000
_HINT = "`raresign new-key FILE` writes such a file"


@dataclass(frozen=True)
class Key:
    """What is kept of a key.

    Args:
        name: Whose it is; it stands in the log.
        digest: SHA-256 of the key, in hex. A key has 256 random bits, so no slow hash is needed.
        may_change: Whether it may add and remove classes.
    """

    name: str
    digest: str
    may_change: bool = False


def new_service_key(file: str | Path, name: str = "client", may_change: bool = False) -> str:
    """Make a key, append its hash to a file, and return the key: it is kept nowhere else.

    Args:
        file: Made with mode 600 if it is not there.
        name: Whose key it is: letters, digits, dots and dashes, at most 64.
        may_change: Whether it may add and remove classes.

    Raises:
        InputError: Another name, or a file that holds something else.
        OSError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "keys.txt"
        >>> key = new_service_key(file, "camera")
        >>> read_keys(file).find(key).name, key in file.read_text()
        ('camera', False)
    """
    path = Path(file)
    if not _NAME.fullmatch(name):
        raise raresign.InputError(
            f"a key of the name {name!r}", "use letters, digits, dots and dashes, at most 64"
        )
    if path.exists() and path.stat().st_size:
        read_keys(path)
    key = f"rs_{secrets.token_urlsafe(32)}"
    line = f"{name} {_digest(key)}{' change' if may_change else ''}\n"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a", encoding="utf-8") as out:
        out.write(line)
    return key


class Keyring:
    """The keys of a service; one without keys lets everybody in."""

    def __init__(self, keys: list[Key]) -> None:
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, given: str) -> Key | None:
        """The key that was given, if we know it; every key takes the same time to compare."""
        digest = _digest(given)
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found


def read_keys(file: str | Path) -> Keyring:
    """The keys of a file.

    Raises:
        InputError: It cannot be read, holds something else, or no key.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise raresign.InputError(f"{file} cannot be read: {error}", _HINT) from error
    keys: list[Key] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None or len(keys) >= _MOST:
            raise raresign.InputError(f"{file}, line {number}: no hash of a key", _HINT)
        keys.append(Key(found[1], found[2], bool(found[3])))
    if not keys:
        raise raresign.InputError(f"{file} holds no key", _HINT)
    return Keyring(keys)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
