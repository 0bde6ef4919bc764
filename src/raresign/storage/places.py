"""Which of the places that a user names are URLs, and how they are written."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from raresign.errors import InputError
from raresign.language.spoken import _

# Two letters at least: c:/ is a drive. One slash is enough: Path("s3://a/b") is s3:/a/b.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(/+)(.*)", re.DOTALL)
_LOCAL = ("file", "local")


class UrlPath(type(Path())):  # type: ignore[misc]  # the kind of path of this system
    """A URL where a path is expected: it is printed as it was given; no file has its name.

    Example:
        >>> given = UrlPath("s3://bucket/run/")
        >>> str(given), str(given / "run.json"), given.exists()
        ('s3://bucket/run/', 's3://bucket/run/run.json', False)
    """

    def __new__(cls, *parts: Any) -> UrlPath:
        """The path; the URL is kept as it is, too."""
        made: UrlPath = super().__new__(cls, *parts)
        object.__setattr__(made, "given", str(parts[0]) if len(parts) == 1 else "")
        return made

    def __str__(self) -> str:
        kept, plain = getattr(self, "given", ""), str(super().__str__())
        return str(kept) or _spelled(plain) or plain

    def __fspath__(self) -> str:
        return str(super().__str__())


def as_path(given: str | os.PathLike[str]) -> Path:
    """A place as a path, a URL as one that is printed well; `file:///a/b` is `/a/b`.

    Example:
        >>> as_path("file:///tmp/a%20b.png") == Path("/tmp/a b.png"), str(as_path("s3://b/c"))
        (True, 's3://b/c')
    """
    text = str(given)
    if (match := _URL.match(text)) is None:
        return given if isinstance(given, Path) else Path(given)
    if match[1].lower() in _LOCAL:
        return Path("/" + unquote(match[3]))
    return given if isinstance(given, UrlPath) else UrlPath(_spelled(text))


def url_of(given: str | os.PathLike[str]) -> str | None:
    """The URL that a place is; None for a path of this machine.

    Raises:
        InputError: A chain of URLs (`tar://a.png::s3://b/c.tar`).

    Example:
        >>> url_of(Path("s3://bucket/crops")), url_of("C:/crops"), url_of("crops/1.png")
        ('s3://bucket/crops', None, None)
    """
    text = str(given)
    match = _URL.match(text)
    if match is None or match[1].lower() in _LOCAL:
        return None
    if "::" in text:
        raise InputError(
            _("{place} is a chain of URLs").format(place=text), _("name one file or folder")
        )
    return _spelled(text)


def shown(url: str) -> str:
    """A URL without what lets somebody in: name, password and the signature behind `?`.

    Example:
        >>> shown("https://me:secret@host/a.png?Signature=abc")
        'https://host/a.png'
    """
    plain = url.partition("?")[0]
    scheme, _slashes, rest = plain.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def file_name(given: str | os.PathLike[str]) -> str:
    """The name of the file or folder that a place is, without what stands behind `?`.

    Example:
        >>> file_name("https://host/models/a.raresign?X-Amz-Signature=1"), file_name("runs/mine")
        ('a.raresign', 'mine')
    """
    url = url_of(given)
    if url is None:
        return Path(given).name
    parts = urlsplit(url)
    path = parts.path if parts.path.strip("/") else parts.netloc
    return path.rstrip("/").rpartition("/")[2]


def _spelled(text: str) -> str:
    """`s3:/bucket/a`, as a path writes it, with both slashes; "" if it is no URL."""
    match = _URL.match(text)
    return f"{match[1]}://{match[3]}" if match else ""


def refuse_url(given: str | os.PathLike[str], source: str | os.PathLike[str]) -> None:
    """Refuse a URL that a file names, not the user: a stranger's run must reach no server.

    Raises:
        InputError: It is one.
    """
    if url_of(given) is not None:
        raise InputError(
            _("{source} says that its data is at {place}").format(
                source=source, place=shown(str(url_of(given)))
            ),
            _("name the data folder yourself; URLs in files are not followed"),
        )
