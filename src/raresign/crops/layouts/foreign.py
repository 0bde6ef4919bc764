"""Names annotation files of tools that are not read, and what to export instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_AS_COCO = "export COCO, YOLO or Pascal VOC from it"
LINES_OF_JSON = (".manifest", ".jsonl", ".ndjson")
"""Suffixes of files with one JSON a line, as SageMaker and Labelbox write them."""


def tool_of_json(content: Any) -> tuple[str, str]:
    """The tool whose file a JSON is by its keys, and a remedy; ("", "") if it is none of these.

    Example:
        >>> tool_of_json({"shapes": [], "imagePath": "a.jpg"})
        ('a file of LabelMe', 'export COCO, YOLO or Pascal VOC from it')
    """
    if isinstance(content, Mapping):
        return _of_object(content)
    first = content[0] if isinstance(content, list) and content else None
    if not isinstance(first, Mapping):
        return "", ""
    keys = first.keys()
    if {"image_id", "bbox"} <= keys:
        return "a list of COCO results", "give the file of the annotations"
    if {"labels", "name"} <= keys or {"labels", "videoName"} <= keys:
        return "a file of BDD100K or Scalabel", "convert it to COCO (bdd100k.label.to_coco)"
    if {"frame_id", "objects"} <= keys:
        return "what darknet detected", "give the label files (.txt) that it was trained with"
    if {"image", "annotations"} <= keys:
        return "a file of CreateML", _AS_COCO
    if "data_row" in keys or "Labeled Data" in keys:
        return "a file of Labelbox", _AS_COCO
    return "", ""


def _of_object(content: Mapping[Any, Any]) -> tuple[str, str]:
    keys = {str(key) for key in content}
    first = next(iter(content.values()), None)
    objects = content.get("objects")
    inside = objects[0] if isinstance(objects, list) and objects else None
    if {"shapes", "imagePath"} <= keys or {"shapes", "imageData"} <= keys:
        return "a file of LabelMe", _AS_COCO
    if isinstance(inside, Mapping) and {"classTitle", "classId"} & inside.keys():
        return "a file of Supervisely", _AS_COCO
    if "_via_img_metadata" in keys or (isinstance(first, Mapping) and "regions" in first):
        return "a project of VIA", "export its annotations as CSV (--layout csv) or COCO"
    if {"categories", "items"} <= keys:
        return "a file of Datumaro", _AS_COCO
    if "mark" in keys and isinstance(content["mark"], list):
        return "a file of DarkMark", "give the label files (.txt) and the .names file beside it"
    if "source-ref" in keys:
        return "a manifest of SageMaker", "convert it to COCO"
    return "", ""


def kind_of_label(line: str) -> str:
    """What a line of a label file is that is no YOLO label: KITTI's or DOTA's; else "".

    Example:
        >>> kind_of_label("stop 0.00 0 -1.5 10 20 30 40 1 1 1 1 1 1 1")
        'a KITTI label'
        >>> kind_of_label("1 2 3 2 3 4 1 4 stop 0")
        'a DOTA label'
    """
    cells = line.split()
    numbers = [bool(re.fullmatch(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?", cell)) for cell in cells]
    if len(cells) in (15, 16) and not numbers[0] and all(numbers[1:]):
        return "a KITTI label"
    if len(cells) in (9, 10) and all(numbers[:8]) and not numbers[8]:
        return "a DOTA label"
    return ""
