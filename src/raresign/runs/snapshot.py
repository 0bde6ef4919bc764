"""One state of a run folder: whoever reads several of its files tells whether they changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from raresign.errors import InputError
from raresign.runs.exchange import finish_exchange, is_moving
from raresign.runs.run_lock import run_lock

_PARTS = (
    "run.json",
    "catalogue",
    "model.safetensors",
    "model.json",
    "encoder.onnx",
    "recognition.safetensors",
    "added",
    "photos",
)
"""What answers are made of."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What the disk says of the parts of a run; equal as long as nobody changes them.

    Attributes:
        parts: For each its number on the disk and when it changed, or None.
        moving: Whether files were being exchanged: no state at all.
    """

    parts: tuple[tuple[int, int, int] | None, ...]
    moving: bool

    @classmethod
    def of(cls, path: Path) -> Seen:
        """What it says now of the run in `path`."""
        before = is_moving(path)
        parts = tuple(_known(path / name) for name in _PARTS)
        return cls(parts, before or is_moving(path))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Seen):
            return NotImplemented
        return self.parts == other.parts and not self.moving and not other.moving

    def __hash__(self) -> int:
        return hash(self.parts)


def settle(path: Path) -> None:
    """Finish an exchange that was killed, or wait for the end of one.

    Raises:
        InputError: The run cannot be written.
    """
    if not is_moving(path):
        return
    try:
        with run_lock(path):
            finish_exchange(path)
    except OSError as error:
        raise InputError(
            f"{path} was being changed when a command was killed: {error.strerror or error}",
            "open it once where it can be written",
        ) from error


def _known(place: Path) -> tuple[int, int, int] | None:
    try:
        found = place.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
