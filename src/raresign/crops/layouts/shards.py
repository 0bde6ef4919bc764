"""Tar shards of crops, the WebDataset convention: read one after the other, or unpacked.

`a.png` and `a.cls` of one key are a crop and its class, as `raresign synth --format tar` writes
them; a tar of class folders is a shard, too.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from raresign.crops.layouts.listing import PICTURE_SUFFIXES
from raresign.crops.layouts.stored_picture import StoredPicture
from raresign.errors import InputError
from raresign.files import MAX_BYTES, default_cache, whole_folder
from raresign.language.spoken import _, later
from raresign.parsing import parse_json
from raresign.storage.local_copy import COPIES
from raresign.storage.stored_files import safe_name

SUFFIX = ".tar"
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)  # a sparse one of bytes can hold terabytes
_UNPACKED = "unpacked"
_MOST_NOTE = 1 << 20
_HINT = later("make the tar anew")


def is_shard(path: Path) -> bool:
    """Whether a path means a tar, by its ending.

    Example:
        >>> is_shard(Path("crops-000.tar")), is_shard(Path("crops"))
        (True, False)
    """
    return path.suffix.lower() == SUFFIX


def shards_in(folder: Path) -> list[Path]:
    """The tars directly in a folder, by name."""
    return sorted(
        path for path in folder.iterdir() if is_shard(path) and not path.name.startswith(".")
    )


def pictures_of_shard(name: str, file: IO[bytes]) -> Iterator[StoredPicture]:
    """The pictures of a tar in its order, each called `<name>/<its name in the tar>`.

    It is read once from its beginning to its end, so it may be a stream. A shard that breaks off is
    a last picture that cannot be read, and says so.
    """
    some = False
    try:
        for path, info, content in _members(file):
            if path.rpartition(".")[2].lower() in PICTURE_SUFFIXES and not _hidden(path):
                some = True
                yield StoredPicture(f"{name}/{path}", _bytes(info, content))
    except (OSError, tarfile.TarError, EOFError, ValueError) as error:
        some = True
        yield StoredPicture(name, f"broken tar: {str(error)[:200]}")
    if not some:
        yield StoredPicture(name, later("no picture in it"))


def pictures_of_shard_file(shard: Path) -> Iterator[StoredPicture]:
    """The same of a tar on the disk."""
    if not shard.is_file():
        yield StoredPicture(str(shard), later("No such file or directory"))
        return
    with shard.open("rb") as file:
        yield from pictures_of_shard(str(shard), file)


def unpacked(place: Path) -> Path:
    """A folder for a tar, or for a folder of nothing but shards; any other place as it is.

    The folder lies in the cache and is made once for the same shards. A crop with a `.cls` beside
    it goes into the folder of its class, all else to where its name says.

    Raises:
        InputError: A shard is broken, or a name in it climbs out of the folder.
    """
    shards = _shards_of(place)
    if not shards:
        return place
    known = hashlib.blake2b(digest_size=16)
    for shard in shards:
        found = shard.stat()
        line = f"{shard.resolve()}\0{found.st_size}\0{found.st_mtime_ns}\0"
        known.update(line.encode("utf-8", "surrogateescape"))
    target = default_cache() / COPIES / _UNPACKED / known.hexdigest() / place.stem
    if target.is_dir():
        return target
    with whole_folder(target) as temporary:
        for shard in shards:
            _unpack(shard, temporary, len(shards) > 1)
    return target


def _shards_of(place: Path) -> list[Path]:
    if place.is_file() and is_shard(place):
        return [place]
    if not place.is_dir():
        return []
    shards = shards_in(place)
    if not shards or any(
        path.is_dir() or path.suffix.lower()[1:] in PICTURE_SUFFIXES for path in place.iterdir()
    ):
        return []
    return shards


def _unpack(shard: Path, folder: Path, several: bool) -> None:
    """Write what a tar holds into a folder."""
    classes: dict[str, str] = {}
    notes: dict[str, tuple[Path, str]] = {}
    pictures: list[tuple[str, Path]] = []
    try:
        with shard.open("rb") as file:
            for path, info, content in _members(file):
                if _hidden(path):
                    continue
                data = _bytes(info, content)
                if isinstance(data, str):
                    raise InputError(f"{shard}: {path}: {_(data)}", _HINT)
                stem, _dot, suffix = path.rpartition(".")
                if suffix == "cls":
                    classes[stem] = safe_name(data.decode("utf-8", "replace").strip(), str(shard))
                    continue
                parts = [safe_name(part, str(shard)) for part in path.split("/")]
                picture = suffix.lower() in PICTURE_SUFFIXES
                if several and picture and len(parts) == 1:
                    parts = [f"{shard.stem}-{parts[0]}"]  # keys may begin anew in each shard
                target = folder.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                if picture:
                    pictures.append((stem, target))
                elif suffix == "json":
                    notes[stem] = target, _class_of_note(data)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise InputError(
            _("{shard} cannot be read: {why}").format(shard=shard, why=str(error)[:200]), _HINT
        ) from error
    for stem, picture_file in pictures:
        if stem in classes:
            name = safe_name(notes[stem][1] or classes[stem], str(shard)) if stem in notes else ""
            home = folder / (name or classes[stem])
            home.mkdir(exist_ok=True)
            picture_file.rename(home / picture_file.name)
    for stem in classes.keys() & notes.keys():  # what was drawn; no annotation of any layout
        notes[stem][0].unlink(missing_ok=True)


def _class_of_note(data: bytes) -> str:
    """The class that the note of a synthetic crop names; its `.cls` is a number."""
    try:
        note = parse_json(data) if len(data) <= _MOST_NOTE else None
    except (ValueError, RecursionError):
        return ""
    name = note.get("class") if isinstance(note, dict) else None
    return name if isinstance(name, str) else ""


class _Member(tarfile.TarInfo):
    """A member whose long name or notes are not read into memory without bound."""

    def _proc_member(self, tar: tarfile.TarFile) -> Any:
        if self.type not in _PLAIN and self.size > _MOST_NOTE:
            raise tarfile.ReadError("a header of it is too long")
        return super()._proc_member(tar)  # type: ignore[misc]


def _members(file: IO[bytes]) -> Iterator[tuple[str, tarfile.TarInfo, IO[bytes] | None]]:
    """The regular files of a tar; its links, devices and folders are passed over."""
    with tarfile.open(fileobj=file, mode="r|", tarinfo=_Member) as tar:
        for info in tar:
            tar.members = []  # type: ignore[attr-defined]  # or those of a million stay in memory
            if info.type in _PLAIN:
                yield info.name.removeprefix("./"), info, tar.extractfile(info)


def _bytes(info: tarfile.TarInfo, content: IO[Any] | None) -> bytes | str:
    if info.size > MAX_BYTES:
        return f"it is larger than {MAX_BYTES / 1e6:,.0f} MB"
    data: bytes = content.read() if content is not None else b""
    if len(data) != info.size:
        raise EOFError(f"{info.name} breaks off")
    return data or later("the file is empty")


def _hidden(path: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in path.split("/"))
