"""Reads signs in whole frames from YOLO label files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.decode import UnreadableFile, picture_size
from raresign.crops.layouts.frames import check_margin, four_numbers, frame_table
from raresign.crops.layouts.labelling import BROKEN_BOXES, Box, BoxRow, sound_box, warn_of_skipped
from raresign.crops.layouts.listing import existing_folder, pictures_under
from raresign.errors import InputError
from raresign.files import read_text
from raresign.parsing import parse_yaml

_MOST_BYTES = 16 << 20
_MOST_DIGITS = 9
_NAMES_HINT = "give a text file with one class a line, or a data.yaml with names"


def from_yolo(
    root: str | Path, names: Sequence[str] | str | Path, catalogue: CodeBook, margin: float = 0.1
) -> CropTable:
    """Read YOLO labels: a text file a frame with lines `class cx cy width height` in 0 .. 1.

    The text file of `.../images/.../a.jpg` is `.../labels/.../a.txt` or stands beside the frame. A
    frame without one has no signs. Broken lines (not five numbers, zero area) are skipped and
    counted in a warning; so are frames that cannot be read.

    Source: "Ultralytics YOLO format", docs.ultralytics.com/datasets/detect.

    Args:
        root: The folder of frames and labels.
        names: Class codes in the order of the class numbers, or a file with one a line, or a
            data.yaml with `names`.
        catalogue: Knows the labels.
        margin: Each side of a box moves out by this share of the box's side.

    Returns:
        One row a box, ordered by frame. The boxes may reach over the frame; decoding clips them.

    Raises:
        InputError: The folder or the names are missing, a class number has no name, or no usable
            box is left.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> from types import SimpleNamespace
        >>> catalogue = SimpleNamespace(label_of=["1.1"].index)
        >>> root = Path(tempfile.mkdtemp())
        >>> Image.new("RGB", (100, 200)).save(root / "1.jpg")
        >>> _ = (root / "1.txt").write_text("0 0.5 0.5 0.2 0.1\\n")
        >>> from_yolo(root, ["1.1"], catalogue, margin=0.0).boxes.round(6).tolist()
        [[40.0, 90.0, 60.0, 110.0]]
    """
    check_margin(margin)
    root = existing_folder(root, "give the folder that holds frames and labels")
    codes = _class_names(Path(names)) if isinstance(names, (str, Path)) else list(names)
    rows: list[BoxRow] = []
    broken: list[str] = []
    unreadable: list[str] = []
    for frame in pictures_under(root):
        text = _label_file(frame)
        lines = _text_of(text).splitlines() if text else []
        cells_by_line = [(k, cells) for k, line in enumerate(lines, 1) if (cells := line.split())]
        if not cells_by_line:
            continue
        try:
            width, height = picture_size(frame)
        except UnreadableFile as error:
            unreadable.append(f"{frame.name} ({error.reason})")
            continue
        for number, cells in cells_by_line:
            box = _box_of_centre(cells[1:], width, height)
            if box is None or not _is_number(cells[0]):
                broken.append(f"{text}, line {number}")
            elif int(cells[0]) >= len(codes):
                raise InputError(
                    f"{text}, line {number}: class {cells[0]}, but there are {len(codes)} names",
                    "give the names that belong to these labels",
                )
            else:
                rows.append((frame, codes[int(cells[0])], box))
    warn_of_skipped(BROKEN_BOXES, broken, root)
    warn_of_skipped("frames that cannot be read", unreadable, root)
    return frame_table(rows, catalogue, margin, root, strict=False)


def _box_of_centre(values: Any, frame_width: int, frame_height: int) -> Box | None:
    """YOLO's cx, cy, width, height (shares of the frame) as a box in pixels, or None if broken."""
    numbers = four_numbers(values)
    if numbers is None:
        return None
    x, y, w, h = numbers
    left, right = (x - w / 2) * frame_width, (x + w / 2) * frame_width
    top, bottom = (y - h / 2) * frame_height, (y + h / 2) * frame_height
    return sound_box((left, top, right, bottom))


def _is_number(text: str) -> bool:
    """Whether a text is a class number; one of thousands of digits is none."""
    return text.isdecimal() and len(text) <= _MOST_DIGITS


def _text_of(labels: Path) -> str:
    """The text of a label file.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return read_text(labels, _MOST_BYTES, errors="replace")
    except OSError as error:
        raise InputError(f"cannot read {labels}: {error.strerror}", "mend or remove it") from error


def _label_file(frame: Path) -> Path | None:
    """The text file of a frame: in the twin folder `labels`, or beside it."""
    parts = list(frame.parts)
    if "images" in parts[:-1]:
        last = len(parts) - 2 - parts[-2::-1].index("images")
        parts[last] = "labels"
        twin = Path(*parts).with_suffix(".txt")
        if twin.is_file():
            return twin
    beside = frame.with_suffix(".txt")
    return beside if beside.is_file() else None


def _class_names(path: Path) -> list[str]:
    """Class codes from a text file with one a line, or from the `names` of a data.yaml."""
    try:
        text = read_text(path, _MOST_BYTES)
        is_yaml = path.suffix in (".yaml", ".yml")
        # Texts only: the class "1.10" must not become the number 1.1.
        content = parse_yaml(text, texts_only=True) if is_yaml else None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the class names of {path}: {error}", _NAMES_HINT) from error
    if not is_yaml:
        return [line.strip() for line in text.splitlines() if line.strip()]
    names = content.get("names") if isinstance(content, Mapping) else None
    if isinstance(names, Mapping) and all(
        str(key).isdecimal() and len(str(key)) <= _MOST_DIGITS for key in names
    ):
        by_number = {int(key): str(name) for key, name in names.items()}
        if sorted(by_number) == list(range(len(by_number))):
            return [by_number[number] for number in range(len(by_number))]
        names = None
    if not isinstance(names, list):
        raise InputError(f"{path} has no list 'names'", _NAMES_HINT)
    return [str(name) for name in names]
