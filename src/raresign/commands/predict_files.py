"""`raresign predict`: top answers for picture files; a broken file is a row with its error."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from raresign.answers.aliases import Aliases
from raresign.answers.answer import FileAnswer
from raresign.bundles.bundle import is_bundle
from raresign.cluster.ray_cluster import RayCluster
from raresign.commands.boxes_file import boxed_signs, table_of
from raresign.commands.cluster_answers import answers_of_files, answers_of_rows
from raresign.crops.layouts.labelling import first_names
from raresign.crops.layouts.listing import pictures_under
from raresign.crops.layouts.plain_layouts import each_file
from raresign.crops.layouts.shards import unpacked
from raresign.crops.whole_frames import is_frame_size
from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.models.built_in_files import BUILT_IN, is_built_in
from raresign.runs.loading import load
from raresign.runs.run_folder import RUN_FILE
from raresign.runtime.recogniser import Recogniser
from raresign.storage.local_copy import is_there, local_copy
from raresign.storage.places import url_of

_FRAMES_NAMED = 5


def predict(
    run: str | Path | Recogniser,
    files: Sequence[str | Path],
    top: int = 5,
    *,
    accept: float | None = None,
    boxes: str | Path | None = None,
    aliases: Aliases | None = None,
    earlier: Iterable[FileAnswer] = (),
    cluster: RayCluster | None = None,
) -> Iterator[FileAnswer]:
    """Answer files and folders of crops one by one, in the order given; none is kept.

    A warning names pictures that look like whole frames: each is answered as one crop.

    Args:
        run: The run folder, a bundle, "built-in", or what `load` made of it.
        files: Pictures, or folders that are searched for pictures; URLs of either, and tar shards,
            which are read one after the other. A file that does not exist is a row with its error,
            as a broken one is.
        top: Answers a file.
        accept: Name a crop where its class has at least this probability, instead of where the
            run's own rule for unknown signs does; 0 names every crop. See `Head.accepting`.
        boxes: The pictures are whole frames, and this file says where their signs are; see
            `boxed_crops`. One answer a box, frame by frame; without `files` the frames are beside
            the file.
        aliases: New codes for old ones.
        earlier: Answers that a run before gave for the first of these crops
            (`AnswersJournal.answers`): they come first, as they are, and their crops are not read
            again.
        cluster: Answers on its machines, which see the same files; byte for byte as this one would.

    Raises:
        InputError: No trained model, nothing given, only folders without pictures, a file of
            boxes that cannot be used, or earlier answers of other crops.
    """
    recogniser = run if isinstance(run, Recogniser) else load(run)
    if accept is not None:
        recogniser = recogniser.accepting(accept)
    if boxes is not None:
        signs = boxed_signs(local_copy(boxes), [unpacked(local_copy(file)) for file in files])
        done = 0
        for done, one in enumerate(earlier, 1):
            _check_same(one, str(signs[done - 1].path) if done <= len(signs) else None)
            yield one
        rest = signs[done:]
        if cluster is None:
            found = recogniser.answer_crops(table_of(rest), top)
        else:
            found = answers_of_rows(cluster, recogniser, table_of(rest), top)
        for sign, answer in zip(rest, found, strict=True):
            marked = sign.marked(answer)
            yield aliases.renamed(marked) if aliases else marked
        return
    paths = each_file(files)
    for one in earlier:
        path = next(paths, None)
        _check_same(one, None if path is None else str(path))
        yield one
    read = frames = 0
    first: list[str] = []
    if cluster is None:
        sized = recogniser.answer_sized(paths, top)
    else:
        sized = answers_of_files(cluster, recogniser, paths, top)
    for answer, (width, height) in sized:
        read += not answer.error
        if is_frame_size(width, height):
            frames += 1
            if len(first) < _FRAMES_NAMED:
                first.append(f"{answer.path} ({width} x {height} pixels)")
        yield aliases.renamed(answer) if aliases else answer
    if frames:
        warnings.warn(
            _(
                "{n} of {all} pictures look like whole frames, and each was answered as if it "
                "were one sign, cut out: {first}; cut the signs out, or say where they are with "
                "--boxes FILE"
            ).format(n=frames, all=read, first=first_names(first, frames)),
            stacklevel=2,
        )


def _check_same(earlier: FileAnswer, path: str | None) -> None:
    """Refuse an earlier answer of another crop than the one that stands there now."""
    if earlier.path != path:
        raise InputError(
            _("a stopped run answered {old} where now {new} stands").format(
                old=earlier.path, new=path or _("nothing")
            ),
            _("give the same files as then, or start anew without --resume"),
        )


def run_and_files(given: Sequence[Path], boxes: bool = False) -> tuple[Path, Sequence[Path]]:
    """What `raresign predict` was given: a run, if one stands first, and pictures.

    A first path that neither is a run nor holds pictures is taken for a mistyped run, unless it
    stands alone.

    Args:
        given: At least one path.
        boxes: Whether a file of boxes says where pictures are, so that a run may stand alone.

    Returns:
        The run or bundle, "built-in" where none is named, and the pictures.

    Raises:
        InputError: A run stands alone.

    Example:
        >>> run, files = run_and_files([Path("crop.png")])
        >>> str(run), len(files)
        ('built-in', 1)
    """
    first, files = given[0], given[1:]
    run_there = url_of(first) is not None and not is_bundle(first) and is_there(first, RUN_FILE)
    if is_built_in(first) or is_bundle(first) or run_there or (first / "run.json").is_file():
        if not files and not boxes:
            raise InputError(
                _("{first} and no picture").format(first=first),
                f"raresign predict {first} crop.png",
            )
        return first, files
    if url_of(first) is not None:
        return Path(BUILT_IN), given
    named = files and not first.is_file() and (not first.is_dir() or _is_old_run(first))
    return (first, files) if named else (Path(BUILT_IN), given)


def _is_old_run(folder: Path) -> bool:
    """Whether a folder without run.json is no folder of crops."""
    return (folder / "catalogue").is_dir() or not pictures_under(folder)
