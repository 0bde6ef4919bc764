"""What a run keeps beside its net: its head, some backgrounds, classes that came later."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from raresign.answers.added_class import AddedClass
from raresign.answers.head import Head
from raresign.crops.backgrounds import load_backgrounds
from raresign.errors import InputError
from raresign.files import whole_file, write_json
from raresign.signs.catalogue.pictures import in_threads
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.catalogue.sign_class import SignClass

FILE = "recognition.safetensors"
ADDED = "added"
_BACKGROUNDS = "backgrounds"
_MOST_BACKGROUNDS = 48


@dataclass(frozen=True)
class LaterClass:
    """A class that was added to a run, as it lies in RUN/added/CODE.

    Attributes:
        sign: The class as a catalogue knows it.
        added: Its row and prototypes.
        info: What class.json holds: forecast and confusions, too.
    """

    sign: SignClass
    added: AddedClass
    info: dict[str, Any]


def save_head(path: Path, head: Head, photos: Sequence[np.ndarray]) -> None:
    """Write the head, and some backgrounds, which later classes are made with.

    Args:
        path: The run folder.
        head: Its classifier is not written: the net's file has it.
        photos: (H, W, 3) uint8.
    """
    for number, photo in enumerate(photos[:: max(1, len(photos) // _MOST_BACKGROUNDS)]):
        with whole_file(path / _BACKGROUNDS / f"{number:03d}.webp") as temporary:
            Image.fromarray(photo).save(temporary, quality=90)
    arrays, plain = head.state()
    contiguous = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    with whole_file(path / FILE) as temporary:
        save_file(contiguous, temporary, metadata={"raresign": json.dumps(plain)})


def load_head(path: Path, rows: tuple[np.ndarray, np.ndarray], catalogue: SignCatalogue) -> Head:
    """The head of a run with the classes that came later.

    A run without one (the published recipes, or a training that has not ended) answers with the
    classifier alone.

    Args:
        path: The run folder.
        rows: (C, E) rows and (C,) biases of its classifier.
        catalogue: Its own classes, without later ones.

    Raises:
        InputError: A file is damaged, or belongs to another run.
    """
    file = path / FILE
    if not file.exists():
        rare = np.array([sign.type == "rare" for sign in catalogue.classes])
        plain = Head.plain(*rows, [sign.family for sign in catalogue.classes], rare)
        return plain.with_classes([later.added for later in load_added(path)])
    try:
        arrays = load_file(file)
        with safe_open(file, framework="np") as opened:
            values = json.loads((opened.metadata() or {})["raresign"])
        known = len(values["families"])
        if known == len(catalogue):
            head = Head.from_state(*rows, arrays, values)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise InputError(f"{file} is damaged: {error}", "restore it, or train again") from error
    if known != len(catalogue):
        raise InputError(
            f"{file} knows {known} classes, the run {len(catalogue)}",
            "restore the file that belongs to the run",
        )
    return head.with_classes([later.added for later in load_added(path)])


def run_backgrounds(path: Path) -> list[np.ndarray]:
    """The backgrounds that a run kept, none if it kept none."""
    folder = path / _BACKGROUNDS
    return load_backgrounds(folder) if folder.is_dir() else []


def load_added(path: Path) -> list[LaterClass]:
    """The classes that were added to a run, in the order in which they came.

    Raises:
        InputError: A file is damaged.
    """
    folder = path / ADDED
    if not folder.is_dir():
        return []
    found = [_read(place) for place in folder.iterdir() if not place.name.startswith(".")]
    return sorted(found, key=lambda later: later.info["order"])


def write_added(
    path: Path,
    later: Sequence[LaterClass],
    finish: Callable[[Path, LaterClass], object] = lambda _place, _later: None,
) -> None:
    """Write classes into RUN/added, all of them or, where something fails, none.

    Args:
        path: The run folder.
        later: The classes; their icons are copied.
        finish: Is given each folder before it counts, to put more into it, some at a time.
    """
    staging = path / ADDED / ".new"
    _forget_unfinished(path)
    moved: list[Path] = []
    try:
        for one in later:
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
        in_threads(lambda one: finish(staging / one.sign.code, one), later)
        for one in later:
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
    known = [later.sign.code for later in load_added(path)]
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


def _read(place: Path) -> LaterClass:
    try:
        info = json.loads((place / "class.json").read_text(encoding="utf-8"))
        arrays = load_file(place / "rows.safetensors")
        icons = sorted(file for file in place.iterdir() if file.stem == "icon")
        sign = SignClass(info["code"], info["id"], "rare", tuple(icons), info["family"], None)
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
    return LaterClass(sign, added, info)
