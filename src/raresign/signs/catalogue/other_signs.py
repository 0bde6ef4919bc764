"""Other signs: what a net may train on beside the classes of a catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from raresign.signs.catalogue.likeness import colour_differences
from raresign.signs.catalogue.pictures import load_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.catalogue.unknown_sign_drawings import drawn_unknown_signs
from raresign.signs.countries.drawn_folder import drawn_icons, invented_icons
from raresign.signs.countries.invented_signs import has_number
from raresign.signs.countries.registry import STANDARDS, standard
from raresign.signs.icons.icon_file import Pixels

_INVENTED = 400
_ALIKE = 0.05
"""Colour difference up to which two pictures may be one sign of two countries."""
_SAME = 0.002
"""Colour difference up to which two drawings of ours are one."""
_SIDE = 32


def other_signs(
    catalogue: SignCatalogue, seed: int, hidden: Sequence[SignClass] = ()
) -> SignCatalogue:
    """Our drawings and invented signs that are no class of a catalogue; they have no family.

    Left out are the drawings that the rule for unknown signs is fitted on, and what may be a class
    or a hidden sign: by its code in the country of our drawings, else by its picture. An
    invented sign with a number is none, though it may look like one: the number is no road's.

    Args:
        catalogue: Its classes and country.
        seed: Decides which drawings are kept for the rule, and what is invented.
        hidden: Classes that an experiment hides.
    """
    ours = standard(STANDARDS[0])
    known = [*catalogue.classes, *hidden]
    rule = drawn_unknown_signs(catalogue, seed, [sign.code for sign in hidden])
    never = {sign.code for sign in (rule.classes if rule else ())}
    kin = catalogue.country is not None and catalogue.country.drawings is ours
    if kin:
        never |= {sign.code for sign in known}
    files = _files(tuple(code for code in ours.codes if code not in never), seed)
    found = [
        SignClass(path.stem, number, "rare", (path,), "other", None)
        for number, path in enumerate(files)
    ]
    told = [has_number(sign.code) or (kin and sign.code in ours.codes) for sign in found]
    differences = colour_differences(_pictures(found), _pictures(known)).min(axis=1)
    free = differences > np.where(told, _SAME, _ALIKE)
    return SignCatalogue([sign for sign, is_free in zip(found, free, strict=True) if is_free])


def _pictures(signs: Sequence[SignClass]) -> list[Pixels]:
    """All pictures of some classes, small."""
    return [picture for variants in load_pictures(signs, _SIDE) for picture in variants]


@lru_cache(maxsize=4)
def _files(codes: tuple[str, ...], seed: int) -> tuple[Path, ...]:
    """The drawings of some codes, then the invented signs."""
    drawn = drawn_icons(STANDARDS[0], codes, variants=False)
    invented = invented_icons(_INVENTED, seed)
    return (*(drawn / f"{code}.svg" for code in codes), *sorted(invented.iterdir()))
