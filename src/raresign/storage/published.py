"""Results for URLs: written here first, and sent when they are whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from raresign.errors import InputError
from raresign.files import UNFINISHED, default_cache
from raresign.language.spoken import _
from raresign.storage.local_copy import COPIES, is_there
from raresign.storage.opened import open_storage, told
from raresign.storage.places import as_path, file_name, shown, url_of
from raresign.storage.stored_files import safe_name

_OUTGOING = "outgoing"
_AT_ONCE = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "cos")
"""Storages that show an object only when all of it has come."""


def staged(given: str | os.PathLike[str]) -> Path:
    """Where a result is made: at a path itself, for a URL at a place in the cache.

    It is the same place at each call, so a stopped command finds what it has made.

    Example:
        >>> str(staged("answers.csv")), staged("s3://bucket/answers.csv").name
        ('answers.csv', 'answers.csv')
    """
    url = url_of(given)
    if url is None:
        return as_path(given)
    known = hashlib.blake2b(url.rstrip("/").encode(), digest_size=16).hexdigest()
    return default_cache() / COPIES / _OUTGOING / known / safe_name(file_name(url), url)


def publish(given: str | os.PathLike[str], last: str = "") -> None:
    """Send what was made at `staged(given)` to its URL, and remove it here; nothing for a path.

    A file appears whole or not at all. Of a folder the file `last` comes last: who reads the folder
    takes it for nothing before.

    Args:
        given: The place that the user named.
        last: Name of the file that makes a folder count, such as run.json.

    Raises:
        InputError: It cannot be written; what was made stays here, and the same command goes on.
    """
    url = url_of(given)
    if url is None:
        return
    local = staged(given)
    system, path = open_storage(url)
    with told(url, writing=True):
        if local.is_dir():
            found = [one for one in sorted(local.rglob("*")) if one.is_file()]
            found.sort(key=lambda one: one == local / last)
            for one in found:
                name = one.relative_to(local).as_posix()
                if not name.rpartition("/")[2].startswith("."):
                    _send(system, one, f"{path.rstrip('/')}/{name}")
        else:
            _send(system, local, path)
    if local.is_dir():
        shutil.rmtree(local)
    else:
        local.unlink()
    forget_place(given)


def forget_place(given: str | os.PathLike[str]) -> None:
    """Remove the folder of `staged(given)` in the cache, if nothing is left in it."""
    if url_of(given) is not None:
        with suppress(OSError):
            staged(given).parent.rmdir()


@contextmanager
def written(given: str | os.PathLike[str], last: str = "") -> Iterator[Path]:
    """Yield where to make a result; send it to its URL if the block succeeds.

    Args:
        given: A path, which is yielded itself, or a URL.
        last: See `publish`.

    Raises:
        InputError: The URL cannot be written; known before the block begins.
    """
    check_writable(given, last)
    yield staged(given)
    publish(given, last)


def check_writable(given: str | os.PathLike[str], last: str = "") -> None:
    """Make sure that a result can be sent to a URL, before hours are spent on it.

    An empty file is written beside it and removed.

    Args:
        given: A path, of which nothing is asked, or a URL.
        last: The URL is a folder, which must not hold a file of this name yet.

    Raises:
        InputError: It cannot.
    """
    url = url_of(given)
    if url is None:
        return
    system, path = open_storage(url)
    if last and is_there(given, last):
        raise InputError(
            _("{place} already holds {name}").format(place=shown(url), name=last),
            _("name a new folder"),
        )
    _refuse_web(system, url)
    folder = path.rstrip("/") if last else path.rpartition("/")[0]
    trial = f"{folder}/{UNFINISHED}{uuid4().hex}"
    with told(url, writing=True):
        if not _at_once(system):
            system.makedirs(folder, exist_ok=True)
        system.pipe_file(trial, b"")
        with suppress(Exception):  # rights to write need not be rights to remove
            system.rm_file(trial)


def _refuse_web(system: Any, url: str) -> None:
    """A web server takes no file whole or not at all, where it takes one."""
    if "http" in system.protocol:
        raise InputError(
            _("{place} cannot be written: this kind of storage only reads").format(
                place=shown(url)
            ),
            _("write to a local folder or to s3://, gs:// ..."),
        )


def _at_once(system: Any) -> bool:
    protocol = (system.protocol,) if isinstance(system.protocol, str) else system.protocol
    return any(kind in _AT_ONCE for kind in protocol)


def _send(system: Any, local: Path, path: str) -> None:
    """Send one file, whole or not at all."""
    if _at_once(system):
        system.put_file(os.fspath(local), path)
    else:
        folder, _slash, name = path.rpartition("/")
        system.makedirs(folder, exist_ok=True)
        temporary = f"{folder}/{UNFINISHED}{uuid4().hex}-{name}"
        try:
            system.put_file(os.fspath(local), temporary)
            system.mv(temporary, path)
        except BaseException:
            with suppress(Exception):
                system.rm_file(temporary)
            raise
    system.invalidate_cache()
    if (size := system.info(path).get("size")) not in (None, local.stat().st_size):
        raise OSError(f"{size} of {local.stat().st_size} bytes arrived")
