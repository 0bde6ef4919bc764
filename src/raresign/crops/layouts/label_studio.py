"""Reads Label Studio's exports, JSON, JSON-MIN and CSV: boxes in per cent of their pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from raresign.crops.crop_table import CodeBook
from raresign.crops.layouts.annotated_crops import LayoutCrops, annotated_crops
from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.csv_file import csv_header, csv_rows
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.listing import PICTURE_SUFFIXES
from raresign.crops.layouts.text_files import read_json
from raresign.crops.layouts.turned_box import Box, extent, turned_extent
from raresign.errors import InputError
from raresign.parsing import parse_json

_HINT = "export JSON, JSON-MIN, CSV, COCO or YOLO from Label Studio"
_KEPT_BY_ALL = {"annotation_id", "annotator", "lead_time"}  # columns of every CSV export
_LOOKED_AT = 50  # rows, to find out what a CSV is


def is_label_studio(content: Any) -> bool:
    """Whether the value of a JSON file is one of Label Studio's exports."""
    first = content[0] if isinstance(content, list) and content else None
    if not isinstance(first, Mapping):
        return False
    return ("data" in first and ("annotations" in first or "completions" in first)) or (
        "annotator" in first or "annotation_id" in first or any(_regions(first))
    )


def read_label_studio(place: Path, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
    """Read an export; the pictures beside it or below, with or without the digits before a name.

    A polygon, an ellipse and a turned box count by their extent, a choice is the class of the whole
    picture. Of several annotations of one task the first counts; brushes are left out.

    Source: "Label Studio JSON format of annotated tasks", labelstud.io/guide/export.

    Raises:
        InputError: The file is none of these exports, or it has no usable sign.
    """
    if place.suffix.lower() in (".csv", ".tsv"):
        content: Any = _csv_tasks(place)
        known = is_label_studio_csv(place)
    else:
        content = read_json(place)
        known = is_label_studio(content)
    if not known:
        raise InputError(f"{place} is no export of Label Studio", _HINT)
    given = Annotations(place, "corners", "pixels")
    unsized = Annotations(place, "corners", "percent")
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
            _add(given, unsized, result, f"{where}, result {count}", path)
    parts = [given, unsized] if unsized.rows else [given]
    return annotated_crops(parts, place, catalogue, strict)


def is_label_studio_csv(place: Path) -> bool:
    """Whether a CSV is one of Label Studio's exports, by its columns or a cell of regions."""
    if set(csv_header(place)) >= _KEPT_BY_ALL:
        return True
    try:
        rows = [row for _, row in islice(csv_rows(place, ()), _LOOKED_AT)]
    except InputError:  # its reader tells what is wrong with a line
        return False
    return any(any(_regions({key: _cell(text) for key, text in row.items()})) for row in rows)


def _csv_tasks(place: Path) -> list[dict[str, Any]]:
    """The rows of a CSV export as JSON-MIN has them: cells of regions are lists."""
    rows = [row for _, row in csv_rows(place, ())]
    return [{name: _cell(cell) for name, cell in row.items()} for row in rows]


def _cell(text: str) -> Any:
    """The value of a cell that holds JSON; any other cell as it stands."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return parse_json(text)
    except ValueError:
        return text


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
    results = good[0].get("result") if good else []
    if not isinstance(results, list):
        return []
    return [result for result in results if isinstance(result, Mapping)]


def _results_of(task: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """JSON-MIN and CSV: lists of regions stand beside the picture, or the choice as a text."""
    yield from _regions(task)
    choice = task.get("choice")
    if isinstance(choice, str) and choice:
        yield {"choices": [choice]}
    elif isinstance(choice, Mapping):
        yield choice


def _regions(task: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The regions of a task of JSON-MIN or CSV."""
    for value in task.values():
        for one in value if isinstance(value, list) else ():
            if isinstance(one, Mapping) and ("original_width" in one or _labels_of(one)):
                yield one


def _labels_of(region: Mapping[str, Any]) -> list[Any]:
    """The labels of a region: its `rectanglelabels`, `choices` and so on."""
    keys = [key for key in map(str, region) if key.endswith("labels") or key == "choices"]
    names = region.get(keys[0]) if keys else None
    return names if isinstance(names, list) else []


def _add(
    given: Annotations, unsized: Annotations, result: Mapping[str, Any], where: str, path: Path
) -> None:
    """Add one result, to `unsized` if its picture's size is not said, or why it is left out."""
    value = result.get("value", result)
    kind = str(result.get("type", ""))
    if not isinstance(value, Mapping) or kind in ("relation", "textarea", "rating"):
        return
    names = _labels_of(value)
    if not names:
        given.left.add("without a label", where)
        return
    if len(names) > 1:
        given.left.add("with several labels", f"{where}: {', '.join(map(str, names))}")
        return
    if names == value.get("choices"):
        given.rows.append(Annotation(path, str(names[0]), None, where))
        return
    if "original_width" not in result and "x" in value and not value.get("rotation"):
        x, y, w, h = (value.get(key) for key in ("x", "y", "width", "height"))
        unsized.rows.append(Annotation(path, str(names[0]), _corners(x, y, w, h), where))
        return
    try:
        wide, high = float(result["original_width"]), float(result["original_height"])
        box = _box(value, wide, high)
    except (KeyError, TypeError, ValueError, OverflowError):
        what = "a brush" if "rle" in value or "format" in value else "a region without its numbers"
        given.left.add(what, where)
        return
    given.rows.append(Annotation(path, str(names[0]), box, where, (wide, high)))


def _corners(x: Any, y: Any, w: Any, h: Any) -> tuple[Any, ...]:
    """The corners of a box; what is no number as it stands, to be told of."""
    try:
        return float(x), float(y), float(x) + float(w), float(y) + float(h)
    except (TypeError, ValueError, OverflowError):
        return x, y, w, h


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
