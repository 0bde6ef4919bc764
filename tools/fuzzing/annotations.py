"""Annotations of real crops in every layout, and boxes of detectors, beside their frames."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fuzzing.kind import Kind, Target, reading, with_field

_GUIDED = ("annotations CSV", "annotations COCO", "detections COCO results")
_CODE = ("raresign.crops.layouts", "raresign.commands.layout_choice")


def _layout(
    make: str, layout: str, file: str, forms: tuple[str, ...], patterns: tuple[str, ...], at: Path
) -> Target:
    """A layout as the tests make it, with one of its files spoiled."""
    import test_layouts  # of tests/
    from raresign.commands.layout_choice import choose_layout
    from raresign.crops.whole_frames import warn_of_frames
    from raresign.errors import InputError

    root = getattr(test_layouts, make)(at / "data")
    signs = test_layouts.Signs()

    def read(path: Path) -> object:
        try:
            found = choose_layout(root, "auto", at).read(signs)
        except InputError:  # as another layout, or none: then as the user says
            found = choose_layout(root, layout, at).read(signs)
        for part in (found.training, found.test):
            warn_of_frames(part)
        return found

    seeds = with_field([(root / file).read_bytes()], *patterns, most=10)
    return Target(seeds, reading(root / file, read), (InputError,), forms)


def _sheet(folder: Path) -> Target:
    from openpyxl import Workbook

    from raresign.crops.layouts.csv_file import csv_rows
    from raresign.errors import InputError

    book = Workbook()
    for row in (["file", "code", "x0"], ["a.png", "3.1", 4], ["b.png", "2.5", 0.5]):
        book.worksheets[0].append(row)
    file = io.BytesIO()
    book.save(file)

    def read(path: Path) -> object:
        return list(csv_rows(path, ("file",)))

    return Target([file.getvalue()], reading(folder / "a.xlsx", read), (InputError,))


def _detections(kind: str, file: str, forms: tuple[str, ...], at: Path) -> Target:
    """Boxes of a detector beside two frames."""
    from PIL import Image

    from raresign.commands.boxes_file import boxed_signs, table_of
    from raresign.errors import InputError

    frames = at / "frames"
    frames.mkdir(parents=True, exist_ok=True)
    for name in ("a", "b"):
        Image.new("RGB", (200, 100)).save(frames / f"{name}.png")
    for name, content in _SAYS[kind].items():
        written = at / "of" / name
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(content if isinstance(content, str) else json.dumps(content))
    place = at / "of" / file
    place = place.parent if "/" in file else place

    def read(path: Path) -> object:
        return table_of(boxed_signs(place, [frames]))

    seed = (at / "of" / file).read_bytes()
    return Target([seed], reading(at / "of" / file, read), (InputError,), forms)


def _platform_tags(folder: Path) -> Target:
    from raresign.commands.maps.patch_bodies import present_tags
    from raresign.errors import InputError

    tags = [{"key": "a", "value": "b"}]
    seeds = [
        json.dumps({"annotations": [{"id": "x", "semantics": tags}]}).encode(),
        json.dumps({"features": [{"properties": {"id": 7, "semantics": tags}}]}).encode(),
    ]
    return Target(seeds, reading(folder / "a.json", present_tags), (InputError,), ("json",))


def _kind(name: str, inputs: int, open_: Callable[[Path], Target]) -> Kind:
    return Kind(name, inputs, open_, _CODE if name in _GUIDED else ())


_BOX = [80, 30, 120, 70]
_RING = [[[80, 30], [120, 30], [120, 70], [80, 70], [80, 30]]]
_FOUND = {"category": "1", "conf": 0.75, "bbox": [0.4, 0.3, 0.2, 0.4]}
_SAYS: dict[str, dict[str, object]] = {
    "detector": {
        "json/a.json": {"info": [{"class": "sign", "confidence": 0.75, "bbox": _BOX}], "model": {}},
        "json/b.json": {"info": []},
    },
    "platform": {
        "a.json": {"annotations": [{"id": 1, "shape": _BOX, "semantics": [], "score": 0.75}]}
    },
    "platform's answer": {
        "a.json": {
            "annotations": [
                {"shape": {"type": "Polygon", "coordinates": _RING}, "semantics": [], "score": 0.7}
            ]
        }
    },
    "coco results": {
        "truth.json": {
            "images": [{"id": 7, "file_name": "a.png", "width": 200, "height": 100}],
            "categories": [{"id": 1, "name": "sign"}],
            "annotations": [],
        },
        "results.json": [{"image_id": 7, "category_id": 1, "bbox": [80, 30, 40, 40], "score": 0.7}],
    },
    "megadetector": {
        "md.json": {
            "images": [
                {"file": "a.png", "detections": [_FOUND]},
                {"file": "b.png", "failure": "Failure image access"},
            ],
            "detection_categories": {"1": "sign"},
            "info": {"format_version": "1.4"},
        }
    },
    "yolo": {"txt/a.txt": "0 0.5 0.5 0.2 0.4 0.75\n"},
    "csv": {"x.csv": "file,x0,y0,x1,y1,confidence,track\na.png,80,30,120,70,0.75,t\n"},
}
_J, _L = ("json",), ("lines",)
_LAYOUTS: tuple[tuple[str, int, str, str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("CSV", 600, "csv_export", "csv", "train/_annotations.csv", _L, ("*.csv",)),
    ("GTSRB CSV", 400, "kaggle", "gtsrb", "Train.csv", _L, ()),
    ("GTSRB CSV of classes", 300, "belgium", "gtsrb", "Training/00014/GT-00014.csv", _L, ()),
    ("RTSD CSV", 600, "rtsd", "rtsd", "full-gt.csv", _L, ()),
    ("COCO", 800, "coco", "coco", "train/_annotations.coco.json", _J, ("*annot*.json",)),
    ("YOLO labels", 150, "yolo", "yolo", "train/labels/train.txt", _L, ("labels/*.txt",)),
    ("YOLO data.yaml", 150, "yolo", "yolo", "data.yaml", _L, ("data.yaml",)),
    ("darknet lists", 400, "darknet", "yolo", "train.txt", _L, ()),
    ("VOC XML", 800, "voc", "voc", "Annotations/a.xml", _L, ()),
    ("CVAT XML", 800, "cvat", "cvat", "annotations.xml", _L, ()),
    ("Label Studio JSON", 1_000, "label_studio", "label-studio", "export.json", _J, ()),
    ("TT100K JSON", 800, "tt100k", "tt100k", "annotations_all.json", _J, ()),
    ("Mapillary JSON", 800, "mapillary", "mapillary", "annotations/aB.json", _J, ()),
)
_DETECTIONS = (
    ("detector JSON", 1_000, "detector", "json/a.json", _J),
    ("platform JSON", 1_200, "platform", "a.json", _J),
    ("platform polygons", 1_200, "platform's answer", "a.json", _J),
    ("COCO results", 1_200, "coco results", "results.json", _J),
    ("MegaDetector", 1_200, "megadetector", "md.json", _J),
    ("YOLO boxes", 1_000, "yolo", "txt/a.txt", _L),
    ("CSV boxes", 1_200, "csv", "x.csv", _L),
)

KINDS = [
    *(
        _kind(f"annotations {name}", inputs, partial(_layout, make, layout, file, forms, more))
        for name, inputs, make, layout, file, forms, more in _LAYOUTS
    ),
    *(
        _kind(f"detections {name}", inputs, partial(_detections, kind, file, forms))
        for name, inputs, kind, file, forms in _DETECTIONS
    ),
    Kind("platform tags", 20_000, _platform_tags),
    Kind("workbook", 2_000, _sheet),
]
