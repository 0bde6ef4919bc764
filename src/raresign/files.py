"""Whole files or none: written under a temporary name, then renamed; read if they are files."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

from raresign.language.spoken import later
from raresign.locks import hold_lock, this_machine

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_FLAGS = sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NONBLOCK", "O_BINARY"))
UNFINISHED = ".raresign-"
"""How the name of a file begins that is being written."""
_STALE_AFTER_SECONDS = 86400.0
MAX_BYTES = 1 << 29
"""Of a file that is read at once, unless told otherwise: half a gigabyte."""

NO_FILE = later("it is a device, a pipe or a socket, not a file")
"""Why what stands there is not read."""


def default_cache() -> Path:
    """Where packs, indexes, drawings and copies lie: `$RARESIGN_CACHE` or `~/.cache/raresign`."""
    chosen = os.environ.get("RARESIGN_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "raresign"


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether there is such a file; a name that no disk takes is none.

    Example:
        >>> is_file("/"), is_file("x" * 300)
        (False, False)
    """
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def is_there(path: str | os.PathLike[str]) -> bool:
    """Whether there is such a file or folder; a name that no disk takes is none.

    Example:
        >>> is_there("/"), is_there("x" * 300), is_there("a\\0b")
        (True, False, False)
    """
    try:
        os.stat(path)  # noqa: PTH116 - it is asked of many names
    except (OSError, ValueError):
        return False
    return True


def real_path(path: str | os.PathLike[str]) -> Path:
    """The path with its links followed, as far as they lead; a circle of links is no error.

    Example:
        >>> real_path("/../tmp/./a")
        PosixPath('/tmp/a')
    """
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):  # a name that no disk takes
        return Path(path)


def open_file(path: str | os.PathLike[str]) -> BufferedReader:
    """A regular file, opened to read its bytes; to open a pipe that nobody writes to waits not.

    Raises:
        OSError: It cannot be read or is no regular file.

    Example:
        >>> open_file("/dev/null")
        Traceback (most recent call last):
        ...
        OSError: [Errno 22] it is a device, a pipe or a socket, not a file: '/dev/null'
    """
    handle = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, NO_FILE, os.fspath(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bytes(path: str | os.PathLike[str], most: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file of bounded size; a pipe or a device neither hangs nor floods.

    Raises:
        OSError: It cannot be read, is no regular file, or is larger than `most` bytes.
    """
    with open_file(path) as file:
        found = os.fstat(file.fileno())
        # A file may grow while it is read, and those of /proc say that they are empty.
        parts: list[bytes] = []
        length = 0
        if found.st_size <= most:
            while part := file.read(max(found.st_size - length, 1 << 16) + 1):
                parts.append(part)
                length += len(part)
                if length > most:
                    break
        if max(found.st_size, length) > most:
            raise OSError(errno.EFBIG, f"it is larger than {most / 1e6:,.0f} MB", os.fspath(path))
        return parts[0] if len(parts) == 1 else b"".join(parts)


def read_text(
    path: str | os.PathLike[str],
    most: int = MAX_BYTES,
    encoding: str = "utf-8",
    errors: str = "strict",
) -> str:
    """The text of a regular file of bounded size, its line ends as `\\n`.

    Raises:
        OSError: As `read_bytes`.
        UnicodeDecodeError: It is no text in this encoding.
    """
    text = read_bytes(path, most).decode(encoding, errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    A block that raises (full disk, Ctrl-C) leaves an earlier `path` as it was and no litter.

    Args:
        path: Where the finished file shall stand; its folder is made.

    Yields:
        The temporary path to write to. It has the same suffix as `path`.

    Raises:
        OSError: The folder cannot be made or the file cannot be renamed.

    Example:
        >>> target = Path(tempfile.mkdtemp()) / "a.txt"
        >>> with whole_file(target) as temporary:
        ...     _ = temporary.write_text("complete")
        >>> target.read_text()
        'complete'
    """
    path = Path(path)
    if _URL.match(os.fspath(path)):  # or a folder called s3: would be made
        raise OSError(errno.EINVAL, later("this is not written to a URL"), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, handle = _begun(path)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a folder beside `path`, which gets this name if the block succeeds, and goes if not.

    Where another process was first, which made the same, that one's stays.

    Example:
        >>> home = Path(tempfile.mkdtemp())
        >>> with whole_folder(home / "made") as temporary:
        ...     _ = (temporary / "a.txt").write_text("a")
        >>> [path.name for path in home.iterdir()]
        ['made']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        name_folder(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def name_folder(temporary: Path, path: Path) -> None:
    """Give a folder its name; it goes if another process was first, which made the same."""
    try:
        temporary.rename(path)
    except OSError:
        if not path.is_dir():
            raise
        shutil.rmtree(temporary)


def _begun(path: Path) -> tuple[Path, int]:
    """A new file beside `path`, and a descriptor that holds its lock.

    Its name is the same each time, so a file that a killed process left is written over by the next
    one that writes `path`. While another process writes to it the name is a random one.
    """
    prefix = f"{UNFINISHED}{path.stem[:99]}-"
    usual = path.with_name(f"{prefix}{this_machine()}{path.suffix}")
    handle = _locked(usual, os.O_CREAT)
    if handle is not None:
        os.ftruncate(handle, 0)
        return usual, handle
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=path.suffix, dir=path.parent)
    return Path(name), handle


def _locked(place: Path, more: int = 0) -> int | None:
    """A descriptor that holds the lock of a file of ours; None if another process holds it."""
    flags = _FLAGS | getattr(os, "O_NOFOLLOW", 0) | os.O_RDWR
    try:
        handle = os.open(place, flags | more, 0o600)
    except OSError:
        return None
    held = hold_lock(handle)
    with suppress(OSError):
        found = os.fstat(handle)
        # It may have got another name since it was opened; a link of a stranger leads elsewhere.
        same = os.path.samestat(found, place.lstat())
        if held and same and stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
            return handle
    os.close(handle)
    if held is None and more:  # no locks here
        with suppress(OSError):
            if not place.lstat().st_size:
                place.unlink()
    return None


def sweep(folder: Path) -> None:
    """Remove files that killed processes were writing into a folder.

    Those of this machine at once, as nobody holds their locks; others after a day.
    """
    for place in folder.glob(f"{UNFINISHED}*"):
        try:
            found = place.lstat()
            if not stat.S_ISREG(found.st_mode):
                continue
            ours = place.stem.endswith(f"-{this_machine()}")
            handle = _locked(place) if ours else None
            if handle is not None:
                place.unlink()
                os.close(handle)
            elif time.time() - found.st_mtime > _STALE_AFTER_SECONDS:
                place.unlink()
        except OSError:  # another process was faster, or may and we may not
            continue


def write_text(path: str | Path, text: str) -> None:
    """Write `text` (UTF-8) to `path`, whole or not at all."""
    with whole_file(path) as temporary:
        # A file name that is no UTF-8 is written out, in JSON as it is read back.
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON to `path`, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")
