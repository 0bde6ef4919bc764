"""Recognises in which layout real crops come, by the files that lie there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from raresign.crops.layouts.coco import is_coco
from raresign.crops.layouts.csv_layout import columns_problem
from raresign.crops.layouts.cvat import FILE as CVAT_FILE
from raresign.crops.layouts.foreign import LINES_OF_JSON, kind_of_label, tool_of_json
from raresign.crops.layouts.gtsrb import is_kaggle
from raresign.crops.layouts.label_studio import is_label_studio, is_label_studio_csv
from raresign.crops.layouts.listing import (
    CORRECTIONS,
    PICTURE_SUFFIXES,
    files_under,
    pictures_under,
)
from raresign.crops.layouts.mapillary import annotation_files, is_mapillary
from raresign.crops.layouts.reference_layout import TEST_FOLDER, TRAIN_FOLDER
from raresign.crops.layouts.rtsd import is_rtsd
from raresign.crops.layouts.text_files import read_json, read_text, read_xml
from raresign.crops.layouts.tt100k import FILES as TT100K_FILES
from raresign.crops.layouts.tt100k import is_tt100k
from raresign.crops.layouts.yolo_labels import NoLabel, parse_label
from raresign.crops.layouts.yolo_names import find_names
from raresign.errors import InputError
from raresign.files import NO_FILE
from raresign.language.spoken import _

_OWN = ("classes.json", "demo.json", "catalogue.json", CORRECTIONS)  # ours, not a layout's
_OURS = ("icons", "background_images", TEST_FOLDER)
_WITH_COLUMNS = "put a line such as path;x0;y0;x1;y1;class before it and call it .csv"
_OF_ONE_FILE = ("cvat", "tt100k", "label-studio", "mapillary")


def recognised(place: Path) -> tuple[str, Path, str]:
    """The layout of a file or folder, the path to give to its reader, and what it was seen by.

    The layout "" stands for a folder without anything of any layout.

    Raises:
        InputError: The path does not exist, or a file is of no layout that is known.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "cropped-train").mkdir()
        >>> recognised(folder)[0], recognised(folder)[2]
        ('reference', 'cropped-train')
    """
    if not place.exists():
        raise InputError(
            _("{file}: there is no such file or folder").format(file=place), _("check the path")
        )
    if place.is_dir():
        return _of_folder(place)
    if not place.is_file():
        raise InputError(
            _("cannot read {file}: {why}").format(file=place, why=_(NO_FILE)), _("check the path")
        )
    return _of_file(place)


def _of_file(place: Path) -> tuple[str, Path, str]:
    """The layout of one annotation file."""
    match place.suffix.lower():
        case ".csv" | ".tsv":
            return _csv_layout(place), place, place.name
        case ".json":
            return _json_layout(place, read_json(place)), place, place.name
        case ".xml":
            root = read_xml(place).tag
            return ("cvat" if root == "annotations" else "voc"), place, f"its root <{root}>"
        case ".yaml" | ".yml":
            return "yolo", place, place.name
        case ".txt" | ".names" | ".data":
            if problem := _list_problem(place):
                raise InputError(problem, _WITH_COLUMNS)
            return "yolo", place.parent, place.name
    lines = place.suffix.lower() in LINES_OF_JSON
    what = "has a JSON a line, as SageMaker and Labelbox write it, and is not read"
    raise InputError(
        f"{place} {what if lines else 'is no annotation file that is known'}",
        "give a CSV, a JSON or XML of annotations, a data.yaml or a folder",
    )


def _csv_layout(place: Path) -> str:
    if is_kaggle(place):
        return "gtsrb"
    if is_label_studio_csv(place):
        return "label-studio"
    return "rtsd" if is_rtsd(place) else "csv"


def _json_layout(place: Path, content: Any) -> str:
    """The layout of a JSON file by its keys."""
    if is_tt100k(content):
        return "tt100k"
    if is_coco(content):
        return "coco"
    if is_mapillary(content):
        return "mapillary"
    if is_label_studio(content):
        return "label-studio"
    tool, remedy = tool_of_json(content)
    if tool:
        raise InputError(f"{place} is {tool}, which is not read", remedy)
    keys = ", ".join(map(str, list(content)[:6])) if isinstance(content, dict) else "a list"
    if isinstance(content, list) and content and isinstance(content[0], dict):
        keys = f"a list of objects with {', '.join(map(str, list(content[0])[:6]))}"
    raise InputError(
        f"{place} is no annotation file that is known: it has {keys or 'nothing'}",
        "give COCO, TT100K, Mapillary or Label Studio, or say which with --layout",
    )


def _of_folder(place: Path) -> tuple[str, Path, str]:
    """The layout of a folder."""
    if (place / TRAIN_FOLDER).is_dir():
        return "reference", place, TRAIN_FOLDER
    problems: list[str] = []
    files = [file for file in sorted(place.iterdir()) if file.is_file()]
    seen_by = [_by_one(file, problems) for file in files]
    if told := sorted(filter(None, seen_by), key=lambda found: found[0] == "csv"):
        return told[0]  # any CSV may name pictures: what is more particular comes first
    if (place / "annotations").is_dir() and _is_mapillary(place):
        return "mapillary", place, "one JSON a picture in annotations"
    if names := _yolo_names(place):
        return "yolo", place, names.name
    for file in files_under(place, (".csv", ".json", ".xml")):
        inside = file.relative_to(place)
        if inside.parts[0] in _OURS or file.name in _OWN:
            continue
        if file.name.startswith("GT-"):
            return "gtsrb", place, str(inside)
        if (found := _by_one(file, problems)) is not None:
            layout, path = found[:2]
            return layout, path if layout in _OF_ONE_FILE else place, str(inside)
    if (place / TEST_FOLDER).is_dir():
        return "icons", place, f"{TEST_FOLDER}, without {TRAIN_FOLDER}"
    folders = [path for path in place.iterdir() if path.is_dir() and not path.name.startswith(".")]
    seen = [path.name for path in folders if path.name not in _OURS and _holds_pictures(path)]
    if seen:
        _refuse_labels(place, folders)
        return "folders", place, f"folders of pictures: {', '.join(sorted(seen)[:4])}"
    texts = [file for file in files if file.suffix.lower() == ".txt"]
    problems += filter(None, map(_list_problem, texts))
    problems += [
        f"{file} has a JSON a line, and is not read" for file in files_under(place, LINES_OF_JSON)
    ]
    return "", place, f"nothing else can be read: {problems[0]}" if problems else "nothing else"


def _list_problem(text: Path) -> str:
    """Why a text with a picture and numbers a line, such as GTSDB's gt.txt, is not read."""
    line = read_text(text, other_bytes=True)[:2000].strip().partition("\n")[0]
    first, *cells = re.split(r"[;,\s]+", line)
    if len(cells) < 4 or first.lower().rpartition(".")[2] not in PICTURE_SUFFIXES:
        return ""
    return f"{text} has no line of column names, it begins with {line[:60]}"


def _refuse_labels(place: Path, folders: list[Path]) -> None:
    """Refuse folders of pictures with a file of labels each: they are no class folders.

    Raises:
        InputError: At least half of the pictures have one.
    """
    pictures = [
        path for folder in folders if folder.name not in _OURS for path in pictures_under(folder)
    ]
    stems = {path.stem for path in pictures}
    inside = [
        file for file in files_under(place, (".txt", ".json", ".xml")) if file.parent != place
    ]
    labels = [file for file in inside if file.stem.partition(".")[0] in stems or file.stem in stems]
    if 2 * len({file.stem for file in labels}) < len(stems) or not labels:
        return
    remedy = "; if these are crops of one sign each in class folders: --layout folders"
    what, hint = _unread_label(labels[0])
    raise InputError(
        f"{place} has a file of labels for each picture; {labels[0]} {what}", hint + remedy
    )


def _unread_label(file: Path) -> tuple[str, str]:
    """Why one file of labels was not read, and what to do."""
    convert = "export COCO, YOLO or Pascal VOC"
    if file.suffix.lower() != ".txt":
        try:
            _told_by(file)
        except InputError as error:
            return f"cannot be used ({error.problem})", error.hint or convert
        return "is of no kind that is known", convert
    line = read_text(file, other_bytes=True)[:2000].strip().partition("\n")[0]
    if kind := kind_of_label(line):
        return f"is {kind}, which is not read", convert
    try:
        parse_label(line or "?", {})
    except NoLabel:
        return f"is of no kind that is known: {line[:60]}", convert
    except KeyError:
        pass
    return (
        "is a YOLO label, but there are no class names",
        "put a data.yaml with names or a classes.txt with one class a line beside the folders",
    )


def _by_one(file: Path, problems: list[str]) -> tuple[str, Path, str] | None:
    """The layout of a folder that one file in it tells, if it does and can be read."""
    try:
        found = _told_by(file)
        if found is None and file.suffix.lower() == ".csv" and not _is_own(file):
            problems.append(columns_problem(file))
        return found
    except InputError as error:
        problems.append(error.problem)
        return None


def _told_by(file: Path) -> tuple[str, Path, str] | None:
    """As `_by_one`; InputError if the file cannot be read or is of no layout."""
    name, suffix = file.name.lower(), file.suffix.lower()
    if _is_own(file):
        return None
    if suffix == ".csv":
        if name.startswith("gt-"):
            return "gtsrb", file.parent, file.name
        layout = _csv_layout(file)
        if layout == "csv" and columns_problem(file):
            return None
        return layout, file if layout == "label-studio" else file.parent, file.name
    if suffix == ".json":
        if name in TT100K_FILES and is_tt100k(read_json(file)):
            return "tt100k", file, file.name
        layout = _json_layout(file, read_json(file))
        whole = layout == "coco"  # all COCO files of a folder are read together
        parent = layout == "mapillary"
        return layout, file.parent if whole or parent else file, file.name
    if suffix == ".xml":
        root = read_xml(file).tag
        if root == "annotations" and name == CVAT_FILE:
            return "cvat", file, file.name
        return ("voc", file.parent, file.name) if root == "annotation" else None
    return None


def _is_own(file: Path) -> bool:
    """Whether a file belongs to a data folder of ours, or is hidden."""
    name = file.name.lower()
    return name in (*_OWN, "names.csv", "smalltest_annotations.csv") or name.startswith(".")


def _is_mapillary(place: Path) -> bool:
    files = annotation_files(place)
    return bool(files) and is_mapillary(read_json(files[0]))


def _yolo_names(place: Path) -> Path | None:
    """The file of class names, if the folder holds YOLO labels."""
    labelled = (place / "labels").is_dir() or next(iter(files_under(place, (".txt",))), None)
    if not labelled:
        return None
    try:
        return find_names(place)
    except InputError:
        return None


def _holds_pictures(folder: Path) -> bool:
    """Whether a folder, or one below it, holds a picture."""
    return any(
        path.suffix.lower()[1:] in PICTURE_SUFFIXES and not path.name.startswith(".")
        for path in folder.rglob("*")
    )
