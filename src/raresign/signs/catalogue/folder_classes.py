"""The classes of a data folder: icons read, families, twins and names worked out."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.signs.catalogue.all_icons import icon_problems, refuse_bad
from raresign.signs.catalogue.classes_file import HOW, ClassEntry, ClassesFile
from raresign.signs.catalogue.country_choice import CountryChoice, said_country, seen_country
from raresign.signs.catalogue.families import family_of_icon
from raresign.signs.catalogue.pictures import class_pictures, in_threads
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.catalogue.twins import find_twins, looks_symmetric, small_look
from raresign.signs.countries.country import Country
from raresign.signs.icons.icon_file import Pixels, icon_files, load_icon
from raresign.signs.icons.kept_drawings import kept_text
from raresign.signs.icons.png_icon import IconWarning
from raresign.signs.icons.templates import class_icons


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


def _family(icon: Pixels) -> str:
    """`family_of_icon`, from the cache if it was seen before."""
    digest = hashlib.sha256(icon.tobytes()).hexdigest()
    return kept_text(("family", icon.shape, digest), lambda: family_of_icon(icon))


def build_classes(
    folder: Path,
    rows: Mapping[str, ClassEntry],
    country: Country | None,
    strict: bool,
    names: Mapping[str, str],
) -> list[SignClass]:
    """Read the icons of all classes and work out families, twins and names.

    Args:
        folder: Holds the icons.
        rows: What is said of each class, by code.
        country: Gives codes their names, families and twins.
        strict: An icon without transparency is an error instead of an `IconWarning`.
        names: More names by code.

    Raises:
        InputError: A class has no icon, or an icon is wrong.
    """
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
        return known or _family(first), small_look(first)

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
        family = looks[code][0]
        sign = SignClass(code, row.id, row.type, files[code], family, twins.get(code), name)
        classes.append(sign)
    return classes
