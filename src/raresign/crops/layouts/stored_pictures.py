"""The pictures at a URL, one by one: a million of them are neither listed nor copied as a whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from raresign.crops.layouts.listing import PICTURE_SUFFIXES
from raresign.crops.layouts.shards import SUFFIX, pictures_of_shard
from raresign.crops.layouts.stored_picture import StoredPicture
from raresign.errors import InputError
from raresign.files import MAX_BYTES
from raresign.language.spoken import later
from raresign.storage.opened import open_storage, told
from raresign.storage.places import shown
from raresign.storage.stored_files import files_of, is_file_at, length_of, open_stream, read_stored

_THREADS = 8
_AHEAD = 32
"""Pictures that are fetched before they are asked for."""


def stored_pictures(url: str) -> Iterator[StoredPicture]:
    """The pictures of a file, a folder or a tar at a URL, in the order in which it lists them.

    Where a folder holds no picture but tar shards, theirs. One that cannot be fetched is told in
    its row, as is a picture that is not there; where a storage cannot be asked, the command ends.

    Args:
        url: A URL, as `url_of` gives it.

    Raises:
        InputError: There is nothing there, or there are no rights.
    """
    system, path = open_storage(url)
    with told(url):
        system.invalidate_cache()
        if _is_picture(path) and not system.exists(path):
            yield StoredPicture(shown(url), later("No such file or directory"))
            return
        if is_file_at(system, path, url):
            if path.lower().endswith(SUFFIX):
                yield from _of_shard(system, path, shown(url))
            else:
                yield _fetched(system, path, system.info(path), shown(url))
            return
        yield from _of_folder(system, path, url)


def _of_folder(system: Any, path: str, url: str) -> Iterator[StoredPicture]:
    shards: list[str] = []
    waiting: deque[Future[StoredPicture]] = deque()
    root, home, some = path.rstrip("/"), shown(url).rstrip("/"), False
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="storage")
    try:
        for part, info in files_of(system, path, url):
            if part.lower().endswith(SUFFIX):
                shards.append(part)
            elif _is_picture(part):
                some = True
                full = f"{root}/{part}"
                waiting.append(pool.submit(_fetched, system, full, info, f"{home}/{part}"))
                if len(waiting) >= _AHEAD:
                    yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    for part in () if some else sorted(shards):
        yield from _of_shard(system, f"{root}/{part}", f"{home}/{part}")


def _is_picture(path: str) -> bool:
    return path.rpartition(".")[2].lower() in PICTURE_SUFFIXES


def _of_shard(system: Any, path: str, name: str) -> Iterator[StoredPicture]:
    with open_stream(system, path) as file:
        yield from pictures_of_shard(name, file)


def _fetched(system: Any, path: str, info: dict[str, Any], name: str) -> StoredPicture:
    if (length_of(info) or 0) > MAX_BYTES:
        return StoredPicture(name, f"it is larger than {MAX_BYTES / 1e6:,.0f} MB")
    try:
        with told(name):
            content = read_stored(system, path, MAX_BYTES)
    except InputError as error:
        return StoredPicture(name, str(error.problem))
    return StoredPicture(name, content or later("the file is empty"))
