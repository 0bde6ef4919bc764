"""Several files of a run folder exchanged at once: all of them or none, whenever it is killed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STAGING, _READY, _GONE = ".next", ".ready", ".gone"


@contextmanager
def exchange(path: Path) -> Iterator[Path]:
    """Yield a folder in which the new files of a run are written; they count once the block ends.

    What lies in the folder then takes the place of what has the same name in the run. A block that
    raises, or is killed, leaves the run as it was. Killed later, the run is the new one: whoever
    opens it next moves what is left, see `finish_exchange`.

    Args:
        path: The run folder.

    Example:
        >>> import tempfile
        >>> run = Path(tempfile.mkdtemp())
        >>> _ = (run / "model").write_text("old")
        >>> with exchange(run) as new:
        ...     _ = (new / "model").write_text("new")
        >>> (run / "model").read_text(), len(list(run.iterdir()))
        ('new', 1)
    """
    finish_exchange(path)
    staging = path / _STAGING
    shutil.rmtree(staging, ignore_errors=True)  # a killed process left it
    try:
        staging.mkdir()
        yield staging
        staging.replace(path / _READY)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    finish_exchange(path)


def finish_exchange(path: Path) -> None:
    """Move what an exchange that was killed, in the run folder `path`, has not moved yet."""
    ready, gone = path / _READY, path / _GONE
    if not ready.is_dir():
        return
    for new in sorted(ready.iterdir()):
        shutil.rmtree(gone, ignore_errors=True)
        own = path / new.name
        if own.is_dir():  # no folder can be replaced that holds files
            own.replace(gone)
        new.replace(own)
    shutil.rmtree(gone, ignore_errors=True)
    ready.rmdir()
