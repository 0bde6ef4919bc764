"""Answers as street-view platforms keep them: keys and values of an annotation, and its PATCH."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from raresign.commands.maps.osm_value import osm_value
from raresign.signs.countries.country import Country

KEY = "osm|traffic_sign"
_UNNAMED = "yes"
"""The value of a sign that was found and not named."""
_LONGEST_KEY = 256
_MODELS = ("classification_model", "detection_model")
_OURS = ("classification_model", "classification_confidence")


def semantics(code: str, country: Country | None, model: str, probability: float) -> dict[str, str]:
    """Keys and values for a sign that was named.

    Args:
        code: Class code.
        country: Whose code it is; None where it belongs to none, see `osm_value`.
        model: NAME/VERSION of what named it.
        probability: Of the class, in [0, 1].

    Example:
        >>> from raresign.signs.countries.registry import country
        >>> found = semantics("2.5", country("RU"), "signs/1a2b", 0.98765)
        >>> for key, value in found.items():
        ...     print(key, "=", value)
        osm|traffic_sign = RU:2.5
        classification_model[osm|traffic_sign=RU:2.5] = signs/1a2b
        classification_confidence[osm|traffic_sign=RU:2.5] = 0.988
    """
    value = osm_value(code, country)
    return _tags(value, model, f"{probability:.3f}")


def joined_semantics(
    signs: Iterable[tuple[str, float]], country: Country | None, model: str
) -> dict[str, str]:
    """Keys and values for a picture with several signs: values between semicolons.

    Args:
        signs: (code, probability) of each; of equal ones the surest is kept.
        country, model: See `semantics`.

    Example:
        >>> from raresign.signs.countries.registry import country
        >>> two = [("2.5", 0.5), ("3.24.n60", 0.75)]
        >>> for key, value in joined_semantics(two, country("RU"), "signs/1").items():
        ...     print(key, "=", value)
        osm|traffic_sign = RU:2.5;RU:3.24[60]
        classification_model[osm|traffic_sign=RU:2.5;RU:3.24[60]] = signs/1
        classification_confidence[osm|traffic_sign=RU:2.5;RU:3.24[60]] = 0.500;0.750
    """
    found: dict[str, float] = {}
    for code, probability in signs:
        value = osm_value(code, country)
        found[value] = max(probability, found.get(value, 0.0))
    return _tags(";".join(found), model, ";".join(f"{share:.3f}" for share in found.values()))


def patch_body(
    wanted: Mapping[str, str], present: Iterable[tuple[str, str]] | None = None
) -> dict[str, Any] | None:
    """The body of a PATCH after which an annotation, or a picture, says what is wanted.

    `osm|traffic_sign=yes` is deleted, and what an earlier model said; what is there already is not
    added again, as a platform would refuse that. What a person wrote is not touched.

    Args:
        wanted: See `semantics`.
        present: (key, value) of the tags that are there; None if that is not known.

    Returns:
        None where nothing has to change, or a person named the sign.

    Source: the documentation of Panoramax, "Semantics": what shall be replaced is deleted, and what
    is new added.

    Example:
        >>> wanted = {"osm|traffic_sign": "RU:2.5"}
        >>> for step in patch_body(wanted)["semantics"]:
        ...     print(*step.values())
        delete osm|traffic_sign yes
        add osm|traffic_sign RU:2.5
        >>> patch_body(wanted, [("osm|traffic_sign", "RU:2.4")]) is None
        True
    """
    there = dict.fromkeys([(KEY, _UNNAMED)] if present is None else present)
    remarks = {key: remark for key, _ in there if (remark := _remark(key))}
    values = {value for key, value in there if key == KEY and value != _UNNAMED}
    of_models = {value for name, value in remarks.values() if name in _MODELS}
    if values - of_models and "" not in of_models:
        return None
    gone = []
    for key, value in there:
        name, about = remarks.get(key, ("", ""))
        replaced = name in _OURS or (about in values and about != wanted[KEY])
        if (key == KEY or replaced) and wanted.get(key) != value:
            gone.append((key, value))
    new = [pair for pair in wanted.items() if pair not in there]
    steps = [("delete", *pair) for pair in gone] + [("add", *pair) for pair in new]
    told = [{"action": do, "key": key, "value": value} for do, key, value in steps]
    return {"semantics": told} if told else None


def _tags(value: str, model: str, confidence: str) -> dict[str, str]:
    found = {KEY: value}
    for name, said in zip(_OURS, (model, confidence), strict=True):
        about = f"{name}[{KEY}={value}]"
        found[about if len(about) <= _LONGEST_KEY else f"{name}[{KEY}]"] = said
    return found


def _remark(key: str) -> tuple[str, str] | None:
    """Name and value of a remark on a traffic sign, `name[osm|traffic_sign=value]`."""
    name, _, rest = key.partition(f"[{KEY}")
    return (name, rest[:-1].removeprefix("=")) if rest.endswith("]") else None
