"""What people read, in their language: English sentences in the code, translated as they are said.

A message is marked where it stands: `_("no sign")`, `ngettext("{n} crop", "{n} crops", n)`,
`pgettext("one sign", "rare")`; one that is said later, or elsewhere, is marked with
`later("no sign")` and said with `_`. Python code
speaks English unless it asks otherwise with `speaking`; the command line asks for the user's
language. `tools/translations.py` collects the messages into `ru.po` and compiles `ru.mo`.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources

LANGUAGES = ("en", "ru")
VARIABLE = "RARESIGN_LANG"
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")

_spoken: ContextVar[str] = ContextVar("raresign_language", default="en")


def current_language() -> str:
    """The language that is spoken here: "en" or "ru"."""
    return _spoken.get()


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Speak a language inside the block: in this thread or task alone, so that two may differ.

    Args:
        name: One of `LANGUAGES`.

    Raises:
        ValueError: Another language.

    Example:
        >>> with speaking("ru"):
        ...     _("no sign")
        'знака нет'
    """
    if name not in LANGUAGES:
        raise ValueError(f"language '{name}' is none of {', '.join(LANGUAGES)}")
    before = _spoken.set(name)
    try:
        yield
    finally:
        _spoken.reset(before)


def _(message: str) -> str:
    """A message in the language spoken; itself where there is no translation."""
    return _messages(_spoken.get()).gettext(message) if message else ""


def ngettext(one: str, many: str, count: int) -> str:
    """A message that depends on a number, in the form that the language has for it.

    Example:
        >>> with speaking("ru"):
        ...     [ngettext("{n} crop", "{n} crops", n).format(n=n) for n in (1, 22, 5)]
        ['1 снимок', '22 снимка', '5 снимков']
    """
    return _messages(_spoken.get()).ngettext(one, many, count)


def pgettext(context: str, message: str) -> str:
    """A short message that is said in several ways, by what it is said of.

    Example:
        >>> with speaking("ru"):
        ...     _("rare"), pgettext("one sign", "rare")
        ('редкие', 'редкий')
    """
    return _messages(_spoken.get()).pgettext(context, message)


def later(message: str) -> str:
    """Mark a message that is translated where it is said; returns it as it is."""
    return message


def asked_language(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The language that a user asks for.

    The last `--lang` counts, else the variable RARESIGN_LANG, else the locale; what names none of
    our languages means English.

    Args:
        arguments: Those of the command line.
        environment: Its variables.

    Example:
        >>> asked_language(["predict", "a.png", "--lang", "ru"], {"LANG": "C"})
        'ru'
        >>> asked_language([], {"LANG": "ru_RU.UTF-8"}), asked_language([], {"LC_ALL": "C"})
        ('ru', 'en')
    """
    told = environment.get(VARIABLE) or next(filter(None, map(environment.get, _LOCALE)), "")
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--lang":
            told = "".join(arguments[place + 1 : place + 2])
        elif argument.startswith("--lang="):
            told = argument.removeprefix("--lang=")
    name = told.lower().partition(".")[0].partition("_")[0]
    return name if name in LANGUAGES else "en"


@cache
def _messages(name: str) -> gettext.NullTranslations:
    if name == "en":
        return gettext.NullTranslations()
    with resources.files(__package__).joinpath(f"{name}.mo").open("rb") as file:
        return gettext.GNUTranslations(file)
