"""Lists plain picture files without any label."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.listing import each_picture_under
from raresign.crops.layouts.shards import is_shard, pictures_of_shard_file, shards_in, unpacked
from raresign.crops.layouts.stored_picture import StoredPicture
from raresign.crops.layouts.stored_pictures import stored_pictures
from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.storage.local_copy import local_copy
from raresign.storage.places import as_path, url_of


def from_files(paths: Sequence[str | Path]) -> CropTable:
    """List pictures for prediction: files as they are, folders with all that lies under them.

    All labels are -1. A file that does not exist, or that is no picture, stays in the table:
    decoding it tells the reason in its row.

    Args:
        paths: Files and folders; tar shards are unpacked and URLs copied into the cache.

    Raises:
        InputError: Nothing was given, or only folders without pictures.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "a.png").touch()
        >>> [path.name for path in from_files([root, "b.png"]).paths]
        ['a.png', 'b.png']
    """
    here = [unpacked(local_copy(path)) for path in paths]
    found = tuple(path for path in each_file(here) if isinstance(path, Path))
    return CropTable(found, np.full(len(found), -1), None, ("",) * len(found))


def each_file(paths: Sequence[str | Path]) -> Iterator[Path | StoredPicture]:
    """The same pictures one by one: a folder of a million is never listed as a whole.

    Those of URLs and of tar shards come with their bytes. In a folder without pictures its shards
    count.

    Raises:
        InputError: As `from_files`.
    """
    if not paths:
        raise InputError(_("no files were given"), _("name picture files or folders"))
    empty: dict[Path, None] = {}
    some = False
    for given in paths:
        if (url := url_of(given)) is not None:
            for stored in stored_pictures(url):
                some = True
                yield stored
            continue
        path = as_path(given)
        if not path.is_dir():
            some = True
            if is_shard(path):
                yield from pictures_of_shard_file(path)
            else:
                yield path
            continue
        none = True
        for picture in each_picture_under(path):
            none, some = False, True
            yield picture
        for shard in shards_in(path) if none else ():
            none, some = False, True
            yield from pictures_of_shard_file(shard)
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
