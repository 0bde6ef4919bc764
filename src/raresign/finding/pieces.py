"""What is indexed: pictures of a folder, boxes of frames, or the crops of a pack."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard, Union

from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.listing import each_picture_under, existing_folder
from raresign.crops.pack_name import size_and_time
from raresign.language.spoken import _

if TYPE_CHECKING:
    from raresign.crops.pack import CropPack

Source = Union[str, Path, CropTable, "CropPack"]
PACKED = "pack:"
"""How the part begins of a crop that lies in a pack; its row there follows."""


@dataclass(frozen=True)
class Piece:
    """One crop, before it is read.

    Args:
        path: Its picture, absolute.
        part: "" for the whole picture; four numbers, x0,y0,x1,y1, for a box of it.
        size, mtime: Bytes of the file and when it was changed, in ns: they tell a changed file.
        track: Name of the track of one physical sign; "" where none is known.
    """

    path: str
    part: str = ""
    size: int = -1
    mtime: int = -1
    track: str = ""

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """x0, y0, x1, y1 in pixels; None for a whole picture.

        Example:
            >>> Piece("a.png", "1,2,30.5,40").box
            (1.0, 2.0, 30.5, 40.0)
        """
        if not self.part or self.part.startswith(PACKED):
            return None
        x0, y0, x1, y1 = map(float, self.part.split(","))
        return x0, y0, x1, y1


def is_pack(source: Source) -> TypeGuard[CropPack]:
    """Whether a source is a pack; the library that reads packs need not be there."""
    return not isinstance(source, str | Path | CropTable)


def pieces_of(source: Source, tracks: Sequence[str] | None = None) -> Iterator[Piece]:
    """The crops of a source, one by one.

    Args:
        source: A folder, searched with its sub-folders; a table of crops, such as
            `raresign.boxed_crops` gives; or a pack.
        tracks: One a row of a table.

    Raises:
        InputError: There is no such folder.
    """
    if is_pack(source):
        hashes = source.table["hash"].to_pylist()
        for row, path in enumerate(source.table["path"].to_pylist()):
            yield Piece(path, f"{PACKED}{row}", 0, int(hashes[row][:15], 16))
    elif isinstance(source, CropTable):
        yield from _rows(source, tracks)
    elif isinstance(source, str | Path):
        hint = _("name a folder that holds pictures")
        folder = existing_folder(source, hint).resolve()
        for path in each_picture_under(folder):
            yield Piece(os.fspath(path), "", *size_and_time(os.fspath(path)))


def _rows(table: CropTable, tracks: Sequence[str] | None) -> Iterator[Piece]:
    known: dict[Path, tuple[str, int, int]] = {}
    for row, path in enumerate(table.paths):
        if path not in known:
            absolute = os.path.abspath(path)  # noqa: PTH100 (its links stay)
            known[path] = absolute, *size_and_time(absolute)
        part = ""
        if table.boxes is not None and not math.isnan(table.boxes[row, 0]):
            part = ",".join(f"{side:.12g}" for side in table.boxes[row].tolist())
        name, size, changed = known[path]
        yield Piece(name, part, size, changed, tracks[row] if tracks else "")
