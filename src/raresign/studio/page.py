"""A page of the studio: its address and name, and how its template becomes HTML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import raresign
from raresign.language.spoken import _, current_language, ngettext
from raresign.report import words
from raresign.studio.action import Action
from raresign.studio.workplace import Workplace, workplace_of

if TYPE_CHECKING:
    from fastapi import APIRouter, Request
    from fastapi.responses import HTMLResponse

_HERE = Path(__file__).parent / "templates"
_REPORT = Path(words.__file__).parent


@dataclass(frozen=True)
class Page:
    """One entry of the navigation with all its addresses.

    Args:
        path: Address of the page, such as "/find"; its other addresses start with it.
        title: In the navigation, marked with `later`.
        routes: Makes the router of the page for a studio.
    """

    path: str
    title: str
    routes: Callable[[Workplace], APIRouter]


def said(message: str, **values: object) -> Markup:
    """A message that stands in a template, in the language spoken; values in it are escaped."""
    told = Markup(_(message))
    return told.format(**values) if values else told


def counted(one: str, many: str, number: int, **values: object) -> Markup:
    """The same of a message that depends on a number, `{n}` in it."""
    return Markup(ngettext(one, many, number)).format(n=words.count(number), **values)


def templates() -> Environment:
    """Reads templates of the studio, and those of the report beside them."""
    environment = Environment(
        loader=FileSystemLoader([_HERE, _REPORT]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= words.FILTERS
    environment.filters |= {
        "family": raresign.spoken_family,
        "type": raresign.spoken_type,
        "said": _,
    }
    environment.globals.update(
        {"zip": zip, "_": said, "ngettext": counted, "interval": words.interval}
    )
    return environment


def html(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A template as the answer to a request.

    Every template knows `here` (the `Workplace`), `pages` (the navigation), `path` (of the
    request), `language`, `token` and `asset(NAME)`, the address of a file of `static/`.

    Args:
        request: The request.
        template: Its name in `templates/`.
        status: Of HTTP.
        values: Further values of the template.
    """
    from fastapi.responses import HTMLResponse

    state, here = request.app.state, workplace_of(request)
    known = {
        "here": here,
        "pages": state.pages,
        "path": request.url.path,
        "language": current_language(),
        "token": state.token,
        "asset": state.assets.address,
        "version": raresign.__version__,
    }
    text = state.templates.get_template(template).render(known | values)
    return HTMLResponse(text.encode("utf-8", "replace"), status)


def done(request: Request, action: Action, **values: Any) -> dict[str, Any]:
    """What a script is told of a change, as JSON: it says so, and offers to take it back."""
    here = workplace_of(request)
    return {"done": here.told(action), "action": action.id} | values
