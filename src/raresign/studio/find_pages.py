"""The page "Find": many crops that nobody labelled, and the best candidates of a sign."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

import raresign
from raresign.language.spoken import _, later, ngettext
from raresign.studio.found_pictures import found_picture
from raresign.studio.page import Page, done, html
from raresign.studio.searching import DECIDED, SOURCE, Search, model_signs, piece_of
from raresign.studio.store import Action
from raresign.studio.workplace import Workplace

_TAUGHT = "taught"
_SHOWN = 24
_SIGNS = 60
_FOLDERS = 20
_SIDE = 192
_DAY = "private, max-age=86400"
_Asked = Annotated[dict[str, Any], Body()]
_ORDERS = {"best": later("likeliest first"), "informative": later("hardest first")}


def _routes(here: Workplace) -> APIRouter:
    router = APIRouter()
    search = Search(here)
    here.endings.append(search.close)
    here.know(DECIDED, _decided_words)
    here.know(SOURCE, _source_words)
    here.know(_TAUGHT, _taught_words, lambda action: _unteach(here, action))

    @router.get("/find")
    def find_page(request: Request) -> HTMLResponse:
        search.wake()
        code = request.query_params.get("code", "")
        values: dict[str, Any] = {
            "source": search.source,
            "progress": search.progress,
            "sign": None,
        }
        if search.source and here.is_loaded:
            values["sign"] = _sign(here, code)
        values["signs"] = model_signs(here.recogniser, "", _SIGNS) if here.is_loaded else []
        order = request.query_params.get("order", "best")
        return html(
            request,
            "find.html.j2",
            **values,
            orders=_ORDERS,
            order=order if order in _ORDERS else "best",
            change="change" in request.query_params,
        )

    @router.get("/find/progress")
    def progress(request: Request) -> HTMLResponse:
        search.wake()
        return html(request, "find_progress.html.j2", progress=search.progress)

    @router.get("/find/folders")
    def folders(request: Request) -> HTMLResponse:
        typed = request.query_params.get("folder", "")
        return html(request, "find_folders.html.j2", folders=_folders_like(typed))

    @router.get("/find/signs")
    def signs(request: Request) -> HTMLResponse:
        asked = request.query_params
        found = model_signs(here.recogniser, asked.get("text", ""), _SIGNS)
        return html(request, "find_signs.html.j2", signs=found, choose="choose" in asked)

    @router.post("/find/source")
    def source(request: Request, asked: _Asked) -> JSONResponse:
        folder, boxes = (str(asked.get(name) or "")[:4000] for name in ("folder", "boxes"))
        action = search.choose(here.who(request), folder, boxes)
        search.changed()
        return JSONResponse(done(request, action))

    @router.post("/find/pause")
    def pause(request: Request) -> JSONResponse:
        search.pause()
        return JSONResponse({})

    @router.post("/find/again")
    def again(request: Request) -> JSONResponse:
        search.again()
        return JSONResponse({})

    @router.get("/find/candidates")
    def candidates(request: Request) -> HTMLResponse:
        asked = request.query_params
        return html(request, "find_candidates.html.j2", **_candidates(search, here, asked))

    @router.get("/find/crop/{row}")
    def crop(request: Request, row: int) -> Response:
        index = search.index
        found = index.crops([row]) if index is not None else []
        shown = found and found_picture(found[0].path, found[0].box, found[0].digest, _SIDE)
        if not shown:
            return Response(status_code=404)
        return Response(shown, media_type="image/webp", headers={"Cache-Control": _DAY})

    @router.post("/find/decide")
    def decide(request: Request, asked: _Asked) -> JSONResponse:
        try:
            rows = [int(row) for row in asked["rows"]][:1000]
            code, answer = str(asked["code"]), str(asked["answer"])
        except (KeyError, TypeError, ValueError):
            rows = []
        if not rows:
            raise raresign.InputError(_("this crop is gone"), _("load the page again"))
        return JSONResponse(done(request, search.decide(here.who(request), code, rows, answer)))

    @router.post("/find/teach")
    def teach(request: Request, asked: _Asked) -> JSONResponse:
        code = str(asked.get("code", ""))
        kept = _teach(here, code)
        action = here.store.act(here.who(request), _TAUGHT, code, {"crops": kept})
        return JSONResponse(done(request, action))

    @router.get("/find/confirmed.csv")
    def confirmed(request: Request) -> Response:
        text = _confirmed_csv(here)
        name = f"{here.name}-found.csv".encode("ascii", "replace").decode()
        head = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=head)

    return router


def _candidates(search: Search, here: Workplace, asked: Any) -> dict[str, Any]:
    """What the list of candidates shows."""
    order: Literal["best", "informative"] = (
        "informative" if asked.get("order") == "informative" else "best"
    )
    sign = _sign(here, asked.get("code", ""))
    values: dict[str, Any] = {"sign": sign, "candidates": None, "yes": 0, "no": 0, "order": order}
    ranking = search.ranking(sign["code"]) if sign else None
    if sign is None or ranking is None:
        return values | {"progress": search.progress}
    said = search.decisions(sign["code"], ranking.index)
    found = ranking.best(_SHOWN, order, said.confirmed, said.rejected)
    return values | {
        "candidates": [
            {
                "row": one.crop.row,
                "rows": [one.crop.row, *one.others],
                "name": Path(one.crop.path).name,
                "path": one.crop.path,
                "digest": one.crop.digest[:8],
                "score": one.score,
                "count": one.count,
            }
            for one in found
        ],
        "yes": len(said.confirmed),
        "no": said.denied,
        "progress": search.progress,
    }


def _sign(here: Workplace, code: str) -> dict[str, str] | None:
    catalogue = here.recogniser.catalogue
    label = catalogue.label_of(code) if code else -1
    if label < 0:
        return None
    return {"code": code, "name": raresign.spoken_name(code, catalogue[label].title)}


def _folders_like(typed: str) -> list[str]:
    """Folders on this machine whose paths begin with what was typed."""
    place = Path(typed or "~").expanduser()
    home = place if typed.endswith(("/", "\\")) or not typed else place.parent
    start = "" if home == place else place.name.lower()
    try:
        found = sorted(
            str(one)
            for one in home.iterdir()
            if one.name.lower().startswith(start) and not one.name.startswith(".") and one.is_dir()
        )
    except (OSError, ValueError):
        return []
    return found[:_FOLDERS]


def _teach(here: Workplace, code: str) -> int:
    """Let the confirmed crops of a class help the model; how many crops it keeps of it now.

    Raises:
        InputError: The model cannot be changed, or no crop is confirmed.
    """
    if not here.can_change:
        raise raresign.InputError(
            _("this model cannot learn"),
            _("make a run folder of it: `raresign start RUN`, then `raresign studio RUN`"),
        )
    with tempfile.TemporaryDirectory(prefix="raresign-") as folder:
        file = Path(folder) / "confirmed.csv"
        file.write_text(_confirmed_csv(here, code), encoding="utf-8")
        kept = raresign.add_checked_photos(here.run, file)
    here.model.refresh()
    return kept[code]


def _unteach(here: Workplace, action: Action) -> None:
    """Take the crops of a class out of the model again."""
    if action.after is None:
        _teach(here, action.subject)
        return
    raresign.remove_photos(here.run, [action.subject])
    here.model.refresh()


def _confirmed_csv(here: Workplace, code: str = "") -> str:
    """Confirmed crops, those of one class or of all, as `add-photos RUN --from` reads them."""
    file = io.StringIO(newline="")
    table = csv.writer(file)
    table.writerow(["file", "code", "x0", "y0", "x1", "y1"])
    for subject, value in here.store.values(DECIDED).items():
        if "is" not in value or (code and value["is"] != code):
            continue
        for key in (subject, *value.get("with", ())):
            path, part = piece_of(key)
            sides = part.split(",") if part else [""] * 4
            safe = f"./{path}" if path.startswith(("=", "+", "-", "@")) else path
            table.writerow([safe.encode("utf-8", "replace").decode(), value["is"], *sides])
    return "\ufeff" + file.getvalue()


def _decided_words(action: Action) -> str:
    name = Path(piece_of(action.subject)[0]).name
    now = action.after or {}
    if "is" in now:
        more = len(now.get("with", ()))
        if more:
            told = _("{name} and {n} more of this sign show {code}")
            return told.format(name=name, n=more, code=now["is"])
        return _("{name} shows {code}").format(name=name, code=now["is"])
    if now.get("not"):
        return _("{name} does not show {code}").format(name=name, code=now["not"][-1])
    return _("{name} is undecided again").format(name=name)


def _taught_words(action: Action) -> str:
    if action.after is None:
        return _("the model has forgotten the crops of {code}").format(code=action.subject)
    return ngettext(
        "the model has learned {code} from {n} crop",
        "the model has learned {code} from {n} crops",
        action.after["crops"],
    ).format(code=action.subject, n=action.after["crops"])


def _source_words(action: Action) -> str:
    folder = (action.after or {}).get("folder")
    return (
        _("{folder} is looked through").format(folder=folder)
        if folder
        else _("no folder is chosen")
    )


FIND = Page("/find", later("Find"), _routes)
