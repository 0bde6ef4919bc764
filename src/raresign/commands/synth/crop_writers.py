"""Crops on disk: class folders or WebDataset shards, every file whole or absent."""

from __future__ import annotations

import errno
import io
import json
import re
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from raresign.commands.synth.engine import BLOCK
from raresign.errors import InputError
from raresign.files import read_bytes, whole_file

Pixels = npt.NDArray[np.uint8]

FORMATS = ("png", "webp", "tar", "tar-webp")
"""Class folders of PNG or lossless WebP files; shards of PNG or lossless WebP files."""

# Lossless both. The quick ends of the encoders: PNG 1 is twice as fast as the usual 6 and writes
# 9 % more; WebP 0 is the fastest of all and its files are still smaller than PNG's.
_OPTIONS: dict[str, dict[str, Any]] = {
    "png": {"format": "PNG", "compress_level": 1},
    "webp": {"format": "WEBP", "lossless": True, "method": 0, "quality": 0},
}
_MOST_PIXELS = 1024 * 1024
_MOST_BYTES = 16 << 20  # of a file in a shard
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)  # a sparse one of bytes can hold terabytes
_RESERVED = {"settings.json", "manifest.parquet"}


def encode(pixels: Pixels, suffix: str) -> bytes:
    """(S, S, 3) uint8 -> a lossless file; `suffix` is png or webp."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, **_OPTIONS[suffix])
    return file.getvalue()


def decode(data: bytes) -> Pixels:
    """The (S, S, 3) uint8 pixels of a file that `encode` made."""
    with Image.open(io.BytesIO(data), formats=("PNG", "WEBP")) as picture:
        if picture.width * picture.height > _MOST_PIXELS:
            raise OSError(f"{picture.width} x {picture.height} pixels are no crop")
        return np.asarray(picture.convert("RGB"))


class CropFiles(ABC):
    """Where the crop of each number lies, and how it gets there.

    Args:
        out: The folder.
        codes: Class codes; the crop of number n is of class `n % len(codes)`.
        suffix: png or webp.
    """

    unit: ClassVar[int]
    """Crops that are written together; a unit begins at a multiple of it."""

    def __init__(self, out: Path, codes: tuple[str, ...], suffix: str) -> None:
        self.out, self.codes, self.suffix = out, codes, suffix

    @abstractmethod
    def places(self, numbers: list[int]) -> dict[str, list[str]]:
        """Columns of the manifest that say where crops lie."""

    @abstractmethod
    def existing(self) -> dict[int, tuple[int, int]]:
        """What is on disk; removes the unfinished files of a killed run.

        Returns:
            Unit -> (how many crops are there, one more than the last one's place in the unit).
        """

    @abstractmethod
    def write(self, unit: int, crops: Pixels, rows: pa.Table) -> int:
        """Write the first crops of a unit, (n, S, S, 3), which have these n rows in the manifest.

        Returns:
            How many were not there before.
        """

    @abstractmethod
    def read(self, unit: int, count: int) -> Iterator[Pixels | str]:
        """The first crops of a unit in order: their pixels, or why there are none."""


class _ClassFolders(CropFiles):
    """`<class>/<k>.png`, k counting the crops of the class."""

    unit = BLOCK

    def __init__(self, out: Path, codes: tuple[str, ...], suffix: str) -> None:
        super().__init__(out, codes, suffix)
        for code in codes:
            if code.startswith(".") or code in _RESERVED:
                raise InputError(f"class '{code}' cannot have a folder", "use --format tar")

    def places(self, numbers: list[int]) -> dict[str, list[str]]:
        return {"path": [self._path(number) for number in numbers]}

    def _path(self, number: int) -> str:
        k, label = divmod(number, len(self.codes))
        return f"{self.codes[label]}/{k:06d}.{self.suffix}"

    def existing(self) -> dict[int, tuple[int, int]]:
        finished = re.compile(rf"(\d{{6,}})\.{self.suffix}")
        found: dict[int, tuple[int, int]] = {}
        for label, code in enumerate(self.codes):
            if not (self.out / code).is_dir():
                continue
            for path in (self.out / code).iterdir():
                if _unfinished(path.name, self.suffix):
                    path.unlink()
                elif match := finished.fullmatch(path.name):
                    unit, place = divmod(int(match[1]) * len(self.codes) + label, self.unit)
                    count, end = found.get(unit, (0, 0))
                    found[unit] = (count + 1, max(end, place + 1))
        return found

    def write(self, unit: int, crops: Pixels, rows: pa.Table) -> int:
        missing = 0
        for path, pixels in zip(rows["path"].to_pylist(), crops, strict=True):
            if not (self.out / path).exists():
                with whole_file(self.out / path) as temporary:
                    temporary.write_bytes(encode(pixels, self.suffix))
                missing += 1
        return missing

    def read(self, unit: int, count: int) -> Iterator[Pixels | str]:
        for number in range(unit * self.unit, unit * self.unit + count):
            try:
                yield decode(read_bytes(self.out / self._path(number), _MOST_BYTES))
            except (OSError, ValueError, SyntaxError) as error:
                yield getattr(error, "strerror", None) or "no picture"


class _TarShards(CropFiles):
    """`shard-<unit>.tar` holding `<number>.png`, `<number>.cls` and `<number>.json` of each crop.

    The WebDataset convention (github.com/webdataset/webdataset): files of one key stand side by
    side, `.cls` holds the label in digits. Classes are mixed, as training wants them.
    """

    unit = 2 * BLOCK

    def places(self, numbers: list[int]) -> dict[str, list[str]]:
        paths = [self._shard(number // self.unit).name for number in numbers]
        return {"path": paths, "key": [_key(number) for number in numbers]}

    def _shard(self, unit: int) -> Path:
        return self.out / f"shard-{unit:06d}.tar"

    def existing(self) -> dict[int, tuple[int, int]]:
        # Crops are counted: after a kill a shard may hold more than the manifest lists.
        found: dict[int, tuple[int, int]] = {}
        for path in sorted(self.out.iterdir()):
            if _unfinished(path.name, "tar"):
                path.unlink()
            elif match := re.fullmatch(r"shard-(\d{6,})\.tar", path.name):
                count = _crops_in(path)
                found[int(match[1])] = (count, count)
        return found

    def write(self, unit: int, crops: Pixels, rows: pa.Table) -> int:
        # The shard is written anew: its bytes are a function of its crops alone.
        shard = self._shard(unit)
        before = _crops_in(shard)
        ustar = tarfile.USTAR_FORMAT
        with whole_file(shard) as temporary, tarfile.open(temporary, "w", format=ustar) as tar:
            for row, pixels in zip(rows.to_pylist(), crops, strict=True):
                note = {name: _short(value) for name, value in row.items() if value is not None}
                members = {
                    "cls": str(row["label"]).encode(),
                    "json": json.dumps(note, ensure_ascii=False).encode(),
                    self.suffix: encode(pixels, self.suffix),
                }
                for suffix, data in members.items():
                    info = tarfile.TarInfo(f"{row['key']}.{suffix}")  # without time and owner
                    info.size, info.mode = len(data), 0o644
                    tar.addfile(info, io.BytesIO(data))
        return max(0, len(crops) - before)

    def read(self, unit: int, count: int) -> Iterator[Pixels | str]:
        shard = self._shard(unit)
        first = unit * self.unit
        wanted = {f"{_key(number)}.{self.suffix}" for number in range(first, first + count)}
        files: dict[str, bytes] = {}
        try:
            with _opened_shard(shard) as tar:
                for info in tar:
                    if info.name in wanted and info.type in _PLAIN and info.size <= _MOST_BYTES:
                        file = tar.extractfile(info)
                        files[info.name] = file.read() if file else b""
        except (OSError, tarfile.TarError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            yield from [f"{shard.name} cannot be read: {reason}"] * count
            return
        for number in range(first, first + count):
            try:
                yield decode(files[f"{_key(number)}.{self.suffix}"])
            except (KeyError, OSError, ValueError, SyntaxError):
                yield "no picture"


def crop_files(out: Path, codes: tuple[str, ...], form: str) -> CropFiles:
    """The files of one of `FORMATS`.

    Raises:
        InputError: There is no such format, or a class cannot have a folder.
    """
    if form not in FORMATS:
        raise InputError(f"no format is called '{form}'", f"use one of {', '.join(FORMATS)}")
    if form.startswith("tar"):
        return _TarShards(out, codes, "webp" if form == "tar-webp" else "png")
    return _ClassFolders(out, codes, form)


def _key(number: int) -> str:
    """Digits only: a WebDataset key ends at its first dot, and class codes have dots."""
    return f"{number:09d}"


def _short(value: Any) -> Any:
    """A float32 in as few digits as give it back exactly, not in those of a float64."""
    if isinstance(value, list):
        return [_short(part) for part in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _crops_in(shard: Path) -> int:
    """How many crops a shard holds, of three files each; 0 if it is absent or damaged."""
    try:
        with _opened_shard(shard) as tar:
            return sum(info.type in _PLAIN for info in tar) // 3
    except (OSError, tarfile.TarError):
        return 0


@contextmanager
def _opened_shard(shard: Path) -> Iterator[tarfile.TarFile]:
    """A shard for reading, which must be a regular file."""
    if shard.exists() and not shard.is_file():
        raise OSError(errno.EINVAL, "it is no file", str(shard))
    with tarfile.open(shard, "r:") as tar:
        yield tar


def _unfinished(name: str, suffix: str) -> bool:
    """Whether a file is what `whole_file` leaves when its process is killed."""
    return re.fullmatch(rf"\.(raresign-)?(\d{{6,}}|shard-\d{{6,}})-\w+\.{suffix}", name) is not None
