"""Pictures that people dropped: kept once under the hash of their bytes, shown small."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "PPM", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
_MOST_PIXELS = 80_000_000
_SIDE = 192
_KEPT = 2048
_FRAMES_KEPT = 2
_FRAME_SIDE, _FRAME_RATIO = 480, 1.25

Box = tuple[float, float, float, float]


class PictureFolder:
    """A folder of picture files; a file that comes twice lies there once.

    Args:
        path: The folder, made with the first picture.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, content: bytes) -> str:
        """Keep a file; returns its name.

        Example:
            >>> import tempfile
            >>> folder = PictureFolder(Path(tempfile.mkdtemp()))
            >>> name = folder.keep(b"abc")
            >>> name == folder.keep(b"abc"), folder.file(name).read_bytes()
            (True, b'abc')
        """
        name = hashlib.sha256(content).hexdigest()[:40]
        file = self.file(name)
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            begun = self.path / ".begun"  # small, so that it is soon looked through
            begun.mkdir(exist_ok=True)
            temporary = begun / f"{name}-{os.getpid()}-{os.urandom(4).hex()}"
            temporary.write_bytes(content)
            try:
                temporary.replace(file)
            except FileNotFoundError:  # another thread kept the same picture, and cleared up
                if not file.exists():
                    raise
            for left in begun.glob(f"{name}-*"):  # of a killed process
                left.unlink(missing_ok=True)
        return name

    def file(self, name: str) -> Path:
        """Where a picture lies."""
        return self.path / name[:2] / name

    def shown(self, name: str, box: Box | None = None, side: int = _SIDE) -> bytes | None:
        """A picture, or a box of it, at most `side` pixels a side, as WebP; None if broken."""
        return _shown(str(self.file(name)), box, side)


def size_of(content: bytes) -> tuple[int, int] | None:
    """Width and height of an upright picture by its header; None of what is no picture.

    Example:
        >>> size_of(b"abc") is None
        True
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            width, height = picture.size
    except Exception:  # Pillow raises nearly any on rubbish
        return None
    return (height, width) if turned else (width, height)


def looks_like_frame(size: Sequence[int]) -> bool:
    """Whether a picture is so large that it shows a street rather than one sign.

    Example:
        >>> looks_like_frame((1280, 720)), looks_like_frame((90, 90))
        (True, False)
    """
    short, long = sorted(size)
    return short >= 1200 or (short >= _FRAME_SIDE and long >= _FRAME_RATIO * short)


@lru_cache(_KEPT)
def _shown(path: str, box: Box | None, side: int) -> bytes | None:
    picture = _whole(path) if box else _opened(path, side)
    if picture is None:
        return None
    if box:
        left, top = max(0, int(box[0])), max(0, int(box[1]))
        right = min(picture.width, max(left + 1, round(box[2])))
        bottom = min(picture.height, max(top + 1, round(box[3])))
        if left >= right or top >= bottom:
            return None
        picture = picture.crop((left, top, right, bottom))
    else:
        picture = picture.copy()
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=86, method=2)
    return file.getvalue()


@lru_cache(_FRAMES_KEPT)
def _whole(path: str) -> Image.Image | None:
    return _opened(path, None)


def _opened(path: str, side: int | None) -> Image.Image | None:
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                return None
            if side:
                picture.draft("RGB", (2 * side, 2 * side))
            upright = ImageOps.exif_transpose(picture)
            return (upright or picture).convert("RGB")
    except Exception:  # Pillow raises nearly any on rubbish
        return None
