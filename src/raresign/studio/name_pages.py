"""The page "Name": drop pictures, see what the model says of each, take the answers along."""

from __future__ import annotations

import asyncio
import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.background import BackgroundTask

import raresign
from raresign.language.spoken import _, later, ngettext
from raresign.studio.action import Action
from raresign.studio.crop_list import CropList, Filter
from raresign.studio.dropped import Dropped, DroppedCrops
from raresign.studio.name_list import FORMS, answers_of, asked_filter, listed, shown
from raresign.studio.naming import Naming, nearest, read_crops
from raresign.studio.page import Page, done, html
from raresign.studio.pictures import Box, PictureFolder, looks_like_frame, size_of
from raresign.studio.store import OutdatedError
from raresign.studio.workplace import Workplace

_MOST_FILES = 2000
_BOX_FILES = (".json", ".csv", ".tsv", ".txt")
_MOST_BOXES = 1000
_DAY = "private, max-age=86400, immutable"


def _routes(here: Workplace) -> APIRouter:
    router = APIRouter()
    crops, every = DroppedCrops(here.store), CropList(here.store)
    pictures = PictureFolder(here.files / "pictures")
    naming = Naming(here, crops, pictures)
    here.endings.append(naming.close)

    def reverse_drop(action: Action) -> None:
        crops.hide_drop(int(action.subject), action.before is None)

    def reverse_boxes(action: Action) -> None:
        _set_boxes(crops, int(action.subject), action.before or [])
        naming.wake()

    here.know("drop", _drop_words, reverse_drop)
    here.know("boxes", _boxes_words, reverse_boxes)
    if every.counts(Filter()):
        naming.wake()

    @router.get("/")
    def page(request: Request) -> HTMLResponse:
        naming.wake()
        known = _progress(here)  # before the list: what is done by now stands in it
        return html(request, "name.html.j2", **listed(here, crops, every, request), **known)

    @router.get("/name/rows")
    def rows(request: Request) -> HTMLResponse:
        return html(request, "name_rows.html.j2", **listed(here, crops, every, request))

    @router.get("/name/progress")
    def progress(request: Request) -> HTMLResponse:
        return html(request, "name_progress.html.j2", **_progress(here))

    def _progress(here: Workplace) -> dict[str, Any]:
        if here.is_loaded:
            left = crops.waiting(here.model.current.version)
        else:
            left = every.counts(Filter()).get("waiting", 0)
        return {"left": left, "reading": naming.frames_left > 0, "loading": not here.is_loaded}

    @router.post("/name/drops")
    async def begin(request: Request) -> JSONResponse:
        asked = await _json(request)
        title = str(asked.get("title") or _("pictures"))[:200]
        who = here.who(request)
        drop = await asyncio.to_thread(crops.begin, who, title)
        act = here.store.act
        action = await asyncio.to_thread(act, who, "drop", str(drop), {"title": title})
        return JSONResponse({"drop": drop, "dropped": action.id})

    @router.post("/name/drops/{drop}/pictures")
    async def add(request: Request, drop: int) -> JSONResponse:
        """Files in the fields `file`; their names with folders, as JSON, in the field `names`."""
        form = await request.form(max_files=_MOST_FILES, max_fields=10, max_part_size=8_000_000)
        files = [part for part in form.getlist("file") if not isinstance(part, str)]
        try:
            names = [str(name)[:1000] for name in json.loads(str(form.get("names", "[]")))]
        except ValueError:
            names = []
        names = names if len(names) == len(files) else [part.filename or "?" for part in files]
        contents = [await part.read() for part in files]
        await form.close()
        kept = await asyncio.to_thread(_keep, crops, pictures, drop, names, contents)
        naming.wake()
        return JSONResponse(kept)

    @router.post("/name/drops/{drop}/end")
    def end(request: Request, drop: int) -> JSONResponse:
        naming.wake(drop if crops.boxes_files(drop) else None)
        return JSONResponse({"drop": drop})

    @router.delete("/name/drops/{drop}")
    def remove(request: Request, drop: int) -> JSONResponse:
        action = here.store.act(here.who(request), "drop", str(drop), None)
        crops.hide_drop(drop, True)
        return JSONResponse(done(request, action))

    @router.get("/name/picture/{number}")
    def picture(request: Request, number: int, side: int = 192) -> Response:
        row = crops.row(number)
        shown = row and pictures.shown(row.picture, row.box, 1600 if side > 400 else 192)
        if not shown:
            return Response(status_code=404)
        return Response(shown, media_type="image/webp", headers={"Cache-Control": _DAY})

    @router.get("/name/crop/{number}")
    def crop(request: Request, number: int) -> HTMLResponse:
        row = _found(crops, number)
        near: list[dict[str, Any]] = []
        if row.look not in ("frame", "error") and here.is_loaded:
            recogniser = here.recogniser
            cuts = None if row.cut is None else [row.cut]
            read = read_crops(recogniser, pictures.file(row.picture), cuts)[0]
            near = [] if isinstance(read, str) else nearest(recogniser, read)
        return html(request, "name_crop.html.j2", row=shown(row), near=near)

    @router.get("/name/frame/{number}")
    def frame(request: Request, number: int) -> HTMLResponse:
        row = _found(crops, number)
        row = row if row.frame is None else _found(crops, row.frame)
        boxes = crops.boxes_of(row.id)
        return html(request, "name_frame.html.j2", row=row, boxes=boxes)

    @router.post("/name/frame/{number}/boxes")
    async def draw(request: Request, number: int) -> JSONResponse:
        asked = await _json(request)
        return await asyncio.to_thread(_draw, request, number, asked)

    def _draw(request: Request, number: int, asked: dict[str, Any]) -> JSONResponse:
        boxes = _checked_boxes(asked.get("boxes"), _found(crops, number))
        before = [[*box] for box in crops.boxes_of(number)]
        if asked.get("shown", before) != before:
            raise OutdatedError(
                _("somebody has changed this meanwhile"), _("look at it again, then decide")
            )
        if before and here.store.value("boxes", str(number)) is None:  # of a file of boxes
            here.store.act(here.who(request), "boxes", str(number), before)
        action = here.store.act(here.who(request), "boxes", str(number), boxes)
        _set_boxes(crops, number, boxes)
        naming.wake()
        return JSONResponse(done(request, action))

    @router.post("/name/crop/{number}/whole")
    def whole(request: Request, number: int) -> JSONResponse:
        crops.take_as_sign(_found(crops, number).id)
        naming.wake()
        return JSONResponse({"done": _("It is answered as one sign.")})

    @router.get("/name/answers.{form}")
    def export(request: Request, form: str) -> FileResponse:
        if form not in FORMS:
            raise raresign.InputError(
                _("answers are not written as .{form}").format(form=form),
                _("end its name with {listed}").format(listed=", ".join(FORMS)),
            )
        folder = tempfile.TemporaryDirectory(prefix="raresign-")
        file = Path(folder.name) / f"answers.{form}"
        raresign.save_answers(file, answers_of(every, asked_filter(here, request)))
        told = f"{here.name}-answers.{form}"
        return FileResponse(file, filename=told, background=BackgroundTask(folder.cleanup))

    return router


def _keep(
    crops: DroppedCrops,
    pictures: PictureFolder,
    drop: int,
    names: list[str],
    contents: list[bytes],
) -> dict[str, int]:
    """Keep the files of one request."""
    found, frames = [], set()
    for name, content in zip(names, contents, strict=True):
        kept = pictures.keep(content)
        if Path(name).suffix.lower() in _BOX_FILES:
            crops.add_boxes_file(drop, name, kept)
            continue
        size = size_of(content)
        found.append((name, kept, size))
        if size and looks_like_frame(size):
            frames.add(kept)
    crops.add(drop, found, frames)
    return {"kept": len(found), "frames": len(frames)}


def _set_boxes(crops: DroppedCrops, frame: int, boxes: list[list[float]]) -> None:
    found: list[Box] = [(box[0], box[1], box[2], box[3]) for box in boxes]
    crops.set_boxes(frame, [(box, box, {}) for box in found])


def _checked_boxes(given: Any, row: Dropped) -> list[list[float]]:
    """Boxes that a page drew, within the picture.

    Raises:
        InputError: They are none.
    """
    width, height = row.size or (0, 0)
    boxes = []
    with suppress(TypeError, ValueError):
        for x0, y0, x1, y1 in given[:_MOST_BOXES]:
            box = [
                round(min(max(float(side), 0.0), most), 1)
                for side, most in zip((x0, y0, x1, y1), (width, height) * 2, strict=True)
            ]
            if box[2] - box[0] >= 2 and box[3] - box[1] >= 2:
                boxes.append(box)
        return boxes
    raise raresign.InputError(_("these are no boxes"), _("load the page again"))


def _found(crops: DroppedCrops, number: int) -> Dropped:
    row = crops.row(number)
    if row is None:
        raise raresign.InputError(_("this crop is gone"), _("load the page again"))
    return row


async def _json(request: Request) -> dict[str, Any]:
    try:
        found = await request.json()
    except (ValueError, RecursionError):
        found = {}
    return found if isinstance(found, dict) else {}


def _drop_words(action: Action) -> str:
    title = (action.after or action.before or {}).get("title", "?")
    if action.after is None:
        return _("{title} was taken off the page").format(title=title)
    return _("{title} was dropped").format(title=title)


def _boxes_words(action: Action) -> str:
    count = len(action.after or [])
    return ngettext(
        "{n} sign was marked in a frame", "{n} signs were marked in a frame", count
    ).format(n=count)


NAME = Page("/", later("Name"), _routes)
