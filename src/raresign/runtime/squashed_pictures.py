"""Pictures of any kind read in threads, and squashed to the size of an encoder's crops."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import numpy as np
from PIL import Image

from raresign.crops.decode import UnreadableFile
from raresign.crops.layouts.stored_picture import StoredPicture
from raresign.framing.finder import TOGETHER, Finder, Framing, enough, read_crops
from raresign.runtime.pictures import name_of, own_pixels, rgb_picture

Size = tuple[int, int]
SquashedPicture = tuple[str, np.ndarray | str, Size]
"""Path or ""; the crop, (3, S, S) uint8, or why there is none; width and height of the whole."""


def squashed_in_threads(
    images: Iterable[Any], size: int, framing: Framing, finder: Finder | None, ahead: int
) -> Iterator[SquashedPicture]:
    """Read pictures in threads, in order; few are ahead, so memory stays flat.

    Args:
        images: Of any kind that `rgb_picture` takes.
        size: S of the crops.
        framing, finder: See `read_crops`.
        ahead: Files that are read while the ones before are answered, some by one thread at once;
            of pixels, which take memory, fewer wait.

    Raises:
        InputError: Something that is no picture.
    """
    workers = os.cpu_count() or 1
    waiting: deque[tuple[int, Future[list[SquashedPicture]]]] = deque()
    together: list[Any] = []
    count = 0
    pool = ThreadPoolExecutor(workers, thread_name_prefix="squash")

    def submit(some: list[Any]) -> None:
        waiting.append((len(some), pool.submit(_squash_all, some, size, framing, finder)))

    try:
        for image in images:
            count += 1
            files = bool(name_of(image)) and not isinstance(image, StoredPicture)
            if together and (not files or len(together) == TOGETHER):
                submit(together)
                together = []
            if files:
                together.append(image)
            elif isinstance(image, Image.Image):  # may be one object whose frames change
                done: Future[list[SquashedPicture]] = Future()
                done.set_result(_squash_all([image], size, framing, finder))
                waiting.append((1, done))
            else:
                submit([own_pixels(image)])
            while waiting and count > (ahead if files else 8 * workers):
                number, some = waiting.popleft()
                count -= number
                yield from some.result()
        submit(together)
        while waiting:
            yield from waiting.popleft()[1].result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _squash_all(
    images: Sequence[Any], size: int, framing: Framing, finder: Finder | None
) -> list[SquashedPicture]:
    """Read some pictures together, as far as memory allows."""
    found: list[SquashedPicture] = []
    group: dict[int, Image.Image] = {}  # place in `found` -> picture that is to be read

    def read_group() -> None:
        crops = read_crops([*group.values()], size, framing, finder)
        for place, crop in zip(group, crops, strict=True):
            found[place] = found[place][0], crop, group[place].size
        group.clear()
        held.close()  # the next large picture may be decoded

    with ExitStack() as held:
        for image in images:
            try:
                group[len(found)] = rgb_picture(image, held)
                found.append((name_of(image), "", (0, 0)))
            except UnreadableFile as error:
                found.append((name_of(image), error.reason, (0, 0)))
                held.close()
            if enough([*group.values()]):
                read_group()
        read_group()
    return found
