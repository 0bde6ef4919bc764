"""A URL opened with fsspec, and what goes wrong there in one clear sentence."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.storage.places import shown

_RIGHTS = re.compile("Credential|Forbidden|AccessDenied|Permission|Unauthorized")
"""In the names of what storages raise where there are no rights."""
_NO_RIGHTS, _NOTHING = (401, 403), 404
_HERE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # of our own disk


def open_storage(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path in it.

    Settings are those of fsspec and of the storage's own tools: FSSPEC_S3_ENDPOINT_URL,
    AWS_ACCESS_KEY_ID, ~/.aws and so on.

    Raises:
        InputError: fsspec or what it needs for this kind of URL is not installed, or there is no
            such kind.

    Example:
        >>> open_storage("memory://crops/a.png")[1]
        '/crops/a.png'
    """
    kind = url.partition("://")[0]
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise InputError(
            _("{place}: {kind}:// needs fsspec, which is not installed").format(
                place=shown(url), kind=kind
            ),
            'pip install "raresign[storage]"',
        ) from error
    try:
        with told(url):
            found: tuple[Any, str] = url_to_fs(url)
            return found
    except InputError as error:
        match error.__cause__:
            case ImportError() as missing:
                what = missing.name or str(missing).removeprefix("Install ").partition(" ")[0]
                raise InputError(
                    _("{place}: {kind}:// needs {what}, which is not installed").format(
                        place=shown(url), kind=kind, what=what
                    ),
                    f"pip install {what}",
                ) from missing
            case ValueError() as unknown if "rotocol" in str(unknown):
                raise InputError(
                    _("{place}: there is no storage of the kind {kind}://").format(
                        place=shown(url), kind=kind
                    ),
                    _("use s3://, gs://, https:// or another kind that fsspec knows"),
                ) from unknown
        raise


@contextmanager
def told(url: str, writing: bool = False) -> Iterator[None]:
    """Turn whatever a storage raises in the block into one message for the user.

    Args:
        url: The place.
        writing: Whether it is written; read otherwise.

    Raises:
        InputError: The place is absent, there are no rights, or the storage does not answer.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # each kind of storage has exceptions of its own
        if isinstance(error, OSError) and error.errno in _HERE:
            raise
        raise _as_input_error(url, writing, error) from error


def _as_input_error(url: str, writing: bool, error: Exception) -> InputError:
    place = shown(url)
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and len(chain) < 9:
        chain.append(cause)
    answered = [getattr(one, "status", None) for one in chain]
    if isinstance(error, NotImplementedError):
        return InputError(
            _("{place} cannot be written: this kind of storage only reads").format(place=place),
            _("write to a local folder or to s3://, gs:// ..."),
        )
    # Rights first: a storage may call what it hides "not found".
    refused = any(
        isinstance(one, PermissionError) or _RIGHTS.search(type(one).__name__) for one in chain
    )
    if refused or any(status in _NO_RIGHTS for status in answered):
        sentence = _("no rights to write {place}") if writing else _("no rights to read {place}")
        return InputError(
            sentence.format(place=place),
            _("give credentials as for the storage's own tools, such as AWS_ACCESS_KEY_ID"),
        )
    # A web server that does not answer is "not found" to fsspec; the cause tells.
    silent = any(isinstance(one, ConnectionError | TimeoutError) for one in chain)
    if _NOTHING in answered or (isinstance(error, FileNotFoundError) and not silent):
        nothing = _("{place}: there is nothing there").format(place=place)
        return InputError(nothing, _("check the URL"))
    told_by = next((one for one in chain if not isinstance(one, FileNotFoundError)), error)
    why = f"{type(told_by).__name__}: {str(told_by).replace(url, place)[:300]}"
    cannot = _("{place} cannot be read: {why}")
    if writing:
        cannot = _("{place} cannot be written: {why}")
    return InputError(
        cannot.format(place=place, why=why),
        _("check the URL, the network and the settings of the storage"),
    )
