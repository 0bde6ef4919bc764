"""A sign as OpenStreetMap writes it: country, code, and its value in brackets."""

from __future__ import annotations

from collections.abc import Iterable

from raresign.signs.countries.country import Country


def osm_value(code: str, country: Country | None = None) -> str:
    """The value of the key `traffic_sign`.

    Args:
        code: Of the class.
        country: Whose code it is; without one the code stands alone, as OpenStreetMap writes signs
            that have names.

    Source: OpenStreetMap wiki, "Key:traffic_sign".

    Example:
        >>> from raresign.signs.countries.registry import country
        >>> osm_value("3.24.n60", country("RU")), osm_value("2.5", country("RU"))
        ('RU:3.24[60]', 'RU:2.5')
        >>> osm_value("274-60", country("DE")), osm_value("13", country("DE")), osm_value("stop")
        ('DE:274[60]', 'DE:205', 'stop')
    """
    if country is None:
        return code
    base, value = country.value_of(code)
    own = country.aliases.get(code, code)
    return f"{country.iso}:{base}[{value}]" if value else f"{country.iso}:{own}"


def osm_values(values: Iterable[str]) -> str:
    """Signs on one post, of one country: RU:3.24[40],8.2.1[100].

    Example:
        >>> osm_values(["DE:314", "DE:1044-10"])
        'DE:314,1044-10'
    """
    joined = ""
    last = ""
    for value in values:
        prefix, between, code = value.rpartition(":")
        same = bool(joined) and between and prefix == last
        joined += f",{code}" if same else f"{';' if joined else ''}{value}"
        last = prefix
    return joined
