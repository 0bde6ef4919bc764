"""The catalogue: which signs exist, their icons, families and mirror twins."""

from __future__ import annotations

from raresign.catalogue.catalogue import SignCatalogue, is_own_mirror
from raresign.catalogue.classes_file import SignType, read_codes
from raresign.catalogue.code_values import code_values, in_order
from raresign.catalogue.families import family_of_code, family_of_icon, is_gost_code
from raresign.catalogue.icons import icon_files, load_icon, on_grey
from raresign.catalogue.lettering import Slot, Weight, outline
from raresign.catalogue.names import sign_name
from raresign.catalogue.pictures import (
    class_pictures,
    icon_crops,
    in_threads,
    load_pictures,
)
from raresign.catalogue.png_icon import IconWarning, flood_from_border
from raresign.catalogue.sign_class import SignClass
from raresign.catalogue.twins import find_twins, gost_twin, looks_symmetric, mirror_similarity

__all__ = [
    "IconWarning",
    "SignCatalogue",
    "SignClass",
    "SignType",
    "Slot",
    "Weight",
    "class_pictures",
    "code_values",
    "family_of_code",
    "family_of_icon",
    "find_twins",
    "flood_from_border",
    "gost_twin",
    "icon_crops",
    "icon_files",
    "in_order",
    "in_threads",
    "is_gost_code",
    "is_own_mirror",
    "load_icon",
    "load_pictures",
    "looks_symmetric",
    "mirror_similarity",
    "on_grey",
    "outline",
    "read_codes",
    "sign_name",
]
