"""Added classes removed from a finished run; it needs no torch, so a service does it at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from raresign.commands.progress import Say, silent
from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.runs.added_classes import check_added, keep_added
from raresign.runs.exchange import exchange
from raresign.runs.photo_embeddings import forget_photos
from raresign.runs.run_folder import RunFolder


def remove_class(run: str | Path, codes: Sequence[str], say: Say = silent) -> None:
    """Take added classes out again, their photos too.

    Every other answer is then what it was before they came; classes that were added after them keep
    the rows that were fitted beside them. A class whose files are damaged goes as well.

    Args:
        run: The run folder.
        codes: Their class codes.
        say: Is told if another command changes the run, which is waited for.

    Raises:
        InputError: The run has no such added class; nothing is removed then.
    """
    with RunFolder.changing(run, say) as folder:
        for code in codes:
            if folder.trained_catalogue.label_of(code) >= 0:
                raise InputError(
                    _("class '{code}' was trained into {run}").format(code=code, run=run),
                    _("only classes of add-class can go"),
                )
        check_added(folder.path, codes)
        with exchange(folder.path) as place:
            keep_added(folder.path, place, without=codes)
            forget_photos(folder.path, place, codes)
