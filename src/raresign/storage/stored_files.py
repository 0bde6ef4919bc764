"""What a storage lists: the files of a folder, one by one, with what it tells of each."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from raresign.errors import InputError
from raresign.language.spoken import _
from raresign.storage.places import shown

_TAGS = (
    *("ETag", "etag", "checksum", "md5", "md5Hash", "content_md5", "Content-MD5", "generation"),
    *("LastModified", "Last-Modified", "last_modified", "mtime", "modified", "updated", "created"),
)
"""What storages call that by which a file is seen to have changed."""
_BAD = re.compile(r'[\x00-\x1f\x7f]|[\\:*?"<>|]' if os.name == "nt" else r"[\x00-\x1f\x7f]")
_LONGEST = 255
_PIECE = 1 << 20


def safe_name(name: str, url: str) -> str:
    """One part of a path that a storage gave, if it is the plain name of a file or folder.

    Raises:
        InputError: It climbs out of its folder, or no file can have it.

    Example:
        >>> safe_name("..", "s3://bucket/crops")
        Traceback (most recent call last):
        ...
        raresign.errors.InputError: s3://bucket/crops holds a file called '..'; rename it there
    """
    long = len(name.encode("utf-8", "surrogateescape")) > _LONGEST
    if name in ("", ".", "..") or "/" in name or long or _BAD.search(name):
        raise InputError(
            _("{place} holds a file called {name}").format(place=shown(url), name=repr(name[:80])),
            _("rename it there"),
        )
    return name


def version_of(info: Mapping[str, Any]) -> str:
    """By what a file is seen to have changed; "" where its storage tells nothing."""
    found = {name: str(info[name]) for name in _TAGS if info.get(name) is not None}
    return json.dumps([found, info.get("size")], sort_keys=True) if found else ""


def length_of(info: Mapping[str, Any]) -> int | None:
    """Bytes of a file, None where its storage does not tell."""
    size = info.get("size")
    return int(size) if isinstance(size, int | float) and size >= 0 else None


def read_stored(system: Any, path: str, most: int) -> bytes:
    """The bytes of one file.

    Raises:
        OSError: It has more than `most`.
    """
    with open_stream(system, path) as file:
        parts, length = [], 0
        while part := file.read(min(_PIECE, most + 1 - length)):
            parts.append(part)
            length += len(part)
            if length > most:
                raise OSError(errno.EFBIG, f"it is larger than {most / 1e6:,.0f} MB")
    return b"".join(parts)


def is_file_at(system: Any, path: str, url: str) -> bool:
    """Whether there is a file, not a folder."""
    return bool(info_of(system, path, url)["type"] == "file")


def info_of(system: Any, path: str, url: str) -> dict[str, Any]:
    """What a storage tells of a file or folder; its type at least."""
    # A web server has no folders; an address that ends with a slash is taken for the list of one.
    if _is_web(system) and url.endswith("/"):
        return {"type": "directory"}
    info: dict[str, Any] = system.info(path)
    return info


def open_stream(system: Any, path: str) -> Any:
    """A file to be read from its beginning to its end."""
    return system.open(path, "rb", **({"block_size": 0} if _is_web(system) else {}))


def files_of(system: Any, path: str, url: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each file under a folder: its path in it, checked, and what the storage tells of it.

    Hidden files are left out, as in folders of this machine, and objects that stand for folders.

    Raises:
        InputError: A name that climbs out of the folder, or that no file can have.
    """
    root = path.rstrip("/") + "/"
    for full, info in each_entry(system, path):
        if full.rstrip("/") == root.rstrip("/") or full.endswith("/"):
            continue
        if not full.startswith(root):
            raise InputError(
                _("{place} lists what lies elsewhere: {name}").format(
                    place=shown(url), name=repr(shown(full)[:200])
                ),
                _("name one file or folder"),
            )
        parts = full[len(root) :].split("/")
        if not any(part.startswith(".") and part not in (".", "..") for part in parts):
            yield "/".join(safe_name(part, url) for part in parts), info


def each_entry(system: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each file under a folder and what the storage tells of it, in an order that is its own.

    S3 lists page by page; other storages folder by folder, one of which is held at a time.
    """
    if "s3" in system.protocol and hasattr(system, "call_s3"):
        yield from _s3_pages(system, path)
        return
    for _place, folders, files in system.walk(path, detail=True):
        ordered = sorted(folders.items())
        folders.clear()
        folders.update(ordered)
        for _name, info in sorted(files.items()):
            yield info["name"], info


def _s3_pages(system: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    bucket, _slash, key = path.partition("/")
    asked = {"Bucket": bucket, "Prefix": f"{key.rstrip('/')}/" if key else ""}
    while True:
        page = system.call_s3("list_objects_v2", **asked)
        for one in page.get("Contents", ()):
            info = {"size": one["Size"], "ETag": one["ETag"], "LastModified": one["LastModified"]}
            yield f"{bucket}/{one['Key']}", info
        if not page.get("IsTruncated"):
            return
        asked["ContinuationToken"] = page["NextContinuationToken"]


def _is_web(system: Any) -> bool:
    return "http" in system.protocol
