"""Which classes may be answered: those of a country, of a list, or all but some."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from raresign.answers.aliases import Aliases
from raresign.crops.layouts.class_matching import suggestion
from raresign.crops.layouts.csv_file import csv_rows
from raresign.crops.layouts.text_files import read_text
from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.registry import country as country_of

_TABLES = (".csv", ".tsv", ".xlsx")


@dataclass(frozen=True)
class AllowList:
    """Which classes of a model may be answered.

    Attributes:
        codes: They.
        excluded: The others.
        unknown: Codes of the list that the model does not have.
    """

    codes: tuple[str, ...]
    excluded: tuple[str, ...]
    unknown: tuple[str, ...]


def allow_list(
    catalogue: SignCatalogue,
    country: str | None = None,
    only: str | Path | None = None,
    without: str | None = None,
) -> AllowList:
    """The classes that may be answered; what is given narrows them together.

    Args:
        catalogue: The classes of the model.
        country: ISO code: signs that exist there, as far as the country's tables tell.
        only: A text with a code a line (`#` begins a remark), or a table with a column `code`.
        without: Codes between commas that may not be answered.

    Raises:
        InputError: The classes are another country's, a file cannot be read, a code of `without` is
            none of the model's, or no class is left.

    Example:
        >>> from raresign.signs.catalogue.sign_class import SignClass
        >>> signs = [SignClass(c, n, "freq", (), "ring", None) for n, c in enumerate(["2.5", "X"])]
        >>> allow_list(SignCatalogue(signs, "RU"), country="RU").excluded
        ('X',)
    """
    allowed = set(catalogue.codes)
    unknown: list[str] = []
    if country is not None:
        if catalogue.iso not in (None, country):
            raise InputError(
                _("the model reads the signs of {own}, not of {country}").format(
                    own=catalogue.iso, country=country
                ),
                _("the same code is another sign elsewhere; give a list with --only"),
            )
        known = country_of(country)
        allowed = {code for code in allowed if known.knows(code) and known.allows(code)}
    if only is not None:
        listed = _codes_in(Path(only))
        unknown = [code for code in listed if catalogue.label_of(code) < 0]
        allowed &= {
            catalogue.codes[label] for label in map(catalogue.label_of, listed) if label >= 0
        }
    for code in filter(None, (part.strip() for part in (without or "").split(","))):
        if (label := catalogue.label_of(code)) < 0:
            meant = suggestion(code, catalogue)
            raise InputError(
                _("the model has no class '{code}'").format(code=code),
                _("did you mean {meant}?").format(meant=meant) if meant else "",
            )
        allowed.discard(catalogue.codes[label])
    if not allowed:
        raise InputError(_("no class of the model is allowed"), _("allow at least one"))
    codes = tuple(code for code in catalogue.codes if code in allowed)
    excluded = tuple(code for code in catalogue.codes if code not in allowed)
    return AllowList(codes, excluded, tuple(dict.fromkeys(unknown)))


def _codes_in(file: Path) -> list[str]:
    """The codes that a list names."""
    if file.suffix.lower() in _TABLES:
        return [row["code"] for _line, row in csv_rows(file, ["code"]) if row["code"]]
    lines = (line.partition("#")[0].strip() for line in read_text(file).splitlines())
    return [line for line in lines if line]


def read_aliases(file: str | Path) -> Aliases:
    """A table of old code -> new code: a CSV or workbook with the columns old and new.

    Raises:
        InputError: It cannot be read, lacks a column, leaves a new code empty or gives an old code
            two new ones.
    """
    path = Path(file)
    found: dict[str, str] = {}
    for line, row in csv_rows(path, ["old", "new"]):
        old, new = row["old"], row["new"]
        if not old or not new:
            raise InputError(
                _("{file}, line {line}: a code is missing").format(file=path, line=line),
                _("give old and new in every line"),
            )
        if found.setdefault(old, new) != new:
            raise InputError(
                _("{file}, line {line}: {old} becomes {first} and {second}").format(
                    file=path, line=line, old=old, first=found[old], second=new
                ),
                _("keep one of them"),
            )
    return Aliases(found)


def read_thresholds(file: str | Path, catalogue: SignCatalogue) -> dict[str, float]:
    """Class code -> least probability, of a table with the columns code and threshold.

    Classes that the catalogue does not have are passed over, empty thresholds too; a row `*` stands
    for all classes without a row.

    Raises:
        InputError: It cannot be read, lacks a column, or a threshold is no number from 0 to 1.
    """
    path = Path(file)
    found: dict[str, float] = {}
    others: float | None = None
    for line, row in csv_rows(path, ["code", "threshold"]):
        if not row["threshold"]:
            continue
        try:
            least = float(row["threshold"])
        except ValueError:
            least = -1.0
        if not 0 <= least <= 1:
            raise InputError(
                _("{file}, line {line}: the threshold is '{cell}'").format(
                    file=path, line=line, cell=row["threshold"]
                ),
                _("give a number from 0 to 1"),
            )
        if row["code"] == "*":
            others = least
        elif (label := catalogue.label_of(row["code"])) >= 0:
            found[catalogue.codes[label]] = least
    if others is not None:
        found = dict.fromkeys(catalogue.codes, others) | found
    return found
