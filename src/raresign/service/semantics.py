"""Answers as street-view platforms take them: keys and values about a sign in a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raresign import Country


def traffic_sign(code: str, country: Country | None) -> str:
    """The value of OpenStreetMap's key traffic_sign: country, code, and its value in brackets.

    Args:
        code: Class code, or a benchmark's number for it.
        country: Whose codes they are; None where they belong to none.

    Example:
        >>> import raresign
        >>> russia, germany = raresign.country("RU"), raresign.country("DE")
        >>> traffic_sign("3.24.n40", russia), traffic_sign("2.5", russia)
        ('RU:3.24[40]', 'RU:2.5')
        >>> traffic_sign("00", germany), traffic_sign("stop", None)
        ('DE:274[20]', 'stop')
    """
    if country is None:
        return code
    base, value = country.value_of(code)
    shown = f"[{value}]" if value else ""
    return f"{country.iso}:{base or country.aliases.get(code, code)}{shown}"


def semantics(code: str, country: Country | None, model: str, probability: float) -> dict[str, str]:
    """Keys and values for a sign that was named.

    Args:
        code: Class code.
        country: See `traffic_sign`.
        model: NAME/VERSION of what named it.
        probability: Of the class, in [0, 1].

    Example:
        >>> import raresign
        >>> found = semantics("2.5", raresign.country("RU"), "signs/1a2b", 0.98765)
        >>> for key, value in found.items():
        ...     print(key, "=", value)
        osm|traffic_sign = RU:2.5
        classification_model[osm|traffic_sign=RU:2.5] = signs/1a2b
        classification_confidence[osm|traffic_sign=RU:2.5] = 0.988
    """
    value = traffic_sign(code, country)
    key = "osm|traffic_sign"
    return {
        key: value,
        f"classification_model[{key}={value}]": model,
        f"classification_confidence[{key}={value}]": f"{probability:.3f}",
    }
