"""What people said of crops on the page "Find", and how a crop is named in what is kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import raresign
from raresign.language.spoken import _
from raresign.studio.action import Action
from raresign.studio.workplace import Workplace

if TYPE_CHECKING:
    from raresign.finding.crop_index import CropIndex, IndexedCrop

DECIDED = "found"
"""Kind of the actions that say what a crop shows."""
_BYTES = "bytes:"


@dataclass(frozen=True)
class Decisions:
    """What people have said of crops of an index, for one class.

    Args:
        confirmed: Rows that show the class.
        rejected: Rows that do not, those that show another class among them.
        denied: How many of those were decided on while looking for this class.
    """

    confirmed: list[int]
    rejected: list[int]
    denied: int


def decisions(here: Workplace, code: str, index: CropIndex) -> Decisions:
    """What people have said of the crops of an index, for a class."""
    confirmed: list[int] = []
    rejected: list[int] = []
    denied = 0
    for subject, value in here.store.values(DECIDED).items():
        said = verdict(value, code)
        if said is None:
            continue
        keys = (subject, *value.get("with", ()))
        rows = [row for key in keys if (row := index.row_of(*piece_of(key))) is not None]
        (confirmed if said == "confirmed" else rejected).extend(rows)
        if said == "rejected" and value.get("for", code) == code:
            denied += len(rows)
    return Decisions(confirmed, rejected, denied)


def decide(
    here: Workplace, index: CropIndex | None, who: str, code: str, rows: list[int], answer: str
) -> Action:
    """Note what crops of one physical sign show.

    Args:
        here: The studio.
        index: Of the crops.
        who: Who says so.
        code: The class that was looked for.
        rows: The crop that was shown, then the others.
        answer: "yes"; "no"; or the code of another class.

    Raises:
        InputError: The crops are gone, or the model has no such class.
    """
    crops = index.crops(rows) if index is not None else []
    if not crops or crops[0].row != rows[0]:
        raise raresign.InputError(_("this crop is gone"), _("load the page again"))
    shows = code if answer == "yes" else answer
    if answer != "no" and here.recogniser.catalogue.label_of(shows) < 0:
        raise raresign.InputError(
            _("the model has no class '{code}'").format(code=shows), _("load the page again")
        )
    key, others = key_of(crops[0]), [key_of(crop) for crop in crops[1:]]
    if answer != "no":
        return here.store.act(who, DECIDED, key, {"is": shows, "for": code, "with": others})
    before = here.store.value(DECIDED, key) or {}
    denied = [*dict.fromkeys([*before.get("not", []), code])]
    return here.store.act(who, DECIDED, key, {"not": denied, "with": others}, before or None)


def decided_words(action: Action) -> str:
    """What an action says of a crop."""
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


def verdict(value: Mapping[str, Any], code: str) -> str | None:
    """What a decision says for a class: "confirmed" or "rejected"; None for nothing.

    Example:
        >>> verdict({"is": "2.5"}, "2.5"), verdict({"is": "2.5"}, "3.1")
        ('confirmed', 'rejected')
        >>> verdict({"not": ["2.5"]}, "2.5"), verdict({"not": ["2.5"]}, "3.1")
        ('rejected', None)
    """
    if "is" in value:
        return "confirmed" if value["is"] == code else "rejected"
    return "rejected" if code in value.get("not", ()) else None


def key_of(crop: IndexedCrop) -> str:
    """Names a crop: its picture, and the part of it behind the last #.

    Example:
        >>> from raresign.finding.crop_index import IndexedCrop
        >>> key_of(IndexedCrop(0, "/a#1.png", (1, 2, 3, 4), "", "", 0))
        '/a#1.png#1,2,3,4'
    """
    try:
        crop.path.encode()
        path = crop.path
    except UnicodeEncodeError:
        path = _BYTES + os.fsencode(crop.path).hex()
    return f"{path}#{crop.part}"


def piece_of(key: str) -> tuple[str, str]:
    """The picture and the part of it that a key names.

    Example:
        >>> piece_of("/a#1.png#1,2,3,4"), piece_of("/a.png#")
        (('/a#1.png', '1,2,3,4'), ('/a.png', ''))
    """
    path, _hash, part = key.rpartition("#")
    if path.startswith(_BYTES):
        path = os.fsdecode(bytes.fromhex(path.removeprefix(_BYTES)))
    return path, part
