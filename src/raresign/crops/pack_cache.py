"""The folders of packs in the cache: what of them is ours to remove, and whether there is room."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from raresign.errors import InputError
from raresign.files import read_text
from raresign.locks import hold_lock, this_machine

PACKS, UNFINISHED = "packs", "unfinished"
"""Folders of ours in the cache. Nothing outside them is ever removed, nor in them what does not
bear the name and the mark that we give."""
MARK = ".raresign"
_OURS = re.compile(r"[0-9a-f]{32}-\w+")
_STALE_AFTER_SECONDS = 86400.0
_MOST_OF_A_MARK = 4096


def check_room(cache: Path, needed: int) -> None:
    """Refuse at once what would fill the disk minutes later."""
    free = shutil.disk_usage(cache).free
    if free < needed:
        raise InputError(
            f"the pack needs {needed / 1e6:,.0f} MB, but {cache} has {free / 1e6:,.0f} MB free",
            "free space there, set RARESIGN_CACHE to another folder or use smaller crops",
        )


@contextmanager
def new_folder(unfinished: Path, name: str) -> Iterator[Path]:
    """Yield a folder of ours, locked until the block ends; it goes if the block raises.

    The lock is the kernel's, on the folder itself: whoever finds the folder without one knows that
    its process was killed.
    """
    folder, handle = _marked(unfinished, name)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        if handle is not None:
            os.close(handle)


def _marked(unfinished: Path, name: str) -> tuple[Path, int | None]:
    """A new folder with our mark, and the descriptor that holds its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=unfinished))
        handle = _locked(folder, wait=True)
        try:
            text = this_machine() if handle is not None else ""
            (folder / MARK).write_text(text, encoding="utf-8")
        except BaseException as error:
            if handle is not None:
                os.close(handle)
            shutil.rmtree(folder, ignore_errors=True)
            if not isinstance(error, FileNotFoundError):
                raise
            # Swept, as it was empty and not locked yet: another one.
        else:
            return folder, handle


def _locked(folder: Path, wait: bool = False) -> int | None:
    """A descriptor that holds the lock of a folder; None if another has it, or there are none."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # of Windows, too, where no folder is opened
        return None
    if hold_lock(handle, wait):
        return handle
    os.close(handle)
    return None


def sweep(unfinished: Path) -> None:
    """Remove what killed processes left half-written, if it bears our mark.

    At once where it was locked on this machine and is not any more; else after a day.
    """
    for folder in unfinished.iterdir():
        if folder.is_symlink() or not _OURS.fullmatch(folder.name):
            continue
        try:
            age = time.time() - folder.stat().st_mtime
        except OSError:  # another process was swept away or finished meanwhile
            continue
        old = folder / "old"
        if (old / MARK).is_file():  # a pack that another one has replaced
            shutil.rmtree(old, ignore_errors=True)
            with suppress(OSError):
                folder.rmdir()
        elif age > _STALE_AFTER_SECONDS:
            if (folder / MARK).is_file():
                shutil.rmtree(folder, ignore_errors=True)
            else:
                with suppress(OSError):  # empty, or not ours
                    folder.rmdir()
        else:
            _sweep_killed(folder)


def _sweep_killed(folder: Path) -> None:
    """Remove a folder whose process is gone: one that was locked here, or is still empty."""
    try:
        mark = read_text(folder / MARK, _MOST_OF_A_MARK)
    except FileNotFoundError:
        mark = None
    except (OSError, UnicodeDecodeError):
        return
    handle = _locked(folder) if mark in (None, this_machine()) else None
    if handle is None:
        return
    if mark is None:
        with suppress(OSError):  # not empty: not ours
            folder.rmdir()
    else:
        shutil.rmtree(folder, ignore_errors=True)
    os.close(handle)
