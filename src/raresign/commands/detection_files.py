"""What detectors write about pictures: detector JSON, COCO results, MegaDetector, annotations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.listing import files_under
from raresign.crops.layouts.text_files import read_json
from raresign.errors import InputError

Kind = Literal["detector", "annotations", "coco-results", "megadetector"]
ONE_PICTURE: tuple[Kind, ...] = ("detector", "annotations")
"""Kinds whose files are about one picture each."""

_PICTURE_KEYS = ("file", "image", "picture", "path", "filename", "file_name")


@dataclass(frozen=True, slots=True)
class Detected(Annotation):
    """One sign that a detector found.

    Args:
        id: What the source calls it, "" if nothing.
        track: The physical sign that it belongs to, as the source says; "" if it does not.
        score: The detector's confidence in [0, 1]; None if it says none.
    """

    id: str = ""
    track: str = ""
    score: float | None = None


def kind_of_detections(content: Any) -> Kind | None:
    """What a JSON value is a file of; None if it is no detector's.

    Example:
        >>> kind_of_detections([{"image_id": 1, "bbox": [1, 2, 3, 4], "score": 0.9}])
        'coco-results'
        >>> kind_of_detections({"images": [{"file": "a.jpg", "detections": []}]})
        'megadetector'
        >>> kind_of_detections({"images": [], "annotations": []}) is None
        True
    """

    def first(value: Any) -> Mapping[str, Any]:
        found = value[0] if isinstance(value, list) and value else None
        return found if isinstance(found, Mapping) else {}

    if isinstance(content, list):
        return "coco-results" if {"image_id", "bbox"} <= first(content).keys() else None
    if not isinstance(content, Mapping):
        return None
    if isinstance(content.get("info"), list):
        return "detector"
    image = first(content.get("images"))
    if "file" in image and ("detections" in image or "failure" in image):
        return "megadetector"
    if "images" not in content and "shape" in first(content.get("annotations")):
        return "annotations"
    return None


def read_detections(
    file: Path,
    content: Any,
    kind: Kind,
    frames: FrameFiles,
    base: Path,
    alone: Path | None = None,
) -> Annotations:
    """The signs that a detector's file tells.

    Args:
        file: The file.
        content: What it holds.
        kind: Of `kind_of_detections`.
        frames: Finds its pictures.
        base: The folder of the pictures.
        alone: The picture that a file of one picture is about where neither it nor its name says.

    COCO results name images by number: the names are in a file of ground truth beside the results
    or the pictures, or in a folder `annotations` there. Without one the number is taken for a name.

    Raises:
        InputError: Two files beside COCO results name its images differently.
    """
    if kind == "megadetector":
        return _megadetector(file, content, frames)
    if kind == "coco-results":
        return _coco_results(file, content, frames, base)
    given = Annotations(file, "corners")
    name = next((str(content[key]) for key in _PICTURE_KEYS if content.get(key)), file.stem)
    picture = frames.find(name)
    if alone is not None and not picture.is_file():
        picture = alone
    key, box = ("info", "bbox") if kind == "detector" else ("annotations", "shape")
    for number, row in enumerate(content[key]):
        where = f"{file.name}, {key} {number}"
        if not isinstance(row, Mapping):
            given.left.add("it is no object", where)
            continue
        _add(given, row, picture, row.get(box), where, row.get("confidence", row.get("score")))
    return given


def _megadetector(file: Path, content: Any, frames: FrameFiles) -> Annotations:
    """Source: "MegaDetector batch output format" 1.4: x, y, width, height in shares."""
    given = Annotations(file, "size", "shares")
    for image in content["images"]:
        if not isinstance(image, Mapping) or "file" not in image:
            given.left.add("an image without a file", str(image)[:60])
            continue
        name = str(image["file"])
        if image.get("failure"):
            given.left.add("the detector could not read the picture", f"{name}: {image['failure']}")
        for number, row in enumerate(image.get("detections") or ()):
            where = f"{name}, detection {number}"
            if isinstance(row, Mapping):
                _add(given, row, frames.find(name), row.get("bbox"), where, row.get("conf"))
            else:
                given.left.add("it is no object", where)
    return given


def _coco_results(file: Path, content: Any, frames: FrameFiles, base: Path) -> Annotations:
    """Source: "COCO results format", cocodataset.org: x, y, width, height in pixels."""
    given = Annotations(file, "size")
    ids = {
        str(row["image_id"]) for row in content if isinstance(row, Mapping) and "image_id" in row
    }
    names = _image_names(file, ids, base)
    for number, row in enumerate(content):
        content[number] = None  # of a million results few are held twice
        where = f"result {number}"
        if not isinstance(row, Mapping) or "image_id" not in row:
            given.left.add("without an image_id", where)
            continue
        name = names.get(str(row["image_id"]), str(row["image_id"]))
        _add(given, row, frames.find(name), row.get("bbox"), where, row.get("score"))
    return given


def _image_names(file: Path, ids: set[str], base: Path) -> dict[str, str]:
    """File name by image id, of the ground truth that lies beside the results.

    Raises:
        InputError: Two files have other names for these ids.
    """
    found: dict[str, str] = {}
    source = ""
    homes = (file.parent, file.parent.parent, base, base.parent)
    folders = [file.parent, base, *(home / "annotations" for home in homes)]
    for folder in dict.fromkeys(folders):
        for other in files_under(folder, (".json",)) if folder.is_dir() else ():
            if other.parent != folder or other == file:
                continue
            content = read_json(other)
            images = content.get("images") if isinstance(content, Mapping) else None
            names = {
                str(image["id"]): str(image["file_name"])
                for image in images or ()
                if isinstance(image, Mapping) and {"id", "file_name"} <= image.keys()
            }
            own = {key: name for key, name in names.items() if key in ids}
            if not own or own == found:
                continue
            if found:
                raise InputError(
                    f"{file}: {source} and {other.name} name its images differently",
                    "leave one of them beside the results",
                )
            found, source = own, other.name
    return found


def _add(
    given: Annotations, row: Mapping[str, Any], picture: Path, box: Any, where: str, score: Any
) -> None:
    """One detection, or why it is left out."""
    if isinstance(box, Mapping):
        box = _around(box)
    if not isinstance(box, Sequence) or isinstance(box, str):
        given.left.add("without a box", where)
        return
    marks = [row.get(key) for key in ("id", "track_id")]
    name, track = ("" if mark is None else str(mark) for mark in marks)
    if not track:
        track = "" if row.get("track") is None else str(row["track"])
    given.rows.append(
        Detected(picture, "", tuple(box), where, id=name, track=track, score=score_of(score))
    )


def _around(shape: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """The box of a GeoJSON polygon, as platforms give the shapes that they were given as boxes."""
    try:
        points = [(float(x), float(y)) for x, y, *_ in shape["coordinates"][0]]
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        return None
    across, down = zip(*points, strict=True) if points else ((), ())
    return (min(across), min(down), max(across), max(down)) if points else None


def score_of(value: Any) -> float | None:
    """A confidence in [0, 1]; None of anything else.

    Example:
        >>> score_of("0.5"), score_of(7), score_of("")
        (0.5, None, None)
    """
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and 0 <= found <= 1 else None
