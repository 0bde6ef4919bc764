"""Unknown signs for a catalogue: drawings of signs that it lacks, which a run must not name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from raresign.seeds import mix_integers
from raresign.signs.catalogue.free_signs import INVENTED, free_codes, free_signs
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.countries.drawn_folder import drawn_icons, invented_icons
from raresign.signs.countries.registry import STANDARDS, country, standard

MOST = 48
_FEW = 24
"""Where fewer drawings are left, invented signs join them."""


def drawn_unknown_signs(
    catalogue: SignCatalogue, seed: int, hidden: Sequence[SignClass] = ()
) -> SignCatalogue:
    """Signs that are no class of a catalogue, at most `MOST`: our drawings where enough are left.

    A catalogue of nearly all signs that we draw leaves too few; then invented signs join them.

    Args:
        catalogue: Its classes and country, see `free_signs`.
        seed: Decides which of them are taken.
        hidden: Classes that an experiment hides; they are not taken either.
    """
    codes = free_codes(catalogue, hidden)
    order = np.random.default_rng(mix_integers(seed, len(codes))).permutation(len(codes))
    drawn = _drawn(tuple(codes[place] for place in sorted(order[: 2 * MOST].tolist())))
    kept = free_signs(drawn, catalogue, hidden)
    count = min(MOST, len(kept))
    chosen = [kept[place * len(kept) // count] for place in range(count)]
    if len(chosen) < _FEW:
        more = free_signs(_invented(seed), catalogue, hidden)[: MOST - len(chosen)]
        chosen += [replace(sign, id=len(drawn) + number) for number, sign in enumerate(more)]
    return SignCatalogue(chosen)


@lru_cache(maxsize=4)
def _drawn(codes: tuple[str, ...]) -> tuple[SignClass, ...]:
    """Our drawings of some codes; once a process, for it takes seconds."""
    return _read(drawn_icons(STANDARDS[0], codes, variants=False), codes) if codes else ()


@lru_cache(maxsize=4)
def _invented(seed: int) -> tuple[SignClass, ...]:
    """Enough invented signs."""
    codes = sorted(path.stem for path in invented_icons(INVENTED, seed).iterdir())
    return _read(invented_icons(INVENTED, seed), codes[: 2 * MOST])


def _read(folder: Path, codes: Sequence[str]) -> tuple[SignClass, ...]:
    """Signs without twins, which may not be taken; families are those of the drawings' country."""
    ours = country(standard(STANDARDS[0]).country)
    catalogue = SignCatalogue.from_icons(folder, dict.fromkeys(codes, "rare"), country=ours)
    return tuple(replace(sign, twin=None) for sign in catalogue.classes)
