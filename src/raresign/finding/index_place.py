"""Where an index lies, and which model it belongs to."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from raresign.crops.crop_table import CropTable
from raresign.files import default_cache
from raresign.finding.pieces import Source
from raresign.framing.finder import finder_digest
from raresign.runtime.recogniser import Recogniser

INDEXES = "indexes"
"""Folder of all indexes in the cache."""


def index_place(source: Source, model: Recogniser, cache: Path | None = None) -> Path:
    """Where the index of a source lies unless told otherwise: in the cache, one a model.

    Example:
        >>> import raresign
        >>> place = index_place("crops", raresign.load(), Path("cache"))
        >>> place.parent.as_posix(), len(place.name)
        ('cache/indexes', 32)
    """
    digest = hashlib.blake2b(encoder_digest(model).encode(), digest_size=16)
    if isinstance(source, str | Path):
        names = [os.fspath(Path(source).resolve())]
    elif isinstance(source, CropTable):
        names = sorted({os.path.abspath(path) for path in source.paths})  # noqa: PTH100
        names.append("boxes")
    else:
        names = ["\0".join(source.table["path"].to_pylist())]
    for name in names:
        digest.update(os.fsencode(name) + b"\0")
    return (cache or default_cache()) / INDEXES / digest.hexdigest()


def encoder_digest(model: Recogniser) -> str:
    """Names what a model's embeddings depend on: encoder, size and framing of crops.

    An encoder that does not name itself is named by what it says of one made crop.
    """
    encoder = model.encoder
    said = getattr(encoder, "digest", "")
    if not said:
        size = encoder.crop_size
        made = np.arange(3 * size * size, dtype=np.uint32) * 2654435761 >> 24
        spoken = encoder.embed(made.astype(np.uint8).reshape(1, 3, size, size))
        said = hashlib.blake2b(np.round(spoken, 2).tobytes(), digest_size=16).hexdigest()
    finder = ""
    if model.framing == "found":
        finder = finder_digest() if model.finder is None else model.finder.digest
    return f"{said},{encoder.crop_size},{model.framing},{finder}"
