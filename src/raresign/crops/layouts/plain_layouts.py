"""Lists plain picture files without any label."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.listing import pictures_under
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
    if not paths:
        raise InputError(_("no files were given"), _("name picture files or folders"))
    given = {path: pictures_under(path) if path.is_dir() else [path] for path in map(Path, paths)}
    found = [picture for path in map(Path, paths) for picture in given[path]]
    listed = ", ".join(str(path) for path, pictures in given.items() if not pictures)
    if not found:
        raise InputError(
            _("{listed}: no picture in it").format(listed=listed),
            _("name a folder that holds pictures"),
        )
    if listed:
        warnings.warn(_("{listed}: no picture in it").format(listed=listed), stacklevel=2)
    return CropTable(tuple(found), np.full(len(found), -1), None, ("",) * len(found))
