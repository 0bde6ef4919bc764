"""`settings.json` of a folder of synthetic crops: what they are made from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from raresign.commands.progress import Say
from raresign.commands.synth.engine import SynthEngine, open_engine
from raresign.errors import InputError
from raresign.files import read_text, write_json
from raresign.locks import hold_lock
from raresign.parsing import parse_json
from raresign.signs.countries.icon_source import is_drawn
from raresign.storage.local_copy import local_copy
from raresign.synthesis.preset import load_preset

_NAME = "settings.json"
_MOST_BYTES = 64 << 20
_NOT_COMPARED = ("data", "made_with", "svg_text")  # the icons as drawn are compared
_LITTER = re.compile(r"\.(raresign-)?(settings-\w+\.json|manifest-\w+\.parquet)")
"""What a kill leaves of files that were being written."""
_HINT = "name a new folder or delete this one"
_AS_IT_WAS = "give the data folder as it was"


def settings_of(engine: SynthEngine, data: str | Path, form: str) -> dict[str, Any]:
    """Everything that decides the crops of a folder, and where the data lay."""
    return {
        "size": engine.icons.size,
        "seed": engine.seed,
        "format": form,
        "preset": engine.preset.model_dump(mode="json"),
        "codes": list(engine.codes),
        "digests": engine.digests(),
        "data": str(data if is_drawn(data) else Path(data).resolve()),
        "made_with": _made_with(),
        "svg_text": engine.svg_text,
    }


def check_folder(out: Path) -> None:
    """Refuse a path that holds anything but crops of ours; quick, before icons are drawn.

    Raises:
        InputError: `out` is a file, or a folder with something else in it.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file", "name a folder")
    if not out.is_dir() or (out / _NAME).exists():
        return
    if any(not _LITTER.fullmatch(path.name) for path in out.iterdir()):
        raise InputError(f"{out} exists and is not empty", "name a new folder")


def claim(out: Path, settings: dict[str, Any]) -> None:
    """Make `out`, or make sure that it was made with the same settings.

    Raises:
        InputError: It was not; the message names the first difference.
    """
    check_folder(out)
    if not (out / _NAME).exists():
        write_json(out / _NAME, settings)
        return
    try:
        found = read_settings(out)
    except InputError as error:
        raise InputError(f"{out} holds crops of other settings: {error.problem}", _HINT) from error
    wanted = json.loads(json.dumps(settings))
    places = {key: wanted.get(key) for key in _NOT_COMPARED}
    different = _difference({**found, **places}, wanted)
    if different == "digests.engine":
        raise InputError(
            f"{out} was {_other_version(found)}: the other crops would come out otherwise", _HINT
        )
    if different:
        raise InputError(f"{out} holds crops of other settings: {different}", _HINT)


def read_settings(out: Path) -> dict[str, Any]:
    """The settings of a folder of crops.

    Raises:
        InputError: It has none, or they are damaged.
    """
    try:
        found = parse_json(read_text(out / _NAME, _MOST_BYTES))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"{out} has no {_NAME}", "give a folder that `raresign synth --out` made"
        ) from error
    except ValueError as error:
        raise InputError(f"{out / _NAME} is damaged") from error
    needed = {"size", "seed", "format", "preset", "codes", "digests", "data"}
    if not isinstance(found, dict) or not needed <= found.keys():
        raise InputError(f"{out / _NAME} is damaged, or of another version")
    codes = found["codes"]
    if (
        not isinstance(codes, list)
        or not all(
            isinstance(code, str) and code and not set(code) & set("/\\\0") for code in codes
        )
        or not isinstance(found["size"], int)
        or not isinstance(found["seed"], int)
        or not all(isinstance(found[key], str) for key in ("format", "data"))
        or not all(isinstance(found[key], dict) for key in ("preset", "digests"))
    ):
        raise InputError(f"{out / _NAME} is damaged: values of other types")
    return found


def engine_of(out: Path, data: str | Path | None, say: Say | None = None) -> SynthEngine:
    """The engine that made a folder of crops.

    If it makes other crops now, `say` is told; that is an error if `say` is None.

    Raises:
        InputError: Icons or backgrounds are not what they were, or the engine.
    """
    settings = read_settings(out)
    where = Path(settings["data"]) if data is None else local_copy(data)
    if not is_drawn(where) and not where.is_dir():
        raise InputError(
            f"{where}, which {out} was made from, is not there", "give DATA where it is now"
        )
    preset = load_preset(settings["preset"])
    text = settings.get("svg_text") is True
    engine = open_engine(where, preset, settings["size"], settings["seed"], svg_text=text)
    if list(engine.codes) != settings["codes"]:
        raise InputError(f"{where} has other classes than {out} was made from", _AS_IT_WAS)
    digests = engine.digests()
    for kind in ("icons", "backgrounds"):
        if settings["digests"].get(kind) != digests[kind]:
            raise InputError(f"the {kind} of {where} are not those of {out}", _AS_IT_WAS)
    if settings["digests"].get("engine") != digests["engine"]:
        told = f"{_other_version(settings)}: crops come out otherwise"
        if say is None:
            raise InputError(f"{out} was {told}", "use the version that made it")
        say(f"{out} was {told}")
    return engine


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Hold a lock on `out`, so that two runs do not write there at once; it ends with the process.

    Raises:
        InputError: Another process holds it.
    """
    with (out / _NAME).open("rb") as file:
        held = hold_lock(file)
        if held is False:
            raise InputError(f"another process writes to {out}", "wait until it is done")
        for path in out.iterdir() if held else ():
            if _LITTER.fullmatch(path.name):
                path.unlink()
        yield


def _made_with() -> dict[str, str]:
    """What may change the pixels."""
    cpu = torch.backends.cpu.get_cpu_capability()
    return {"raresign": version("raresign"), "torch": torch.__version__, "cpu": cpu}


def _other_version(settings: dict[str, Any]) -> str:
    """`made with ..., this is ...`."""
    before = settings.get("made_with")
    both = (before if isinstance(before, dict) else {}, _made_with())
    then, now = (", ".join(f"{name} {value}" for name, value in made.items()) for made in both)
    return f"made with {then or 'an unknown version'}; this is {now}"


def _difference(found: Any, wanted: Any, key: str = "") -> str:
    """`key: old, not new` of the first difference; empty if there is none."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        parts = (
            _difference(found.get(name), wanted.get(name), f"{key}.{name}".lstrip("."))
            for name in {**wanted, **found}
        )
        return next(filter(None, parts), "")
    if found == wanted:
        return ""
    if key == "digests.engine":
        return key
    if key.startswith("digests."):
        return f"its {key.removeprefix('digests.')} were others"
    if key == "codes":
        return "its classes were others"
    return f"{key} was {json.dumps(found)}, not {json.dumps(wanted)}"
