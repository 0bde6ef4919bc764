"""Is this sign in the model? By code, by name in English or Russian, or by its icon."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raresign.language.spoken import LANGUAGES, speaking
from raresign.signs.catalogue.likeness import colour_differences
from raresign.signs.catalogue.pictures import load_pictures
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.icons.icon_file import Pixels, without_border
from raresign.signs.spoken_signs import spoken_name

_WORD = re.compile(r"[\w.]+")


@dataclass(frozen=True)
class FoundSign:
    """A sign that fits what was asked for.

    Args:
        code: Its class code.
        names: Language -> name, where one is known.
        in_model: Whether the model knows it; else only its country's standard does.
        difference: From the icon asked with, in [0, 1]; None where words were asked with.
    """

    code: str
    names: dict[str, str]
    in_model: bool
    difference: float | None = None


class SignLookup:
    """The signs of a model, and those of its country, to be looked up.

    Args:
        catalogue: The classes of the model.
    """

    def __init__(self, catalogue: SignCatalogue) -> None:
        self._catalogue = catalogue

    def by_words(self, words: str, most: int = 12) -> list[FoundSign]:
        """The signs whose code or name fits.

        Every word asked for must begin a word of the code or of the name, in one language: "3.24
        60", "speed 60" and "скорости 60" all find 3.24.n60. Signs of the model come first, then
        exact codes, codes that begin so, and names.

        Args:
            words: A code, words of a name, or both.
            most: Signs at most.
        """
        asked = _words(words)
        if not asked:
            return []
        found: list[tuple[tuple[bool, int, int], FoundSign]] = []
        for place, (sign, texts, code) in enumerate(self._known):
            if any(all(_begins(one, text) for one in asked) for text in texts):
                exact = 0 if asked == [code] else 1 if code.startswith(asked[0]) else 2
                found.append(((not sign.in_model, exact, place), sign))
        return [sign for _rank, sign in sorted(found, key=lambda pair: pair[0])[:most]]

    def by_icon(self, icon: Pixels, most: int = 6) -> list[FoundSign]:
        """The signs of the model whose icons look most like a picture, the most alike first.

        Args:
            icon: (H, W, 4) uint8 RGBA.
            most: Signs at most.
        """
        differences = colour_differences([without_border(icon)], self._icons[1])[0]
        best: dict[int, float] = {}
        for label, difference in zip(self._icons[0], differences.tolist(), strict=True):
            best[label] = min(difference, best.get(label, 1.0))
        nearest = sorted(best, key=lambda label: best[label])[:most]
        return [
            FoundSign(
                self._catalogue[label].code,
                _names(self._catalogue[label].code, self._catalogue[label].name),
                in_model=True,
                difference=round(best[label], 4),
            )
            for label in nearest
        ]

    @cached_property
    def _known(self) -> list[tuple[FoundSign, list[list[str]], str]]:
        """Signs with the words that they are found by, one list a language, and their codes."""
        signs = [
            FoundSign(sign.code, _names(sign.code, sign.name), in_model=True)
            for sign in self._catalogue.classes
        ]
        if country := self._catalogue.country:  # its names are of codes without values
            bases = {country.value_of(code)[0] for code in self._catalogue.codes}
            more = [code for code in country.names if code not in bases]
            signs += [
                FoundSign(code, _names(code, country.name(code) or ""), in_model=False)
                for code in more
                if code not in self._catalogue.codes
            ]
        return [
            (
                sign,
                [_words(f"{sign.code} {name}") for name in (sign.names.values() or [""])],
                sign.code.casefold(),
            )
            for sign in signs
        ]

    @cached_property
    def _icons(self) -> tuple[list[int], list[Pixels]]:
        """Label and picture of every icon, without transparent border."""
        pictures = load_pictures(self._catalogue.classes, 64)
        pairs = [(label, icon) for label, icons in enumerate(pictures) for icon in icons]
        seen = [(label, icon) for label, icon in pairs if np.any(icon[..., 3] >= 128)]
        return [label for label, _icon in seen], [without_border(icon) for _label, icon in seen]


def _names(code: str, name: str) -> dict[str, str]:
    found = {}
    for language in LANGUAGES:
        with speaking(language):
            if said := spoken_name(code, name):
                found[language] = said
    return found


def _words(text: str) -> list[str]:
    """Words in one spelling: small letters, compatible forms, no ё."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return [word.strip(".") for word in _WORD.findall(plain) if word.strip(".")]


def _begins(asked: str, words: list[str]) -> bool:
    """Whether a word begins so; of a code also the value after its last letter: n60."""
    return any(
        word.startswith(asked) or (word[:1].isdigit() and word.rpartition(".")[2][1:] == asked)
        for word in words
    )
