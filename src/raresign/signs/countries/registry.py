"""All countries that come with the package, by ISO code; their drawings, by name."""

from __future__ import annotations

from raresign.errors import InputError
from raresign.signs.countries.country import Country
from raresign.signs.countries.germany.german_signs import GERMANY
from raresign.signs.countries.russia.russian_signs import RUSSIA
from raresign.signs.countries.standard import Standard

COUNTRIES: dict[str, Country] = {one.iso: one for one in (RUSSIA, GERMANY)}
NO_COUNTRY = "none"  # class codes then mean nothing but themselves

_STANDARDS = {one.drawings.name: one.drawings for one in COUNTRIES.values() if one.drawings}
STANDARDS = tuple(_STANDARDS)
"""Names of the standards whose signs we drew."""


def country(code: str) -> Country:
    """A country by its ISO code.

    Raises:
        InputError: It does not come with the package.

    Example:
        >>> country("RU").name("2.5")
        'Stop'
    """
    if code not in COUNTRIES:
        raise InputError(
            f"no country is called '{code}'",
            f"use one of {', '.join(COUNTRIES)}, or {NO_COUNTRY}: codes then mean nothing",
        )
    return COUNTRIES[code]


def standard(name: str) -> Standard:
    """Our drawings of a country's signs, by the standard's name.

    Args:
        name: "gost": the Russian signs.

    Raises:
        InputError: No standard has this name.

    Example:
        >>> len(standard("gost").classes)
        205
    """
    if name not in _STANDARDS:
        raise InputError(f"no signs are drawn for {name!r}", f"use one of {', '.join(STANDARDS)}")
    return _STANDARDS[name]
