"""What a folder holds, file by file: whole or not, and the same as in another folder or not."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image
from safetensors.numpy import load as load_tensors

from raresign.bundles.archive import read_archive
from raresign.networks import open_network
from raresign.runtime.onnx_encoder import ENCODER_FILE, OnnxEncoder

_OF_A_CLOCK = {"seconds", "created", "crops_per_second", "finished_at"}
_ONLY_THERE = {".html"}  # with the date and speeds; what they show is compared elsewhere
_LOGS = "tensorboard"
"""Each process that trains writes a file of its own there, which TensorBoard joins."""


def digests(place: Path, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Path -> digest of every file, hidden ones and empty folders included.

    Left out are times and speeds, logs of TensorBoard, and what lies in the folders `without`.
    """
    found = {}
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        if {_LOGS, *without} & {*path.relative_to(place).parts}:
            continue
        if path.is_dir():
            if not any(path.iterdir()):
                found[f"{name}/"] = "empty"
            continue
        found[name] = _digest(path)
    return found


def _digest(path: Path) -> str:
    if path.suffix in _ONLY_THERE or "plots" in path.parts:
        return "there"
    if path.suffix in (".sqlite-wal", ".sqlite-shm") or path.suffix == ".sqlite":
        return "there"
    content = path.read_bytes()
    if path.suffix == ".json":
        content = json.dumps(_untimed(json.loads(content)), sort_keys=True).encode()
    elif path.name == "metrics.csv":
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        content = json.dumps(_untimed(rows), sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def _untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _untimed(each) for k, each in value.items() if k not in _OF_A_CLOCK}
    return [_untimed(each) for each in value] if isinstance(value, list) else value


def difference(found: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """What is missing, too much or other, in words."""
    told = [f"{name} is missing" for name in wanted if name not in found]
    told += [f"{name} is left over" for name in found if name not in wanted]
    return told + [f"{k} differs" for k in found if k in wanted and found[k] != wanted[k]]


def left_over(found: dict[str, str], wanted: dict[str, str]) -> int:
    """How many files are there that an unbroken run does not leave."""
    return sum(name not in wanted for name in found)


class HalfFileError(Exception):
    """A file stands under its own name and cannot be read."""


def check_whole(place: Path) -> None:
    """Read every file that has a name of its own; hidden ones are being written.

    Raises:
        HalfFileError: One is half written.
    """
    for path in sorted(place.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(place).parts)
        read = _READERS.get(path.suffix)
        if hidden or read is None or "unfinished" in path.parts or not path.is_file():
            continue
        try:
            read(path)
        except Exception as error:
            raise HalfFileError(f"{path.name}: {type(error).__name__}: {error}") from error


def _picture(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()


def _network(path: Path) -> None:
    """An encoder with its checksum; or the whole model, as `export` writes it."""
    if path.name == ENCODER_FILE:
        OnnxEncoder(path)
    else:
        open_network(path.read_bytes(), threads=1)


def _tar(path: Path) -> None:
    with tarfile.open(path) as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            assert len(file.read()) == member.size
    assert path.stat().st_size % 512 == 0


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


def _lines(path: Path) -> None:
    content = path.read_bytes()
    assert content.endswith(b"\n"), "its last line has no end"
    if path.suffix == ".jsonl":
        for line in content.splitlines():
            json.loads(line)


def _database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as data:
        (told,) = data.execute("PRAGMA integrity_check").fetchone()
    assert told == "ok", told


def _page(path: Path) -> None:
    assert path.read_bytes().rstrip().endswith(b"</html>")


_READERS: dict[str, Callable[[Path], object]] = {
    ".json": lambda path: json.loads(path.read_bytes()),
    ".safetensors": lambda path: load_tensors(path.read_bytes()),
    ".parquet": pq.read_table,
    ".npy": lambda path: np.array(np.load(path)),
    ".ckpt": _zip,
    ".raresign": read_archive,
    ".raresign-patch": _zip,
    ".onnx": _network,
    ".png": _picture,
    ".webp": _picture,
    ".tar": _tar,
    ".csv": _lines,
    ".jsonl": _lines,
    ".sqlite": _database,
    ".html": _page,
}
