"""Reads Label Studio's exports, JSON and JSON-MIN: boxes in per cent of their pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from raresign.crops.crop_table import CodeBook
from raresign.crops.layouts.annotated_crops import LayoutCrops, annotated_crops
from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.listing import PICTURE_SUFFIXES
from raresign.crops.layouts.text_files import read_json
from raresign.crops.layouts.turned_box import Box, extent, turned_extent
from raresign.errors import InputError

_HINT = "export JSON, JSON-MIN, COCO or YOLO from Label Studio"


def is_label_studio(content: Any) -> bool:
    """Whether the value of a JSON file is one of Label Studio's exports."""
    first = content[0] if isinstance(content, list) and content else None
    if not isinstance(first, Mapping):
        return False
    return ("data" in first and ("annotations" in first or "completions" in first)) or (
        "annotator" in first or "annotation_id" in first or any(_results_of(first))
    )


def read_label_studio(place: Path, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
    """Read an export; the pictures beside it or below, with or without the digits before a name.

    A polygon, an ellipse and a turned box count by their extent, a choice is the class of the whole
    picture. Of several annotations of one task the first counts; brushes are left out.

    Source: "Label Studio JSON format of annotated tasks", labelstud.io/guide/export.

    Raises:
        InputError: The file is none of these exports, or it has no usable sign.
    """
    content = read_json(place)
    if not is_label_studio(content):
        raise InputError(f"{place} is no export of Label Studio", _HINT)
    given = Annotations(place, "corners", "pixels")
    frames = FrameFiles(place.parent)
    for number, task in enumerate(content):
        where = f"task {task.get('id', number) if isinstance(task, Mapping) else number}"
        if not isinstance(task, Mapping):
            given.left.add("it is no object", where)
            continue
        data = task.get("data", task)
        picture = _picture(data if isinstance(data, Mapping) else {})
        if not picture:
            given.left.add("no picture is named", where)
            continue
        path = frames.find(picture)
        for count, result in enumerate(_results(task, where, given)):
            _add(given, result, f"{where}, result {count}", path)
    return annotated_crops([given], place, catalogue, strict)


def _picture(data: Mapping[str, Any]) -> str:
    """The path of a task's picture: the value that looks like one."""
    texts = [value for value in data.values() if isinstance(value, str)]
    named = [text for text in texts if text.rpartition(".")[2].lower() in PICTURE_SUFFIXES]
    image = data.get("image")
    return next(iter(named), str(image) if isinstance(image, str) else "")


def _results(task: Mapping[str, Any], where: str, given: Annotations) -> list[Mapping[str, Any]]:
    """The results of the annotation that counts."""
    made = task.get("annotations", task.get("completions"))
    if not isinstance(made, list):
        return list(_results_of(task))
    good = [one for one in made if isinstance(one, Mapping) and not one.get("was_cancelled")]
    if not good and task.get("predictions"):
        given.left.add("predicted, not annotated", where)
    for _ in good[1:]:
        given.left.add("a further annotation of one task", where)
    results = good[0].get("result", []) if good else []
    return [result for result in results if isinstance(result, Mapping)]


def _results_of(task: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """JSON-MIN: lists of regions stand beside the picture."""
    for value in task.values():
        for one in value if isinstance(value, list) else ():
            if isinstance(one, Mapping) and "original_width" in one:
                yield one


def _add(given: Annotations, result: Mapping[str, Any], where: str, path: Path) -> None:
    """Add one result, or the reason why it is left out."""
    value = result.get("value", result)
    kind = str(result.get("type", ""))
    if not isinstance(value, Mapping) or kind in ("relation", "textarea", "rating"):
        return
    keys = [key for key in value if key.endswith("labels") or key == "choices"]
    names = value[keys[0]] if keys else None
    if not isinstance(names, list) or not names:
        given.left.add("without a label", where)
        return
    if len(names) > 1:
        given.left.add("with several labels", f"{where}: {', '.join(map(str, names))}")
        return
    if keys[0] == "choices":
        given.rows.append(Annotation(path, str(names[0]), None, where))
        return
    try:
        wide, high = float(result["original_width"]), float(result["original_height"])
        box = _box(value, wide, high)
    except (KeyError, TypeError, ValueError):
        what = "a brush" if "rle" in value or "format" in value else "a region without its numbers"
        given.left.add(what, where)
        return
    given.rows.append(Annotation(path, str(names[0]), box, where, (wide, high)))


def _box(value: Mapping[str, Any], wide: float, high: float) -> Box:
    """The extent of a region in pixels."""
    if "points" in value:
        return extent([(float(x) * wide / 100, float(y) * high / 100) for x, y in value["points"]])
    x, y = float(value["x"]) * wide / 100, float(value["y"]) * high / 100
    turn = float(value.get("rotation") or 0)
    if "radiusX" in value:
        rx, ry = float(value["radiusX"]) * wide / 100, float(value["radiusY"]) * high / 100
        return turned_extent((x - rx, y - ry, x + rx, y + ry), turn, (x, y))
    w, h = float(value["width"]) * wide / 100, float(value["height"]) * high / 100
    return turned_extent((x, y, x + w, y + h), turn, (x, y))
