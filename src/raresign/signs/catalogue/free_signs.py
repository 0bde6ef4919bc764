"""Which of our drawings and invented signs are none of the signs that somebody else has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from raresign.signs.catalogue.icon_check import SAME_PICTURE, look_on_grey
from raresign.signs.catalogue.likeness import colour_differences
from raresign.signs.catalogue.pictures import load_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.countries.invented_signs import has_number
from raresign.signs.countries.registry import STANDARDS, standard

INVENTED = 400
"""Invented signs that there are for a seed."""
_ALIKE = 0.05
"""Colour difference up to which two pictures may be one sign of two countries."""
_SIDE = 32


def free_codes(catalogue: SignCatalogue, hidden: Sequence[SignClass] = ()) -> list[str]:
    """Codes of our drawings that no sign of a catalogue and no hidden one has.

    Only in the country of our drawings do codes tell: elsewhere all are free.
    """
    taken = {sign.code for sign in (*catalogue.classes, *hidden)} if _at_home(catalogue) else set()
    return [code for code in standard(STANDARDS[0]).codes if code not in taken]


def free_signs(
    signs: Sequence[SignClass], catalogue: SignCatalogue, hidden: Sequence[SignClass] = ()
) -> list[SignClass]:
    """Those of some drawn or invented signs whose picture shows no sign of a catalogue.

    In the country of our drawings a drawing with a free code is another sign unless it is the same
    picture; elsewhere, and if it is invented, unless it is alike (a limit of 50 is a limit of 50).
    An invented sign with a number is another one though it may be alike: the number is no road's.

    Args:
        signs: With codes that are free, see `free_codes`.
        catalogue: Its classes and country.
        hidden: Classes that an experiment hides; they count as the catalogue's.
    """
    if not signs:
        return []
    home, ours = _at_home(catalogue), standard(STANDARDS[0]).codes
    told = np.array([has_number(sign.code) or (home and sign.code in ours) for sign in signs])
    theirs = load_pictures([*catalogue.classes, *hidden], _SIDE)
    first = [pictures[0] for pictures in load_pictures(signs, _SIDE)]
    looks = np.stack([look_on_grey(pictures[0]) for pictures in theirs])
    nearest = [np.abs(looks - look_on_grey(one)).mean((1, 2, 3)).min() for one in first]
    every = [picture for pictures in theirs for picture in pictures]
    alike = colour_differences(first, every).min(axis=1) <= _ALIKE
    known = np.where(told, np.array(nearest) <= SAME_PICTURE, alike)
    return [sign for sign, is_known in zip(signs, known, strict=True) if not is_known]


def _at_home(catalogue: SignCatalogue) -> bool:
    """Whether its country is that of our drawings."""
    return catalogue.country is not None and catalogue.country.drawings is standard(STANDARDS[0])
