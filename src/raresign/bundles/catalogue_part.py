"""The classes of a model as a part of a bundle: JSON, with a small PNG of each sign beside it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from raresign.parsing import parse_json
from raresign.signs.catalogue.classes_file import checked_id, checked_type
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass

if TYPE_CHECKING:
    from raresign.signs.countries.country import Country

PART = "catalogue.json"
_TEXTS = ("code", "family", "name")


def catalogue_parts(catalogue: SignCatalogue, icons: Mapping[str, np.ndarray]) -> dict[str, bytes]:
    """The classes in order, and a picture of each.

    Args:
        catalogue: The classes.
        icons: (H, W, 4) uint8 RGBA by code; a class may lack one.
    """
    rows, parts = [], {}
    for label, sign in enumerate(catalogue.classes):
        base, value = _value(catalogue.country, sign.code)
        icon = None
        if sign.code in icons:
            icon = f"icons/{label:04d}.png"
            parts[icon] = _png(icons[sign.code])
        rows.append(
            {
                "code": sign.code,
                "id": sign.id,
                "type": sign.type,
                "name": sign.name,
                "family": sign.family,
                "twin": sign.twin,
                "base": base or None,
                "value": value or None,
                "icon": icon,
            }
        )
    listed = {"country": catalogue.iso, "classes": rows}
    text = json.dumps(listed, indent=1, ensure_ascii=False) + "\n"
    return {PART: text.encode(), **parts}


def catalogue_of(parts: Mapping[str, bytes]) -> tuple[SignCatalogue, dict[str, str]]:
    """The classes, without icon files, and the part with the picture of each code.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: It is damaged.
    """
    found: dict[str, Any] = parse_json(parts[PART])
    iso = found["country"]
    if iso is not None and not isinstance(iso, str):
        raise ValueError(f"{PART} has the country {str(iso)[:60]!r}")
    signs, icons = [], {}
    for row in found["classes"]:
        code, family, name = (row[key] for key in _TEXTS)
        twin, icon = row["twin"], row["icon"]
        texts = (code, family, name, twin or "", icon or "")
        if not all(isinstance(text, str) and text.isprintable() for text in texts):
            raise ValueError(f"{PART} has a class with a text that is none")
        if icon is not None:
            if icon not in parts:
                raise ValueError(f"{PART} names {icon[:60]}, which is not there")
            icons[code] = icon
        where = f"{PART}: class '{code[:60]}'"
        id_, type_ = checked_id(row, where), checked_type(row["type"], where)
        signs.append(SignClass(code, id_, type_, (), family, twin, name))
    catalogue = SignCatalogue(signs, iso)
    if [sign.code for sign in signs] != list(catalogue.codes):
        raise ValueError(f"the classes of {PART} are not in the order of their ids")
    return catalogue, icons


def _value(country: Country | None, code: str) -> tuple[str, str]:
    return country.value_of(code) if country is not None else ("", "")


def _png(icon: np.ndarray) -> bytes:
    """A small file of a picture, in 64 colours."""
    file = io.BytesIO()
    few = Image.fromarray(icon).quantize(64, Image.Quantize.FASTOCTREE)
    few.save(file, "PNG", optimize=True)
    return file.getvalue()
