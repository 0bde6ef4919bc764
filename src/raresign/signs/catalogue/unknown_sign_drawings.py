"""Unknown signs for a catalogue: drawings of signs that it lacks, which a run must not name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from raresign.seeds import mix_integers
from raresign.signs.catalogue.icon_check import look_on_grey
from raresign.signs.catalogue.pictures import load_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.countries.drawn_folder import drawn_icons
from raresign.signs.countries.registry import STANDARDS, country, standard

MOST = 48
_OTHER_COUNTRY = 10.0
"""Mean difference in grey levels below which two pictures may be one sign of two countries."""
_SAME = 0.5


def drawn_unknown_signs(
    catalogue: SignCatalogue, seed: int, never: Collection[str] = ()
) -> SignCatalogue | None:
    """Signs of our drawings that are no class of a catalogue, at most `MOST`.

    In the country of our drawings a code of the catalogue is left out, and so is a drawing that
    looks like one of its icons; in others one that resembles one (a limit of 50 is a limit of 50).

    Args:
        catalogue: Its classes and country.
        seed: Decides which of them are taken.
        never: Codes that must not be taken either, such as those that an experiment hides.

    Returns:
        None where nothing is left.
    """
    ours = standard(STANDARDS[0])
    kin = catalogue.country is not None and catalogue.country.drawings is ours
    present = set(catalogue.codes) if kin else set()
    codes = [code for code in ours.codes if code not in present and code not in never]
    if not codes:
        return None
    order = np.random.default_rng(mix_integers(seed, len(codes))).permutation(len(codes))
    drawn = _drawn(tuple(codes[place] for place in sorted(order[: 2 * MOST].tolist())))
    looks = _looks(catalogue.classes)
    kept = [
        sign
        for sign, look in zip(drawn.classes, _looks(drawn.classes), strict=True)
        if np.abs(looks - look).mean((1, 2, 3)).min() > (_SAME if kin else _OTHER_COUNTRY)
    ]
    chosen = kept[:: max(1, -(-len(kept) // MOST))]
    return SignCatalogue(chosen) if chosen else None


def _looks(signs: Sequence[SignClass]) -> np.ndarray:
    """(K, 32, 32, 3) first pictures on grey."""
    return np.stack([look_on_grey(pictures[0]) for pictures in load_pictures(signs)])


@lru_cache(maxsize=4)
def _drawn(codes: tuple[str, ...]) -> SignCatalogue:
    """Drawings without twins, which may not be taken; once a process, for it takes seconds."""
    folder = drawn_icons(STANDARDS[0], codes, variants=False)
    ours = country(standard(STANDARDS[0]).country)
    catalogue = SignCatalogue.from_icons(folder, dict.fromkeys(codes, "rare"), country=ours)
    return SignCatalogue([replace(sign, twin=None) for sign in catalogue.classes])
