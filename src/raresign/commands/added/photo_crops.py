"""Real crops of a class, embedded to become prototypes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raresign.crops.layouts.plain_layouts import from_files
from raresign.crops.squashing import squashed_chunks
from raresign.errors import InputError
from raresign.runtime.recogniser import Encoder


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
