"""Changes of a finished run's classes: real crops as prototypes, and added classes removed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raresign.commands.progress import Say, silent
from raresign.crops.layouts.plain_layouts import from_files
from raresign.crops.squashing import squashed_chunks
from raresign.errors import InputError
from raresign.runs.added_classes import check_added, keep_added
from raresign.runs.exchange import exchange
from raresign.runs.photo_embeddings import forget_photos, keep_photos
from raresign.runs.run_folder import RunFolder
from raresign.runtime.recogniser import Recogniser


def embed_photos(recogniser: Recogniser, files: Sequence[str | Path]) -> np.ndarray:
    """(n, E) float32 embeddings of the readable pictures among files and folders.

    Raises:
        InputError: A file is not there, or none is readable.
    """
    table = from_files([Path(file) for file in files])
    size, framing = recogniser.encoder.crop_size, recogniser.framing
    crops = [chunk.crops for chunk in squashed_chunks(table, size, framing)]
    if not sum(map(len, crops)):
        named = ", ".join(str(file) for file in files)
        raise InputError(f"{named} holds no readable crop", "give PNG or JPEG files")
    return recogniser.encoder.embed(np.concatenate(crops))


def add_photos(run: str | Path, code: str, files: Sequence[str | Path], say: Say = silent) -> int:
    """Let real crops of a class, trained or added, serve a finished run as prototypes.

    Net and classifier stay as they are; the class mean moves towards the crops. To undo it, delete
    `RUN/photos/CODE.safetensors`.

    Args:
        files: Pictures, or folders of them.
        say: Is told if another command changes the run, which is waited for.

    Returns:
        How many real crops the run keeps of the class now.

    Raises:
        InputError: No such class, a run that answers without prototypes, or no readable picture.
    """
    with RunFolder.changing(run, say) as folder:
        recogniser = folder.recogniser()
        folder.check_finished()
        if recogniser.catalogue.label_of(code) < 0:
            raise InputError(f"{run} has no class '{code}'", "add it with `raresign add-class`")
        if not recogniser.head.fusion.prototype_scale:
            raise InputError(
                f"{run} answers with the classifier alone",
                "train with a recipe of recognition: fused",
            )
        embedding = embed_photos(recogniser, files)
        with exchange(folder.path) as place:
            return keep_photos(folder.path, place, code, embedding)


def remove_class(run: str | Path, codes: Sequence[str], say: Say = silent) -> None:
    """Take added classes out again, their photos too.

    Every other answer is then what it was before they came; classes that were added after them keep
    the rows that were fitted beside them. A class whose files are damaged goes as well.

    Args:
        run: The run folder.
        codes: Their class codes.
        say: See `add_photos`.

    Raises:
        InputError: The run has no such added class; nothing is removed then.
    """
    with RunFolder.changing(run, say) as folder:
        for code in codes:
            if folder.trained_catalogue.label_of(code) >= 0:
                raise InputError(
                    f"class '{code}' was trained into {run}", "only classes of add-class can go"
                )
        check_added(folder.path, codes)
        with exchange(folder.path) as place:
            keep_added(folder.path, place, without=codes)
            forget_photos(folder.path, place, codes)
