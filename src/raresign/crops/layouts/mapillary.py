"""Reads the Mapillary Traffic Sign Dataset: one JSON a picture."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raresign.crops.crop_table import CodeBook
from raresign.crops.layouts.annotated_crops import LayoutCrops, annotated_crops
from raresign.crops.layouts.annotation import Annotations
from raresign.crops.layouts.foreign import tool_of_json
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.split_names import Split, split_of, split_of_parts
from raresign.crops.layouts.text_files import read_json, read_text
from raresign.crops.layouts.tt100k import add_objects
from raresign.errors import InputError


def is_mapillary(content: Any) -> bool:
    """Whether the value of a JSON file is that of one of Mapillary's pictures."""
    if not isinstance(content, Mapping) or not isinstance(content.get("objects"), list):
        return False
    return not tool_of_json(content)[0]


def read_mapillary(place: Path, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
    """Read `annotations/*.json` with the pictures in `images`; `splits/*.txt` name the parts.

    Source: Ertler et al., "The Mapillary traffic sign dataset", ECCV 2020.

    Args:
        place: The folder above `annotations`, that folder, or one JSON.
        catalogue: Knows the labels.
        strict: Pictures that do not exist are an error.

    Raises:
        InputError: There is no such JSON, or no usable sign.
    """
    files = annotation_files(place)
    if not files:
        raise InputError(f"{place} holds no JSON in annotations/", "give the folder above it")
    root = files[0].parent.parent if files[0].parent.name == "annotations" else files[0].parent
    splits = _splits(root)
    given = Annotations(place, "corners")
    frames = FrameFiles(root / "images" if (root / "images").is_dir() else root, root)
    for file in files:
        content = read_json(file)
        if not is_mapillary(content):
            given.left.add("a JSON without objects", file)
            continue
        split = splits.get(file.stem) or split_of_parts(file.relative_to(root).parts[:-1])
        size = content.get("width"), content.get("height")
        stated = (float(size[0]), float(size[1])) if all(map(_is_number, size)) else None
        path = frames.find(file.stem)
        add_objects(given, content["objects"], "label", file.name, path, split, stated)
    return annotated_crops([given], place, catalogue, strict)


def annotation_files(place: Path) -> list[Path]:
    """The JSON files of a place, in order."""
    if place.is_file():
        return [place]
    inner = place / "annotations"
    return sorted((inner if inner.is_dir() else place).glob("*.json"))


def _splits(root: Path) -> dict[str, Split]:
    """The part of each picture, by its key."""
    folder = root / "splits"
    found: dict[str, Split] = {}
    for file in sorted(folder.glob("*.txt")) if folder.is_dir() else []:
        for line in read_text(file).split():
            found[line.strip()] = split_of(file.stem)
    return found


def _is_number(value: object) -> bool:
    """Whether it is a number, and one that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max
