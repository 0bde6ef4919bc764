"""Names, types and families of signs in the language that is spoken to people."""

from __future__ import annotations

from raresign.language.spoken import _, current_language, later, pgettext

_WHOLE = (later("red ring"), later("blue disc red ring"))
_COLOURS = (
    *(later("red"), later("yellow"), later("green")),
    *(later("blue"), later("white"), later("black")),
)
_SHAPES = (
    *(later("triangle"), later("inverted triangle"), later("disc"), later("square")),
    *(later("plate"), later("diamond"), later("octagon"), later("cross")),
)


def spoken_family(family: str) -> str:
    """A family of signs in the language spoken; one that a user has named stays as it is.

    Example:
        >>> from raresign.language.spoken import speaking
        >>> with speaking("ru"):
        ...     [spoken_family(name) for name in ("red ring", "blue disc", "arrow boards")]
        ['красное кольцо', 'синий круг', 'arrow boards']
    """
    if family in _WHOLE:
        return _(family)
    colour, _space, shape = family.partition(" ")
    if colour in _COLOURS and shape in _SHAPES:
        return f"{_(colour)} {_(shape)}"
    return family


def spoken_type(kind: str) -> str:
    """The type of one class, "rare" or "freq", in the language spoken.

    Example:
        >>> spoken_type("freq")
        'frequent'
    """
    types = {"rare": pgettext("one sign", "rare"), "freq": pgettext("one sign", "frequent")}
    return types.get(kind, kind)


def spoken_name(code: str, name: str) -> str:
    """The name of a sign in the language spoken, by the standard of its country.

    Args:
        code: Its class code.
        name: Its name in English; one that no country gives the code is a user's, and stays.

    Example:
        >>> from raresign.language.spoken import speaking
        >>> with speaking("ru"):
        ...     spoken_name("3.13.r3.5", "Height limit 3.5 m"), spoken_name("3.13.r3.5", "Bridge")
        ('Ограничение высоты 3,5 м', 'Bridge')
    """
    if current_language() != "en":
        from raresign.signs.countries.registry import COUNTRIES  # a fifth of the first answer

        for country in COUNTRIES.values():
            if country.name(code) == name:
                return country.name(code, current_language()) or name
    return name
