"""What the user points at: a data folder with a catalogue, real crops, test crops, backgrounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from raresign.signs.catalogue.all_icons import check_icons
from raresign.signs.catalogue.classes_file import read_classes
from raresign.signs.catalogue.country_choice import CountryChoice, said_country
from raresign.signs.catalogue.sign_catalogue import SignCatalogue, choose_country
from raresign.signs.countries.country import value_problems
from raresign.signs.countries.drawn_folder import drawn_catalogue
from raresign.signs.countries.icon_source import IconSource, is_drawn
from raresign.signs.countries.registry import standard
from raresign.simulated.backgrounds import procedural_backgrounds

LAYOUTS = ("reference", "icons", "folders", "csv", "gtsrb", "coco", "yolo")
_MOST = 0.8  # share of the class codes that we must draw before our drawings join unasked
PROCEDURAL = 60  # backgrounds that are simulated where a data folder has none


NO_CROPS = CropTable((), np.empty(0, np.int64), None, ())


@dataclass(frozen=True)
class DataFolder:
    """An opened data folder.

    Args:
        training: Real crops; may be empty.
        test: Test crops, None if the folder has none.
        icons: Where its icons come from.
        choice: Its country, and why.
        simulated: Whether its photos are simulated, as the embedded demonstration's are.
    """

    root: Path
    catalogue: SignCatalogue
    training: CropTable
    test: CropTable | None
    icons: IconSource
    choice: CountryChoice
    simulated: bool = False

    def value_problems(self) -> list[str]:
        """A sentence for each class whose value its country's signs cannot show."""
        return value_problems(self.catalogue.country, self.catalogue.codes)

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
    country: str | None = None,
    *,
    join: bool = False,
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
        country: Whose codes the classes have: "RU", "DE", or "none". Unless given, it is what
            `classes.json` says, or what the icons look like.
        join: Whether our drawings join the folder's icons as variants where `icons` says nothing
            and we draw the signs of the country.

    Raises:
        InputError: Something needed is missing or wrong; the message names it.
    """
    if is_drawn(root):
        root, layout, join = drawn_catalogue(str(root)), "icons", False
    root = Path(root)
    _check_layout(layout)
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder", "give the folder of classes.json")
    source = IconSource.parse(icons)
    choice = _choice(root, country, source)
    simulated = (root / "demo.json").exists()
    if icons is None and join and not simulated:
        source = _with_our_drawings(root, choice)
    catalogue = SignCatalogue.from_folder(
        root, icons=lambda codes: source.folder(root, codes), country=choice
    )
    check_icons(catalogue.classes)
    training, test = _crops(root if crops is None else Path(crops), catalogue, layout, strict)
    return DataFolder(root, catalogue, training, test, source, choice, simulated)


def open_test(
    root: str | Path,
    catalogue: SignCatalogue,
    crops: str | Path | None = None,
    layout: str = "reference",
    strict: bool = False,
) -> CropTable | None:
    """The test crops of a data folder by the classes of `catalogue`; None if it has none.

    See `open_data`. Training crops, icons and `classes.json` need not be there. In layouts that
    know no test crops, all crops are test crops.

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
    training, test = _crops(place, catalogue, layout, strict)
    return training if test is None else test


def _choice(root: Path, said: str | None, icons: IconSource) -> CountryChoice:
    """The country; whoever asks for our drawings says whose signs they are."""
    found = read_classes(root / "classes.json")
    if said is None and found.country is None and icons.drawn:
        return said_country(standard(icons.drawn).country, f"as --icons {icons} says")
    return choose_country(root, found, said, icons.place)


def _with_our_drawings(root: Path, choice: CountryChoice) -> IconSource:
    """The folder's icons; our drawings join where we draw nearly all of the country's signs there.

    Signs stand on the road in more looks than the official icon (yellow ground at road works, other
    digits); our drawings show them.
    """
    ours = choice.country.drawings if choice.country else None
    if ours is None or not (root / "icons").is_dir():
        return IconSource()
    codes = list(read_classes(root / "classes.json").rows)
    drawn = sum(ours.draws(code) for code in codes)
    return IconSource(ours.name, joined=True) if drawn >= _MOST * len(codes) else IconSource()


def _check_layout(layout: str) -> None:
    if layout not in LAYOUTS:
        raise InputError(f"no layout is called '{layout}'", f"use one of {', '.join(LAYOUTS)}")


def _crops(
    place: Path, catalogue: SignCatalogue, layout: str, strict: bool
) -> tuple[CropTable, CropTable | None]:
    """Training and, where there are any, test crops."""
    match layout:
        case "reference":
            if (place / "smalltest").is_dir():
                return from_reference(place, catalogue, strict)
            return from_folders(place / "cropped-train", catalogue), None
        case "folders":
            return from_folders(place, catalogue), None
        case "csv":
            return from_csv(place, catalogue, strict=strict), None
        case "gtsrb":
            training, test = from_gtsrb(place, catalogue, strict)
            return training, test if len(test) else None
        case "coco":
            return from_coco(place, place.parent, catalogue, strict=strict), None
        case "yolo":
            return from_yolo(place, place / "data.yaml", catalogue), None
    return NO_CROPS, None
