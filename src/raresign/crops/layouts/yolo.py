"""Reads signs in whole frames from YOLO label files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from raresign.crops.crop_table import CodeBook, CropTable
from raresign.crops.layouts.annotated_crops import LayoutCrops, annotated_crops, check_margin
from raresign.crops.layouts.annotation import Annotation, Annotations
from raresign.crops.layouts.class_matching import number_spellings
from raresign.crops.layouts.listing import existing_folder, files_under, pictures_under
from raresign.crops.layouts.split_names import Split
from raresign.crops.layouts.text_files import read_text
from raresign.crops.layouts.yolo_labels import NoLabel, parse_label
from raresign.crops.layouts.yolo_names import (
    NAMES_FILES,
    class_names,
    find_names,
    missing_name,
    read_yaml,
)
from raresign.crops.layouts.yolo_splits import declared_splits
from raresign.errors import InputError

_NO_LABELS = {*NAMES_FILES, "train.txt", "val.txt", "valid.txt", "test.txt", "notes.txt"}


def from_yolo(
    root: str | Path, names: Sequence[str] | str | Path, catalogue: CodeBook, margin: float = 0.1
) -> CropTable:
    """Read YOLO labels: a text file a frame with lines `class cx cy width height` in 0 .. 1.

    The text file of `.../images/.../a.jpg` is `.../labels/.../a.txt` or stands beside the frame. A
    frame without one has no signs. A polygon counts by its extent (see `parse_label`). Lines that
    are no labels are left out and counted in a warning, which shows the first of them; so are
    frames that cannot be read. All frames are returned, whatever part a data.yaml gives them to.

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
    frames = pictures_under(root)
    given = _annotations(root, frames, class_names(names), dict.fromkeys(frames, ""))
    return annotated_crops([given], root, catalogue, False, margin, number_spellings).training


def read_yolo(place: Path, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
    """Read a folder of frames and labels, or the data.yaml of one, its parts kept apart.

    The class names are looked for in a data.yaml, `classes.txt` or `obj.names`, in the folder, in
    its `labels` or one above.

    Raises:
        InputError: As `from_yolo`.
    """
    root = existing_folder(
        place.parent if place.is_file() else place, "give the folder that holds frames and labels"
    )
    names_file = place if place.is_file() else find_names(root)
    is_yaml = names_file.suffix.lower() in (".yaml", ".yml")
    content = read_yaml(names_file) if is_yaml else {}
    data = root / str(content.get("path") or ".")
    if place.is_file() and data.is_dir() and not data.resolve().is_relative_to(root.resolve()):
        root = data  # Ultralytics keeps its YAML files apart from the data
    frames = pictures_under(root)
    if place.is_file() or names_file.parent in (root, root / "labels"):
        splits = declared_splits(root, content or _darknet(root), frames)
    else:  # a part of a larger folder was given: it is what the user says it is
        splits = dict.fromkeys(frames, "")
    points = "kpt_shape" in content
    given = _annotations(root, frames, class_names(names_file), splits, points)
    return annotated_crops([given], root, catalogue, strict, spellings=number_spellings)


def _darknet(root: Path) -> Mapping[str, str]:
    """The parts that train.txt and the like name where there is no data.yaml."""
    files = {"train": "train.txt", "val": "val.txt", "test": "test.txt"}
    found = {key: name for key, name in files.items() if (root / name).is_file()}
    return found if (root / "train.txt").is_file() else {}


def _annotations(
    root: Path,
    frames: Sequence[Path],
    names: Mapping[int, str],
    splits: Mapping[Path, Split],
    points: bool = False,
) -> Annotations:
    """The signs of all frames, and what is left out of them."""
    given = Annotations(root, "centre", "shares")
    used: set[Path] = set()
    for frame in frames:
        text = _label_file(frame)
        if text is None:
            continue
        used.add(text)
        try:
            lines = read_text(text).splitlines()
        except InputError as error:
            given.left.add("label files that cannot be read", error.problem)
            continue
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"{text.relative_to(root)}, line {number}"
            try:
                name, box = parse_label(line, names, points)
            except NoLabel as error:
                given.left.add(f"no YOLO label: {error}", f"{where}: {line.strip()[:60]}")
                continue
            except KeyError as error:
                raise missing_name(str(error)[:20], names, f"{text}, line {number}") from error
            if frame not in splits:
                given.left.add("of frames that the data.yaml gives to no part", where)
            else:
                given.rows.append(Annotation(frame, name, box, where, split=splits[frame]))
    for text in files_under(root, (".txt",)):
        if text not in used and _looks_like_labels(text, names):
            given.left.add("label files without a frame", text)
    return given


def _looks_like_labels(text: Path, names: Mapping[int, str]) -> bool:
    """Whether the first line of a text is a label."""
    if text.name.lower() in _NO_LABELS or text.name.lower().startswith("readme"):
        return False
    try:
        first_line = read_text(text, other_bytes=True)[:2000].partition("\n")[0]
        parse_label(first_line.strip() or "?", names)
    except (InputError, NoLabel):
        return False
    except KeyError:
        return True
    return True


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
