"""Reads signs in whole frames from COCO annotation files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.layouts.annotated_crops import LayoutCrops, annotated_crops, check_margin
from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.listing import existing_folder, files_under
from raresign.crops.layouts.split_names import Split, split_of, split_of_parts
from raresign.crops.layouts.text_files import read_json
from raresign.crops.layouts.turned_box import extent
from raresign.errors import InputError

_HINT = "a COCO file has images (id, file_name), categories (id, name) and annotations"
_LISTS = ("images", "categories", "annotations")
_ANNOTATION_FOLDERS = ("annotations", "annotation", "labels", "json")


def from_coco(
    json_file: str | Path,
    images: str | Path,
    catalogue: CodeBook,
    margin: float = 0.1,
    strict: bool = False,
) -> CropTable:
    """Read the boxes of a COCO annotation file; the category name is the class code.

    Annotations without a usable box are left out and counted in a warning, with their ids; where
    there is a polygon alone, its extent is the box. Crowd
    regions are left out, too, unless all annotations are marked so, as CVAT marks its masks. The
    boxes are checked against the pictures (see `checked_boxes`).

    Source: "COCO data format", cocodataset.org: `bbox` is x, y, width, height in pixels.

    Args:
        json_file: The annotations: `images`, `annotations`, `categories`.
        images: The folder that `file_name` is relative to.
        catalogue: Knows the labels.
        margin: Each side of a box moves out by this share of the box's side.
        strict: Frames that do not exist are an error.

    Returns:
        One row a box, ordered by frame. The boxes may reach over the frame; decoding clips them.

    Raises:
        InputError: The file is missing, is not valid JSON (line and column) or not COCO, or no
            usable box is left.

    Example:
        >>> import tempfile
        >>> import json
        >>> from PIL import Image
        >>> from types import SimpleNamespace
        >>> catalogue = SimpleNamespace(label_of=["1.1"].index)
        >>> root = Path(tempfile.mkdtemp())
        >>> Image.new("RGB", (100, 80)).save(root / "1.jpg")
        >>> _ = (root / "a.json").write_text(json.dumps({
        ...     "images": [{"id": 7, "file_name": "1.jpg"}],
        ...     "categories": [{"id": 3, "name": "1.1"}],
        ...     "annotations": [{"image_id": 7, "category_id": 3, "bbox": [10, 20, 10, 20]}]}))
        >>> from_coco(root / "a.json", root, catalogue).boxes.tolist()
        [[9.0, 18.0, 21.0, 42.0]]
    """
    check_margin(margin)
    json_file = Path(json_file)
    images = existing_folder(images, "give the folder of the frames")
    part = coco_annotations(json_file, FrameFiles(images), declared=False)
    return annotated_crops([part], json_file, catalogue, strict, margin).training


def read_coco(place: Path, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
    """Read a COCO file, or all of a folder: `train/_annotations.coco.json`, `instances_val.json`.

    Pictures lie beside the file, below it, or, if its folder is called `annotations`, beside that.
    Folders, names of files and folders in `file_name` that say train, val or test are kept apart.

    Raises:
        InputError: As `from_coco`, or a folder without a COCO file.
    """
    if not place.is_dir():
        return annotated_crops([coco_annotations(place, _frames(place))], place, catalogue, strict)
    files = [file for file in files_under(place, (".json",)) if is_coco(read_json(file))]
    if not files:
        raise InputError(f"{place} holds no COCO file", _HINT)
    parts = []
    for file in files:
        inside = file.relative_to(place)
        split = split_of_parts([*inside.parts[:-1], inside.stem]) if len(files) > 1 else ""
        parts.append(coco_annotations(file, _frames(file, place), split))
    return annotated_crops(parts, place, catalogue, strict)


def is_coco(content: Any) -> bool:
    """Whether the value of a JSON file is a COCO file's."""
    return isinstance(content, dict) and {"images", "annotations"} <= content.keys()


def _frames(file: Path, *more: Path) -> FrameFiles:
    """The pictures of a COCO file."""
    if file.parent.name.lower() in _ANNOTATION_FOLDERS:
        more = (file.parent.parent, *more)
    return FrameFiles(file.parent, *more)


def coco_annotations(
    file: Path, frames: FrameFiles, split: Split = "", declared: bool = True
) -> Annotations:
    """The signs of a COCO file.

    Args:
        file: The file.
        frames: Finds its pictures.
        split: The part that its name declares.
        declared: Whether parts that the pictures' own folders declare are kept.

    Raises:
        InputError: It is no COCO file.
    """
    content = read_json(file)
    first = content[0] if isinstance(content, list) and content else None
    if isinstance(first, dict) and "image_id" in first:
        raise InputError(
            f"{file} is a list of COCO results, without images and categories",
            "give the file of the annotations",
        )
    if not isinstance(content, dict):
        raise InputError(f"{file} holds a {type(content).__name__}, not an object", _HINT)
    images, categories, annotations = (_list_of(content, key, file) for key in _LISTS)
    by_id = {str(row["id"]): row for row in _with_keys(images, ("id", "file_name"), "image", file)}
    codes = {
        str(row["id"]): str(row["name"])
        for row in _with_keys(categories, ("id", "name"), "category", file)
    }
    _check_ids(images, categories, annotations, file)
    given = Annotations(file, "size")
    crowds = sum(_is_crowd(row) for row in annotations if isinstance(row, Mapping))
    all_crowd = 0 < crowds == len(annotations)
    for number, row in enumerate(annotations):
        _add(given, row, number, by_id, codes, frames, split, declared, all_crowd)
    if all_crowd:
        given.left.note(f"all {crowds} annotations are iscrowd, so their boxes are used")
    return given


def _add(
    given: Annotations,
    row: Any,
    number: int,
    images: Mapping[str, Mapping[str, Any]],
    codes: Mapping[str, str],
    frames: FrameFiles,
    split: Split,
    declared: bool,
    crowds_too: bool,
) -> None:
    """Add one annotation, or the reason why it is left out."""
    left = given.left
    if not isinstance(row, Mapping):
        left.add("it is no object", f"annotation number {number}")
        return
    where = f"annotation {row.get('id', f'number {number}')}"
    image = images.get(str(row.get("image_id")))
    box = row.get("bbox") or _outline(row.get("segmentation"))
    if _is_crowd(row) and not crowds_too:
        left.add("marked iscrowd, a group or a mask", where)
    elif image is None:
        left.add("of an image that is not listed", f"{where}: image {row.get('image_id')}")
    elif not box:
        left.add("without a box", where)
    elif "category_id" not in row:
        left.add("without a category_id", where)
    else:
        category = str(row["category_id"])
        name = str(image["file_name"])
        path = frames.find(name)
        own: Split = ""
        if declared:
            own = split_of(str(image.get("split", "")))
            own = own or split_of_parts(Path(name.replace("\\", "/")).parts[:-1])
            own = own or split_of_parts(frames.inside(path).parts[:-1])
        given.rows.append(
            Annotation(
                path,
                codes.get(category, f"category {category}"),
                tuple(box) if isinstance(box, Sequence) and not isinstance(box, str) else (box,),
                where,
                _size(image),
                split or own,
                _number(row.get("area")),
            )
        )


def _check_ids(
    images: Sequence[Any], categories: Sequence[Any], annotations: Sequence[Any], file: Path
) -> None:
    """Refuse ids that stand for two things, and categories that are one off.

    Raises:
        InputError: Signs would get pictures or classes that are not theirs.
    """
    for rows, what, key in ((images, "images", "file_name"), (categories, "categories", "name")):
        seen: dict[str, str] = {}
        for row in rows:
            other = seen.setdefault(str(row["id"]), str(row[key]))
            if other != str(row[key]):
                raise InputError(
                    f"{file}: two {what} have the id {row['id']}: {other} and {row[key]}",
                    "give each its own id, as the annotations mean it",
                )
    listed = {str(row["id"]) for row in categories}
    used = {str(row["category_id"]) for row in annotations if _has_category(row)}
    numbers = {int(text) for text in listed | used if text.isdecimal() and len(text) < 10}
    if used - listed == {"0"} and len(numbers) > 2 and str(max(numbers)) not in used:
        raise InputError(
            f"{file}: annotations count categories from 0, the list of categories from 1",
            "add 1 to every category_id of the annotations",
        )


def _has_category(row: Any) -> bool:
    return isinstance(row, Mapping) and "category_id" in row


def _outline(polygons: Any) -> tuple[float, ...] | None:
    """x, y, width, height round polygons `[[x, y, x, y, ...], ...]`, None if they are none."""
    try:
        points = [
            (float(x), float(y))
            for polygon in polygons
            for x, y in zip(polygon[::2], polygon[1::2], strict=True)
        ]
    except (TypeError, ValueError, KeyError, OverflowError):
        return None
    if not points:
        return None
    x0, y0, x1, y1 = extent(points)
    return x0, y0, x1 - x0, y1 - y0


def _is_crowd(row: Mapping[str, Any]) -> bool:
    """`iscrowd`, which some write as a text."""
    return str(row.get("iscrowd", 0)).strip().lower() not in ("0", "0.0", "false", "none", "")


def _size(image: Mapping[str, Any]) -> tuple[float, float] | None:
    """Width and height that are stated for a picture."""
    width, height = _number(image.get("width")), _number(image.get("height"))
    return (width, height) if width and height else None


def _number(value: object) -> float:
    """A number, 0 if it is none."""
    try:
        return float(str(value))
    except ValueError:
        return 0.0


def _list_of(content: Mapping[str, Any], key: str, file: Path) -> list[Any]:
    if key not in content:
        raise InputError(f"{file} lacks the key '{key}'", _HINT)
    if not isinstance(content[key], list):
        raise InputError(f"{file} is not a COCO file: '{key}' is no list", _HINT)
    return list(content[key])


def _with_keys(
    rows: Sequence[Any], keys: Sequence[str], what: str, file: Path
) -> list[Mapping[str, Any]]:
    """The rows as objects that have these keys."""
    for number, row in enumerate(rows):
        lacks = [key for key in keys if not isinstance(row, Mapping) or key not in row]
        if lacks:
            which = row.get("id", f"number {number}") if isinstance(row, Mapping) else number
            raise InputError(f"{file}: the {what} {which} lacks the key '{lacks[0]}'", _HINT)
    return list(rows)
