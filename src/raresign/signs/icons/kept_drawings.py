"""Drawings, and what was worked out from them, kept on the disk: the second reading is quick."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from raresign.files import default_cache, read_bytes, whole_file

DRAWINGS = "drawings"
"""Folder of ours in the cache; it may be removed at any time."""
_HEAD = struct.Struct("<32s2I")
_MOST_BYTES = 1 << 26

Pixels = npt.NDArray[np.uint8]


def kept_drawing(parts: tuple[object, ...], make: Callable[[], Pixels]) -> Pixels:
    """(H, W, 4) uint8: from the cache if it was made of the same before, else by `make`.

    A file that is damaged, or of another version of what draws, is as none. Where the cache cannot
    be written, nothing is kept.

    Args:
        parts: All that the drawing depends on, as values with a definite `repr`.
    """
    file = _place(parts)
    with suppress(OSError, ValueError, struct.error):
        content = read_bytes(file, _MOST_BYTES)
        digest, height, width = _HEAD.unpack_from(content)
        body = content[_HEAD.size :]
        if hashlib.sha256(body).digest() == digest:
            kept: Pixels = np.frombuffer(body, np.uint8).reshape(height, width, 4).copy()
            return kept
    made = np.ascontiguousarray(make())
    body = made.tobytes()
    head = _HEAD.pack(hashlib.sha256(body).digest(), *made.shape[:2])
    _keep(file, head + body)
    return made


def kept_text(parts: tuple[object, ...], make: Callable[[], str]) -> str:
    """The same of a text."""
    file = _place(parts)
    with suppress(OSError, ValueError):
        digest, _, text = read_bytes(file, _MOST_BYTES).partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() == digest:
            return text.decode()
    made = make()
    _keep(file, hashlib.sha256(made.encode()).hexdigest().encode() + b"\n" + made.encode())
    return made


def _keep(file: Path, content: bytes) -> None:
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as temporary:
            temporary.write_bytes(content)


def _place(parts: tuple[object, ...]) -> Path:
    name = hashlib.sha256(repr((_version(), *parts)).encode()).hexdigest()
    return default_cache() / DRAWINGS / name[:2] / name


@cache
def _version() -> str:
    """Names what draws: the sources of the signs, and the library."""
    digest = hashlib.sha256()
    home = Path(__file__).parents[1]
    for room in ("icons", "catalogue"):
        for file in sorted((home / room).glob("*.py")):
            digest.update(file.read_bytes())
    with suppress(PackageNotFoundError):
        digest.update(version("resvg-py").encode())
    digest.update(version("pillow").encode())
    return digest.hexdigest()
