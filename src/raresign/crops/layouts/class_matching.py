"""Compares the class names of a source with the codes of a catalogue."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable

from raresign.crops.crop_table import CodeBook

Spellings = Callable[[str], Iterable[str]]
"""Other ways to write a code in which a layout is known to differ from catalogues."""


def label_and_code(name: str, catalogue: CodeBook, spellings: Spellings) -> tuple[int, str]:
    """The label of a name, -1 if it has none, and the code that it was found as.

    Names are compared as they are, then after Unicode normalisation (macOS takes letters and
    accents apart), then in the other spellings of the layout; one of them alone may fit.

    Example:
        >>> from types import SimpleNamespace
        >>> codes = {"14": 3}
        >>> book = SimpleNamespace(label_of=lambda code: codes.get(code, -1))
        >>> label_and_code("00014", book, number_spellings)
        (3, '14')
    """
    for form in (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)):
        if (label := catalogue.label_of(form)) >= 0:
            return label, form
    found = {label: other for other in spellings(name) if (label := catalogue.label_of(other)) >= 0}
    return next(iter(found.items())) if len(found) == 1 else (-1, name)


def no_spellings(name: str) -> Iterable[str]:
    """A layout whose names are those of the catalogue."""
    return ()


def number_spellings(name: str) -> Iterable[str]:
    """A class number with fewer or more leading zeros.

    Example:
        >>> list(number_spellings("00014"))
        ['14', '014', '0014', '00014']
    """
    if not name.isdecimal() or len(name) > 9:
        return ()
    return dict.fromkeys(str(int(name)).zfill(width) for width in range(1, 6))


def dotted_spellings(name: str) -> Iterable[str]:
    """RTSD writes 3_24_n40 for 3.24.n40.

    Example:
        >>> list(dotted_spellings("3_24_n40")), list(dotted_spellings("2.5"))
        (['3.24.n40'], ['2_5'])
    """
    return [other for other in (name.replace("_", "."), name.replace(".", "_")) if other != name]


def suggestion(name: str, catalogue: CodeBook) -> str:
    """The code that was probably meant by a name that is none, "" if no code is near.

    Example:
        >>> from types import SimpleNamespace
        >>> suggestion("stop ", SimpleNamespace(codes=("Stop", "no_entry")))
        'Stop'
    """
    codes: tuple[str, ...] = tuple(getattr(catalogue, "codes", ()))
    bare = {_bare(code): code for code in codes}
    if (own := _bare(name)) in bare:
        return bare[own]
    near = difflib.get_close_matches(own, list(bare), 1, 0.85) if len(own) > 3 else []
    return bare[near[0]] if near else ""


def _bare(name: str) -> str:
    """A name without case, quotes, blanks, dots, dashes and leading zeros."""
    plain = unicodedata.normalize("NFKC", name).casefold().strip(" \t'\",;")
    return ".".join(part.lstrip("0") or "0" for part in re.split(r"[\s._-]+", plain))
