"""Classes that were added to a run: a folder RUN/added/CODE each."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from raresign.answers.added_class import AddedClass
from raresign.answers.prototypes import SOURCES
from raresign.errors import InputError
from raresign.files import read_bytes, write_json
from raresign.language.spoken import _
from raresign.parsing import parse_json
from raresign.runs.exchange import keep_entries
from raresign.runs.sealed_arrays import load_sealed, save_sealed
from raresign.signs.catalogue.pictures import in_threads
from raresign.signs.catalogue.sign_class import SignClass

ADDED = "added"
_MOST_BYTES = 64 << 20
_MOST_ORDER = 1_000_000_000


@dataclass(frozen=True)
class AddedFolder:
    """What RUN/added/CODE holds.

    Attributes:
        sign: The class as a catalogue knows it.
        added: Its row and prototypes.
        info: What class.json holds: forecast and confusions, too.
    """

    sign: SignClass
    added: AddedClass
    info: dict[str, Any]


def read_added(
    path: Path,
    trained: Sequence[SignClass] = (),
    tell: Callable[[str], object] = warnings.warn,
) -> list[AddedFolder]:
    """The classes that were added to the run in `path`, in the order in which they came.

    One that is damaged is left out, and the run answers without it. Ids rise with the order, so
    that each row of the classifier is of its class: one that does not is given the next free one.

    Args:
        path: The run folder.
        trained: The classes that the run was trained with, whose codes and ids are taken.
        tell: Is told of each that is damaged.
    """
    codes = {sign.code for sign in trained}
    found = []
    for place in added_places(path):
        try:
            one = _read(place)
            if one.sign.code in codes:
                raise ValueError("the run was trained with a class of this code")
        except (OSError, SafetensorError, LookupError, ValueError, TypeError) as error:
            tell(
                f"{place} is damaged, and the run answers without this class: "
                f"{str(error)[:200]}; `raresign remove-class` takes it away"
            )
            continue
        found.append(one)
    found.sort(key=lambda one: (one.info["order"], one.sign.code))
    last = max((sign.id for sign in trained), default=-1)
    for number, one in enumerate(found):
        last = max(one.sign.id, last + 1)
        found[number] = replace(one, sign=replace(one.sign, id=last))
    return found


def added_places(path: Path) -> list[Path]:
    """The folders of added classes; a dot in front marks one half written or half deleted."""
    folder = path / ADDED
    if not folder.is_dir():
        return []
    return sorted(place for place in folder.iterdir() if not place.name.startswith("."))


def write_added(
    place: Path,
    added: Sequence[AddedFolder],
    finish: Callable[[Path, AddedFolder], object],
) -> None:
    """Write classes into the folder `added` of `place`, where new files of a run are written.

    Args:
        place: See `exchange`.
        added: The classes; their icons are copied.
        finish: Is given each folder at last, to put more into it, some at a time.

    Raises:
        InputError: There is a class of the same code.
    """
    folder = place / ADDED
    folder.mkdir(exist_ok=True)
    for one in added:
        own = folder / one.sign.code
        if own.exists():
            raise InputError(
                _("{name} was added already").format(name=own.name),
                _("remove it, or take another code"),
            )
        own.mkdir()
        icon = one.sign.icons[0]
        shutil.copyfile(icon, own / f"icon{icon.suffix.lower()}")
        write_json(own / "class.json", one.info)
        arrays: dict[str, np.ndarray] = {
            "row": one.added.row.astype(np.float32),
            "bias": np.array([one.added.bias], np.float32),
            "embedding": one.added.embedding.astype(np.float16),
            "sources": one.added.sources.astype(np.uint8),
        }
        beside = (own / "class.json").read_bytes()
        save_sealed(own / "rows.safetensors", arrays, beside=beside)
    in_threads(lambda one: finish(folder / one.sign.code, one), added)


def check_added(path: Path, codes: Collection[str]) -> None:
    """Make sure that all of these classes were added.

    Raises:
        InputError: One was not.
    """
    known = [place.name for place in added_places(path)]
    for code in codes:
        if code not in known:
            raise InputError(
                _("{path} has no added class '{code}'").format(path=path, code=code),
                _("added are {listed}").format(listed=", ".join(known))
                if known
                else _("none was added"),
            )


def keep_added(path: Path, place: Path, without: Collection[str] = ()) -> None:
    """Let `place`, see `exchange`, have the added classes of the run in `path`, but for some."""
    if (path / ADDED).is_dir():
        keep_entries(path / ADDED, place / ADDED, without)


def _read(place: Path) -> AddedFolder:
    """One folder.

    Raises:
        OSError, SafetensorError, LookupError, ValueError, TypeError: It is damaged.
    """
    told = read_bytes(place / "class.json", _MOST_BYTES)
    info = parse_json(told)
    if not isinstance(info, dict):
        raise ValueError("class.json holds no object")
    kinds: dict[str, type] = {"code": str, "id": int, "family": str, "order": int}
    for name, kind in kinds.items():
        if type(info[name]) is not kind:
            raise ValueError(f"class.json has the {name} {str(info[name])[:60]!r}")
    if info["code"] != place.name:
        raise ValueError(f"class.json is of the class {info['code'][:60]!r}")
    if not (0 <= info["id"] <= _MOST_ORDER and 0 <= info["order"] <= _MOST_ORDER):
        raise ValueError("class.json has an id or order that is negative, or huge")
    icons = sorted(file for file in place.iterdir() if file.stem == "icon")
    if not icons or not icons[0].is_file():
        raise ValueError("it holds no icon")
    arrays, _ = load_sealed(place / "rows.safetensors", beside=told)
    row, embedding = (arrays[name].astype(np.float32) for name in ("row", "embedding"))
    bias, sources = float(arrays["bias"][0]), arrays["sources"]
    if row.ndim != 1 or embedding.shape[1:] != row.shape or sources.shape != embedding.shape[:1]:
        raise ValueError("rows.safetensors: shapes that do not belong together")
    if not all(np.isfinite(value).all() for value in (row, embedding, bias)):
        raise ValueError("rows.safetensors: a number that is not finite")
    if sources.dtype != np.uint8 or (len(sources) and sources.max() >= len(SOURCES)):
        raise ValueError("rows.safetensors: a source that there is not")
    name = info.get("name", "")
    if not isinstance(name, str):
        raise ValueError("class.json has a name that is no text")
    sign = SignClass(info["code"], info["id"], "rare", tuple(icons), info["family"], None, name)
    return AddedFolder(sign, AddedClass(info["family"], row, bias, embedding, sources), info)
