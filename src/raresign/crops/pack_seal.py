"""What tells a pack of ours, whole and unchanged, from anything else: its pack.json."""

from __future__ import annotations

import hashlib
import mmap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from raresign.files import read_text, write_json
from raresign.parsing import parse_json

SEAL = "pack.json"
_FORMAT = "raresign pack"
_BLOCK = 16 << 20
_MOST_BYTES = 256 << 20


def seal(folder: Path, key: str, files: tuple[str, ...], **facts: Any) -> None:
    """Write pack.json: the key of the pack, checksums of its files, and more facts."""
    digests = {name: _digest(folder / name) for name in files}
    write_json(folder / SEAL, {"format": _FORMAT, "key": key, "digests": digests, **facts})


def unsealed(folder: Path, key: str, files: tuple[str, ...]) -> dict[str, Any]:
    """The facts of a pack.

    Raises:
        OSError, ValueError: It is no pack of this key, or a file of it is not what was written.
    """
    found = parse_json(read_text(folder / SEAL, _MOST_BYTES))
    if not isinstance(found, dict) or (found.get("format"), found.get("key")) != (_FORMAT, key):
        raise ValueError("another pack")
    digests = found.get("digests")
    for name in files:
        if not isinstance(digests, dict) or digests.get(name) != _digest(folder / name):
            raise ValueError(f"{name} is not what was written")
    return found


def _digest(file: Path) -> str:
    """BLAKE2b over the BLAKE2b of blocks, which threads work out; half a second a gigabyte a core.

    Raises:
        OSError, ValueError: No file, or an empty one.
    """
    with (
        file.open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as bytes_,
    ):

        def of_block(start: int) -> bytes:
            with memoryview(bytes_) as view, view[start : start + _BLOCK] as block:
                return hashlib.blake2b(block, digest_size=32).digest()

        with ThreadPoolExecutor(thread_name_prefix="digest") as pool:
            parts = list(pool.map(of_block, range(0, len(bytes_), _BLOCK)))
    return hashlib.blake2b(b"".join(parts), digest_size=32).hexdigest()
