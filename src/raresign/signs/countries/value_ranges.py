"""Which values the signs of a country can show: heights from 2 to 6 m, speeds in steps of 5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from raresign.language.spoken import _


@dataclass(frozen=True)
class ValueRange:
    """Values from `first` to `last` in steps of `step`, all above 0.

    Example:
        >>> heights = ValueRange(Decimal(2), Decimal(3), Decimal("0.1"))
        >>> Decimal("2.4") in heights, Decimal("2.45") in heights, Decimal(4) in heights
        (True, False, False)
        >>> str(heights), len(heights.values())
        ('2 to 3 in steps of 0.1', 11)
    """

    first: Decimal
    last: Decimal
    step: Decimal

    def __contains__(self, value: Decimal) -> bool:
        return self.first <= value <= self.last and not (value - self.first) % self.step

    def __str__(self) -> str:
        words = _("{first} to {last} in steps of {step}")
        return words.format(first=self.first, last=self.last, step=self.step)

    def values(self) -> list[Decimal]:
        """All of them, ascending."""
        count = int((self.last - self.first) / self.step)
        return [self.first + place * self.step for place in range(count + 1)]


class ValueRanges:
    """The values of each family of signs, by base code; other families show any value, or none.

    Args:
        table: Base code -> [first, last, step] once or more, as in a country's `values.json`.

    Example:
        >>> ranges = ValueRanges({"3.13": [[2, 6, 0.1]]})
        >>> ranges.allows("3.13", "4.5"), ranges.allows("3.13", "45"), ranges.nearest("3.13", "45")
        (True, False, '4.5')
        >>> ranges.allows("1.1", "45"), ranges.values("3.13")[:3], ranges.values("1.1")
        (True, ('2', '2.1', '2.2'), ())
    """

    def __init__(self, table: Mapping[str, Sequence[Sequence[float]]] | None = None) -> None:
        self._ranges = {
            base: tuple(ValueRange(*(Decimal(str(number)) for number in row)) for row in rows)
            for base, rows in (table or {}).items()
        }

    @property
    def bases(self) -> tuple[str, ...]:
        """Base codes of the families."""
        return tuple(self._ranges)

    def allows(self, base: str, value: str) -> bool:
        """Whether a sign of a family can show a value: a number with a decimal point."""
        ranges = self._ranges.get(base)
        return ranges is None or any(Decimal(value) in one for one in ranges)

    def values(self, base: str) -> tuple[str, ...]:
        """All values of a family, ascending; none where any may be."""
        found = {value for one in self._ranges.get(base, ()) for value in one.values()}
        return tuple(_plain(value) for value in sorted(found))

    def nearest(self, base: str, value: str) -> str:
        """What was meant by a value that does not exist, in a family that has values.

        The same digits with the point elsewhere ("45" for 4.5, "500" for 50) come first, then the
        next value.
        """
        meant = Decimal(value)
        known = [Decimal(one) for one in self.values(base)]
        same = [one for one in known if _digits(one) == _digits(meant)]
        return _plain(min(same or known, key=lambda one: abs(one - meant)))

    def words(self, base: str) -> str:
        """The values of a family for people: "5 to 100 in steps of 5"."""
        return ", ".join(map(str, self._ranges[base]))


def _plain(value: Decimal) -> str:
    """ "40" and "2.5", never "4E+1" or "2.50"."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _digits(value: Decimal) -> str:
    """What is left of a number without its point and the zeros around it."""
    return f"{value:f}".replace(".", "").strip("0")
