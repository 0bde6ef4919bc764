"""Reads the ground truth of RTSD, the Russian Traffic Sign Dataset: frames and their signs."""

from __future__ import annotations

from pathlib import Path

from raresign.crops.crop_table import CodeBook
from raresign.crops.layouts.annotated_crops import LayoutCrops, annotated_crops
from raresign.crops.layouts.class_matching import dotted_spellings
from raresign.crops.layouts.csv_file import csv_header
from raresign.crops.layouts.csv_layout import csv_annotations
from raresign.crops.layouts.frame_files import FrameFiles
from raresign.crops.layouts.listing import files_under
from raresign.crops.layouts.split_names import split_of_parts
from raresign.errors import InputError

COLUMNS = frozenset({"x_from", "y_from", "width", "height", "sign_class"})


def is_rtsd(csv: Path) -> bool:
    """Whether a CSV has the columns of RTSD's ground truth."""
    return set(csv_header(csv)) >= COLUMNS


def read_rtsd(place: Path, catalogue: CodeBook, strict: bool = False) -> LayoutCrops:
    """Read `filename,x_from,y_from,width,height,sign_class,sign_id`, frames anywhere below.

    A class `3_24_n40` is the code 3.24.n40 where the catalogue writes it so. Files whose names or
    folders say train or test (`train_gt.csv`) are kept apart. Boxes are widened by 10 %.

    Source: Shakhuro and Konushin, "Russian traffic sign images dataset", Computer Optics 40, 2016.

    Args:
        place: The CSV, or a folder with CSV files of this form.
        catalogue: Knows the labels.
        strict: Frames that do not exist are an error.

    Raises:
        InputError: There is no such CSV, or no usable sign in it.
    """
    folder = place if place.is_dir() else place.parent
    files = files_under(place, (".csv",)) if place.is_dir() else [place]
    files = [file for file in files if is_rtsd(file)]
    if not files:
        raise InputError(
            f"{place}: there is no CSV with the columns filename, {', '.join(sorted(COLUMNS))}",
            "give RTSD's ground truth, such as full-gt.csv",
        )
    frames = FrameFiles(folder, *([] if place.is_dir() else _beside(folder)))
    parts = []
    for file in files:
        inside = file.relative_to(folder) if place.is_dir() else Path(file.name)
        split = split_of_parts([*inside.parts[:-1], inside.stem]) if len(files) > 1 else ""
        parts.append(csv_annotations(file, frames, split))
    return annotated_crops(parts, place, catalogue, strict, spellings=dotted_spellings)


def _beside(folder: Path) -> list[Path]:
    """Folders of frames beside that of the CSV."""
    names = ("rtsd-frames", "frames", "images")
    return [folder.parent / name for name in names if (folder.parent / name).is_dir()]
