"""The catalogue: which signs exist, their icons, families and mirror twins."""

from __future__ import annotations

from raresign.catalogue.catalogue import SignCatalogue, SignClass, is_own_mirror
from raresign.catalogue.families import family_of_code, family_of_icon
from raresign.catalogue.icons import load_icon
from raresign.catalogue.names import sign_name

__all__ = [
    "SignCatalogue",
    "SignClass",
    "family_of_code",
    "family_of_icon",
    "is_own_mirror",
    "load_icon",
    "sign_name",
]
