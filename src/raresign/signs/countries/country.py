"""What a country says of its signs: names, families, twins, how codes are written, drawings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from raresign.language.spoken import _, current_language
from raresign.signs.countries.standard import Standard
from raresign.signs.countries.value_ranges import ValueRanges

Names = Mapping[str, Mapping[str, str]]
"""Base code -> language -> name."""


@dataclass(frozen=True, eq=False)
class CodeGrammar:
    """How a country writes class codes.

    Args:
        code: Matches every code; its group `base` is the code without what a sign's value adds.
        shown: Of a code and its base, what a sign's name says after it: a value ("60"), "" for
            none; None where the base takes no such value.
        written: The code of a base with such a value.
        units: Base code -> language -> how the value is written: "{} km/h".
        decimals: Language -> decimal sign.
    """

    code: re.Pattern[str]
    shown: Callable[[str, str], str | None]
    written: Callable[[str, str], str]
    units: Names
    decimals: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Country:
    """The signs of a country, by its own class codes.

    Args:
        iso: Two letters: "RU".
        title: For people: "Russia, GOST R 52290-2004".
        names: Base code -> language -> name.
        families: Beginning of a code -> family; the longest one counts. "" says that the look is
            not given by the code (direction boards).
        twins: Code -> the code of its mirror image, both ways.
        grammar: How codes are written.
        aliases: Other codes for the same signs, such as a benchmark's numbers -> code.
        drawings: Our drawings of its signs, if there are any.
        ranges: Which values its signs can show.

    Example:
        >>> from raresign.signs.countries.registry import country
        >>> russia = country("RU")
        >>> russia.name("3.24.n60"), russia.family("3.24.n60"), russia.name("274-60")
        ('Speed limit 60 km/h', 'red ring', None)
        >>> country("DE").name("274-60"), country("DE").name("02")
        ('Speed limit 60 km/h', 'Speed limit 50 km/h')
        >>> russia.name("3.13.r3.5", "ru"), russia.twin("1.11.1", {"1.11.1", "1.11.2"})
        ('Ограничение высоты 3,5 м', '1.11.2')
    """

    iso: str
    title: str
    names: Names
    families: Mapping[str, str]
    twins: Mapping[str, str]
    grammar: CodeGrammar
    aliases: Mapping[str, str] = field(default_factory=dict)
    drawings: Standard | None = None
    ranges: ValueRanges = field(default_factory=ValueRanges)

    def knows(self, code: str) -> bool:
        """Whether a class code is written as this country writes its codes."""
        return self._base(self._own(code)) is not None

    def name(self, code: str, language: str = "en") -> str | None:
        """The short name of a sign, with its value; None where code or language is not known.

        `language` is "en" or one of the country's own ("ru", "de").
        """
        code = self._own(code)
        base = self._base(code)
        if base is None:
            return None
        whole = self.names.get(code, {}).get(language)
        name = whole or self.names.get(base, {}).get(language)
        value = "" if whole else self.grammar.shown(code, base)
        if name is None or value is None:
            return None
        if not value:
            return name
        decimal = self.grammar.decimals.get(language, ".")
        return f"{name} {self.grammar.units[base][language].format(value.replace('.', decimal))}"

    def family(self, code: str) -> str | None:
        """The family of a sign; None where its code does not tell."""
        code = self._own(code)
        for beginning in _beginnings(code) if self._base(code) else ():
            if beginning in self.families:
                return self.families[beginning] or None
        return None

    def twin(self, code: str, present: Collection[str]) -> str | None:
        """The mirror twin of a class, if it is among the `present` codes."""
        twin = self.twins.get(self._own(code))
        if twin is None or twin in present:
            return twin
        return next((other for other in present if self.aliases.get(other) == twin), None)

    def values(self, base: str) -> tuple[str, ...]:
        """The codes of all values that a family of signs can show; none where any may be.

        Example:
            >>> from raresign.signs.countries.registry import country
            >>> country("RU").values("3.24")[:3], country("DE").values("274")[-1]
            (('3.24.n5', '3.24.n10', '3.24.n15'), '274-130')
        """
        return tuple(self.grammar.written(base, value) for value in self.ranges.values(base))

    def allows(self, code: str) -> bool:
        """Whether there can be a sign with the value of a code; true of codes that are not known.

        Example:
            >>> from raresign.signs.countries.registry import country
            >>> country("RU").allows("3.13.r4.5"), country("RU").allows("3.13.r45")
            (True, False)
        """
        base, value = self.value_of(code)
        return not value or self.ranges.allows(base, value)

    def value_problem(self, code: str) -> str | None:
        """What is wrong with the value of a code, and what may be meant; None where it can be.

        Example:
            >>> from raresign.signs.countries.registry import country
            >>> country("RU").value_problem("3.13.r45").partition("; ")[2]
            'did you mean 3.13.r4.5?'
        """
        if self.allows(code):
            return None
        base, value = self.value_of(code)
        meant = self.grammar.written(base, self.ranges.nearest(base, value))
        name = self.name(code, current_language()) or self.name(code)
        said = f'"{name}" ({self.ranges.words(base)})'
        return _("{code}: there is no {said}; did you mean {meant}?").format(
            code=code, said=said, meant=meant
        )

    def value_of(self, code: str) -> tuple[str, str]:
        """Base and value of a code; "" where it shows none.

        Example:
            >>> from raresign.signs.countries.registry import country
            >>> country("RU").value_of("3.24.n60"), country("RU").value_of("2.5")
            (('3.24', '60'), ('2.5', ''))
        """
        code = self._own(code)
        base = self._base(code)
        return base or "", (self.grammar.shown(code, base) or "") if base else ""

    def _own(self, code: str) -> str:
        """The country's own code of an alias."""
        return self.aliases.get(code, code)

    def _base(self, code: str) -> str | None:
        match = self.grammar.code.fullmatch(code)
        return match["base"] if match else None


def value_problems(country: Country | None, codes: Iterable[str]) -> list[str]:
    """`Country.value_problem` of all codes that have one; none without a country."""
    problems = map(country.value_problem, codes) if country else ()
    return [problem for problem in problems if problem]


def read_table(package: str, file: str) -> dict[str, Any]:
    """A JSON object that comes with a country's package."""
    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def both_ways(pairs: Mapping[str, str]) -> dict[str, str]:
    """Each of a pair -> the other."""
    return {**pairs, **{b: a for a, b in pairs.items()}}


def _beginnings(code: str) -> Iterator[str]:
    """The code, then the beginnings of it that end before a dot or dash, longest first."""
    while code:
        yield code
        code = code[: max(code.rfind("."), code.rfind("-"), 0)]
