"""Which part of a data set a folder, a file or a cell names: train, val or test."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

Split = Literal["", "train", "val", "test"]

_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trn", "trainval", "traindata"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "online"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "smalltest", "testdata", "holdout"), "test"),
}
# "online" stands for GTSRB's Online-Test, whose pictures are in Final_Training, too: they are no
# test where there is a better one.
_ORDER: tuple[Split, ...] = ("val", "test", "train")


def split_of(name: str) -> Split:
    """The part that a name stands for, "" if for none.

    Example:
        >>> [split_of(name) for name in ("train2017", "Final_Test", "valid", "Online-Test", "3.24")]
        ['train', 'test', 'val', 'val', '']
        >>> split_of("latest"), split_of("cropped-train"), split_of("train_val")
        ('', 'train', 'train')
    """
    words = [word for word in re.split(r"[\W_\d]+", name.lower()) if word]
    found = {_WORDS[word] for word in words if word in _WORDS}
    if found == {"train", "val"}:
        return "train"
    return next((split for split in _ORDER if split in found), "")


def split_of_parts(parts: Iterable[str]) -> Split:
    """The part that the first of some folder names stands for, if any does."""
    return next((split for part in parts if (split := split_of(part))), "")


def part_of(place: Path) -> Split:
    """The part that a file or folder is by its name, beside others that are other parts.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "test").mkdir()
        >>> part_of(root / "test")
        ''
        >>> (root / "train").mkdir()
        >>> part_of(root / "test"), part_of(root)
        ('test', '')
    """
    place = place.resolve()
    try:
        return _part_of(place)
    except OSError:  # what lies beside it cannot be listed
        return ""


def _part_of(place: Path) -> Split:
    """As `part_of`, of a resolved path."""
    if place.is_file():
        own = split_of(place.stem)
        others = {split_of(path.stem) for path in place.parent.glob(f"*{place.suffix}")}
        return own if others - {own, ""} else _part_of(place.parent)
    own = split_of(place.name) if is_split_name(place.name) else ""
    if not own:
        return ""
    beside = (path.name for path in place.parent.iterdir() if path.is_dir())
    return own if {split_of(name) for name in beside if is_split_name(name)} - {own} else ""


def is_split_name(name: str) -> bool:
    """Whether a name says nothing but the part: "valid", "Testing", "train2017"."""
    words = [word for word in re.split(r"[\W_\d]+", name.lower()) if word]
    return (
        bool(words)
        and all(
            word in _WORDS or word in ("final", "images", "image", "set", "sort", "cropped")
            for word in words
        )
        and bool(split_of(name))
    )
