"""Drawn signs as files, named as a catalogue reads them."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from raresign.errors import InputError
from raresign.files import sweep, write_json, write_text
from raresign.signs.countries.invented_signs import invented_signs
from raresign.signs.countries.registry import standard
from raresign.signs.countries.standard import Standard
from raresign.signs.icons.icon_file import icon_files
from raresign.signs.icons.svg_text import lettered_icons

_MARK = ".raresign"
_STALE_AFTER_SECONDS = 7 * 86400.0


def write_icons(
    folder: Path, signs: Standard, codes: Collection[str], variants: bool = True
) -> int:
    """Write `<code>.svg` and `<code>@<variant>.svg`; a file that is there already is left.

    Returns:
        How many files were written.

    Raises:
        InputError: A code has no drawing, or another icon; nothing is written then.
        OSError: The folder cannot be written.
    """
    files: dict[Path, str] = {}
    for code in codes:
        for look in ("", *(signs.variants_of(code, codes) if variants else ())):
            name = f"{code}@{look}.svg" if look else f"{code}.svg"
            files[folder / name] = signs.svg(code, look, codes) + "\n"
    if folder.is_dir():
        sweep(folder)
    present = icon_files(folder) if folder.is_dir() and any(folder.iterdir()) else {}
    for code in codes:
        for path in present.get(code, ()):
            there = path.read_text(encoding="utf-8", errors="replace")
            if there.strip() != files.get(path, "").strip():
                raise InputError(f"{path} is another icon of {code!r}", "name another folder")
    missing = [path for path in files if not path.exists()]
    for path in missing:
        write_text(path, files[path])
    return len(missing)


def write_catalogue(folder: Path, signs: Standard) -> int:
    """Write `icons/` and `classes.json` of all classes: a data folder without photos.

    Returns, raises: See `write_icons`.
    """
    icons = write_icons(folder / "icons", signs, signs.classes)
    classes = {
        code: {"id": number, "type": type_} for code, (number, type_) in signs.classes.items()
    }
    write_json(folder / "classes.json", {"country": signs.country, **classes})
    return icons + 1


def drawn_icons(name: str, codes: Collection[str], variants: bool = True) -> Path:
    """A folder with the icons that the standard `name` draws, kept until the process ends.

    Raises:
        InputError: No such standard, or a code has no drawing.
    """
    return _icons(name, tuple(codes), variants, os.getpid())


def invented_icons(count: int, seed: int) -> Path:
    """A folder of as many invented signs, kept until the process ends."""
    return _invented(count, seed, os.getpid())


def joined_icons(own: Path, name: str, codes: Collection[str]) -> Path:
    """A folder with one's own icons first and ours as variants, kept until the process ends.

    Variants on boards are left out: synthesis mounts signs on boards itself, and with them the
    other looks would come too seldom.

    Args:
        own: Folder of icons; a class without a file of its own there gets no variant.
        name: Of the standard; codes that it does not draw keep their own icons alone.
        codes: The classes.

    Raises:
        InputError: No such standard, or `own` holds no icons.
    """
    signs = standard(name)
    folder = Path(tempfile.mkdtemp(dir=_temporary(os.getpid())))
    present = icon_files(own)
    for files in present.values():
        for file in files:
            (folder / file.name).symlink_to(file.resolve())
    for code in codes:
        if code not in present or not signs.draws(code):
            continue
        for look in ("", *signs.variants_of(code, codes)):
            if not look.endswith("board"):
                file = folder / f"{code}@{name}-{look or 'main'}.svg"
                write_text(file, signs.svg(code, look, codes))
    return folder


def lettered_folder(own: Path) -> Path:
    """One's own icons, with copies of those whose text is drawn; kept until the process ends.

    Raises:
        InputError: `own` holds no icons, or the font lacks a letter.
    """
    files = [file for variants in icon_files(own).values() for file in variants]
    lettered = lettered_files(files)
    if lettered == files:
        return own
    folder = Path(tempfile.mkdtemp(dir=_temporary(os.getpid())))
    for file in lettered:
        (folder / file.name).symlink_to(file.resolve())
    return folder


def lettered_files(icons: Sequence[Path]) -> list[Path]:
    """As `lettered_icons`; copies are kept until the process ends."""
    return lettered_icons(icons, Path(tempfile.mkdtemp(dir=_temporary(os.getpid()))))


def drawn_catalogue(name: str) -> Path:
    """A data folder with all classes of a standard and no photos, kept until the process ends."""
    folder = _temporary(os.getpid()) / name
    write_catalogue(folder, standard(name))  # writes what is missing
    return folder


@cache
def _icons(name: str, codes: tuple[str, ...], variants: bool, process: int) -> Path:
    folder = Path(tempfile.mkdtemp(dir=_temporary(process)))
    write_icons(folder, standard(name), codes, variants)
    return folder


@cache
def _invented(count: int, seed: int, process: int) -> Path:
    folder = Path(tempfile.mkdtemp(dir=_temporary(process)))
    for code, svg in invented_signs(count, seed).items():
        write_text(folder / f"{code}.svg", svg)
    return folder


def _sweep(place: Path) -> None:
    """Remove the folders of processes that were killed a week or more ago, if they are ours."""
    for folder in place.glob("raresign-icons-*"):
        named = re.fullmatch(r"raresign-icons-(\d{1,9})-\w+", folder.name)
        if named is None or folder.is_symlink() or not (folder / _MARK).is_file():
            continue
        with suppress(OSError):
            old = time.time() - folder.stat().st_mtime > _STALE_AFTER_SECONDS
            if old and not Path(f"/proc/{named[1]}").exists():
                shutil.rmtree(folder, ignore_errors=True)


@cache
def _temporary(process: int) -> Path:
    """A folder of this process: what a fork inherits is its parent's to remove."""
    _sweep(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=f"raresign-icons-{process}-"))
    (folder / _MARK).touch()

    @atexit.register
    def remove() -> None:
        if os.getpid() == process:
            shutil.rmtree(folder, ignore_errors=True)

    return folder
