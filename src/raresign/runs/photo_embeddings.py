"""What a run keeps of the photos of classes, and what they lift."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from raresign.errors import InputError
from raresign.runs.exchange import keep_entries
from raresign.runs.sealed_arrays import load_sealed, save_sealed

PHOTOS = "photos"
_SUFFIX = ".safetensors"


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
    known = [known_photos(path, code)] if has_photos(path, code) else []
    every = np.concatenate([*known, embedding]).astype(np.float16)
    return np.unique(every, axis=0).astype(np.float32)


def known_photos(path: Path, code: str) -> np.ndarray:
    """(n, E) float32 embeddings of the photos that a run keeps of a class.

    Raises:
        InputError: It keeps none, or their file is damaged.
    """
    return _read(path / PHOTOS / f"{code}{_SUFFIX}").embedding


def photo_names(embedding: np.ndarray) -> list[str]:
    """What each of (n, E) kept embeddings is called: 32 hex digits.

    Example:
        >>> one, other = photo_names(np.eye(2, dtype=np.float32))
        >>> len(one), one == other
        (32, False)
    """
    kept = np.ascontiguousarray(embedding.astype("<f2"))
    return [hashlib.blake2b(row.tobytes(), digest_size=16).hexdigest() for row in kept]


def keep_photos(
    path: Path, place: Path, photos: Mapping[str, Photos], forgotten: Collection[str] = ()
) -> None:
    """Let a run keep photos of classes in place of those that it keeps of them; others stay.

    Args:
        path: The run folder.
        place: Where its new files are written, see `exchange`.
        photos: By class code; embeddings are rounded to float16.
        forgotten: Further classes, of which it shall keep none.
    """
    names = {code: f"{code}{_SUFFIX}" for code in {*photos, *forgotten}}
    keep_entries(path / PHOTOS, place / PHOTOS, without=names.values())
    for code, each in photos.items():
        arrays = {"embedding": each.embedding.astype(np.float16)}
        if each.lift is not None:
            arrays["lift"] = each.lift.astype(np.float32)
        save_sealed(place / PHOTOS / names[code], arrays)


def read_photos(path: Path) -> Iterator[tuple[str, Photos]]:
    """Class code and photos of every class that photos were added to.

    Raises:
        InputError: A file is damaged.
    """
    for file in sorted((path / PHOTOS).glob(f"*{_SUFFIX}")):
        if not file.name.startswith("."):  # half written by a process that was killed
            yield file.name.removesuffix(_SUFFIX), _read(file)


def has_photos(path: Path, code: str) -> bool:
    """Whether the run keeps photos of a class."""
    return (path / PHOTOS / f"{code}{_SUFFIX}").is_file()


def forget_photos(path: Path, place: Path, codes: Collection[str]) -> None:
    """Let the photos of the run in `path` in `place`, see `exchange`, be all but those of `codes`.

    Nothing is written where the run has none of them.
    """
    if any(has_photos(path, code) for code in codes):
        names = [f"{code}{_SUFFIX}" for code in codes]
        keep_entries(path / PHOTOS, place / PHOTOS, without=names)


def _read(file: Path) -> Photos:
    try:
        arrays = load_sealed(file)[0]
        embedding: np.ndarray = arrays["embedding"].astype(np.float32)
        lift: np.ndarray | None = arrays.get("lift")
        if embedding.ndim != 2 or not np.isfinite(embedding).all():
            raise ValueError("no embeddings of crops")
        if lift is not None and (
            lift.shape != (embedding.shape[1] + 1,) or not np.isfinite(lift).all()
        ):
            raise ValueError("no lift of these embeddings")
    except (OSError, SafetensorError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{file} is damaged: {error}", "delete it and add them again") from error
    return Photos(embedding, lift)
