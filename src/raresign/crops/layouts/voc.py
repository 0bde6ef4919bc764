"""Reads Pascal VOC: one XML a picture, as CVAT, Roboflow, Label Studio and LabelImg write it."""

from __future__ import annotations

from pathlib import Path

from raresign.crops.crop_table import CodeBook
from raresign.crops.layouts.annotated_crops import LayoutCrops, annotated_crops
from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.listing import files_under
from raresign.crops.layouts.split_names import Split, split_of, split_of_parts
from raresign.crops.layouts.text_files import read_text, read_xml
from raresign.errors import InputError

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_voc(place: Path, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
    """Read `Annotations/*.xml` with `JPEGImages`, or files beside the pictures.

    `ImageSets/Main/train.txt` and folders called train, valid or test keep the parts apart.

    Source: Everingham et al., "The Pascal visual object classes challenge", IJCV 2010.

    Raises:
        InputError: There is no such XML, or no usable sign.
    """
    files = [place] if place.is_file() else files_under(place, (".xml",))
    root = place.parent if place.is_file() else place
    if not files:
        raise InputError(f"{place} holds no XML", "give the folder of Annotations and JPEGImages")
    lists = _lists(root)
    given = Annotations(place, "corners")
    frames = FrameFiles(root, *([root.parent] if root.name.lower() == "annotations" else []))
    for file in files:
        tree = read_xml(file)
        if tree.tag != "annotation":
            given.left.add("an XML that is no annotation", file)
            continue
        name = tree.findtext("filename") or file.stem
        inside = file.relative_to(root)
        path = frames.find(str(inside.parent / name))
        split = lists.get(file.stem) or split_of_parts(inside.parts[:-1])
        sides = [tree.findtext(f"size/{side}") or "" for side in ("width", "height")]
        stated = (float(sides[0]), float(sides[1])) if all(map(str.isdecimal, sides)) else None
        for number, row in enumerate(tree.iter("object")):
            where = f"{inside}, object {number}"
            box = row.find("bndbox")
            if box is None:
                given.left.add("without a box", where)
                continue
            numbers = tuple(box.findtext(corner) for corner in _CORNERS)
            label = (row.findtext("name") or "").strip()
            given.rows.append(Annotation(path, label, numbers, where, stated, split))
    return annotated_crops([given], place, catalogue, strict)


def _lists(root: Path) -> dict[str, Split]:
    """The part of each picture by ImageSets/Main."""
    folder = root / "ImageSets" / "Main"
    found: dict[str, Split] = {}
    for file in sorted(folder.glob("*.txt")) if folder.is_dir() else []:
        if split := split_of(file.stem):
            for line in read_text(file).splitlines():
                if line.strip():
                    found[line.split()[0]] = split
    return found
