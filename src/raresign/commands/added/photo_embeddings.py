"""`raresign add-photos`: real crops of a class become prototypes of a finished run, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from raresign.answers.head import Head
from raresign.crops.layouts.plain_layouts import from_files
from raresign.crops.squashing import squashed_chunks
from raresign.errors import InputError
from raresign.files import whole_file
from raresign.runtime.encoder import Encoder

PHOTOS = "photos"


def embed_photos(encoder: Encoder, files: Sequence[str | Path]) -> np.ndarray:
    """(n, E) float32 embeddings of the readable pictures among files and folders.

    Raises:
        InputError: A file is not there, or none is readable.
    """
    size = encoder.crop_size
    table = from_files([Path(file) for file in files])
    crops = [chunk.crops for chunk in squashed_chunks(table, size)]
    found = np.concatenate(crops) if crops else np.empty((0, 3, size, size), np.uint8)
    if not len(found):
        named = ", ".join(str(file) for file in files)
        raise InputError(f"{named} holds no readable crop", "give PNG or JPEG files")
    return encoder.embed(found)


def keep_photos(path: Path, code: str, embedding: np.ndarray) -> int:
    """Add embeddings to those that a run keeps of a class; the same crop counts once.

    Returns:
        How many the run keeps of the class now.
    """
    file = path / PHOTOS / f"{code}.safetensors"
    known = _read(file) if file.exists() else np.empty((0, embedding.shape[1]), np.float16)
    every = np.unique(np.concatenate([known, embedding.astype(np.float16)]), axis=0)
    with whole_file(file) as temporary:
        save_file({"embedding": every}, temporary)
    return len(every)


def with_photos(path: Path, head: Head, codes: Sequence[str]) -> Head:
    """The head with the real crops that the run keeps; those of classes that went are left.

    Args:
        path: The run folder.
        head: Of the run, added classes included.
        codes: Codes of its classes.

    Raises:
        InputError: A file is damaged.
    """
    folder = path / PHOTOS
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    for file in files:
        code = file.name.removesuffix(".safetensors")
        if code in codes:
            embedding = _read(file).astype(np.float32)
            head = head.with_real(embedding, list(codes).index(code))
    return head


def _read(file: Path) -> np.ndarray:
    try:
        embedding: np.ndarray = load_file(file)["embedding"]
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{file} is damaged: {error}", "delete it and add them again") from error
    return embedding
