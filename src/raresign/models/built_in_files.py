"""The files of the built-in model, each checked when it is read; needs no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raresign.errors import InputError
from raresign.files import whole_file, write_json

BUILT_IN = "built-in"
"""What a user says instead of a run folder, or of weights."""

FOLDER = Path(__file__).parent / "built_in"
"""Where the package keeps them."""

FACTS, ENCODER, HEAD, CATALOGUE = (
    "built-in.json",
    "encoder.onnx",
    "head.safetensors",
    "catalogue.json",
)
PARTS = (ENCODER, HEAD, CATALOGUE)
"""Files whose checksums stand in `FACTS`."""

MOST_BYTES = 8_000_000
"""Of all files together: they travel with every installation."""

SCHEMA = 1
"""Version of what the files hold."""

_MEND = "install raresign again"


def is_built_in(run: str | Path) -> bool:
    """Whether a run's name means the built-in model; a folder of that name is meant before it.

    Example:
        >>> is_built_in("built-in"), is_built_in("runs/built-in")
        (True, False)
    """
    return str(run) == BUILT_IN and not Path(run).is_dir()


def facts() -> dict[str, Any]:
    """What the built-in model is: its net, run, licence, commit, and the checksums of its parts.

    Raises:
        InputError: The file is missing, damaged, or of another version.
    """
    path = FOLDER / FACTS
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != SCHEMA:
            raise ValueError(f"its schema is {found['schema']}, not {SCHEMA}")
        missing = [name for name in PARTS if not isinstance(found["files"][name], str)]
        if missing or not all(isinstance(found[key], dict) for key in ("net", "run")):
            raise ValueError("it names no net, no run, or not all files")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"the built-in model is damaged: {path}: {type(error).__name__}: {error}", _MEND
        ) from error
    return dict(found)


def part(name: str, known: dict[str, Any]) -> bytes:
    """What one of `PARTS` holds.

    Args:
        name: Of the file.
        known: What `facts` gave.

    Raises:
        InputError: The file is missing, or not the one that the checksum is of.
    """
    path = FOLDER / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the built-in model is damaged: {path}: {error.strerror}", _MEND
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != known["files"][name]:
        raise InputError(
            f"the built-in model is damaged: {path} has the SHA-256 {found[:12]}..., not "
            f"{known['files'][name][:12]}...",
            _MEND,
        )
    return content


def write_files(parts: Mapping[str, bytes], known: Mapping[str, Any]) -> int:
    """Write the built-in model into the package.

    Args:
        parts: The content of each of `PARTS`.
        known: What `facts` shall give, but for the schema and the checksums.

    Returns:
        Bytes of all files.

    Raises:
        InputError: They are too large; nothing is written then.
    """
    sums = {name: hashlib.sha256(parts[name]).hexdigest() for name in PARTS}
    stated = {"schema": SCHEMA, **known, "files": sums}
    size = sum(map(len, parts.values())) + len(json.dumps(stated, indent=1).encode())
    if size > MOST_BYTES:
        raise InputError(
            f"the built-in model would have {size:,} bytes, more than {MOST_BYTES:,}",
            "keep fewer prototypes a class, or take a smaller backbone",
        )
    for name in PARTS:
        with whole_file(FOLDER / name) as temporary:
            temporary.write_bytes(parts[name])
    write_json(FOLDER / FACTS, stated)
    return size
