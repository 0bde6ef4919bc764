"""The zip of a bundle: plain parts with a manifest of their checksums; bounded before it is read.

Nothing is ever extracted to the disk, so a name that climbs out of a folder reaches nothing; it is
refused all the same.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from raresign.errors import InputError
from raresign.files import read_bytes, whole_file
from raresign.parsing import parse_json
from raresign.storage.local_copy import local_copy
from raresign.storage.places import as_path
from raresign.storage.published import written

SCHEMA = 1
"""Version of what a bundle holds; readers refuse later ones."""
SUFFIX = ".raresign"
MANIFEST = "manifest.json"

NOT_FACTS = ("format", "schema", "parts")
"""Keys of a manifest that `write_archive` adds to its facts."""

KEPT = "kept"
"""In the manifest of a patch: name and SHA-256 of the parts that stay."""
_FORMAT = "raresign bundle"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)?\.[a-z]+")
_MOST_BYTES = 1 << 29
_MOST_PARTS = 20_000
_MOST_MANIFEST = 8 << 20
_DATE = (1980, 1, 1, 0, 0, 0)  # of every part: the same model is the same bytes
_PLAIN = 0o100644 << 16
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PACKED = (".json", ".md")


def write_archive(path: str | Path, parts: Mapping[str, bytes], facts: Mapping[str, Any]) -> None:
    """Write a bundle, whole or not at all; the same parts and facts are the same bytes.

    Args:
        path: Of the file, or a URL.
        parts: Content by name; a name is lower case, one folder deep at most.
        facts: More for the manifest: plain values.

    Raises:
        OSError: It cannot be written.
    """
    listed = {
        name: {"bytes": len(parts[name]), "sha256": hashlib.sha256(parts[name]).hexdigest()}
        for name in sorted(parts)
    }
    manifest = {"format": _FORMAT, "schema": SCHEMA, **facts, "parts": listed}
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    with (
        written(path) as here,
        whole_file(here) as temporary,
        zipfile.ZipFile(temporary, "w") as archive,
    ):
        for name, content in {MANIFEST: text.encode(), **dict(sorted(parts.items()))}.items():
            told = zipfile.ZipInfo(name, _DATE)
            told.create_system, told.external_attr = 3, _PLAIN
            packed = name.endswith(_PACKED)
            how = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            archive.writestr(told, content, how, 9 if packed else None)


def read_archive(path: str | Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the parts of a bundle, each checked against its checksum.

    Args:
        path: A file, or a URL.

    Raises:
        InputError: No bundle, one that is damaged or was changed, or of a newer version.
    """
    path = as_path(path)
    here = local_copy(path, _MOST_BYTES)
    try:
        data = read_bytes(here, _MOST_BYTES)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(path, archive)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}", _HINT) from error
    except zipfile.BadZipFile as error:
        refuse(path, f"no whole zip file ({str(error)[:200]})", error)
    except (ValueError, LookupError, TypeError, AttributeError, EOFError, zlib.error) as error:
        refuse(path, str(error)[:200] or type(error).__name__, error)
    except (NotImplementedError, RuntimeError, RecursionError, MemoryError) as error:
        refuse(path, str(error)[:200] or type(error).__name__, error)


_HINT = f"give the {SUFFIX} file that `raresign export` wrote; copy it again if it is damaged"


def refuse(path: str | Path, why: str, cause: BaseException | None = None) -> NoReturn:
    """Tell why a file is no usable bundle."""
    raise InputError(f"{path} is no usable bundle: {why}", _HINT) from cause


def _read(path: str | Path, archive: zipfile.ZipFile) -> tuple[dict[str, Any], dict[str, bytes]]:
    """See `read_archive`."""
    entries = archive.infolist()
    _check_entries(entries)
    sizes = {entry.filename: entry.file_size for entry in entries}
    if sizes.get(MANIFEST, _MOST_MANIFEST + 1) > _MOST_MANIFEST:
        raise ValueError(f"it has no {MANIFEST}, or a huge one")
    manifest = parse_json(_part(archive, MANIFEST))
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise ValueError(f"its {MANIFEST} is of something else")
    schema = manifest.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise InputError(
            f"{path} is a bundle of schema {schema}, made by a newer raresign; this one reads "
            f"schema {SCHEMA}",
            "pip install --upgrade raresign",
        )
    if type(schema) is not int or schema < 1:
        raise ValueError(f"its schema is {str(schema)[:60]!r}")
    told = manifest["parts"]
    if set(told) != set(sizes) - {MANIFEST}:
        other = sorted(set(told) ^ (set(sizes) - {MANIFEST}))
        raise ValueError(f"{other[0]} is in the zip or in the manifest alone")
    for name, row in told.items():
        if row["bytes"] != sizes[name]:
            raise ValueError(f"{name} has {sizes[name]} bytes, not the {row['bytes']} of its entry")
    parts = {}
    for name, row in told.items():
        parts[name] = _part(archive, name)
        if hashlib.sha256(parts[name]).hexdigest() != row["sha256"]:
            raise ValueError(f"the checksum of {name} does not match: it was changed")
    return manifest, parts


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    """The content of a part, at most as long as its entry says.

    `ZipFile.read` unpacks two gigabytes at a time and cuts what the entry does not tell of.
    """
    entry = archive.getinfo(name)
    with archive.open(entry) as file:
        return file.read(entry.file_size)


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse names, kinds and sizes that no bundle has, before anything is unpacked."""
    if len(entries) > _MOST_PARTS:
        raise ValueError(f"it has {len(entries)} parts")
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        twice = next(name for number, name in enumerate(names) if name in names[:number])
        raise ValueError(f"two of its parts are called {twice[:60]!r}")
    for entry in entries:
        if not _NAME.fullmatch(entry.filename):
            raise ValueError(f"it has a part called {entry.filename[:60]!r}")
        if entry.compress_type not in _KINDS or entry.flag_bits & 1:
            raise ValueError(f"{entry.filename} is packed in another way, or encrypted")
    total = sum(entry.file_size for entry in entries)
    if total > _MOST_BYTES:
        raise ValueError(f"it unpacks to {total / 1e6:,.0f} MB")
