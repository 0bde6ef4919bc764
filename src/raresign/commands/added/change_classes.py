"""Photos of a finished run's classes, which come and go."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from raresign.answers.head import Head
from raresign.commands.answers_file import read_checked
from raresign.commands.progress import Say, silent
from raresign.crops.crop_table import CropTable
from raresign.crops.layouts.labelling import first_names, warn_of_skipped
from raresign.crops.layouts.plain_layouts import from_files
from raresign.crops.squashing import squashed_chunks
from raresign.crops.whole_frames import frames_among
from raresign.errors import InputError
from raresign.fitting.photo_lifts import fit_lift
from raresign.language.spoken import _, ngettext
from raresign.runs.exchange import exchange
from raresign.runs.photo_embeddings import (
    Photos,
    has_photos,
    keep_photos,
    known_photos,
    photo_names,
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
            _("{first}: as large or wide as a whole frame, and taken for one sign, cut out").format(
                first=first_names(frames)
            ),
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
        raise InputError(
            _("{source} holds no readable crop").format(source=source), _("give PNG or JPEG files")
        )
    warn_of_skipped(_("pictures that cannot be read"), broken, source)
    return recogniser.encoder.embed(np.concatenate(crops))


def add_photos(run: str | Path, code: str, files: Sequence[str | Path], say: Say = silent) -> int:
    """Let real crops of a class, trained or added, help a finished run: a few help strongly.

    They are prototypes of the class and lift its score where a crop is like them (see `fit_lift`);
    net, classifier and all other classes stay as they are. `remove_photos` undoes it.

    Args:
        files: Pictures, or folders of them.
        say: Is told if another command changes the run, which is waited for.

    Returns:
        How many real crops the run keeps of the class now.

    Raises:
        InputError: No such class, a run that answers without prototypes, or no readable picture.
    """
    with RunFolder.changing(run, say) as folder:
        recogniser = _ready(folder)
        if recogniser.catalogue.label_of(code) < 0:
            raise InputError(
                _("{run} has no class '{code}'").format(run=run, code=code),
                _("add it with `raresign add-class`"),
            )
        return _keep(folder, recogniser, {code: embed_photos(recogniser, files)}, say)[code]


def add_checked_photos(run: str | Path, answers: str | Path, say: Say = silent) -> dict[str, int]:
    """Let the crops of a corrected file of answers help a finished run; see `add_photos`.

    Args:
        run: The run folder.
        answers: A CSV or .xlsx that `predict` wrote with `--out` and a person corrected, or any
            with the columns file and code; see `read_checked`.
        say: Is told how many rows were left out, and see `add_photos`.

    Returns:
        Class code -> how many real crops the run keeps of it now, for every class in the file.

    Raises:
        InputError: As `add_photos` and `read_checked`; nothing is changed then.
    """
    with RunFolder.changing(run, say) as folder:
        recogniser = _ready(folder)
        checked = read_checked(answers, recogniser.catalogue)
        if checked.left_out:
            say(
                _("{left_out} rows that nobody changed or confirmed are left out").format(
                    left_out=checked.left_out
                )
            )
        codes = np.array(checked.table.class_names)
        found = {
            str(code): _embedded(recogniser, checked.table.filter(codes == code), str(answers))
            for code in np.unique(codes)
        }
        return _keep(folder, recogniser, found, say)


def kept_photos(run: str | Path, code: str) -> tuple[str, ...]:
    """Names of the real crops that a run keeps of a class, for `remove_photos`; () for none.

    A name goes by what the net makes of the crop, so one crop has one name, whatever its file.

    Raises:
        InputError: No run folder, or its photos are damaged.
    """
    path = RunFolder.open(run).path
    return tuple(photo_names(known_photos(path, code))) if has_photos(path, code) else ()


def remove_photos(
    run: str | Path,
    codes: Sequence[str],
    say: Say = silent,
    only: Collection[str] | None = None,
) -> None:
    """Take photos of classes out again: the classes answer as if these had never come.

    Args:
        run: The run folder.
        codes: The classes.
        say: See `add_photos`.
        only: Names of those to take out, see `kept_photos`; None takes all out.

    Raises:
        InputError: The run keeps no photos of one of them; nothing is changed then.
    """
    with RunFolder.changing(run, say) as folder:
        for code in codes:
            if not has_photos(folder.path, code):
                known = [name for name, _ in read_photos(folder.path)]
                raise InputError(
                    _("{run} keeps no photos of '{code}'").format(run=run, code=code),
                    _("it keeps some of {listed}").format(listed=", ".join(known))
                    if known
                    else _("none were added"),
                )
        left = {} if only is None else _left(folder, codes, frozenset(only))
        photos = _fitted(folder, folder.recogniser(), left, without=codes) if left else {}
        with exchange(folder.path) as place:
            keep_photos(folder.path, place, photos, forgotten=codes)


def _left(folder: RunFolder, codes: Sequence[str], gone: Collection[str]) -> dict[str, np.ndarray]:
    """Class code -> embeddings of its photos that stay, of classes of which some do."""
    found = {}
    for code in codes:
        known = known_photos(folder.path, code)
        stays = [name not in gone for name in photo_names(known)]
        if any(stays):
            found[code] = known[stays]
    return found


def _ready(folder: RunFolder) -> Recogniser:
    """The recogniser of a run that photos can be added to."""
    recogniser = folder.recogniser()
    folder.check_finished()
    if not recogniser.head.knows_all_by_prototypes:
        raise InputError(
            _("{path} answers with the classifier alone").format(path=folder.path),
            _("train with a recipe of recognition: fused"),
        )
    return recogniser


def _keep(
    folder: RunFolder, recogniser: Recogniser, found: Mapping[str, np.ndarray], say: Say
) -> dict[str, int]:
    """Add embeddings to those that a run keeps of classes; how many it keeps of each now.

    The fit starts from the run without photos of these classes, so the order in which the photos of
    a class come does not matter.
    """
    every = {code: with_known_photos(folder.path, code, new) for code, new in found.items()}
    photos = _fitted(folder, recogniser, every, without=every)
    with exchange(folder.path) as place:
        keep_photos(folder.path, place, photos)
    _tell_unnamed(folder.recogniser(recogniser.encoder), found, say)
    return {code: len(each) for code, each in every.items()}


def _fitted(
    folder: RunFolder,
    recogniser: Recogniser,
    every: Mapping[str, np.ndarray],
    without: Collection[str],
) -> dict[str, Photos]:
    """Class code -> its photos with what they lift, by the run without photos of some classes."""
    head = folder.recogniser(recogniser.encoder, without=without).head
    labelled = {folder.catalogue.label_of(code): each for code, each in every.items()}
    return dict(zip(every, fit_photos(head, labelled), strict=True))


def _tell_unnamed(recogniser: Recogniser, found: Mapping[str, np.ndarray], say: Say) -> None:
    """Say how many of the embedded crops of each class are not named so, photos and all."""
    for code, new in found.items():
        judged = recogniser.head.judge(new)
        right = judged.probabilities.argmax(1) == recogniser.catalogue.label_of(code)
        if unnamed := int((~right | (judged.levels != 0)).sum()):
            say(
                ngettext(
                    "{n} of {all} crops of {code} is still not named so; more of them help",
                    "{n} of {all} crops of {code} are still not named so; more of them help",
                    unnamed,
                ).format(n=unnamed, all=len(new), code=code)
            )


def fit_photos(head: Head, embeddings: Mapping[int, np.ndarray]) -> list[Photos]:
    """Photos of classes with what they lift, each class fitted beside those before it.

    Args:
        head: Without photos of these classes.
        embeddings: Label -> (n, E) embeddings of its photos.
    """
    found = []
    for label, each in embeddings.items():
        lift = fit_lift(head, label, each)
        head = head.with_photos(label, each, lift)
        found.append(Photos(each, lift))
    return found
