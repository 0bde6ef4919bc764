"""Checkpoints as files: whole or not there, and read as tensors and plain values only."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from raresign.errors import InputError
from raresign.files import whole_file

_PARTS = {"state_dict": dict, "callbacks": dict, "loops": dict, "global_step": int}


class WholeCheckpoints(TorchCheckpointIO):
    """How Lightning writes and reads checkpoints.

    Lightning's own way writes under TMPDIR and moves the file: on another file system that is a
    copy, and a full disk or a kill in its middle leaves half a checkpoint where a whole one was.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write it beside its place, to the disk, then rename it; the one before stays till then.

        Raises:
            OSError: The disk is full, or the folder cannot be written.
        """
        content = io.BytesIO()  # torch's own writer does not tell that a disk is full
        torch.save(checkpoint, content)
        with whole_file(os.fspath(path)) as temporary, temporary.open("wb") as file:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())

    def load_checkpoint(
        self,
        path: str | os.PathLike[str],
        map_location: Any = "cpu",
        weights_only: bool | None = True,
    ) -> dict[str, Any]:
        """See `read_checkpoint`; a pickle that would run code is refused whatever is asked for."""
        return read_checkpoint(path)


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A checkpoint on the CPU: tensors, numbers, texts, and dicts and lists of them.

    Raises:
        InputError: It is missing or damaged, or holds anything else.
    """
    hint = "delete it, and the stage begins again; or copy the run folder again"
    if not Path(path).is_file():
        raise InputError(f"there is no checkpoint {path}", hint)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch, zipfile and pickle have one for every kind of damage
        raise InputError(
            f"{path} is damaged, or holds more than tensors and plain values "
            f"({type(error).__name__})",
            hint,
        ) from error
    if not isinstance(found, dict):
        raise InputError(f"{path} holds a {type(found).__name__}, no checkpoint", hint)
    for part, kind in _PARTS.items():
        if not isinstance(found.get(part), kind):
            raise InputError(f"{path} lacks the part '{part}' of a checkpoint", hint)
    return found
