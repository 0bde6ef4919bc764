"""`raresign predict`: top answers for picture files; a broken file is a row with its error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from raresign.answers.answer import FileAnswer
from raresign.crops.layouts.listing import pictures_under
from raresign.crops.layouts.plain_layouts import from_files
from raresign.errors import InputError
from raresign.models.built_in_files import BUILT_IN, is_built_in
from raresign.runs.run_folder import load
from raresign.runtime.recogniser import Recogniser


def predict(
    run: str | Path | Recogniser, files: Sequence[str | Path], top: int = 5
) -> Iterator[FileAnswer]:
    """Answer files and folders of crops one by one, in the order given.

    Args:
        run: The run folder, "built-in", or what `load` made of it.
        files: Pictures, or folders that are searched for pictures. A file that does not exist is a
            row with its error, as a broken one is.
        top: Answers a file.

    Raises:
        InputError: No trained model, nothing given, or only folders without pictures.
    """
    recogniser = run if isinstance(run, Recogniser) else load(run)
    yield from recogniser.answer(iter(from_files(files).paths), top)


def run_and_files(given: Sequence[Path]) -> tuple[Path, Sequence[Path]]:
    """What `raresign predict` was given: a run, if one stands first, and pictures.

    A first path that neither is a run nor holds pictures is taken for a mistyped run, unless it
    stands alone.

    Args:
        given: At least one path.

    Returns:
        The run, "built-in" where none is named, and the pictures.

    Raises:
        InputError: A run stands alone.

    Example:
        >>> run, files = run_and_files([Path("crop.png")])
        >>> str(run), len(files)
        ('built-in', 1)
    """
    first, files = given[0], given[1:]
    if is_built_in(first) or (first / "run.json").is_file():
        if not files:
            raise InputError(f"{first} and no picture", f"raresign predict {first} crop.png")
        return first, files
    named = files and not first.is_file() and (not first.is_dir() or _is_old_run(first))
    return (first, files) if named else (Path(BUILT_IN), given)


def _is_old_run(folder: Path) -> bool:
    """Whether a folder without run.json is no folder of crops."""
    return (folder / "catalogue").is_dir() or not pictures_under(folder)
