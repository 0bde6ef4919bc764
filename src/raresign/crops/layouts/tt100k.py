"""Reads TT100K, the Chinese frames of Tsinghua and Tencent: `annotations_all.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raresign.crops.crop_table import CodeBook
from raresign.crops.layouts.annotated_crops import LayoutCrops, annotated_crops
from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.split_names import split_of_parts
from raresign.crops.layouts.text_files import read_json
from raresign.errors import InputError

FILES = ("annotations_all.json", "annotations.json")
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def is_tt100k(content: Any) -> bool:
    """Whether the value of a JSON file is TT100K's."""
    return isinstance(content, Mapping) and isinstance(content.get("imgs"), Mapping)


def read_tt100k(place: Path, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
    """Read TT100K's annotation file, or the folder that holds it; `test/` is the test.

    Source: Zhu et al., "Traffic-sign detection and classification in the wild", CVPR 2016.

    Raises:
        InputError: There is no such file, or no usable sign in it.
    """
    if place.is_dir():
        found = [place / name for name in FILES if (place / name).is_file()]
        if not found:
            raise InputError(f"{place} holds no {FILES[0]}", "give TT100K's annotation file")
        place = found[0]
    content = read_json(place)
    if not is_tt100k(content):
        raise InputError(f"{place} has no object 'imgs'", "give TT100K's annotations_all.json")
    given = Annotations(place, "corners")
    frames = FrameFiles(place.parent)
    for key, image in content["imgs"].items():
        if not isinstance(image, Mapping):
            given.left.add("it is no object", f"image {key}")
            continue
        path = str(image.get("path") or key)
        split = split_of_parts(Path(path).parts[:-1])
        add_objects(
            given, image.get("objects"), "category", f"image {key}", frames.find(path), split
        )
    return annotated_crops([given], place, catalogue, strict)


def add_objects(
    given: Annotations,
    objects: Any,
    name_key: str,
    where: str,
    path: Path,
    split: Any,
    stated: tuple[float, float] | None = None,
) -> None:
    """Add the objects of one image, `{"bbox": {"xmin": ...}, "category": ...}` each."""
    for number, row in enumerate(objects if isinstance(objects, list) else []):
        place = f"{where}, object {row.get('key', number) if isinstance(row, Mapping) else number}"
        box = row.get("bbox") if isinstance(row, Mapping) else None
        if not isinstance(box, Mapping):
            given.left.add("without a box", place)
        elif "cross_boundary" in box:
            given.left.add("cut by the edge of a panorama", place)
        else:
            numbers = tuple(box.get(corner) for corner in CORNERS)
            name = str(row.get(name_key, ""))
            given.rows.append(Annotation(path, name, numbers, place, stated, split))
