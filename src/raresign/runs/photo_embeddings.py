"""Embeddings of real crops that were added to a run: RUN/photos/CODE.safetensors."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from raresign.errors import InputError
from raresign.runs.exchange import keep_entries
from raresign.runs.sealed_arrays import load_sealed, save_sealed

PHOTOS = "photos"
_SUFFIX = ".safetensors"


def keep_photos(path: Path, place: Path, code: str, embedding: np.ndarray) -> int:
    """Add (n, E) embeddings to those that a run keeps of a class; the same crop counts once.

    Args:
        path: The run folder.
        place: Where its new files are written, see `exchange`.
        code: The class.
        embedding: The embeddings.

    Returns:
        How many the run keeps of the class now.
    """
    name = f"{code}{_SUFFIX}"
    file = path / PHOTOS / name
    known = _read(file) if file.exists() else np.empty((0, embedding.shape[1]), np.float16)
    every = np.unique(np.concatenate([known, embedding.astype(np.float16)]), axis=0)
    keep_entries(path / PHOTOS, place / PHOTOS, without=[name])
    save_sealed(place / PHOTOS / name, {"embedding": every})
    return len(every)


def read_photos(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Class code and (n, E) float32 embeddings of every class that photos were added to.

    Raises:
        InputError: A file is damaged.
    """
    for file in sorted((path / PHOTOS).glob(f"*{_SUFFIX}")):
        if not file.name.startswith("."):  # half written by a process that was killed
            yield file.name.removesuffix(_SUFFIX), _read(file).astype(np.float32)


def forget_photos(path: Path, place: Path, codes: Collection[str]) -> None:
    """Let the photos of the run in `path` in `place`, see `exchange`, be all but those of `codes`.

    Nothing is written where the run has none of them.
    """
    names = [f"{code}{_SUFFIX}" for code in codes]
    if any((path / PHOTOS / name).exists() for name in names):
        keep_entries(path / PHOTOS, place / PHOTOS, without=names)


def _read(file: Path) -> np.ndarray:
    try:
        embedding: np.ndarray = load_sealed(file)[0]["embedding"]
        if embedding.ndim != 2 or not np.isfinite(embedding.astype(np.float32)).all():
            raise ValueError("no embeddings of crops")
    except (OSError, SafetensorError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{file} is damaged: {error}", "delete it and add them again") from error
    return embedding
