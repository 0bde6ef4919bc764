"""Classes that were added to a run: a folder RUN/added/CODE each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from raresign.answers.head import AddedClass
from raresign.errors import InputError
from raresign.files import write_json
from raresign.signs.catalogue.pictures import in_threads
from raresign.signs.catalogue.sign_class import SignClass

ADDED = "added"


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


def read_added(path: Path) -> list[AddedFolder]:
    """The classes that were added to the run in `path`, in the order in which they came.

    Raises:
        InputError: A file is damaged.
    """
    return sorted(map(_read, added_places(path)), key=lambda one: one.info["order"])


def added_places(path: Path) -> list[Path]:
    """The folders of added classes; a dot in front marks one half written or half deleted."""
    folder = path / ADDED
    if not folder.is_dir():
        return []
    return sorted(place for place in folder.iterdir() if not place.name.startswith("."))


def write_added(
    path: Path,
    added: Sequence[AddedFolder],
    finish: Callable[[Path, AddedFolder], object],
) -> None:
    """Write classes into RUN/added, all of them or, where something fails, none.

    Args:
        path: The run folder.
        added: The classes; their icons are copied.
        finish: Is given each folder before it counts, to put more into it, some at a time.
    """
    staging = path / ADDED / ".new"
    _forget_unfinished(path)
    moved: list[Path] = []
    try:
        for one in added:
            place = staging / one.sign.code
            place.mkdir(parents=True)
            icon = one.sign.icons[0]
            shutil.copyfile(icon, place / f"icon{icon.suffix.lower()}")
            arrays: dict[str, np.ndarray] = {
                "row": one.added.row.astype(np.float32),
                "bias": np.array([one.added.bias], np.float32),
                "embedding": one.added.embedding.astype(np.float16),
                "sources": one.added.sources.astype(np.uint8),
            }
            save_file(arrays, place / "rows.safetensors")
            write_json(place / "class.json", one.info)
        in_threads(lambda one: finish(staging / one.sign.code, one), added)
        for one in added:
            moved.append(path / ADDED / one.sign.code)
            (staging / one.sign.code).replace(moved[-1])
    except BaseException:  # Ctrl-C, too
        for place in moved:
            if place.exists():
                _delete(place)
        raise
    finally:
        _forget_unfinished(path)


def remove_added(path: Path, codes: Sequence[str]) -> None:
    """Delete classes that were added; those added after them keep the rows fitted beside them.

    Raises:
        InputError: A code was not added; nothing is deleted then.
    """
    known = [one.sign.code for one in read_added(path)]
    for code in codes:
        if code not in known:
            raise InputError(
                f"{path} has no added class '{code}'",
                f"added are {', '.join(known)}" if known else "none was added",
            )
    _forget_unfinished(path)
    for code in dict.fromkeys(codes):
        _delete(path / ADDED / code)
    _forget_unfinished(path)


def _delete(place: Path) -> None:
    """Delete the folder of a class; renamed first, for a half-deleted one must not be read."""
    shutil.rmtree(place.replace(place.with_name(f".gone-{place.name}")))


def _forget_unfinished(path: Path) -> None:
    """Delete what a killed process left in RUN/added, and that folder if it is empty."""
    folder = path / ADDED
    if not folder.is_dir():
        return
    for place in folder.iterdir():
        if place.name == ".new" or place.name.startswith(".gone-"):
            shutil.rmtree(place, ignore_errors=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def _read(place: Path) -> AddedFolder:
    try:
        info = json.loads((place / "class.json").read_text(encoding="utf-8"))
        arrays = load_file(place / "rows.safetensors")
        icons = sorted(file for file in place.iterdir() if file.stem == "icon")
        name = str(info.get("name", ""))
        sign = SignClass(info["code"], info["id"], "rare", tuple(icons), info["family"], None, name)
        added = AddedClass(
            info["family"],
            arrays["row"].astype(np.float32),
            float(arrays["bias"][0]),
            arrays["embedding"].astype(np.float32),
            arrays["sources"],
        )
        int(info["order"])
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{place} is no added class: {type(error).__name__}: {error}", "delete the folder"
        ) from error
    if not icons:
        raise InputError(f"{place} holds no icon", "delete the folder and add the class again")
    return AddedFolder(sign, added, info)
