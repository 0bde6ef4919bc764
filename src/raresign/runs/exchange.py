"""Several files of a run folder exchanged at once: all of them or none, whenever it is killed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_STAGING, _READY, _GONE = ".next", ".ready", ".gone"
STAGING = (_STAGING, _GONE)
"""What a killed process may leave; the next exchange removes it."""


@contextmanager
def exchange(path: Path) -> Iterator[Path]:
    """Yield a folder in which the new files of a run are written; they count once the block ends.

    What lies in the folder then takes the place of what has the same name in the run, a folder as a
    whole. A block that raises, or is killed, leaves the run as it was. Killed later, the run is the
    new one: whoever opens it next moves what is left, see `finish_exchange`. Whoever exchanges
    holds the run's lock.

    Args:
        path: The run folder.

    Example:
        >>> import tempfile
        >>> run = Path(tempfile.mkdtemp())
        >>> _ = (run / "model").write_text("old")
        >>> with exchange(run) as new:
        ...     _ = (new / "model").write_text("new")
        >>> (run / "model").read_text(), len(list(run.iterdir()))
        ('new', 1)
    """
    finish_exchange(path)
    staging = path / _STAGING
    _remove(staging)  # a killed process left it
    try:
        staging.mkdir()
        yield staging
        staging.replace(path / _READY)
    except BaseException:
        _remove(staging)
        raise
    finish_exchange(path)


def is_moving(path: Path) -> bool:
    """Whether an exchange moves files right now, or was killed while it did."""
    return (path / _READY).is_dir()


def finish_exchange(path: Path) -> None:
    """Move what an exchange that was killed, in the run folder `path`, has not moved yet."""
    ready, gone = path / _READY, path / _GONE
    if not ready.is_dir():
        return
    for new in sorted(ready.iterdir()):
        _remove(gone)
        own = path / new.name
        if new.is_dir() and not any(new.iterdir()):  # nothing is left of it
            if own.is_dir():  # not so if this was killed right here
                own.replace(gone)
            new.rmdir()
            continue
        if own.is_dir():  # no folder can be replaced that holds files
            own.replace(gone)
        new.replace(own)
    _remove(gone)
    ready.rmdir()


def keep_entries(folder: Path, place: Path, without: Collection[str] = ()) -> None:
    """Let `place` hold what `folder` holds, but for some names and hidden ones; files are linked.

    An exchange in which `place` is left empty removes the folder from the run.
    """
    place.mkdir(exist_ok=True)
    if not folder.is_dir():
        return
    for one in folder.iterdir():
        if one.name.startswith(".") or one.name in without:
            continue
        if one.is_dir() and not one.is_symlink():
            shutil.copytree(one, place / one.name, copy_function=_linked, symlinks=True)
        else:
            _linked(str(one), str(place / one.name))


def _linked(source: str, target: str) -> str:
    """A second name of a file, which nobody ever changes in place; a copy where links are none."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
    return target


def _remove(place: Path) -> None:
    """Remove a folder and all in it, or a link, but nothing that a link leads to."""
    if place.is_symlink() or place.is_file():
        with suppress(OSError):
            place.unlink()
    else:
        shutil.rmtree(place, ignore_errors=True)
