"""Reads CVAT's own export, `annotations.xml`: boxes, polygons and masks of images or of a video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from raresign.crops.crop_table import CodeBook
from raresign.crops.layouts.annotated_crops import LayoutCrops, annotated_crops
from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.split_names import split_of, split_of_parts
from raresign.crops.layouts.text_files import read_xml
from raresign.crops.layouts.turned_box import Box, extent, turned_extent
from raresign.errors import InputError

FILE = "annotations.xml"
_SHAPES = ("box", "polygon", "polyline", "points", "ellipse", "mask", "tag")


def read_cvat(place: Path, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
    """Read "CVAT for images 1.1" or "CVAT for video 1.1"; `subset` names the part.

    A polygon, an ellipse, a mask and a turned box count by their extent; a tag is the class of the
    whole picture. Pictures are looked for beside the file and below; the frame 7 of a video is
    called `frame_000007`.

    Source: "CVAT XML annotation format", docs.cvat.ai.

    Raises:
        InputError: There is no such file, it is no XML of CVAT, or it has no usable sign.
    """
    file = place / FILE if place.is_dir() else place
    root = read_xml(file)
    if root.tag != "annotations":
        raise InputError(f"{file} is no CVAT file: its root is <{root.tag}>", f"give {FILE}")
    given = Annotations(file, "corners")
    frames = FrameFiles(file.parent)
    for image in root.iter("image"):
        name = image.get("name", "")
        subset = split_of(image.get("subset", ""))
        split = subset or split_of_parts(Path(name.replace("\\", "/")).parts[:-1])
        for number, shape in enumerate(_shapes(image)):
            where = f"image {name}, {shape.tag} {number}"
            row = _row(shape, shape.get("label", ""), where, frames.find(name), given)
            if row is not None:
                size = _size(image)
                given.rows.append(Annotation(*row, stated=size, split=split))
    size = _size(root.find(".//original_size"))
    for track in root.iter("track"):
        for shape in _shapes(track):
            if shape.get("outside") == "1":
                continue
            frame = shape.get("frame", "")
            number = int(frame) if frame.isdecimal() and len(frame) < 10 else 0
            where = f"track {track.get('id')}, frame {number}"
            path = frames.find(f"frame_{number:06d}")
            row = _row(shape, track.get("label", ""), where, path, given)
            if row is not None:
                given.rows.append(Annotation(*row, stated=size))
    return annotated_crops([given], file, catalogue, strict)


def _shapes(parent: Element) -> Iterator[Element]:
    return (shape for shape in parent if shape.tag in _SHAPES)


def _size(element: Element | None) -> tuple[float, float] | None:
    """Stated width and height, as attributes or as elements."""
    if element is None:
        return None
    sides = [element.get(key) or element.findtext(key) or "" for key in ("width", "height")]
    return (float(sides[0]), float(sides[1])) if all(map(str.isdecimal, sides)) else None


def _row(
    shape: Element, label: str, where: str, path: Path, given: Annotations
) -> tuple[Path, str, Box | None, str] | None:
    """What a shape says, None if it shows no sign."""
    if shape.tag in ("points", "polyline"):
        given.left.add(f"a {shape.tag}, which has no area", where)
        return None
    try:
        box = None if shape.tag == "tag" else _box(shape)
    except (ValueError, TypeError, KeyError):
        given.left.add("a shape without its numbers", where)
        return None
    return path, label, box, where


def _box(shape: Element) -> Box:
    """The extent of a shape."""
    if shape.tag == "polygon":
        pairs = [pair.split(",") for pair in shape.attrib["points"].split(";") if pair]
        return extent([(float(x), float(y)) for x, y in pairs])
    if shape.tag == "mask":
        x, y, w, h = (float(shape.attrib[key]) for key in ("left", "top", "width", "height"))
        return x, y, x + w, y + h
    if shape.tag == "ellipse":
        x, y, rx, ry = (float(shape.attrib[key]) for key in ("cx", "cy", "rx", "ry"))
        box = x - rx, y - ry, x + rx, y + ry
    else:
        x0, y0, x1, y1 = (float(shape.attrib[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
        box = x0, y0, x1, y1
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return turned_extent(box, float(shape.get("rotation", "0")), middle)
