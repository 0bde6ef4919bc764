"""Which frames a data.yaml gives to train, val and test."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.listing import pictures_under
from raresign.crops.layouts.split_names import Split, split_of_parts
from raresign.crops.layouts.text_files import read_text
from raresign.errors import InputError
from raresign.files import is_there, real_path

_KEYS: tuple[Split, ...] = ("train", "val", "test")


def declared_splits(
    root: Path, content: Mapping[str, Any], frames: Sequence[Path]
) -> dict[Path, Split]:
    """The part of each frame; frames that stand in none are absent.

    `train`, `val` and `test` of a data.yaml are folders or lists of files (`train.txt`), relative
    to `path` or to `root`; many exports write one `../` too many. Where the file names none, the
    names of folders decide, and a frame in no such folder has the part "". A frame that stands in
    several is test before train before val.

    Args:
        root: The folder of the data.yaml.
        content: Of the data.yaml; empty where there is none.
        frames: All frames under the folder.

    Raises:
        InputError: A part that is named does not exist.
    """
    named = {key: entry for key in _KEYS if (entry := content.get(key))}
    if not named:
        return {frame: split_of_parts(frame.relative_to(root).parts[:-1]) for frame in frames}
    bases = [root / str(content.get("path") or "."), root]
    finder = FrameFiles(root)
    parts: dict[Split, set[Path]] = {}
    for key, entry in named.items():
        entries = entry if isinstance(entry, list) else [entry]
        parts[key] = set()
        for one in entries:
            place = _existing(str(one), bases, root)
            if place is None and not isinstance(entry, list) and key != "train":
                warnings.warn(  # exports without a test part name one all the same
                    f"{root}: there is no {one}, which the data.yaml gives for {key}", stacklevel=2
                )
                continue
            if place is None:
                raise InputError(
                    f"{root}: the data.yaml gives {one} for {key}, which does not exist",
                    "give the folder or file of it in the data.yaml",
                )
            parts[key].update(_frames_of(place, finder))
    found: dict[Path, Split] = {}
    inside = {real_path(frame): frame for frame in frames}
    order: tuple[Split, ...] = ("val", "train", "test")
    for split in order:
        for path in parts.get(split, ()):
            if (frame := inside.get(real_path(path))) is not None:
                found[frame] = split
    return found


def _existing(entry: str, bases: Sequence[Path], root: Path) -> Path | None:
    """The file or folder of an entry, with what is before it left away where that alone exists.

    `../train/images` may be `train/images`, and so may `/content/signs/train/images`.
    """
    parts = [part for part in entry.replace("\\", "/").split("/") if part not in ("", ".")]
    named = [part for part in parts if part != ".."]
    ways = [parts] if parts else []
    ways += [named[start:] for start in range(max(1, len(named) - 1))] if named else []
    places = [place for way in ways for base in bases if is_there(place := base.joinpath(*way))]
    inside = [place for place in places if real_path(place).is_relative_to(real_path(root))]
    return next(iter([*inside, *places]), None)


def _frames_of(place: Path, finder: FrameFiles) -> list[Path]:
    """The frames of a folder, or those that a text names one a line."""
    if place.is_dir():
        return pictures_under(place)
    lines = (line.strip() for line in read_text(place).splitlines())
    return [path for line in lines if line and (path := finder.find(line)).is_file()]
