"""Embeddings of real crops that were added to a run: RUN/photos/CODE.safetensors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from raresign.errors import InputError
from raresign.files import whole_file

_PHOTOS = "photos"


def keep_photos(path: Path, code: str, embedding: np.ndarray) -> int:
    """Add (n, E) embeddings to those that a run keeps of a class; the same crop counts once.

    Returns:
        How many the run keeps of the class now.
    """
    file = path / _PHOTOS / f"{code}.safetensors"
    known = _read(file) if file.exists() else np.empty((0, embedding.shape[1]), np.float16)
    every = np.unique(np.concatenate([known, embedding.astype(np.float16)]), axis=0)
    with whole_file(file) as temporary:
        save_file({"embedding": every}, temporary)
    return len(every)


def read_photos(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Class code and (n, E) float32 embeddings of every class that photos were added to.

    Raises:
        InputError: A file is damaged.
    """
    for file in sorted((path / _PHOTOS).glob("*.safetensors")):
        if file.name.startswith("."):  # half written by a process that was killed
            continue
        yield file.name.removesuffix(".safetensors"), _read(file).astype(np.float32)


def forget_photos(path: Path, code: str) -> None:
    """Delete the photos of a class, if there are any."""
    (path / _PHOTOS / f"{code}.safetensors").unlink(missing_ok=True)


def _read(file: Path) -> np.ndarray:
    try:
        embedding: np.ndarray = load_file(file)["embedding"]
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{file} is damaged: {error}", "delete it and add them again") from error
    return embedding
