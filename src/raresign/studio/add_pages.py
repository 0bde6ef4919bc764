"""The page "Add a sign": from an icon to a sign that the model names."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

import raresign
from raresign.language.spoken import LANGUAGES, _, later
from raresign.studio.action import Action
from raresign.studio.effects import MOST, SLIDERS
from raresign.studio.page import Page, done, html
from raresign.studio.pictures import PictureFolder, size_of
from raresign.studio.plate import OUTLINES, cut_plate
from raresign.studio.workplace import Workplace
from raresign.studio.workshop import expected_look, preview

_MOST_ICON = 20_000_000
_STARTS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpg"))
_TEMPLATE = re.compile(r"\s*(\d[\w.]*)\s*[,;: ]\s*(\d+(?:[.,]\d+)?)\s*")
_NAMES = 120
_DAY = "private, max-age=86400, immutable"


def _routes(here: Workplace) -> APIRouter:
    router = APIRouter()
    icons = PictureFolder(here.files / "icons")

    def reverse(action: Action) -> None:
        if action.after is None:
            _add(here, icons, action.subject, action.before)
        else:
            here.model.remove(action.subject)

    here.know("class", _words, reverse)

    @router.get("/add")
    def page(request: Request) -> HTMLResponse:
        if here.can_change:
            here.workshop.warm()
        added = here.store.actions(50, "class")
        mine = [
            {
                "id": one.id,
                "code": one.subject,
                "name": raresign.spoken_name(one.subject, str(one.after.get("title", ""))),
            }
            for one in added
            if one.after is not None and one.undone_by is None
        ]
        return html(
            request,
            "add.html.j2",
            sliders=SLIDERS,
            most=MOST,
            outlines=OUTLINES,
            added=mine[:12],
            wanted=request.query_params.get("code", "").strip()[:60],
        )

    @router.post("/add/icon")
    async def icon(request: Request) -> JSONResponse:
        """An icon file in the body; its name in the query."""
        content = await request.body()
        name = request.query_params.get("name", "")
        return await asyncio.to_thread(_take, content, name)

    def _take(content: bytes, name: str) -> JSONResponse:
        if not content or len(content) > _MOST_ICON:
            raise raresign.InputError(
                _("the file is empty or larger than {most} MB").format(most=_MOST_ICON // 10**6),
                _("give a PNG, SVG or JPEG"),
            )
        size = size_of(content)
        other = "svg" if size is None else "png"
        kind = next((kind for start, kind in _STARTS if content.startswith(start)), other)
        kept = icons.keep(content)
        code = Path(name.replace("\\", "/")).stem.partition("@")[0].strip()[:60]
        photo = kind == "jpg" or (size is not None and not content.startswith(_STARTS[0][0]))
        if not photo:
            try:
                with _as_file(icons, kept, kind, code) as file:
                    raresign.load_icon(file, code=code)
            except raresign.InputError:
                if kind == "svg":
                    raise
                photo = True  # opaque: no outline, so somebody must say where the sign is
        return _icon_told(kept, kind, code, size if photo else None)

    @router.post("/add/template")
    async def template(request: Request) -> JSONResponse:
        asked = await request.json()
        return await asyncio.to_thread(_drawn, str(asked.get("text", ""))[:100])

    def _drawn(text: str) -> JSONResponse:
        country = here.recogniser.catalogue.country
        code, svg = _svg_of(country, text)
        return _icon_told(icons.keep(svg.encode()), "svg", code)

    @router.post("/add/plate")
    async def plate(request: Request) -> JSONResponse:
        asked = await request.json()
        return await asyncio.to_thread(_cut, asked)

    def _cut(asked: dict[str, Any]) -> JSONResponse:
        photo = icons.file(_hex(asked.get("icon")))
        try:
            content = cut_plate(photo, asked["corners"], str(asked.get("outline")))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, raresign.InputError):
                raise
            raise raresign.InputError(
                _("these are no corners"), _("load the page again")
            ) from error
        return _icon_told(icons.keep(content), "png", str(asked.get("code", ""))[:60])

    def _icon_told(
        kept: str, kind: str, code: str, photo: tuple[int, int] | None = None
    ) -> JSONResponse:
        """What a page is told of an icon; of a photo its size, as it must be cut out first."""
        catalogue = here.recogniser.catalogue
        country = catalogue.country
        name = ""
        if country and country.knows(code):
            known = country.name(code)
            name = raresign.spoken_name(code, known) if known else ""
        taken = catalogue.label_of(code) >= 0
        return JSONResponse(
            {"icon": kept, "kind": kind, "code": code, "name": name, "photo": photo, "taken": taken}
        )

    @router.get("/add/icon/{kept}.{kind}")
    def shown(request: Request, kept: str, kind: str, code: str = "", whole: int = 0) -> Response:
        kept = _hex(kept)
        if whole:
            content = icons.shown(kept, side=1600)
        else:
            from raresign.studio.icon_pages import icon_picture

            with _as_file(icons, kept, kind, code) as file:
                content = icon_picture(file, code, 0)
        if content is None:
            return Response(status_code=404)
        return Response(content, media_type="image/webp", headers={"Cache-Control": _DAY})

    @router.get("/add/look")
    def look(request: Request, icon: str, kind: str, code: str = "") -> Response:
        asked = request.query_params
        turns = {
            slider.name: int(asked[slider.name])
            for slider in SLIDERS
            if asked.get(slider.name, "").isdigit()
        }
        with _as_file(icons, _hex(icon), kind, code) as file:
            columns = 4 if asked.get("columns") == "4" else 8
            sheet = here.workshop.call(expected_look, here.run, str(file), code, turns, columns)
        return Response(sheet, media_type="image/webp", headers={"Cache-Control": _DAY})

    @router.get("/add/expected")
    def expected(
        request: Request, icon: str, kind: str, code: str = "", name: str = ""
    ) -> HTMLResponse:
        with _as_file(icons, _hex(icon), kind, code) as file:
            told = here.workshop.call(preview, here.run, str(file), code, name.strip()[:_NAMES])
        return html(request, "add_expected.html.j2", told=told, names=_names(here))

    @router.post("/add")
    async def add(request: Request) -> JSONResponse:
        asked = await request.json()
        return await asyncio.to_thread(_added, request, asked)

    def _added(request: Request, asked: dict[str, Any]) -> JSONResponse:
        code = str(asked.get("code", "")).strip()
        name = str(asked.get("name", "")).strip()[:_NAMES]
        country = here.recogniser.catalogue.country
        own = {country.name(code, language) for language in LANGUAGES} if country else set()
        value = {
            "name": "" if name in own else name,  # the country's own is spoken in any language
            "icon": _hex(asked.get("icon")),
            "kind": _kind(asked.get("kind")),
        }
        found = _add(here, icons, code, value)
        value["title"] = found.get("name", code)
        action = here.store.act(here.who(request), "class", code, value)
        return JSONResponse(done(request, action))

    return router


def _add(here: Workplace, icons: PictureFolder, code: str, value: dict[str, Any]) -> dict[str, Any]:
    """Add a class to the run; the names of its files decide nothing."""
    here.model.check_changeable()
    content = icons.file(value["icon"]).read_bytes()
    return here.model.add_now(code, value["name"], content, value["kind"], lambda text: None)


@contextmanager
def _as_file(icons: PictureFolder, kept: str, kind: str, code: str) -> Iterator[Path]:
    """A kept icon under a name that tells its type, and a template its code."""
    source = icons.file(kept)
    if not source.is_file():
        raise raresign.InputError(_("this icon is gone"), _("choose it again"))
    with tempfile.TemporaryDirectory(prefix="raresign-") as folder:
        plain = re.sub(r"[^\w.-]", "_", code).lstrip(".")[:60] or "icon"
        file = Path(folder) / f"{plain}.{_kind(kind)}"
        shutil.copyfile(source, file)
        yield file


def _svg_of(country: Any, text: str) -> tuple[str, str]:
    """Code and drawing of "3.24, 65", or of a whole code.

    Raises:
        InputError: There is no such drawing, or nothing of that form was written.
    """
    iso = getattr(country, "iso", None)
    drawn = [raresign.standard(name) for name in raresign.STANDARDS]
    drawn = [one for one in drawn if iso is None or one.country in (iso, None)] or drawn
    given = _TEMPLATE.fullmatch(text)
    codes = [text.strip()]
    if given and country is not None:
        codes.insert(0, country.grammar.written(given[1], given[2].replace(",", ".")))
    problem: raresign.InputError | None = None
    for code in codes:
        for standard in drawn:
            try:
                return code, standard.svg(code)
            except raresign.InputError as error:
                problem = problem or error
    raise problem or raresign.InputError(
        _("{text} names no sign that can be drawn").format(text=text),
        _("write the number of the sign and its value, such as 3.24, 65; or drop an icon"),
    )


def _names(here: Workplace) -> dict[str, str]:
    classes = here.recogniser.catalogue.classes
    return {sign.code: raresign.spoken_name(sign.code, sign.title) for sign in classes}


def _hex(given: Any) -> str:
    """The name of a kept file, and nothing else."""
    text = str(given)
    if not re.fullmatch(r"[0-9a-f]{40}", text):
        raise raresign.InputError(_("this icon is gone"), _("choose it again"))
    return text


def _kind(given: Any) -> str:
    text = str(given)
    return text if text in ("png", "svg", "jpg") else "png"


def _words(action: Action) -> str:
    title = str((action.after or action.before or {}).get("title", ""))
    told = f"{action.subject} {raresign.spoken_name(action.subject, title)}".strip()
    if action.after is None:
        return _("{sign} was taken out of the model").format(sign=told)
    return _("{sign} was added to the model").format(sign=told)


ADD = Page("/add", later("Add a sign"), _routes)
