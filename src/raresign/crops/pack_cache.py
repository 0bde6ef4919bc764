"""The folders of packs in the cache: what of them is ours to remove, and whether there is room."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from raresign.errors import InputError

PACKS, UNFINISHED = "packs", "unfinished"
"""Folders of ours in the cache. Nothing outside them is ever removed, nor in them what does not
bear the name and the mark that we give."""
MARK = ".raresign"
_OURS = re.compile(r"[0-9a-f]{32}-\w+")
_STALE_AFTER_SECONDS = 86400.0


def check_room(cache: Path, needed: int) -> None:
    """Refuse at once what would fill the disk minutes later."""
    free = shutil.disk_usage(cache).free
    if free < needed:
        raise InputError(
            f"the pack needs {needed / 1e6:,.0f} MB, but {cache} has {free / 1e6:,.0f} MB free",
            "free space there, set RARESIGN_CACHE to another folder or use smaller crops",
        )


def sweep(unfinished: Path) -> None:
    """Remove what a killed process left half-written a day or more ago, if it bears our mark."""
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
