"""Icons of classes as small pictures."""

from __future__ import annotations

import io
import warnings
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from PIL import Image

import raresign
from raresign.studio.workplace import Workplace

_SIDE = 128
_KEPT = 4096
_MINUTES = "private, max-age=300"


def routes(here: Workplace) -> APIRouter:
    """The address of icons."""
    router = APIRouter()

    @router.get("/icon/{code}")
    def icon(request: Request, code: str) -> Response:
        catalogue = here.recogniser.catalogue
        label = catalogue.label_of(code)
        if label < 0:
            return Response(_blank(), 404, media_type="image/webp")
        if not catalogue[label].icons:  # the built-in model's are drawn by code
            head = {"Cache-Control": _MINUTES}
            return Response(_drawn(code), media_type="image/webp", headers=head)
        path = catalogue[label].icons[0]
        content = icon_picture(path, code, path.stat().st_mtime_ns)
        return Response(content, media_type="image/webp", headers={"Cache-Control": _MINUTES})

    return router


@lru_cache(_KEPT)
def icon_picture(path: Path, code: str, changed: int) -> bytes:
    """An icon in its own shape without transparent border, as WebP.

    Args:
        path: PNG, JPEG or SVG; a template serves several classes.
        code: The class, whose value the template shows.
        changed: When; another time reads it again.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.fromarray(raresign.load_icon(path, code=code))
    except (raresign.InputError, OSError):
        return _blank()
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return _webp(picture)


@lru_cache(_KEPT)
def _drawn(code: str) -> bytes:
    """The drawing of a sign that has no file."""
    try:
        return _webp(Image.fromarray(raresign.render_sign(code, _SIDE)))
    except raresign.InputError:
        return _blank()


@lru_cache(1)
def _blank() -> bytes:
    return _webp(Image.new("RGBA", (8, 8)))


def _webp(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=90, method=4)
    return file.getvalue()
