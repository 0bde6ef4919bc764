"""Chooses the country of a data folder: said, written in classes.json, or seen from its icons."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.signs.catalogue.icon_check import known_look
from raresign.signs.countries.country import Country
from raresign.signs.countries.drawn_sign import render_sign
from raresign.signs.countries.registry import COUNTRIES, NO_COUNTRY, country
from raresign.signs.countries.standard import Standard
from raresign.signs.icons.icon_file import Pixels, icon_files, load_icon
from raresign.signs.icons.png_icon import IconWarning
from raresign.signs.icons.templates import class_icons

# An icon looks like our drawing of its code if no other of some 80 drawings is nearer to it.
# Measured: so do 97.5 to 100 % of Russian icons; of lists in which a third of the codes mean
# something else 50 to 80 %, of German icons under the right Russian codes 71 %, of shuffled ones
# at most 20 %.
_ASTRAY = 0.1  # largest share of icons that look otherwise; one icon where there are six or more
_DRAWN = 0.5  # least share of the codes of which there is a drawing
_COMPARED, _RIVALS, _FEWEST = 40, 80, 3
_FARTHEST = 55.0  # grey levels; icons of the same sign differ by up to 45 (RTSD-R1, speed limits)


@dataclass(frozen=True)
class CountryChoice:
    """A country, or none, and why, in words; `is_said` if the user said so."""

    country: Country | None
    reason: str
    is_said: bool = False

    @property
    def iso(self) -> str:
        """As on the command line."""
        return self.country.iso if self.country else NO_COUNTRY

    def __str__(self) -> str:
        seen = self.country is not None and not self.is_said
        hint = _("; --country {none} keeps it out").format(none=NO_COUNTRY) if seen else ""
        return _("country: {iso}, {reason}{hint}").format(
            iso=self.iso, reason=self.reason, hint=hint
        )


def said_country(name: str, where: str) -> CountryChoice:
    """What the user said: an ISO code or "none"; `where` says in which words ("as --country says").

    Raises:
        InputError: There is no such country.
    """
    return CountryChoice(None if name == NO_COUNTRY else country(name), where, is_said=True)


def seen_country(folder: Path, codes: Sequence[str]) -> CountryChoice:
    """The country whose drawings the icons of a folder look like, code by code.

    None where there is no such folder, or too few codes are drawn or icons look like the drawings.
    """
    if not folder.is_dir():
        return CountryChoice(None, _("there are no icons to recognise it from"))
    for one in COUNTRIES.values():
        if one.drawings is None:
            continue
        known = [code for code in codes if one.drawings.draws(code)]
        if len(known) < max(_FEWEST, _DRAWN * len(codes)):
            continue
        icons = _icons(folder, _spread(known, _COMPARED))
        like = looking_like(icons, one.drawings)
        astray = max(int(_ASTRAY * len(icons)), len(icons) >= 6)
        if len(icons) >= _FEWEST and len(icons) - like <= astray:
            counts = _("{like} of {n} look like our drawings").format(like=like, n=len(icons))
            return CountryChoice(
                one, _("recognised from its icons ({counts})").format(counts=counts)
            )
        if icons:
            counts = _("{like} of {n} icons look like our drawings for {iso}").format(
                like=like, n=len(icons), iso=one.iso
            )
            return CountryChoice(None, _("{counts}; say it with --country").format(counts=counts))
    return CountryChoice(None, _("codes mean nothing but themselves; say it with --country"))


def looking_like(icons: Mapping[str, Pixels], signs: Standard) -> int:
    """How many icons look more like the drawing of their code than like any other."""
    others = [code for code in signs.classes if code not in icons]
    rivals = [*icons, *_spread(others, max(_RIVALS - len(icons), 0))]
    drawn = np.stack([_look(render_sign(code, 64, signs=signs.name)) for code in rivals])
    count = 0
    for code, icon in icons.items():
        distance = np.abs(drawn - _look(icon)).mean((1, 2, 3))
        own = distance[rivals.index(code)]
        count += bool(own <= distance.min() and own < _FARTHEST)
    return count


def _look(icon: Pixels) -> np.ndarray:
    """(32, 32, 3) on grey, without the transparent border."""
    look = known_look(icon)
    return np.full((32, 32, 3), 128.0) if look is None else look


def _icons(folder: Path, codes: Sequence[str]) -> dict[str, Pixels]:
    """The first icon of each code; what cannot be read is left to whoever needs it."""
    icons: dict[str, Pixels] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IconWarning)
        try:
            files = class_icons(codes, icon_files(folder))
        except InputError:
            return icons
        for code, paths in files.items():
            try:
                icons[code] = load_icon(paths[0], code=code)
            except InputError:
                continue
    return icons


def _spread(codes: Sequence[str], most: int) -> list[str]:
    """At most `most` of the codes, evenly."""
    count = min(most, len(codes))
    return [codes[k * len(codes) // count] for k in range(count)]
