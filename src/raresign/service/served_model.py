"""The model that a service answers with: exchanged whole, while requests run."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import raresign
from raresign.service.refusal import Refused
from raresign.service.request_log import tell

if TYPE_CHECKING:
    from raresign.runtime.recogniser import Recogniser

_PARTS = ("", "encoder.onnx", "model.safetensors", "recognition.safetensors", "added", "photos")
"""Of a run folder: what answers are made of."""

Kind = Literal["run", "bundle", "built-in"]
Change = Callable[[str, tuple[Any, ...]], Any]
"""Calls a function of the public API by its name, and gives what it returned."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """One state of the model.

    Args:
        recogniser: Answers.
        name: Of the model, for people.
        stamp: What the disk said of it.
    """

    recogniser: Recogniser
    name: str
    stamp: tuple[Any, ...]

    @cached_property
    def version(self) -> str:
        """Twelve hex digits: equal for models that answer the same."""
        head, codes = self.recogniser.head, self.recogniser.catalogue.codes
        found = hashlib.sha256("\n".join(codes).encode())
        for array in (head.rows, head.biases, *(lift for _, lift in head.lifts)):
            found.update(array.tobytes())
        return found.hexdigest()[:12]


class ServedModel:
    """A run folder, a bundle or the built-in model; a changed one is loaded beside the old.

    Args:
        source: As `raresign.load` takes it.
        change: How the run is changed; in a process of its own unless given, so that the service
            neither loads torch nor waits.

    Raises:
        InputError: No model.
    """

    def __init__(self, source: str, change: Change | None = None) -> None:
        self.source = source
        self.kind = _kind(source)
        self._change = change or in_own_process
        self._changing, self._loading = threading.Lock(), threading.Lock()
        self.current = self._load()

    @cached_property
    def card(self) -> str | None:
        """The model card of a bundle, in Markdown; one line of the built-in model."""
        if self.kind == "bundle":
            return raresign.Bundle.open(self.source).card
        return raresign.about_built_in() if self.kind == "built-in" else None

    def refresh(self) -> bool:
        """Load the model anew if the disk tells of a change; whether it did.

        A model that cannot be read, such as a bundle that is being copied, leaves the old one.
        """
        with self._loading:
            if self.kind == "built-in" or _stamp(self.source, self.kind) == self.current.stamp:
                return False
            try:
                self.current = self._load()
            except (raresign.InputError, OSError) as error:
                tell("model not loaded", logging.WARNING, why=str(error)[:300])
                return False
            self.__dict__.pop("card", None)
            tell("model loaded", version=self.current.version)
            return True

    def add(self, code: str, name: str, icon: bytes, kind: str) -> dict[str, Any]:
        """Add a class from its icon; what is known of it.

        Args:
            code: Class code.
            name: For people; "" takes the country's own.
            icon: A PNG, SVG or JPEG file.
            kind: Which of them: "png", "svg" or "jpg".

        Raises:
            Refused: The model cannot be changed, or not so.
        """
        with tempfile.TemporaryDirectory(prefix="raresign-") as folder:
            file = Path(folder) / f"icon.{kind}"
            file.write_bytes(icon)
            names = (name,) if name else ()
            told = self._changed("add", (self.source, str(file), code, names))
        return {key: value for key, value in told[0].items() if key != "sheet"}

    def remove(self, code: str) -> None:
        """Remove a class that was added.

        Raises:
            Refused: The model cannot be changed, or has no such added class.
        """
        self._changed("remove", (self.source, code))

    def check_changeable(self) -> None:
        """Refuse a model whose classes cannot come and go here.

        Raises:
            Refused: 409, it is no run folder; 501, the training extra is not installed.
        """
        if self.kind != "run":
            hint = "serve the run folder; a bundle takes new classes with `raresign patch`"
            raise Refused(409, f"a {self.kind} model only answers", hint)
        if find_spec("torch") is None or find_spec("lightning") is None:
            hint = 'pip install "raresign[train]"'
            raise Refused(501, "classes change only where the training extra is installed", hint)

    def _changed(self, what: str, given: tuple[Any, ...]) -> Any:
        if not self._changing.acquire(blocking=False):
            raise Refused(409, "another class is being changed", "try again", {"Retry-After": "5"})
        try:
            told = self._change(what, given)
        except raresign.InputError as error:
            raise Refused(422, error.problem, error.hint) from error
        except OSError as error:
            problem = f"the run cannot be written: {error.strerror or error}"
            raise Refused(409, problem, "let the service write to it") from error
        finally:
            self._changing.release()
        self.refresh()
        return told

    def _load(self) -> Loaded:
        stamp = _stamp(self.source, self.kind)  # before: a change meanwhile is seen next time
        name = self.source if self.kind == "built-in" else Path(self.source).resolve().stem
        return Loaded(raresign.load(self.source), name, stamp)


def change_run(what: str, given: tuple[Any, ...]) -> Any:
    """Add ("add": run, icon, code, names) or remove ("remove": run, code) a class, here."""
    if what == "remove":
        run, code = given
        raresign.remove_class(run, [code])
        return None
    run, icon, code, names = given
    return [one.as_dict() for one in raresign.add_class(run, [icon], [code], names=names)]


def in_own_process(what: str, given: tuple[Any, ...]) -> Any:
    """`change_run` in a process that ends with it, and takes torch with it.

    Raises:
        InputError: What it raised.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        told, problem, hint = pool.submit(_told, what, given).result()
    if problem:
        raise raresign.InputError(problem, hint)
    return told


def _told(what: str, given: tuple[Any, ...]) -> tuple[Any, str, str]:
    """What `change_run` returned, or the problem and the hint of an InputError."""
    try:
        return change_run(what, given), "", ""
    except raresign.InputError as error:
        return None, error.problem, error.hint


def _kind(source: str) -> Kind:
    if raresign.is_built_in(source):
        return "built-in"
    return "run" if Path(source).is_dir() else "bundle"


def _stamp(source: str, kind: str) -> tuple[Any, ...]:
    """What the disk says of the files of a model; equal as long as nobody changes them."""
    names: Sequence[str] = _PARTS if kind == "run" else ("",)
    found = []
    for name in names if kind != "built-in" else ():
        try:
            told = os.stat(Path(source, name) if name else source)  # noqa: PTH116
            found.append((told.st_ino, told.st_mtime_ns, 0 if kind == "run" else told.st_size))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)
