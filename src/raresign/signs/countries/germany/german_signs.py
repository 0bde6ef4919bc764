"""Germany: names, families and twins of the commonest signs by the codes of VzKat; no drawings.

Sources: StVO, annexes 1 to 4, and the catalogue of traffic signs (VzKat, 2017); names are
shortened. What follows the dash is a value (274-50: limit 50; 265-3.8 or 265-3,8: 3.8 m) or tells
forms of one sign apart (103-10 to the left, 103-20 to the right; -10 and -20 also for the right and
left roadside). `values.json` says which values a family can show; it is generous, for it only
warns. `aliases.json` are the numbers of the German Traffic Sign Recognition Benchmark. No twins:
signs whose lettering a mirror would spoil.
"""

from __future__ import annotations

import re

from raresign.signs.countries.country import CodeGrammar, Country, both_ways, read_table
from raresign.signs.countries.value_ranges import ValueRanges

# StVO gives these numbers without a dash to the form for the right.
_BY_LAW = {"209": "209-20", "211": "211-20", "214": "214-20", "222": "222-20"}

_SPEED = {"en": "{} km/h", "de": "{} km/h"}
_PERCENT = {"en": "{} %", "de": "{} %"}
_TONNES = {"en": "{} t", "de": "{} t"}
_METRES = {"en": "{} m", "de": "{} m"}
_UNITS = {
    **dict.fromkeys(("108", "110"), _PERCENT),
    **dict.fromkeys(("262", "263"), _TONNES),
    **dict.fromkeys(("264", "265", "266"), _METRES),
    **dict.fromkeys(("274", "275", "278", "279"), _SPEED),
}

_NAMES = read_table(__package__, "names.json")
_BENCHMARK = read_table(__package__, "aliases.json")


def shown_value(code: str, base: str) -> str | None:
    """What a name says of what follows the dash; see `CodeGrammar`."""
    return code[len(base) + 1 :].replace(",", ".") if base in _UNITS else ""


def with_value(base: str, value: str) -> str:
    """The code of a base with a value; see `CodeGrammar`."""
    return f"{base}-{value}"


def _code() -> re.Pattern[str]:
    """A code of the table, its dash and number as they may be."""
    bases = sorted({code.partition("-")[0] for code in _NAMES})
    any_sign = rf"(?P<base>{'|'.join(map(re.escape, bases))})"
    number, small = r"-\d{2,3}", r"(?<=108|110|27[4589])-\d"
    decimal = r"(?<=26[2-6])-\d{1,2}(?:[.,]\d)?"
    return re.compile(f"{any_sign}(?:{number}|{small}|{decimal})?", re.ASCII)


GERMANY = Country(
    iso="DE",
    title="Germany, StVO and VzKat",
    names=_NAMES,
    families=read_table(__package__, "families.json"),
    twins=both_ways(read_table(__package__, "twins.json")),
    grammar=CodeGrammar(_code(), shown_value, with_value, _UNITS, {"en": ".", "de": ","}),
    # The benchmark's own folders and files write its numbers with five digits.
    aliases={**_BY_LAW, **_BENCHMARK, **{f"{k:0>5}": code for k, code in _BENCHMARK.items()}},
    ranges=ValueRanges(read_table(__package__, "values.json")),
)
