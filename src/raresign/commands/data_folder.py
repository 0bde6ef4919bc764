"""What the user points at: a data folder with a catalogue, real crops, test crops, backgrounds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from raresign.crops.backgrounds import load_backgrounds
from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.coco import from_coco
from raresign.crops.layouts.gtsrb import from_gtsrb
from raresign.crops.layouts.plain_layouts import from_csv, from_folders
from raresign.crops.layouts.reference_layout import from_reference, from_reference_test
from raresign.crops.layouts.yolo import from_yolo
from raresign.errors import InputError
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.drawings import STANDARDS, standard
from raresign.signs.countries.drawn_folder import drawn_catalogue, drawn_icons, joined_icons
from raresign.simulated.backgrounds import procedural_backgrounds

LAYOUTS = ("reference", "icons", "folders", "csv", "gtsrb", "coco", "yolo")
OWN_AND = "own+"
"""Before the name of a standard: one's own icons first, its drawings as their variants."""
_MOST = 0.8
"""Share of the class codes that a standard must draw before its drawings join unasked."""
PROCEDURAL = 60
"""Backgrounds that are made where a data folder has none."""


@dataclass(frozen=True)
class DataFolder:
    """An opened data folder.

    Args:
        root: The folder.
        catalogue: Its classes and icons.
        training: Real crops; may be empty.
        test: Test crops, None if the folder has none.
        simulated: Whether its photos are simulated, as the embedded demonstration's are.
    """

    root: Path
    catalogue: SignCatalogue
    training: CropTable
    test: CropTable | None
    simulated: bool = False

    def backgrounds(self) -> Sequence[np.ndarray]:
        """(H, W, 3) uint8 photos of `background_images`, procedural pictures where it is absent."""
        folder = self.root / "background_images"
        if folder.is_dir():
            return load_backgrounds(folder)
        return procedural_backgrounds(PROCEDURAL, seed=0)


def open_data(
    root: str | Path,
    crops: str | Path | None = None,
    layout: str = "reference",
    strict: bool = False,
    icons: str | Path | None = None,
) -> DataFolder:
    """Open a data folder: `classes.json` and `icons/` always, real crops in one of the layouts.

    Args:
        root: "gost": the Russian signs drawn by us, without photos. Or a folder that holds
            `classes.json`, `icons/` and, for the reference layout, `cropped-train/`,
            `smalltest/`, `smalltest_annotations.csv`; `background_images/` is optional.
        crops: Where the real crops are if they are not in `root` in the reference layout.
        layout: How `crops` is laid out, one of `LAYOUTS`; `icons` means that there are none.
        strict: Missing annotations are errors.
        icons: A folder to use instead of `root/icons/`; "gost": drawings of ours for the codes of
            `classes.json`; "own+gost": the icons of `root/icons/` and our drawings as variants.

    Raises:
        InputError: Something needed is missing or wrong; the message names it.
    """
    if is_drawn(root):
        root, layout = drawn_catalogue(str(root)), "icons"
    root = Path(root)
    _check_layout(layout)
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder", "give the folder of classes.json")
    catalogue = SignCatalogue.from_folder(root, icons=_icon_source(root, icons))
    simulated = (root / "demo.json").exists()
    place = Path(crops) if crops is not None else root
    if layout != "reference":
        training, held_out = _other_layout(place, catalogue, layout, strict)
        return DataFolder(root, catalogue, training, held_out, simulated)
    if (place / "smalltest").is_dir():
        training, test = from_reference(place, catalogue, strict)
        return DataFolder(root, catalogue, training, test, simulated)
    return DataFolder(
        root, catalogue, from_folders(place / "cropped-train", catalogue), None, simulated
    )


def open_test(
    root: str | Path,
    catalogue: SignCatalogue,
    crops: str | Path | None = None,
    layout: str = "reference",
    strict: bool = False,
) -> CropTable | None:
    """The test crops of a data folder by the classes of `catalogue`; None if it has none.

    Training crops, icons and `classes.json` need not be there. In layouts that know no test crops,
    all crops are test crops.

    Args:
        root, crops, layout, strict: See `open_data`.
        catalogue: Knows the labels.

    Raises:
        InputError: Something needed is missing or wrong; the message names it.
    """
    _check_layout(layout)
    if crops is None and is_drawn(root):
        return None
    place = Path(root if crops is None else crops)
    for given in (place, place if is_drawn(root) else Path(root)):
        if not given.exists():
            raise InputError(f"{given}: there is no such folder", "give the folder of test crops")
    if layout == "reference":
        there = (place / "smalltest").is_dir()
        return from_reference_test(place, catalogue, strict) if there else None
    training, test = _other_layout(place, catalogue, layout, strict)
    return training if test is None else test


def icons_to_train_with(root: str | Path, icons: str | Path | None) -> str | Path | None:
    """What `train` makes of no word about icons: our drawings join where we draw the signs.

    Signs stand on the road in more looks than the official icon (yellow ground at road works, other
    digits); where our drawings know nearly all class codes they serve as variants.

    Args:
        root: The data folder.
        icons: What the user said; "own" keeps to `root/icons/`.

    Returns:
        What `open_data` takes.
    """
    if icons is not None or is_drawn(root):
        return None if str(icons) == "own" else icons
    root = Path(root)
    if not (root / "icons").is_dir() or (root / "demo.json").exists():
        return None
    try:
        codes = list(json.loads((root / "classes.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # `open_data` says what is wrong
    drawn = sum(standard(STANDARDS[0]).draws(str(code)) for code in codes)
    return f"{OWN_AND}{STANDARDS[0]}" if codes and drawn >= _MOST * len(codes) else None


def is_drawn(place: str | Path) -> bool:
    """Whether a data folder's or icon folder's name means signs drawn by us.

    Example:
        >>> is_drawn("gost"), is_drawn("data/gost")
        (True, False)
    """
    return str(place) in STANDARDS and not Path(place).is_dir()


def _check_layout(layout: str) -> None:
    if layout not in LAYOUTS:
        raise InputError(f"no layout is called '{layout}'", f"use one of {', '.join(LAYOUTS)}")


def _icon_source(root: Path, icons: str | Path | None) -> Callable[[tuple[str, ...]], Path] | None:
    """Where the icons of a catalogue's codes are, if not in its own folder."""
    if icons is None:
        return None
    if is_drawn(icons):
        return partial(drawn_icons, str(icons))
    if str(icons).startswith(OWN_AND):
        return partial(joined_icons, root / "icons", str(icons).removeprefix(OWN_AND))
    return lambda codes: Path(icons)


def _other_layout(
    place: Path, catalogue: SignCatalogue, layout: str, strict: bool
) -> tuple[CropTable, CropTable | None]:
    """Training and, where the layout has them, test crops."""
    if layout == "icons":
        return CropTable((), np.empty(0, np.int64), None, ()), None
    if layout == "folders":
        return from_folders(place, catalogue), None
    if layout == "csv":
        return from_csv(place, catalogue, strict=strict), None
    if layout == "gtsrb":
        training, test = from_gtsrb(place, catalogue, strict)
        return training, test if len(test) else None
    if layout == "coco":
        return from_coco(place, place.parent, catalogue, strict=strict), None
    return from_yolo(place, place / "data.yaml", catalogue), None
