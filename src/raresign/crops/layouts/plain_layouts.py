"""Lists plain picture files without any label."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.listing import each_picture_under
from raresign.errors import InputError
from raresign.language.spoken import _


def from_files(paths: Sequence[str | Path]) -> CropTable:
    """List pictures for prediction: files as they are, folders with all that lies under them.

    All labels are -1. A file that does not exist, or that is no picture, stays in the table:
    decoding it tells the reason in its row.

    Args:
        paths: Files and folders.

    Raises:
        InputError: Nothing was given, or only folders without pictures.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "a.png").touch()
        >>> [path.name for path in from_files([root, "b.png"]).paths]
        ['a.png', 'b.png']
    """
    found = tuple(each_file(paths))
    return CropTable(found, np.full(len(found), -1), None, ("",) * len(found))


def each_file(paths: Sequence[str | Path]) -> Iterator[Path]:
    """The same pictures one by one: a folder of a million is never listed as a whole.

    Raises:
        InputError: As `from_files`.
    """
    if not paths:
        raise InputError(_("no files were given"), _("name picture files or folders"))
    empty: dict[Path, None] = {}
    some = False
    for path in map(Path, paths):
        if not path.is_dir():
            some = True
            yield path
            continue
        none = True
        for picture in each_picture_under(path):
            none, some = False, True
            yield picture
        if none:
            empty[path] = None
    listed = ", ".join(map(str, empty))
    if not some:
        raise InputError(
            _("{listed}: no picture in it").format(listed=listed),
            _("name a folder that holds pictures"),
        )
    if listed:
        warnings.warn(_("{listed}: no picture in it").format(listed=listed), stacklevel=2)
