"""What the user points at: a data folder with a catalogue, real crops, test crops, backgrounds."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from raresign.commands.corrections import (
    FILE,
    Applied,
    apply_corrections,
    corrections_home,
    read_corrections,
)
from raresign.commands.layout_choice import LAYOUTS as LAYOUTS
from raresign.commands.layout_choice import LayoutChoice, choose_layout
from raresign.crops.backgrounds import load_backgrounds
from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.annotated_crops import LayoutCrops, counted
from raresign.crops.layouts.reference_layout import read_reference_test
from raresign.crops.layouts.shards import unpacked
from raresign.crops.whole_frames import warn_of_frames
from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.signs.catalogue.all_icons import check_icons
from raresign.signs.catalogue.classes_file import read_classes
from raresign.signs.catalogue.country_choice import CountryChoice, said_country
from raresign.signs.catalogue.folder_classes import choose_country
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.country import value_problems
from raresign.signs.countries.drawn_folder import drawn_catalogue
from raresign.signs.countries.icon_source import IconSource, is_drawn
from raresign.signs.countries.registry import standard
from raresign.simulated.backgrounds import procedural_backgrounds
from raresign.storage.local_copy import local_copy
from raresign.storage.places import url_of

_MOST = 0.8  # share of the class codes that we must draw before our drawings join unasked
PROCEDURAL = 60  # backgrounds that are simulated where a data folder has none


OF_TABLE = "table"
"""The layout of crops that were given as a `CropTable`."""
NO_CROPS = CropTable((), np.empty(0, np.int64), None, ())


@dataclass(frozen=True)
class DataFolder:
    """An opened data folder.

    Args:
        training: Real crops; may be empty.
        test: Test crops, None if the folder has none.
        icons: Where its icons come from.
        choice: Its country, and why.
        layout: How the crops are laid out, and why.
        simulated: Whether its photos are simulated, as the embedded demonstration's are.
        corrected: What its `corrections.csv` changed; None where it has none.
    """

    root: Path
    catalogue: SignCatalogue
    training: CropTable
    test: CropTable | None
    icons: IconSource
    choice: CountryChoice
    layout: LayoutChoice
    simulated: bool = False
    corrected: Applied | None = None

    @property
    def left_out(self) -> dict[str, int]:
        """Signs of the source that are neither trained nor tested on, by reason."""
        return counted((self.training, self.test))

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
    crops: str | Path | CropTable | None = None,
    layout: str = "auto",
    strict: bool = False,
    icons: str | Path | None = None,
    country: str | None = None,
    *,
    join: bool = False,
    real: bool = True,
    svg_text: bool = False,
) -> DataFolder:
    """Open a data folder: `classes.json` and `icons/` always, real crops in one of the layouts.

    Args:
        root: "gost": the Russian signs drawn by us, without photos. Or a folder, a URL of one or a
            tar that holds `classes.json`, `icons/` and, for the reference layout, `cropped-train/`,
            `smalltest/`, `smalltest_annotations.csv`; `background_images/` is optional.
        crops: Where the real crops are if they are not in `root`: a folder or file, a URL of one,
            or tar shards; or a table of them, by whose class names, or labels where it has none,
            they train.
        layout: How `crops` is laid out, one of `LAYOUTS`; `auto` recognises it; `icons` means that
            there are none to train on.
        strict: Missing annotations are errors.
        icons: A folder to use instead of `root/icons/`; "gost": drawings of ours for the codes of
            `classes.json`; "own+gost": the icons of `root/icons/` and our drawings as variants.
        country: Whose codes the classes have: "RU", "DE", or "none". Unless given, it is what
            `classes.json` says, or what the icons look like.
        join: Whether our drawings join the folder's icons as variants where `icons` says nothing
            and we draw the signs of the country.
        real: Whether real crops are wanted at all.
        svg_text: Whether text in SVG icons is drawn, in Source Sans; such icons are refused else.

    Raises:
        InputError: Something needed is missing or wrong; the message names it.
    """
    if is_drawn(root):
        root, layout, join = drawn_catalogue(str(root)), "icons", False
    root, icons = unpacked(local_copy(root)), _local_icons(icons)
    if not isinstance(crops, CropTable) and crops is not None:
        crops = unpacked(local_copy(crops))
    if not root.is_dir():
        raise InputError(
            _("{root}: there is no such folder").format(root=root),
            _("give the folder of classes.json"),
        )
    source = replace(IconSource.parse(icons), lettered=svg_text)
    choice = _choice(root, country, source)
    simulated = (root / "demo.json").exists()
    if icons is None and join and not simulated:
        source = _with_our_drawings(root, choice, source)
    catalogue = SignCatalogue.from_folder(
        root, icons=lambda codes: source.folder(root, codes), country=choice
    )
    check_icons(catalogue.classes)
    if isinstance(crops, CropTable):
        found = LayoutChoice(OF_TABLE, root, "as it was given", False)
        read = LayoutCrops(
            _by_names(crops, catalogue), read_reference_test(root, catalogue, strict)
        )
    else:
        found = choose_layout(root if crops is None else Path(crops), layout, root)
        read = found.read(catalogue, strict) if real else LayoutCrops(NO_CROPS)
    for part in (read.training, read.test):
        warn_of_frames(part)
    training, test, corrected = read.training, read.test, None
    home = corrections_home(root, None if isinstance(crops, CropTable) else crops)
    if real and (mended := read_corrections(home)):
        (first, test), corrected = apply_corrections([training, test], home, mended, catalogue)
        training = training if first is None else first
    return DataFolder(root, catalogue, training, test, source, choice, found, simulated, corrected)


def open_test(
    root: str | Path,
    catalogue: SignCatalogue,
    crops: str | Path | None = None,
    layout: str = "auto",
    strict: bool = False,
    *,
    corrected: bool = True,
) -> CropTable | None:
    """The test crops of a data folder by the classes of `catalogue`; None if it has none.

    See `open_data`. Training crops, icons and `classes.json` need not be there. Where no part is
    declared to be the test, all crops are test crops. With `corrected` the labels are those of the
    folder's `corrections.csv`, if it has one.

    Raises:
        InputError: Something needed is missing or wrong; the message names it.
    """
    if crops is None and is_drawn(root):
        return None
    root = root if is_drawn(root) else unpacked(local_copy(root))
    crops = None if crops is None else unpacked(local_copy(crops))
    place = Path(root if crops is None else crops)
    for given in (place, place if is_drawn(root) else Path(root)):
        if not given.exists():
            raise InputError(
                _("{given}: there is no such folder").format(given=given),
                _("give the folder of test crops"),
            )
    found = choose_layout(place, layout, Path(root)).read_test(catalogue, strict)
    warn_of_frames(found)
    home = corrections_home(root, crops)
    if corrected and home.is_dir() and (mended := read_corrections(home)):
        [found], applied = apply_corrections([found], home, mended, catalogue)
        warnings.warn(f"{home / FILE}: {applied.of_part}", stacklevel=2)
    return found


def _local_icons(icons: str | Path | None) -> str | Path | None:
    """What `icons` of `open_data` says, a folder at a URL as its copy."""
    return icons if icons is None or url_of(icons) is None else local_copy(icons)


def _by_names(table: CropTable, catalogue: SignCatalogue) -> CropTable:
    """A table whose labels are those of the catalogue.

    Raises:
        InputError: It has no class names, and a label that is none of the catalogue's.
    """
    if any(table.class_names):
        labels = [catalogue.label_of(name) if name else -1 for name in table.class_names]
        return replace(table, labels=np.array(labels, np.int64))
    if len(table) and table.labels.max() >= len(catalogue):
        raise InputError(
            f"label {table.labels.max()} in the table of crops, but {len(catalogue)} classes",
            "give class names",
        )
    return table


def _choice(root: Path, said: str | None, icons: IconSource) -> CountryChoice:
    """The country; whoever asks for our drawings says whose signs they are."""
    found = read_classes(root / "classes.json")
    if said is None and found.country is None and icons.drawn:
        return said_country(standard(icons.drawn).country, f"as --icons {icons} says")
    return choose_country(root, found, said, icons.own(root) if icons.lettered else icons.place)


def _with_our_drawings(root: Path, choice: CountryChoice, icons: IconSource) -> IconSource:
    """The folder's icons; our drawings join where we draw nearly all of the country's signs there.

    Signs stand on the road in more looks than the official icon (yellow ground at road works, other
    digits); our drawings show them.
    """
    ours = choice.country.drawings if choice.country else None
    if ours is None or not (root / "icons").is_dir():
        return icons
    codes = list(read_classes(root / "classes.json").rows)
    drawn = sum(ours.draws(code) for code in codes)
    enough = drawn >= _MOST * len(codes)
    return replace(icons, drawn=ours.name, joined=True) if enough else icons
