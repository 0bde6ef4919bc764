"""Local copies of what lies at URLs, in the cache: whole, and fetched anew where it has changed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from raresign.errors import InputError
from raresign.files import default_cache, whole_file, whole_folder
from raresign.language.spoken import _
from raresign.storage.opened import open_storage, told
from raresign.storage.places import as_path, file_name, shown, url_of
from raresign.storage.stored_files import (
    files_of,
    info_of,
    length_of,
    open_stream,
    safe_name,
    version_of,
)

COPIES = "storage"
"""Folder of ours in the cache; whoever removes it loses nothing but time."""
_TIMES = ("LastModified", "last_modified", "mtime", "modified", "updated", "created")
_PIECE = 1 << 20
_MOST_UNTOLD = 8 << 30
"""Bytes of a file whose length the storage does not tell."""
_THREADS = 8


def local_copy(given: str | os.PathLike[str], most: int | None = None) -> Path:
    """A path of this machine for a place; what lies at a URL is copied into the cache.

    The copy lies at CACHE/storage/<hash of the URL>/<hash of ETag, length and time>/, so a file
    that has not changed is not fetched again, and one that has never mixes with its older copy.
    It is made whole, or there is none. A file whose storage tells neither ETag nor time is
    fetched each time.

    Args:
        given: A file or folder. A path of this machine comes back as it is, `file://` as a path.
        most: Bytes that a file has at most.

    Raises:
        InputError: There is nothing there, no rights, too many bytes, a name that climbs out of
            its folder, or a library is missing.

    Example:
        >>> str(local_copy("crops/a.png"))
        'crops/a.png'
    """
    url = url_of(given)
    if url is None:
        return as_path(given)
    system, path = open_storage(url)
    with told(url):
        system.invalidate_cache()
        info = info_of(system, path, url)
        name = safe_name(file_name(url) or "root", url)
        home = default_cache() / COPIES / _digest(url)
        if info["type"] == "directory":
            return _copied_folder(system, path, url, home, name)
        return _copied_file(system, path, url, info, home, name, most)


def is_there(given: str | os.PathLike[str], name: str = "") -> bool:
    """Whether a URL, or a file of this name in it, exists.

    Raises:
        InputError: The storage cannot be asked.
    """
    url = str(url_of(given))
    system, path = open_storage(url)
    with told(url):
        system.invalidate_cache()
        return bool(system.exists(f"{path.rstrip('/')}/{name}" if name else path))


def _copied_file(
    system: Any,
    path: str,
    url: str,
    info: Mapping[str, Any],
    home: Path,
    name: str,
    most: int | None,
) -> Path:
    version, size = version_of(info), length_of(info)
    target = home / (_digest(version) if version else "now") / name
    if version and target.is_file() and size in (None, target.stat().st_size):
        return target
    if most is not None and (size or 0) > most:
        raise InputError(
            _("{place} has {mb} MB").format(place=shown(url), mb=f"{(size or 0) / 1e6:,.0f}"),
            _("{mb} MB are the most that such a file has").format(mb=f"{most / 1e6:,.0f}"),
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    _check_room(target.parent, size or 0, url)
    _fetch(system, path, info, target, most)
    return target


def _copied_folder(system: Any, path: str, url: str, home: Path, name: str) -> Path:
    found = dict(files_of(system, path, url))
    if not found:
        raise InputError(
            _("{place}: there is nothing there").format(place=shown(url)), _("check the URL")
        )
    versions = {part: version_of(info) for part, info in found.items()}
    known = all(versions.values())
    target = home / (_digest(json.dumps(versions, sort_keys=True)) if known else "now") / name
    if known and target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    _check_room(target.parent, sum(length_of(info) or 0 for info in found.values()), url)
    with whole_folder(target) as temporary:
        for part in found:
            (temporary / part).parent.mkdir(parents=True, exist_ok=True)

        def fetch(part: str) -> None:
            _fetch(system, f"{path.rstrip('/')}/{part}", found[part], temporary / part, None)

        with ThreadPoolExecutor(_THREADS, thread_name_prefix="storage") as pool:
            try:
                for _done in pool.map(fetch, found):
                    pass
            finally:
                pool.shutdown(cancel_futures=True)
        if not known and target.is_dir():
            shutil.rmtree(target)
    return target


def _fetch(system: Any, path: str, info: Mapping[str, Any], target: Path, most: int | None) -> None:
    """Copy one file, whole or not at all; it gets the storage's time, so that packs know it."""
    size = length_of(info)
    bound = size if size is not None else _MOST_UNTOLD if most is None else most
    with whole_file(target) as temporary, open_stream(system, path) as source:
        length = 0
        with temporary.open("wb") as file:
            while length <= bound and (part := source.read(_PIECE)):
                file.write(part)
                length += len(part)
        if length > bound or (size is not None and length != size):
            raise OSError(errno.EIO, f"{length} bytes came, not the {bound} that it has")
        if (changed := _time_of(info)) is not None:
            os.utime(temporary, (changed, changed))


def _time_of(info: Mapping[str, Any]) -> float | None:
    """Seconds since 1970 at which a file was changed."""
    for name in _TIMES:
        told_time = info.get(name)
        if isinstance(told_time, datetime):
            with suppress(ValueError, OverflowError, OSError):
                return told_time.timestamp()
        elif isinstance(told_time, int | float) and 0 < told_time < 1e11:
            return float(told_time)
    return None


def _check_room(folder: Path, needed: int, url: str) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            _("{place} has {mb} MB, but {folder} has {free} MB free").format(
                place=shown(url),
                mb=f"{needed / 1e6:,.0f}",
                folder=folder,
                free=f"{free / 1e6:,.0f}",
            ),
            _("free space there or set RARESIGN_CACHE to another folder"),
        )


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
