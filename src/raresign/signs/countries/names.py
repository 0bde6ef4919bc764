"""Gives signs their short names, English and Russian: no reader need know the codes by heart."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Literal

from raresign.errors import InputError
from raresign.signs.values import code_values

Language = Literal["en", "ru"]

# A base code, then the value of a parametric sign ("n" a whole number, "r" a decimal one, "t"
# hours; a number may be left out: "3.24.n" is any speed limit).
_CODE = re.compile(r"(\d+(?:\.\d+)+?)(?:\.([nr](?:\d+(?:\.\d+)?)?|t\d{4}-\d{4}))?", re.ASCII)

# How the value is added to the name of a parametric sign.
_UNITS = {
    "percent": {"en": "{} %", "ru": "{} %"},
    "over": {"en": "over {} t", "ru": "массой более {} т"},
    "tonnes": {"en": "{} t", "ru": "{} т"},
    "metres": {"en": "{} m", "ru": "{} м"},
    "speed": {"en": "{} km/h", "ru": "{} км/ч"},
    "hours": {"en": "{}", "ru": "{}"},
}
_UNIT_OF = {
    **dict.fromkeys(("1.13", "1.14"), "percent"),
    "3.4": "over",
    **dict.fromkeys(("3.11", "3.12"), "tonnes"),
    **dict.fromkeys(("3.13", "3.14", "3.15", "3.16"), "metres"),
    **dict.fromkeys(("3.24", "3.25", "4.6", "4.7", "5.31", "5.32", "6.2"), "speed"),
    **dict.fromkeys(("8.1.1", "8.1.2", "8.1.3", "8.1.4", "8.2.1", "8.2.2"), "metres"),
    "8.5.4": "hours",
}


def sign_name(code: str, language: Language = "en") -> str:
    """The short name of a sign, or the code itself if it is not a known one.

    Source: GOST R 52290-2004 with its amendments and the Russian traffic rules, appendix 1,
    shortened; 4.1.2.1 and 4.1.2.2 are codes of the RTSD data set. A value is shown as the code
    writes it ("4.0" stays "4.0"), in Russian with a decimal comma. Left out: direction boards,
    some uncommon plates and lane boards, and most of what came with the amendments.

    Args:
        code: Class code; a parametric sign ends in `.n` or `.r` and its value in tonnes, metres,
            km/h or percent, or without a value ("3.24.n", "3.24": some speed limit), or in `.t`
            and hours.
        language: "en" or "ru".

    Example:
        >>> sign_name("2.4"), sign_name("3.24.n60"), sign_name("3.13.r3.5"), sign_name("3.4.n8")
        ('Give way', 'Speed limit 60 km/h', 'Height limit 3.5 m', 'No trucks over 8 t')
        >>> sign_name("3.13.r3.5", "ru"), sign_name("8.5.4.t0800-1730")
        ('Ограничение высоты 3,5 м', 'At given hours 8:00-17:30')
        >>> sign_name("horse")
        'horse'
    """
    match = _CODE.fullmatch(code)
    if match is None:
        return code
    base, value = match.groups()
    name = _names().get(base, {}).get(language)
    unit = _UNIT_OF.get(base)
    hours = value is not None and value.startswith("t")
    if name is None or (value and (unit is None or hours != (unit == "hours"))):
        return code
    try:
        shown = code_values(code, base).get("value", "")
    except InputError:  # no time of day
        return code
    if not unit or not shown:
        return name
    return f"{name} {_UNITS[unit][language].format(shown.replace('.', _DECIMAL[language]))}"


_DECIMAL = {"en": ".", "ru": ","}


@cache
def _names() -> dict[str, dict[str, str]]:
    """names.json: base code -> language -> name."""
    source = resources.files("raresign.signs.countries.russia").joinpath("names.json")
    names: dict[str, dict[str, str]] = json.loads(source.read_text(encoding="utf-8"))
    return names
