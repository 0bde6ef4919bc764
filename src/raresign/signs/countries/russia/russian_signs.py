"""Russia: names, families, twins, codes and drawings of the signs of GOST R 52290-2004.

Sources: GOST R 52290-2004 with its amendments up to 2020 and the Russian traffic rules, appendix 1;
names are shortened. 4.1.2.1 and 4.1.2.2, plain arrows, are codes of the RTSD data set. No names:
direction boards, some uncommon plates and lane boards, and most of what came with the amendments.
No twins: signs whose lettering a mirror would spoil (1.13/1.14, 8.1.3/8.1.4, 8.2.5/8.2.6).
`values.json` says which values a family can show; it is generous, for it only warns.
"""

from __future__ import annotations

import re

from raresign.errors import InputError
from raresign.signs.countries.country import CodeGrammar, Country, both_ways, read_table
from raresign.signs.countries.russia.drawings import GOST
from raresign.signs.countries.value_ranges import ValueRanges
from raresign.signs.values import code_values

# A code of GOST R 52290: group, number, at most two sub-numbers, then the value of a parametric
# sign ("n" a whole number, "r" a decimal one; either may be left out; "t" hours).
_VALUE = r"[nr]\d*(?:\.\d+)?|t\d{4}-\d{4}"
_CODE = re.compile(rf"(?P<base>[1-8](?:\.\d+){{1,3}})(?:\.(?:{_VALUE}))*", re.ASCII)
# A name shows one value, and nothing between the letter and the point.
_SHOWN = re.compile(r"[nr](?:\d+(?:\.\d+)?)?|t\d{4}-\d{4}", re.ASCII)

_WRITTEN = {
    "percent": {"en": "{} %", "ru": "{} %"},
    "over": {"en": "over {} t", "ru": "массой более {} т"},
    "tonnes": {"en": "{} t", "ru": "{} т"},
    "metres": {"en": "{} m", "ru": "{} м"},
    "speed": {"en": "{} km/h", "ru": "{} км/ч"},
    "hours": {"en": "{}", "ru": "{}"},
}
UNIT_OF = {
    **dict.fromkeys(("1.13", "1.14"), "percent"),
    "3.4": "over",
    **dict.fromkeys(("3.11", "3.12"), "tonnes"),
    **dict.fromkeys(("3.13", "3.14", "3.15", "3.16"), "metres"),
    **dict.fromkeys(("3.24", "3.25", "4.6", "4.7", "5.31", "5.32", "6.2"), "speed"),
    **dict.fromkeys(("8.1.1", "8.1.2", "8.1.3", "8.1.4", "8.2.1", "8.2.2"), "metres"),
    "8.5.4": "hours",
}
"""Base code -> what its value measures."""


def shown_value(code: str, base: str) -> str | None:
    """What a name says of the value of a code; see `CodeGrammar`."""
    rest = code[len(base) + 1 :]
    if not rest:
        return ""
    unit = UNIT_OF.get(base)
    if unit is None or not _SHOWN.fullmatch(rest) or rest.startswith("t") != (unit == "hours"):
        return None
    try:
        return code_values(code, base).get("value", "")
    except InputError:  # no time of day
        return None


def with_value(base: str, value: str) -> str:
    """The code of a base with a value; see `CodeGrammar`. Heights and widths are decimals."""
    letter = "r" if "." in value or base in ("3.13", "3.14") else "n"
    return f"{base}.{letter}{value}"


RUSSIA = Country(
    iso="RU",
    title="Russia, GOST R 52290-2004",
    names=read_table(__package__, "names.json"),
    families=read_table(__package__, "families.json"),
    twins=both_ways(read_table(__package__, "twins.json")),
    grammar=CodeGrammar(
        code=_CODE,
        shown=shown_value,
        written=with_value,
        units={base: _WRITTEN[unit] for base, unit in UNIT_OF.items()},
        decimals={"en": ".", "ru": ","},
    ),
    drawings=GOST,
    ranges=ValueRanges(read_table(__package__, "values.json")),
)
