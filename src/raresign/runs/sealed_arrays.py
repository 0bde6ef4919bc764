"""Arrays of a run with a checksum over them and what belongs to them: one changed bit is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from raresign.files import read_bytes, whole_file
from raresign.models.saved_rows import state_digest
from raresign.parsing import parse_json

_SEALED = "sealed"
_PLAIN = "raresign"  # of files from before there was a checksum


def save_sealed(
    file: Path, arrays: Mapping[str, np.ndarray], plain: Any = None, beside: bytes = b""
) -> None:
    """Write arrays and plain values into a safetensors file, whole or not at all.

    Args:
        file: The file.
        arrays: By name.
        plain: Any JSON value, in the file's metadata.
        beside: The bytes of another file that the checksum covers, too.
    """
    state = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    text = json.dumps(plain)
    # One entry: safetensors writes several in a random order, and the same values shall be the same
    # bytes.
    sealed = json.dumps({"plain": text, "sha256": _digest(state, text, beside)})
    with whole_file(file) as temporary:
        # Not by its `save_file`, whose error at a full disk is no OSError.
        temporary.write_bytes(save(state, metadata={_SEALED: sealed}))


def load_sealed(file: Path, beside: bytes = b"") -> tuple[dict[str, np.ndarray], Any]:
    """The arrays and plain values of `save_sealed`; files of earlier versions have no checksum.

    Raises:
        OSError, ValueError, LookupError, TypeError, AttributeError, safetensors.SafetensorError: It
            cannot be read, or has changed since.
    """
    data = read_bytes(file)
    arrays = load(data)  # checks the header
    length = int.from_bytes(data[:8], "little")
    metadata = parse_json(data[8 : 8 + length]).get("__metadata__") or {}
    if _SEALED not in metadata:
        return arrays, parse_json(str(metadata.get(_PLAIN, "null")))
    sealed = parse_json(metadata[_SEALED])
    text = sealed["plain"]
    if sealed["sha256"] != _digest(arrays, text, beside):
        raise ValueError("the checksum does not match: the file, or one beside it, was changed")
    return arrays, parse_json(text)


def _digest(state: Mapping[str, np.ndarray], text: str, beside: bytes) -> str:
    digest = hashlib.sha256()
    for part in (state_digest(dict(state)).encode(), text.encode(), beside):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()
