"""The signs that exist: code, id, freq or rare, icons, family and mirror twin of each class."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.signs.catalogue.all_icons import icon_problems, refuse_bad
from raresign.signs.catalogue.catalogue_copy import load_classes, save_classes
from raresign.signs.catalogue.classes_file import (
    HOW,
    ClassEntry,
    ClassesFile,
    checked_type,
    read_classes,
)
from raresign.signs.catalogue.country_choice import CountryChoice, said_country, seen_country
from raresign.signs.catalogue.families import family_of_icon
from raresign.signs.catalogue.names_file import FILE as NAMES
from raresign.signs.catalogue.names_file import read_names
from raresign.signs.catalogue.pictures import class_pictures, in_threads
from raresign.signs.catalogue.sign_class import SignClass, check_classes
from raresign.signs.catalogue.twins import find_twins, looks_symmetric, small_look
from raresign.signs.class_type import SignType
from raresign.signs.countries.country import Country
from raresign.signs.icons.icon_file import Pixels, icon_files, load_icon
from raresign.signs.icons.png_icon import IconWarning
from raresign.signs.icons.templates import class_icons

Icons = Callable[[tuple[str, ...]], Path]
"""Gives a folder with the icons of class codes."""


class SignCatalogue:
    """All classes, sorted by id; a class's label is its position in that order.

    Args:
        classes: In any order.
        country: Whose codes they have, None where the codes mean nothing but themselves.

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
    country: Country | None

    def __init__(self, classes: Sequence[SignClass], country: Country | None = None) -> None:
        self.country = country
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
        root = Path(root)
        found = read_classes(root / "classes.json")
        choice = (
            country if isinstance(country, CountryChoice) else choose_country(root, found, country)
        )
        folder = root / "icons" if icons is None else icons(tuple(found.rows))
        names = read_names(root / NAMES, found.rows) if (root / NAMES).exists() else {}
        classes = _build(folder, found.rows, choice.country, strict, names)
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
        for code, type_ in types.items():
            checked_type(type_, f"class '{code}'")
        rows = {code: ClassEntry(k, type_, "", "") for k, (code, type_) in enumerate(types.items())}
        return cls(_build(Path(folder), rows, country, strict, {}), country)

    def extended(self, more: Sequence[SignClass]) -> SignCatalogue:
        """The catalogue with more classes behind its own, checked as by the constructor."""
        return SignCatalogue([*self.classes, *more], self.country) if more else self

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
        save_classes(self.classes, self.country, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> SignCatalogue:
        """Read what `save` wrote; icons must exist but are not decoded.

        Raises:
            InputError: `catalogue.json` or an icon is missing or wrong.
        """
        return cls(*load_classes(Path(folder)))


def is_own_mirror(sign: SignClass) -> bool:
    """Whether a mirror leaves the sign as it is, judged by all its icons."""
    return all(looks_symmetric(icon) for icon in class_pictures(sign))


def choose_country(
    root: Path, found: ClassesFile, said: str | None = None, icons: Path | None = None
) -> CountryChoice:
    """The country of a data folder with the classes `found`.

    What the user says (an ISO code, or "none") counts before `classes.json`, and that before the
    look of the icons, in `root/icons/` or the folder `icons`.

    Raises:
        InputError: There is no such country.
    """
    who = "--country" if said is not None else "classes.json"
    said = found.country if said is None else said
    if said is not None:
        choice = said_country(said, _("as {who} says").format(who=who))
        known = [code for code in found.rows if choice.country and choice.country.name(code)]
        if choice.country and 2 * len(known) < len(found.rows):
            counts = _("though it names {n} of {all} codes only").format(
                n=len(known), all=len(found.rows)
            )
            choice = replace(choice, reason=f"{choice.reason}, {counts}")
        return choice
    return seen_country(root / "icons" if icons is None else icons, list(found.rows))


def _build(
    folder: Path,
    rows: Mapping[str, ClassEntry],
    country: Country | None,
    strict: bool,
    names: Mapping[str, str],
) -> list[SignClass]:
    """Read the icons of all classes and work out families, twins and names."""
    if not rows:
        raise InputError(f"{folder.parent}: there is no class", HOW)
    composed = {normalize("NFC", code): code for code in rows}
    found = {
        composed.get(normalize("NFC", code), code): paths
        for code, paths in icon_files(folder).items()
    }
    files = class_icons(rows, found)
    without = [code for code in rows if code not in files]
    if barred := [code for code in without if set(code) & set("/\\\0")]:
        raise InputError(
            f"{folder}: the class '{barred[0]}' can have no icon: no file is called so",
            "give it a code without / and \\ in classes.json; its name may have them",
        )
    if without:
        raise InputError(
            f"{folder}: {len(without)} of {len(rows)} classes have no icon: {', '.join(without)}",
            f"add {without[0]}.png or .svg and so on, or: raresign catalogue gost --export DATA",
        )

    def seen(code: str) -> tuple[str, Pixels] | InputError:
        """The family of a class, and a small first icon: 5,000 large ones would fill memory."""
        try:
            first, *_ = [load_icon(path, code=code) for path in files[code]]
        except InputError as error:
            return error
        except IconWarning as warning:
            return InputError(str(warning), "save it with a transparent background")
        known = rows[code].family or (country.family(code) if country else None)
        return known or family_of_icon(first), small_look(first)

    with warnings.catch_warnings():
        if strict:
            warnings.simplefilter("error", IconWarning)
        drawn = in_threads(seen, rows)
    unread = [one for one in drawn if isinstance(one, InputError)]
    if unread:  # those that can be read may be wrong, too: all are named at once
        read = [
            SignClass(code, row.id, row.type, files[code], "", None)
            for (code, row), one in zip(rows.items(), drawn, strict=True)
            if not isinstance(one, InputError)
        ]
        refuse_bad([*unread, *icon_problems(read)])
    looks = {
        code: one for code, one in zip(rows, drawn, strict=True) if not isinstance(one, InputError)
    }
    twins = find_twins({code: small for code, (_, small) in looks.items()}, country)
    classes = []
    for code, row in rows.items():
        name = row.name or names.get(code) or (country.name(code) if country else None) or ""
        family, _ = looks[code]
        sign = SignClass(code, row.id, row.type, files[code], family, twins.get(code), name)
        classes.append(sign)
    return classes
