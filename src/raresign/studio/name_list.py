"""What the list of the page "Name" shows: rows of a filter, and each answer in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fastapi import Request

import raresign
from raresign.language.spoken import _, later
from raresign.report.words import percent
from raresign.studio.crop_list import ORDERS, CropList, Filter
from raresign.studio.dropped import LOOKS, Dropped, DroppedCrops
from raresign.studio.workplace import Workplace

_PAGE = 60
_MANY = 5000
FORMS = ("csv", "xlsx", "jsonl", "parquet")
"""Of the file of answers that people take along."""
LOOK_WORDS = {
    "sure": later("named"),
    "check": later("look at these"),
    "unknown": later("unknown signs"),
    "none": later("no sign"),
    "error": later("not readable"),
    "frame": later("whole frames"),
    "waiting": later("waiting"),
}
ORDER_WORDS = {
    "dropped": later("as dropped"),
    "newest": later("newest first"),
    "unsure": later("least sure first"),
    "sure": later("surest first"),
    "sign": later("by sign"),
    "name": later("by file name"),
}


def listed(
    here: Workplace, dropped: DroppedCrops, crops: CropList, request: Request
) -> dict[str, Any]:
    """What the list of crops shows."""
    asked = request.query_params
    some = asked_filter(here, request)
    order = asked.get("order", "dropped")
    number = max(1, int(asked["page"])) if asked.get("page", "").isdigit() else 1
    counts = crops.counts(replace(some, looks=()))
    every = sum(counts.values())
    found = sum(counts.get(look, 0) for look in some.looks) if some.looks else every
    last = max(1, -(-found // _PAGE))
    number = min(number, last)
    skip = (number - 1) * _PAGE
    rows = crops.rows(some, order, _PAGE, skip, many=found > max(_MANY, 4 * skip))
    return {
        "rows": [shown(row) for row in rows],
        "counts": counts,
        "every": every,
        "found": found,
        "looks": LOOK_WORDS,
        "orders": ORDER_WORDS,
        "order": order if order in ORDERS else "dropped",
        "some": some,
        "number": number,
        "last": last,
        "first": skip + 1,
        "drops": dropped.drops(),
        "forms": FORMS,
    }


def asked_filter(here: Workplace, request: Request) -> Filter:
    """The filter that a request asks for."""
    asked = request.query_params
    text = asked.get("text", "").strip()[:200]
    codes: tuple[str, ...] = ()
    if text and here.is_loaded:
        codes = tuple(
            sign.code
            for sign in here.recogniser.catalogue.classes
            if text.lower() in f"{sign.code} {raresign.spoken_name(sign.code, sign.title)}".lower()
        )[:900]
    drop = asked.get("drop", "")
    looks = tuple(look for look in LOOKS if look in asked.getlist("look"))
    return Filter(looks, text, codes, int(drop) if drop.isdigit() else None)


def shown(row: Dropped) -> dict[str, Any]:
    """A row as the templates show it."""
    told: dict[str, Any] = {"row": row, "look": row.look, "guesses": [], "said": "", "why": ""}
    if row.answer is None or "unreadable" in row.answer:
        told["said"] = {
            "frame": _("a whole frame"),
            "error": _("not readable"),
        }.get(row.look, _("waiting"))
        if row.look == "error":
            told["why"] = _("this is no picture that can be read")
        return told
    answer = _answer(row)
    told["said"] = answer.spoken or _("not readable")
    told["guesses"] = [
        {"code": one.code, "name": one.spoken, "probability": one.probability}
        for one in answer.answers
    ]
    told["why"] = _why(answer)
    return told


def _why(answer: Any) -> str:
    """Why a crop is answered so, in words; "" where it is named surely."""
    if answer.error is not None:
        return str(answer.error)
    if answer.level == "none":
        return _("it looks like no sign")
    best = answer.answers[0] if answer.answers else None
    share = percent(best.probability, 0) if best else ""
    if answer.level == "class":
        return _("only {share} sure").format(share=share) if answer.check_me else ""
    known = percent(answer.known or 0, 0)
    told = _("most like {sign}, but that the model knows this sign is only {known} likely")
    return told.format(sign=best.spoken if best else "?", known=known)


def _answer(row: Dropped) -> Any:
    """The `FileAnswer` of a row."""
    plain: dict[str, Any] = row.answer or {}
    return raresign.FileAnswer.from_dict(plain)


def answers_of(crops: CropList, some: Filter) -> Iterator[Any]:
    """All answers of a filter; what waits and whole frames have none."""
    for row in crops.every(some):
        if row.answer is None:
            continue
        if "unreadable" in row.answer:
            yield raresign.FileAnswer(row.name, (), _("this is no picture that can be read"))
        else:
            yield _answer(row)
