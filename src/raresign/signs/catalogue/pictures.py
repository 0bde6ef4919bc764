"""The pictures of classes: every icon, with the class's own value where it is a template."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.icons.icon_file import Pixels, load_icon, on_grey

_MAX_THREADS = 8
_KEPT, _LARGEST = 4096, 256  # pictures kept, and their largest side: a gigabyte at most
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def class_pictures(sign: SignClass, size: int | None = None) -> list[Pixels]:
    """Draw every icon of a class, as `load_icon`.

    The pictures are not to be written to: an icon is drawn once at each size and kept.

    Raises:
        InputError: An icon cannot be read, or a value does not fit its template.
    """
    return [_picture(path, size, sign.code) for path in sign.icons]


def load_pictures(signs: Sequence[SignClass], size: int | None = None) -> list[list[Pixels]]:
    """`class_pictures` of many classes, on all processors.

    Raises:
        InputError: As `class_pictures`; the first class that fails is named.
    """
    return in_threads(lambda sign: class_pictures(sign, size), signs)


def icon_crops(signs: Sequence[SignClass], size: int) -> np.ndarray:
    """(K, 3, S, S) uint8: the first icon of every class on middle grey."""
    drawn = in_threads(lambda sign: _picture(sign.icons[0], size, sign.code), signs)
    crops = [on_grey(icon.astype(np.float32)).round().astype(np.uint8) for icon in drawn]
    return np.ascontiguousarray(np.stack(crops).transpose(0, 3, 1, 2))


def in_threads(job: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """The results of a job for each item, in order; the first error ends it."""
    here = copy_context()  # such as the language that is spoken

    def run(item: _Item) -> _Result:
        return here.copy().run(job, item)

    # Pillow and the drawing processes work while other threads wait.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MAX_THREADS)) as pool:
        return list(pool.map(run, items))


def _picture(path: Path, size: int | None, code: str) -> Pixels:
    """An icon of a class, from what was drawn before if the file is still the same."""
    try:
        known = path.stat()
    except OSError:
        known = None  # load_icon tells what is wrong
    if known is None or size is None or size > _LARGEST:
        return load_icon(path, size, code)
    return _drawn(path, known.st_mtime_ns, known.st_size, known.st_ino, size, code)


@lru_cache(maxsize=_KEPT)
def _drawn(path: Path, changed: int, length: int, inode: int, size: int, code: str) -> Pixels:
    picture = load_icon(path, size, code)
    picture.setflags(write=False)
    return picture
