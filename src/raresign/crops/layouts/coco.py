"""Reads signs in whole frames from a COCO annotation file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.layouts.frames import check_margin, four_numbers, frame_table
from raresign.crops.layouts.labelling import BROKEN_BOXES, Box, BoxRow, sound_box, warn_of_skipped
from raresign.crops.layouts.listing import existing_folder
from raresign.errors import InputError
from raresign.signs.catalogue.classes_file import json_object

_COCO_HINT = "a COCO file has images (id, file_name), categories (id, name) and annotations"


def from_coco(
    json_file: str | Path,
    images: str | Path,
    catalogue: CodeBook,
    margin: float = 0.1,
    strict: bool = False,
) -> CropTable:
    """Read the boxes of a COCO annotation file; the category name is the class code.

    Broken boxes (zero area, no numbers, of a frame that is not listed) are skipped and counted in
    a warning, crowd regions are left out.

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
        >>> from types import SimpleNamespace
        >>> catalogue = SimpleNamespace(label_of=["1.1"].index)
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "1.jpg").touch()
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
    content = json_object(json_file, _COCO_HINT)
    try:
        files = {frame["id"]: str(frame["file_name"]) for frame in content["images"]}
        codes = {category["id"]: str(category["name"]) for category in content["categories"]}
        rows: list[BoxRow] = []
        broken: list[str] = []
        for number, annotation in enumerate(content["annotations"]):
            if annotation.get("iscrowd"):
                continue
            category = annotation["category_id"]
            box = _box_of_corner(annotation["bbox"])
            frame = files.get(annotation["image_id"])
            if box is None or frame is None:
                broken.append(f"annotation {annotation.get('id', f'number {number}')}")
            else:
                rows.append((images / frame, codes.get(category, f"category {category}"), box))
    except KeyError as error:
        raise InputError(f"{json_file} lacks the key {error} somewhere", _COCO_HINT) from error
    except (TypeError, AttributeError) as error:
        raise InputError(f"{json_file} is not a COCO file: {error}", _COCO_HINT) from error
    warn_of_skipped(BROKEN_BOXES, broken, json_file)
    return frame_table(rows, catalogue, margin, json_file, strict)


def _box_of_corner(values: Any) -> Box | None:
    """COCO's x, y, width, height as a box, or None if broken."""
    numbers = four_numbers(values)
    if numbers is None:
        return None
    x, y, width, height = numbers
    return sound_box((x, y, x + width, y + height))
