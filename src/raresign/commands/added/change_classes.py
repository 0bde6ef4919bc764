"""Changes of a finished run's classes: photos that come and go, and added classes removed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from raresign.commands.answers_file import read_checked
from raresign.commands.progress import Say, silent
from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.labelling import first_names, warn_of_skipped
from raresign.crops.layouts.plain_layouts import from_files
from raresign.crops.squashing import squashed_chunks
from raresign.crops.whole_frames import frames_among
from raresign.errors import InputError
from raresign.fitting.photo_lifts import fit_lift
from raresign.runs.added_classes import remove_added
from raresign.runs.photo_embeddings import (
    Photos,
    forget_photos,
    has_photos,
    keep_photos,
    read_photos,
    with_known_photos,
)
from raresign.runs.run_folder import RunFolder
from raresign.runtime.recogniser import Recogniser


def embed_photos(recogniser: Recogniser, files: Sequence[str | Path]) -> np.ndarray:
    """(n, E) float32 embeddings of the readable pictures among files and folders.

    Raises:
        InputError: A file is not there, or none is readable.
    """
    table = from_files([Path(file) for file in files])
    frames = frames_among(table.paths)
    if frames:
        warnings.warn(
            f"{first_names(frames)}: as large or wide as a whole frame, and taken for one sign, "
            "cut out",
            stacklevel=2,
        )
    return _embedded(recogniser, table, ", ".join(str(file) for file in files))


def _embedded(recogniser: Recogniser, table: CropTable, source: str) -> np.ndarray:
    """(n, E) float32 embeddings of the readable rows of a table; the others are told."""
    size, framing = recogniser.encoder.crop_size, recogniser.framing
    chunks = [*squashed_chunks(table, size, framing)]
    broken = [f"{table.paths[row]} ({why})" for chunk in chunks for row, why in chunk.refused]
    crops = [chunk.crops for chunk in chunks]
    if not sum(map(len, crops)):
        raise InputError(f"{source} holds no readable crop", "give PNG or JPEG files")
    warn_of_skipped("pictures that cannot be read", broken, source)
    return recogniser.encoder.embed(np.concatenate(crops))


def add_photos(run: str | Path, code: str, files: Sequence[str | Path]) -> int:
    """Let real crops of a class, trained or added, help a finished run: a few help strongly.

    They are prototypes of the class and lift its score where a crop is like them (see `fit_lift`);
    net, classifier and all other classes stay as they are. `remove_photos` undoes it.

    Args:
        files: Pictures, or folders of them.

    Returns:
        How many real crops the run keeps of the class now.

    Raises:
        InputError: No such class, a run that answers without prototypes, or no readable picture.
    """
    folder, recogniser = _open(run)
    if recogniser.catalogue.label_of(code) < 0:
        raise InputError(f"{run} has no class '{code}'", "add it with `raresign add-class`")
    return keep_lifted(folder, recogniser, code, embed_photos(recogniser, files))


def add_checked_photos(run: str | Path, answers: str | Path, say: Say = silent) -> dict[str, int]:
    """Let the crops of a corrected file of answers help a finished run; see `add_photos`.

    Args:
        run: The run folder.
        answers: A CSV that `predict` wrote with `--out` and a person corrected, or any CSV with
            the columns file and code; see `read_checked`.
        say: Is told how many rows were left out.

    Returns:
        Class code -> how many real crops the run keeps of it now, for every class in the file.

    Raises:
        InputError: As `add_photos` and `read_checked`; nothing is changed then.
    """
    folder, recogniser = _open(run)
    checked = read_checked(answers, recogniser.catalogue)
    if checked.left_out:
        say(f"{checked.left_out} rows that nobody changed or confirmed are left out")
    codes = np.array(checked.table.class_names)
    found = {
        str(code): _embedded(recogniser, checked.table.filter(codes == code), str(answers))
        for code in np.unique(codes)
    }
    return {code: keep_lifted(folder, recogniser, code, each) for code, each in found.items()}


def remove_photos(run: str | Path, codes: Sequence[str]) -> None:
    """Take the photos of classes out again: the classes answer as if they had never come.

    Raises:
        InputError: The run keeps no photos of one of them; nothing is changed then.
    """
    folder = RunFolder.open(run)
    for code in codes:
        if not has_photos(folder.path, code):
            known = [name for name, _ in read_photos(folder.path)]
            raise InputError(
                f"{run} keeps no photos of '{code}'",
                f"it keeps some of {', '.join(known)}" if known else "none were added",
            )
    for code in codes:
        forget_photos(folder.path, code)


def _open(run: str | Path) -> tuple[RunFolder, Recogniser]:
    """A run that photos can be added to."""
    folder = RunFolder.open(run)
    recogniser = folder.recogniser()
    folder.check_finished()
    if not recogniser.head.knows_all_by_prototypes:
        raise InputError(
            f"{run} answers with the classifier alone", "train with a recipe of recognition: fused"
        )
    return folder, recogniser


def keep_lifted(folder: RunFolder, recogniser: Recogniser, code: str, embedding: np.ndarray) -> int:
    """Fit the lift of a class to all its photos, these among them; write; how many there are.

    The fit starts from the run without photos of the class, so the order in which they come does
    not matter.
    """
    every = with_known_photos(folder.path, code, embedding)
    head = folder.recogniser(recogniser.encoder, without=code).head
    lift = fit_lift(head, folder.catalogue.label_of(code), every)
    keep_photos(folder.path, code, Photos(every, lift))
    return len(every)


def remove_class(run: str | Path, codes: Sequence[str]) -> None:
    """Take added classes out again, their photos too.

    Every other answer is then what it was before they came; classes that were added after them keep
    the rows that were fitted beside them.

    Raises:
        InputError: The run has no such added class; nothing is removed then.
    """
    folder = RunFolder.open(run)
    for code in codes:
        if folder.trained_catalogue.label_of(code) >= 0:
            raise InputError(
                f"class '{code}' was trained into {run}", "only classes of add-class can go"
            )
    remove_added(folder.path, codes)
    for code in codes:
        forget_photos(folder.path, code)
