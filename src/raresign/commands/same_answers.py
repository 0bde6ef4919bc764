"""What answers depend on, as plain values: a stopped run goes on only where none has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from raresign.answers.aliases import Aliases
from raresign.bundles.head_part import head_parts
from raresign.bundles.preprocessing import preprocessing
from raresign.crops.layouts.listing import files_under
from raresign.framing.finder import own_finder
from raresign.runtime.recogniser import Recogniser
from raresign.storage.local_copy import local_copy

_BOX_FILES = (".json", ".csv", ".tsv", ".txt", ".xml", ".yaml", ".yml")
_PIECE = 1 << 20


def answer_settings(
    model: Recogniser,
    files: Sequence[str | Path],
    top: int = 5,
    *,
    accept: float | None = None,
    boxes: str | Path | None = None,
    aliases: Aliases | None = None,
) -> dict[str, Any]:
    """What the answers of `predict` depend on, as plain values: `AnswersJournal` compares them.

    The model counts by what it holds, not by its name: a run and its float32 bundle are the same,
    an INT8 bundle, another training or an added class are not. Files of boxes count by what they
    hold, too; of pictures the names alone.

    Raises:
        InputError: The file of boxes cannot be read.
    """
    asked = model.head.policy
    allowed = None if asked.allowed is None else np.flatnonzero(asked.allowed).tolist()
    return {
        "model": model_digest(model),
        "files": [str(file) for file in files],
        "top": top,
        "accept": asked.accept if accept is None else accept,
        "boxes": None if boxes is None else _digest_of_files(local_copy(boxes)),
        "aliases": None if aliases is None else dict(aliases.codes),
        "allowed": allowed,
        "thresholds": np.asarray(asked.least).tolist(),
    }


def model_digest(model: Recogniser) -> str:
    """Names a model by all that its answers come of: encoder, framing, head and classes.

    Example:
        >>> from raresign.runs.loading import load
        >>> model_digest(load()) == model_digest(load().accepting(0.5))
        True
    """
    found = hashlib.blake2b(digest_size=16)
    finder = None if model.framing == "whole" else model.finder or own_finder()
    read = preprocessing(model.encoder.crop_size, model.framing, finder)
    signs = [(sign.code, sign.title, sign.family) for sign in model.catalogue.classes]
    plain = [model.encoder.digest, finder and finder.digest, read, signs]
    for part in (json.dumps(plain).encode(), *head_parts(model.head, half=False).values()):
        found.update(hashlib.blake2b(part).digest())
    return found.hexdigest()


def _digest_of_files(place: Path) -> str:
    """Names a file, or the texts of a folder, by what they hold."""
    found = hashlib.blake2b(digest_size=16)
    for file in files_under(place, _BOX_FILES) if place.is_dir() else [place]:
        found.update(hashlib.blake2b(str(file.relative_to(place)).encode()).digest())
        one = hashlib.blake2b()
        try:
            with file.open("rb") as opened:
                while piece := opened.read(_PIECE):
                    one.update(piece)
        except OSError:
            continue  # whoever reads the boxes tells
        found.update(one.digest())
    return found.hexdigest()
