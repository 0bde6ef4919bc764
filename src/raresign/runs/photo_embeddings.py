"""Real crops that were added to a run: RUN/photos/CODE.safetensors, and what they lift."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from raresign.errors import InputError
from raresign.files import whole_file

_PHOTOS = "photos"


@dataclass(frozen=True, eq=False)
class Photos:
    """What a run keeps of the photos of one class.

    Attributes:
        embedding: (n, E) float32.
        lift: (E + 1,) float32, see `Head.with_photos`; None in files from before it was fitted.
    """

    embedding: np.ndarray
    lift: np.ndarray | None


def with_known_photos(path: Path, code: str, embedding: np.ndarray) -> np.ndarray:
    """(m, E) float32: (n, E) embeddings and those that a run keeps; the same crop counts once."""
    file = _file(path, code)
    known = [_read(file).embedding.astype(np.float16)] if file.exists() else []
    every = np.unique(np.concatenate([*known, embedding.astype(np.float16)]), axis=0)
    return every.astype(np.float32)


def keep_photos(path: Path, code: str, photos: Photos) -> None:
    """Write what a run keeps of a class; embeddings are rounded to float16."""
    arrays = {"embedding": photos.embedding.astype(np.float16)}
    if photos.lift is not None:
        arrays["lift"] = np.ascontiguousarray(photos.lift, np.float32)
    with whole_file(_file(path, code)) as temporary:
        save_file(arrays, temporary)


def read_photos(path: Path) -> Iterator[tuple[str, Photos]]:
    """Class code and photos of every class that photos were added to.

    Raises:
        InputError: A file is damaged.
    """
    for file in sorted((path / _PHOTOS).glob("*.safetensors")):
        if file.name.startswith("."):  # half written by a process that was killed
            continue
        yield file.name.removesuffix(".safetensors"), _read(file)


def has_photos(path: Path, code: str) -> bool:
    """Whether the run keeps photos of a class."""
    return _file(path, code).is_file()


def forget_photos(path: Path, code: str) -> None:
    """Delete the photos of a class, if there are any."""
    _file(path, code).unlink(missing_ok=True)


def _file(path: Path, code: str) -> Path:
    return path / _PHOTOS / f"{code}.safetensors"


def _read(file: Path) -> Photos:
    try:
        arrays = load_file(file)
        return Photos(arrays["embedding"].astype(np.float32), arrays.get("lift"))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{file} is damaged: {error}", "delete it and add them again") from error
