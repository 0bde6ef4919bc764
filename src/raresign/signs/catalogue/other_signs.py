"""Other signs: what a net may train on beside the classes of a catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from raresign.signs.catalogue.free_signs import INVENTED, free_codes, free_signs
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass
from raresign.signs.catalogue.unknown_sign_drawings import drawn_unknown_signs
from raresign.signs.countries.drawn_folder import drawn_icons, invented_icons
from raresign.signs.countries.registry import STANDARDS


def other_signs(
    catalogue: SignCatalogue, seed: int, hidden: Sequence[SignClass] = ()
) -> SignCatalogue:
    """Our drawings and invented signs that are no class of a catalogue; they have no family.

    Left out are those that the rule for unknown signs is fitted on.

    Args:
        catalogue: Its classes and country, see `free_signs`.
        seed: Decides which ones are kept for the rule, and what is invented.
        hidden: Classes that an experiment hides.
    """
    rule = drawn_unknown_signs(catalogue, seed, hidden).codes
    codes = tuple(code for code in free_codes(catalogue, hidden) if code not in rule)
    found = [
        SignClass(path.stem, number, "rare", (path,), "other", None)
        for number, path in enumerate(_files(codes, seed))
        if path.stem not in rule
    ]
    return SignCatalogue(free_signs(found, catalogue, hidden))


@lru_cache(maxsize=4)
def _files(codes: tuple[str, ...], seed: int) -> tuple[Path, ...]:
    """The drawings of some codes, then the invented signs."""
    drawn = drawn_icons(STANDARDS[0], codes, variants=False)
    invented = invented_icons(INVENTED, seed)
    return (*(drawn / f"{code}.svg" for code in codes), *sorted(invented.iterdir()))
