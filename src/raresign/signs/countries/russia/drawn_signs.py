"""All drawings of the Russian signs, by base code."""

from __future__ import annotations

from raresign.signs.countries.russia.information import INFORMATION
from raresign.signs.countries.russia.mandatory import MANDATORY
from raresign.signs.countries.russia.plates import PLATES
from raresign.signs.countries.russia.priority import PRIORITY
from raresign.signs.countries.russia.prohibitory import PROHIBITORY
from raresign.signs.countries.russia.service import SERVICE
from raresign.signs.countries.russia.special import SPECIAL
from raresign.signs.countries.russia.warning import WARNING
from raresign.signs.drawing.parts import Sign

SIGNS: dict[str, Sign] = {
    **WARNING,
    **PRIORITY,
    **PROHIBITORY,
    **MANDATORY,
    **SPECIAL,
    **INFORMATION,
    **SERVICE,
    **PLATES,
}
