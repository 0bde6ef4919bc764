"""run.json: read with its types checked; a key that is missing is told with its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from raresign.errors import InputError
from raresign.files import read_text
from raresign.language.spoken import _
from raresign.parsing import parse_json

_MOST_BYTES = 256 << 20
_HINT = "restore it, or train again"
_NUMBER = (int, float)
_KINDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "settings": dict,
    "stages": list,
    "finished": bool,
    "seed": int,
    "seconds": _NUMBER,
    "pseudo_rare": list,
    "tuned": list,
}
_OF_SETTINGS: dict[str, type | tuple[type, ...]] = {
    "data": (str, type(None)),
    "crops": (str, type(None)),
    "icons": (str, type(None)),
    "country": (str, type(None)),
    "layout": str,
    "svg_text": bool,
    "max_seconds": (*_NUMBER, type(None)),
    "recipe": dict,
}
_OF_A_STAGE: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "steps": int,
    "seconds": _NUMBER,
    "crops_per_second": _NUMBER,
    "synthetic_refused": (*_NUMBER, type(None)),
    "pseudo_rare_recall": (*_NUMBER, type(None)),
    "test": (dict, type(None)),
}


class RunInfo(dict[str, Any]):
    """The object in a run.json, or one inside it; `["x"]` tells of a missing key as an input error.

    Args:
        values: The object.
        file: Where it stands.
    """

    def __init__(self, values: dict[str, Any], file: Path) -> None:
        super().__init__(values)
        self._file = file

    def __missing__(self, key: str) -> NoReturn:
        raise InputError(f"{self._file} lacks '{key}'", _HINT)


def read_info(path: Path) -> RunInfo:
    """The run.json of the run folder `path`.

    Raises:
        InputError: It is missing, no JSON object, or has values of other types.
    """
    file = path / "run.json"
    try:
        found = parse_json(read_text(file, _MOST_BYTES))
        if not isinstance(found, dict):
            raise ValueError("it must hold a JSON object")
        _check(found, _KINDS, "")
        settings = found.get("settings", {})
        _check(settings, _OF_SETTINGS, "settings: ")
        stages = settings.get("recipe", {}).get("stages", [])
        _check_rows(stages, "settings: recipe: stages", {})
        _check_rows(found.get("stages", []), "stages", _OF_A_STAGE)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            _("{path} holds no run.json").format(path=path),
            _("give the folder that `raresign train --out` made"),
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(
            _("{file} cannot be read: {error}").format(file=file, error=error), _HINT
        ) from error
    if "settings" in found:
        found["settings"] = RunInfo(settings, file)
    if "stages" in found:
        found["stages"] = [RunInfo(row, file) for row in found["stages"]]
    return RunInfo(found, file)


def _check_rows(rows: Any, where: str, kinds: dict[str, type | tuple[type, ...]]) -> None:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{where} must be a list of objects")
    for number, row in enumerate(rows):
        _check(row, kinds, f"{where}: {number}: ")


def _check(values: dict[str, Any], kinds: dict[str, type | tuple[type, ...]], where: str) -> None:
    """Refuse a value of another type; what is not there may be needed by nobody."""
    for name, kind in kinds.items():
        value = values.get(name)
        odd = isinstance(value, bool) and kind is not bool
        if name in values and (odd or not isinstance(value, kind)):
            raise ValueError(f"{where}{name} is {str(value)[:60]!r}")
