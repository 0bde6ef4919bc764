"""`raresign predict`: top answers for picture files; a broken file is a row with its error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from raresign.answers.answer import FileAnswer
from raresign.crops.layouts.plain_layouts import from_files
from raresign.runs.run_folder import load
from raresign.runtime.recogniser import Recogniser


def predict(
    run: str | Path | Recogniser, files: Sequence[str | Path], top: int = 5
) -> Iterator[FileAnswer]:
    """Answer files and folders of crops one by one, in the order given.

    Args:
        run: The run folder, or what `load` made of it.
        files: Pictures, or folders that are searched for pictures. A file that does not exist is a
            row with its error, as a broken one is.
        top: Answers a file.

    Raises:
        InputError: No trained model, nothing given, or only folders without pictures.
    """
    recogniser = run if isinstance(run, Recogniser) else load(run)
    yield from recogniser.answer(iter(from_files(files).paths), top)
