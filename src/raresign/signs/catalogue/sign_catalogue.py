"""The signs that exist: code, id, freq or rare, icons, family and mirror twin of each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

from raresign.errors import InputError
from raresign.signs.catalogue.classes_file import ClassEntry, checked_type, read_classes
from raresign.signs.catalogue.sign_class import SignClass, check_classes
from raresign.signs.class_type import SignType

if TYPE_CHECKING:
    from raresign.signs.catalogue.country_choice import CountryChoice
    from raresign.signs.countries.country import Country

# What reads icons, and the tables of all countries, take as long to import as NumPy does, and
# answering needs none of it: it is imported where it is used.

Icons = Callable[[tuple[str, ...]], Path]
"""Gives a folder with the icons of class codes."""


class SignCatalogue:
    """All classes, sorted by id; a class's label is its position in that order.

    Args:
        classes: In any order.
        country: Whose codes they have, or its ISO code, whose tables are read when they are first
            asked for; None where the codes mean nothing but themselves.

    Raises:
        InputError: No class, a code or id twice, a code that cannot be a file name, a twin that
            is missing or does not point back.

    Example:
        >>> stop = SignClass("2.5", 7, "freq", (Path("2.5.png"),), "red octagon", None)
        >>> tractor = SignClass("3.6", 3, "rare", (Path("3.6.png"),), "red ring", None)
        >>> catalogue = SignCatalogue([stop, tractor])
        >>> catalogue.codes, catalogue.label_of("2.5"), catalogue.label_of("2")
        (('3.6', '2.5'), 1, -1)
    """

    classes: tuple[SignClass, ...]
    codes: tuple[str, ...]

    def __init__(self, classes: Sequence[SignClass], country: Country | str | None = None) -> None:
        self._of = country
        self.classes = tuple(sorted(classes, key=lambda sign: sign.id))
        self.codes = tuple(sign.code for sign in self.classes)
        self._labels = {code: label for label, code in enumerate(self.codes)}
        check_classes(self.classes)
        self._composed = {normalize("NFC", code): label for code, label in self._labels.items()}
        if len(self._composed) < len(self.codes):
            twice = Counter(normalize("NFC", code) for code in self.codes)
            raise InputError(
                f"two classes are called '{twice.most_common(1)[0][0]}'; they differ only in how "
                "Unicode writes its letters",
                "keep one of them",
            )

    @cached_property
    def country(self) -> Country | None:
        """Whose codes they have; None of a country that this version does not know."""
        if not isinstance(self._of, str):
            return self._of
        from raresign.signs.countries.registry import COUNTRIES

        return COUNTRIES.get(self._of)

    @property
    def iso(self) -> str | None:
        """The ISO code of the country, if there is one."""
        return self._of if self._of is None or isinstance(self._of, str) else self._of.iso

    @classmethod
    def from_folder(
        cls,
        root: str | Path,
        strict: bool = False,
        icons: Icons | None = None,
        country: str | CountryChoice | None = None,
    ) -> SignCatalogue:
        """Read `root/classes.json` and `root/icons/`.

        `classes.json` is `{"<code>": {"id": int, "type": "freq" | "rare"}, ...}`; a class may have
        a `name` and a `family` of its own, and beside the classes may stand a `country`. A
        `names.csv` with the columns code and name gives names, too. Icons are
        `<code>.png` or `<code>.svg`, further ones of a class `<code>@<variant>.png|.svg`, matched
        by the exact code. A class without own files uses the SVG template of a shorter code: an
        `icons/3.24.svg` with text slots gives 3.24.n20, 3.24.n30, ... (see `class_icons`). Every
        icon is drawn, so a broken one, or a text that does not fit, is found before the training.

        Args:
            root: The data folder.
            strict: An icon without transparency is an error instead of an `IconWarning`.
            icons: Gives the folder of the icons of all class codes, instead of `root/icons/`.
            country: ISO code or "none"; unless given it is what `choose_country` finds.

        Raises:
            InputError: A file is missing or wrong; the message shows it and what to do.
        """
        from raresign.signs.catalogue.country_choice import CountryChoice
        from raresign.signs.catalogue.folder_classes import build_classes, choose_country
        from raresign.signs.catalogue.names_file import FILE as NAMES
        from raresign.signs.catalogue.names_file import read_names

        root = Path(root)
        found = read_classes(root / "classes.json")
        choice = (
            country if isinstance(country, CountryChoice) else choose_country(root, found, country)
        )
        folder = root / "icons" if icons is None else icons(tuple(found.rows))
        names = read_names(root / NAMES, found.rows) if (root / NAMES).exists() else {}
        classes = build_classes(folder, found.rows, choice.country, strict, names)
        return cls(classes, choice.country)

    @classmethod
    def from_icons(
        cls,
        folder: str | Path,
        types: Mapping[str, SignType],
        strict: bool = False,
        country: Country | None = None,
    ) -> SignCatalogue:
        """Read a plain folder of icons, named as for `from_folder`; ids follow `types`.

        Args:
            folder: Holds the icons.
            types: Class code -> "freq" or "rare"; the first gets id 0, and so on.
            strict: An icon without transparency is an error instead of an `IconWarning`.
            country: Gives the codes their names, families and twins.

        Raises:
            InputError: A type is unknown, a class has no icon, an icon is wrong.
        """
        from raresign.signs.catalogue.folder_classes import build_classes

        for code, type_ in types.items():
            checked_type(type_, f"class '{code}'")
        rows = {code: ClassEntry(k, type_, "", "") for k, (code, type_) in enumerate(types.items())}
        return cls(build_classes(Path(folder), rows, country, strict, {}), country)

    def extended(self, more: Sequence[SignClass]) -> SignCatalogue:
        """The catalogue with more classes behind its own, checked as by the constructor."""
        return SignCatalogue([*self.classes, *more], self._of) if more else self

    def label_of(self, code: str) -> int:
        """The label of a class code, -1 if it is unknown; macOS takes letters and accents apart."""
        found = self._labels.get(code)
        return self._composed.get(normalize("NFC", code), -1) if found is None else found

    def labels_of_type(self, type: SignType) -> list[int]:
        """The labels of all frequent or all rare classes, ascending."""
        return [label for label, sign in enumerate(self.classes) if sign.type == type]

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, label: int) -> SignClass:
        # -1 means "unknown" everywhere in raresign; Python's last-item meaning would hide it.
        if not 0 <= label < len(self.classes):
            raise IndexError(f"label {label} is not in 0..{len(self.classes) - 1}")
        return self.classes[label]

    def __repr__(self) -> str:
        frequent, rare = (len(self.labels_of_type(type_)) for type_ in ("freq", "rare"))
        return f"SignCatalogue({len(self)} classes: {frequent} freq, {rare} rare)"

    def save(self, folder: str | Path) -> None:
        """Write a self-contained copy: `catalogue.json` and `icons/`, templates filled.

        Raises:
            InputError: An icon cannot be read any more.
            OSError: The folder cannot be written.
        """
        from raresign.signs.catalogue.catalogue_copy import save_classes

        save_classes(self.classes, self.country, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> SignCatalogue:
        """Read what `save` wrote; icons must exist but are not decoded.

        Raises:
            InputError: `catalogue.json` or an icon is missing or wrong.
        """
        from raresign.signs.catalogue.catalogue_copy import load_classes

        return cls(*load_classes(Path(folder)))
