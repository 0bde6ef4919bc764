"""The model that a service answers with: exchanged whole, while requests run."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import raresign
from raresign.service.jobs import Job, Jobs
from raresign.service.own_process import OwnProcess, Say
from raresign.service.refusal import Refused
from raresign.service.request_log import tell

if TYPE_CHECKING:
    from raresign.runtime.recogniser import Recogniser

_PARTS = ("", "encoder.onnx", "model.safetensors", "recognition.safetensors", "added", "photos")
"""Of a run folder: what answers are made of."""

Kind = Literal["run", "bundle", "built-in"]
Add = Callable[[str, str, str, tuple[str, ...], Say], dict[str, Any]]
"""Adds a class: run, icon file, code, names, what takes messages -> what is known of it."""


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
        add: How a class is added; in a process of its own unless given.

    Raises:
        InputError: No model.
    """

    def __init__(self, source: str, add: Add | None = None) -> None:
        self.source = source
        self.kind = _kind(source)
        own = OwnProcess()
        self._add = add or own
        self.jobs = Jobs(own.end)
        self._loading = threading.Lock()
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

    def add(self, code: str, name: str, icon: bytes, kind: str) -> Job:
        """Have a class added when its turn has come, see `add_now`.

        Raises:
            Refused: Too many wait to be added.
        """
        return self.jobs.submit(code, lambda say: self.add_now(code, name, icon, kind, say))

    def add_now(self, code: str, name: str, icon: bytes, kind: str, say: Say) -> dict[str, Any]:
        """Add a class from its icon: the old model answers until the new one is there.

        Args:
            code: Class code.
            name: For people; "" takes the country's own.
            icon: A PNG, SVG or JPEG file.
            kind: Which of them: "png", "svg" or "jpg".
            say: Takes messages.

        Returns:
            What is known of the class.

        Raises:
            InputError: As `raresign.add_class`.
        """
        with tempfile.TemporaryDirectory(prefix="raresign-") as folder:
            file = Path(folder) / f"icon.{kind}"
            file.write_bytes(icon)
            told = self._add(self.source, str(file), code, (name,) if name else (), say)
        self.refresh()
        return told

    def remove(self, code: str) -> None:
        """Remove a class that was added.

        Raises:
            Refused: There is no such added class, or another change is under way.
        """
        busy = Refused(409, "another class is being changed", "try again", {"Retry-After": "5"})
        if self.jobs.busy:
            raise busy

        def waits(text: str) -> None:
            raise busy

        try:
            raresign.remove_class(self.source, [code], waits)
        except raresign.InputError as error:
            raise Refused(422, error.problem, error.hint) from error
        except OSError as error:
            problem = f"the run cannot be written: {error.strerror or error}"
            raise Refused(409, problem, "let the service write to it") from error
        self.refresh()

    def check_changeable(self) -> None:
        """Refuse a model whose classes cannot come and go here.

        Raises:
            Refused: 409, it is no run folder.
        """
        if self.kind != "run":
            hint = "serve the run folder; a bundle takes new classes with `raresign patch`"
            raise Refused(409, f"a {self.kind} model only answers", hint)

    def check_can_add(self) -> None:
        """Refuse to add a class where there is no torch.

        Raises:
            Refused: 501, the training extra is not installed.
        """
        if isinstance(self._add, OwnProcess) and not (find_spec("torch") and find_spec("timm")):
            hint = 'pip install "raresign[train]"'
            raise Refused(501, "classes are added where the training extra is installed", hint)

    def _load(self) -> Loaded:
        stamp = _stamp(self.source, self.kind)  # before: a change meanwhile is seen next time
        name = self.source if self.kind == "built-in" else Path(os.path.realpath(self.source)).stem
        return Loaded(raresign.load(self.source), name, stamp)


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
