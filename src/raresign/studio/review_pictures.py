"""Pictures of Review: crops of the test, cut out of their frames, and all icons of a class."""

from __future__ import annotations

import io

from PIL import Image

import raresign
from raresign.studio.icon_pages import icon_picture

_SIDE = 256


def crop_bytes(run: raresign.ReviewedRun, row: int) -> bytes | None:
    """A crop of the test as WebP; None where its file is gone."""
    picture = run.picture(row)
    if picture is None:
        return None
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=88, method=2)
    return file.getvalue()


def variant_bytes(catalogue: raresign.SignCatalogue, code: str, number: int) -> bytes | None:
    """One of the icons of a class; None where there is none."""
    label = catalogue.label_of(code)
    if label < 0 or not 0 <= number < len(catalogue[label].icons):
        return None
    path = catalogue[label].icons[number]
    return icon_picture(path, code, path.stat().st_mtime_ns)
