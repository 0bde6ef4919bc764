"""All drawings of the Russian signs, by base code."""

from __future__ import annotations

from raresign.signs.gost.information import INFORMATION
from raresign.signs.gost.mandatory import MANDATORY
from raresign.signs.gost.plates import PLATES
from raresign.signs.gost.priority import PRIORITY
from raresign.signs.gost.prohibitory import PROHIBITORY
from raresign.signs.gost.service import SERVICE
from raresign.signs.gost.special import SPECIAL
from raresign.signs.gost.warning import WARNING
from raresign.signs.parts import Sign

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
