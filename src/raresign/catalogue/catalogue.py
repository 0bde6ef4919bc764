"""The signs that exist: code, id, freq or rare, icons, family and mirror twin of each class."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raresign.catalogue.classes_file import (
    HOW,
    SignType,
    check_ids,
    checked_id,
    checked_type,
    json_object,
    shown,
)
from raresign.catalogue.families import family_of_code, family_of_icon
from raresign.catalogue.icons import IconWarning, icon_files, load_icon
from raresign.catalogue.twins import find_twins, looks_symmetric
from raresign.errors import InputError
from raresign.files import whole_file, write_json


@dataclass(frozen=True)
class SignClass:
    """One class of signs.

    Args:
        code: Such as "3.24.n60"; unique in a catalogue.
        id: The number that the user's data give the class; unique, not negative.
        type: "freq" if real crops exist, "rare" if only the icon does.
        icons: Files, at least one.
        family: Shape and colour, such as "red triangle".
        twin: Code of the class that a mirror makes of this one, `None` if the catalogue has none.

    Example:
        >>> sign = SignClass("3.1", 0, "freq", (Path("icons/3.1.png"),), "red disc", None)
        >>> sign.family
        'red disc'
    """

    code: str
    id: int
    type: SignType
    icons: tuple[Path, ...]
    family: str
    twin: str | None


class SignCatalogue:
    """All classes, sorted by id; a class's label is its position in that order.

    Args:
        classes: In any order.

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

    def __init__(self, classes: Sequence[SignClass]) -> None:
        self.classes = tuple(sorted(classes, key=lambda sign: sign.id))
        self.codes = tuple(sign.code for sign in self.classes)
        self._labels = {code: label for label, code in enumerate(self.codes)}
        _check_classes(self.classes)

    @classmethod
    def from_folder(cls, root: str | Path, strict: bool = False) -> SignCatalogue:
        """Read `root/classes.json` and `root/icons/`.

        `classes.json` is `{"<code>": {"id": int, "type": "freq" | "rare"}, ...}`. Icons are
        `<code>.png` or `<code>.svg`, further ones of a class `<code>@<variant>.png|.svg`, matched
        by the exact code. Every icon is read, so a broken one is found before the training.

        Args:
            root: The data folder.
            strict: An icon without transparency is an error instead of an `IconWarning`.

        Raises:
            InputError: A file is missing or wrong; the message shows it and what to do.

        Example:
            >>> import tempfile
            >>> root = Path(tempfile.mkdtemp())
            >>> _ = (root / "classes.json").write_text('{"2.1": {"id": 4, "type": "rare"}}')
            >>> (root / "icons").mkdir()
            >>> head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20">'
            >>> drawing = head + '<path d="M10 0L20 10L10 20L0 10z" fill="gold"/></svg>'
            >>> _ = (root / "icons" / "2.1.svg").write_text(drawing)
            >>> SignCatalogue.from_folder(root)[0].family
            'yellow diamond'
        """
        root = Path(root)
        path = root / "classes.json"
        rows = json_object(path)
        ids: dict[str, int] = {}
        types: dict[str, SignType] = {}
        for code, row in rows.items():
            where = f"{path}: class '{code}'"
            if not isinstance(row, dict):
                raise InputError(f"{where} is {shown(row)}, not an object", HOW)
            ids[code], types[code] = checked_id(row, where), checked_type(row.get("type"), where)
        check_ids(ids, str(path))
        return cls(_build(root / "icons", ids, types, strict))

    @classmethod
    def from_icons(
        cls, folder: str | Path, types: Mapping[str, SignType], strict: bool = False
    ) -> SignCatalogue:
        """Read a plain folder of icons, named as for `from_folder`; ids follow `types`.

        Args:
            folder: Holds the icons.
            types: Class code -> "freq" or "rare"; the first gets id 0, and so on.
            strict: An icon without transparency is an error instead of an `IconWarning`.

        Raises:
            InputError: A type is unknown, a class has no icon, an icon is wrong.
        """
        for code, type_ in types.items():
            checked_type(type_, f"class '{code}'")
        ids = {code: number for number, code in enumerate(types)}
        return cls(_build(Path(folder), ids, dict(types), strict))

    def label_of(self, code: str) -> int:
        """The label of a class code, -1 if it is unknown."""
        return self._labels.get(code, -1)

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
        """Write a self-contained copy: `catalogue.json` and `icons/`.

        Args:
            folder: Is made if missing.

        Raises:
            InputError: An icon cannot be read any more.
            OSError: The folder cannot be written.
        """
        folder = Path(folder)
        rows = []
        for sign in self.classes:
            names = [
                f"{sign.code}{f'@{number}' if number else ''}{icon.suffix.lower()}"
                for number, icon in enumerate(sign.icons)
            ]
            for icon, name in zip(sign.icons, names, strict=True):
                _copy(icon, folder / "icons" / name)
            rows.append(
                {
                    "code": sign.code,
                    "id": sign.id,
                    "type": sign.type,
                    "icons": names,
                    "family": sign.family,
                    "twin": sign.twin,
                }
            )
        write_json(folder / "catalogue.json", {"classes": rows})

    @classmethod
    def load(cls, folder: str | Path) -> SignCatalogue:
        """Read what `save` wrote; icons must exist but are not decoded.

        Raises:
            InputError: `catalogue.json` or an icon is missing or wrong.
        """
        folder = Path(folder)
        path = folder / "catalogue.json"
        rows = json_object(path).get("classes")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise InputError(f"{path} has no list of objects 'classes'", "save the run again")
        return cls([_saved_class(row, path) for row in rows])


def is_own_mirror(sign: SignClass) -> bool:
    """Whether a mirror leaves the sign as it is, judged by all its icons.

    Raises:
        InputError: An icon cannot be read.
    """
    return all(looks_symmetric(load_icon(icon)) for icon in sign.icons)


def _build(
    folder: Path, ids: Mapping[str, int], types: Mapping[str, SignType], strict: bool
) -> list[SignClass]:
    """Read the icons of all classes and work out families and twins."""
    if not ids:
        raise InputError(f"{folder.parent}: there is no class", HOW)
    files = icon_files(folder)
    without = [code for code in ids if code not in files]
    if without:
        raise InputError(
            f"{folder}: {len(without)} of {len(ids)} classes have no icon: {', '.join(without)}",
            f"add {without[0]}.png or {without[0]}.svg and so on; names must match exactly",
        )
    with warnings.catch_warnings():
        if strict:
            warnings.simplefilter("error", IconWarning)
        try:
            icons = {code: [load_icon(path) for path in files[code]] for code in ids}
        except IconWarning as warning:
            raise InputError(str(warning), "save it with a transparent background") from None
    twins = find_twins({code: pictures[0] for code, pictures in icons.items()})
    return [
        SignClass(
            code,
            ids[code],
            types[code],
            tuple(files[code]),
            family_of_code(code) or family_of_icon(icons[code][0]),
            twins.get(code),
        )
        for code in ids
    ]


def _copy(source: Path, target: Path) -> None:
    """Copy one icon, whole or not at all."""
    try:
        content = source.read_bytes()
    except OSError as error:
        raise InputError(f"icon {source} cannot be read: {error.strerror}", "restore it") from error
    with whole_file(target) as temporary:
        temporary.write_bytes(content)


def _check_classes(classes: Sequence[SignClass]) -> None:
    """Codes and ids are unique and twins point at each other."""
    if not classes:
        raise InputError("the catalogue has no class", HOW)
    by_code: dict[str, SignClass] = {}
    for sign in classes:
        if not sign.code or set(sign.code) & set("/\\@\0"):
            raise InputError(f"the class code '{sign.code}' names no file", "use no /, \\ or @")
        if sign.code in by_code:
            raise InputError(f"the class '{sign.code}' stands twice", "keep one of them")
        by_code[sign.code] = sign
    check_ids({sign.code: sign.id for sign in classes}, "the catalogue")
    for sign in classes:
        if sign.twin is not None and (
            sign.twin == sign.code
            or sign.twin not in by_code
            or by_code[sign.twin].twin != sign.code
        ):
            raise InputError(
                f"the twin '{sign.twin}' of class '{sign.code}' is not a class that points back",
                "name both as each other's twin, or none",
            )


def _saved_class(row: Mapping[str, Any], path: Path) -> SignClass:
    """One checked row of catalogue.json."""
    code, names, family, twin = (row.get(key) for key in ("code", "icons", "family", "twin"))
    where = f"{path}: class {shown(code)}"
    if not isinstance(code, str) or not isinstance(family, str):
        raise InputError(f"{where} lacks a code or a family", "save the run again")
    if not isinstance(names, list) or not names or not all(_is_file_name(name) for name in names):
        raise InputError(f"{where} has the icons {shown(names)}", "name files of icons/")
    if twin is not None and not isinstance(twin, str):
        raise InputError(f"{where} has the twin {shown(twin)}", "use a class code or null")
    icons = tuple(path.parent / "icons" / name for name in names)
    lost = [str(icon) for icon in icons if not icon.is_file()]
    if lost:
        raise InputError(f"{where}: icons are missing: {', '.join(lost)}", "copy the whole folder")
    return SignClass(
        code, checked_id(row, where), checked_type(row.get("type"), where), icons, family, twin
    )


def _is_file_name(name: object) -> bool:
    """A bare file name: a catalogue reaches no file outside its folder."""
    return isinstance(name, str) and name not in ("", "..") and not set(name) & set("/\\\0")
