"""Finds the picture files that an annotation names, however its program wrote their paths."""

from __future__ import annotations

import os
import re
import unicodedata
import warnings
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from raresign.crops.layouts.listing import pictures_under
from raresign.files import is_file

_LONGEST_PART, _LONGEST_PATH = 255, 3000
"""Bytes of a file's name and of a path that a disk takes at least."""
_SHOWN = 80
_HASH = re.compile(r"^[0-9a-f]{8}-")


class FrameFiles:
    """The pictures of an annotation file.

    Args:
        folder: What paths are relative to.
        more: Further folders to search, nearest first.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "images").mkdir()
        >>> (folder / "images" / "a b.jpg").touch()
        >>> FrameFiles(folder).find("..\\\\upload\\\\4\\\\a%20b.jpg").name
        'a b.jpg'
    """

    def __init__(self, folder: Path, *more: Path) -> None:
        self._folders = (folder, *more)
        self._known: dict[str, Path] = {}
        self._by_name: dict[str, list[Path]] | None = None
        self._told = False

    def find(self, name: str) -> Path:
        """The picture called `name`; where none is found, the path where it should be.

        Tried in turn: the path as it stands, with `\\` as `/`, with `%20` and the like read, after
        Unicode normalisation; the one picture under the folder whose path ends alike, with or
        without the suffix, or the 8 hex digits that Label Studio puts before a name.
        """
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def inside(self, path: Path) -> Path:
        """A path that `find` gave, relative to the outermost folder that was searched."""
        homes = [folder for folder in self._folders if path.is_relative_to(folder)]
        home = min(homes, key=lambda folder: len(folder.parts), default=None)
        return path if home is None else path.relative_to(home)

    def _find(self, name: str) -> Path:
        ways = _ways(name)
        if "\0" in name:
            return self._folders[0] / _possible(name)
        for folder in self._folders:
            for way in ways:
                if way and is_file(path := folder / way):
                    return path
        for way in ways:
            if found := self._alike(way):
                return found
        return self._folders[0] / (name if _fits(name) else _possible(name))

    def _alike(self, way: str) -> Path | None:
        """The one picture whose path ends as `way` does in the most parts."""
        parts = [_plain(part) for part in PurePosixPath(way).parts]
        if not parts:
            return None
        for last in dict.fromkeys((parts[-1], _HASH.sub("", parts[-1]))):
            candidates = self._index().get(last, [])
            if len(candidates) > 1:
                scores = [_alike_parts(parts[:-1], path) for path in candidates]
                best = max(scores)
                if scores.count(best) > 1:
                    self._tell_doubt(way, candidates)
                    return None
                candidates = [candidates[scores.index(best)]]
            if candidates:
                return candidates[0]
        return None

    def _tell_doubt(self, name: str, candidates: Sequence[Path]) -> None:
        """Say once that a name fits several pictures."""
        if not self._told:
            self._told = True
            here = ", ".join(str(path) for path in candidates[:3])
            warnings.warn(
                f"{name}: several pictures under {self._folders[0]} are called so ({here}), and "
                "none is taken; put the annotation file into the folder of its pictures",
                stacklevel=6,
            )

    def _index(self) -> dict[str, list[Path]]:
        """Pictures under the folders by their names, with and without suffix."""
        if self._by_name is None:
            self._by_name = {}
            seen: set[Path] = set()
            for folder in filter(Path.is_dir, self._folders):
                for path in pictures_under(folder):
                    if path in seen:
                        continue
                    seen.add(path)
                    for key in {_plain(path.name), _plain(path.stem)}:
                        self._by_name.setdefault(key, []).append(path)
        return self._by_name


def _ways(name: str) -> list[str]:
    """The path as it stands and in the forms that it may have been written from."""
    ways = [name, name.replace("\\", "/")]
    try:
        split = urlsplit(ways[-1]) if "?" in name or "://" in name else None
    except ValueError:
        split = None
    if split is not None:  # /data/local-files/?d=images/a.jpg
        ways += [value for values in parse_qs(split.query).values() for value in values]
        ways.append(split.path)
    ways += [unquote(way) for way in ways if "%" in way]
    ways += [unicodedata.normalize(form, way) for way in ways for form in ("NFC", "NFD")]
    plain = [re.sub(r"^(?:[A-Za-z]:)?/+", "", way) if way != name else way for way in ways]
    return list(dict.fromkeys(plain))


def _fits(name: str) -> bool:
    """Whether a disk may take a name; bytes that are no UTF-8 stand in it as surrogates."""
    try:
        coded = os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return len(coded) <= _LONGEST_PATH and max(map(len, coded.split(b"/"))) <= _LONGEST_PART


def _possible(name: str) -> str:
    """A name that a disk may take, so that it can be asked for: long parts are cut."""
    text = name.replace("\0", "").encode("utf-8", "backslashreplace").decode()[:1000]
    parts = text.split("/")
    return "/".join(part if len(part) <= _SHOWN else f"{part[:_SHOWN]}..." for part in parts)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _alike_parts(parts: Sequence[str], path: Path) -> int:
    """How many folders of `path`, from its own backwards, are those of `parts`."""
    own = [_plain(part) for part in path.parent.parts]
    pairs = zip(reversed(parts), reversed(own), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
