"""The confirmed crops of a sign go into the model, and out of it again: those of one step alone."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import raresign
from raresign.language.spoken import _, ngettext
from raresign.studio.action import Action
from raresign.studio.found_decisions import DECIDED, piece_of
from raresign.studio.workplace import Workplace

TAUGHT = "taught"
"""Kind of the actions that let the model learn a class. Their values hold what it has learned by
then: "crops", the keys of crops, and "photos", the names that the run gave them."""


def confirmed_crops(here: Workplace, code: str = "") -> dict[str, str]:
    """Key -> class code of the crops that people have confirmed, of one class or of all."""
    found: dict[str, str] = {}
    for subject, value in here.store.values(DECIDED).items():
        if "is" in value and code in ("", value["is"]):
            found |= dict.fromkeys((subject, *value.get("with", ())), str(value["is"]))
    return found


def untaught_crops(here: Workplace, code: str) -> dict[str, str]:
    """Those of a class that the model has not learned."""
    learned = set(_learned(here.store.value(TAUGHT, code), "crops"))
    return {key: one for key, one in confirmed_crops(here, code).items() if key not in learned}


def teach(here: Workplace, who: str, code: str) -> Action:
    """Let the confirmed crops of a class help the model.

    Raises:
        InputError: The model cannot be changed, or no crop is confirmed that it has not learned.
    """
    new = untaught_crops(here, code)
    if not new:
        raise raresign.InputError(
            _("there is no confirmed crop of {code} that the model has not learned").format(
                code=code
            ),
            _("confirm some first"),
        )
    before = here.store.value(TAUGHT, code)
    photos = _learn(here, code, new)
    value = {
        "crops": [*_learned(before, "crops"), *new],
        "photos": [*_learned(before, "photos"), *photos],
    }
    return here.store.act(who, TAUGHT, code, value, before)


def unteach(here: Workplace, action: Action) -> None:
    """Take back what the model learned by an action, or let it learn again what it forgot."""
    code = action.subject
    gone = {*_learned(action.after, "photos")} - {*_learned(action.before, "photos")}
    back = {*_learned(action.before, "crops")} - {*_learned(action.after, "crops")}
    if back:
        _learn(here, code, dict.fromkeys(sorted(back), code))
    if gone and raresign.kept_photos(here.run, code):
        raresign.remove_photos(here.run, [code], only=gone)
        here.model.refresh()


def taught_words(action: Action) -> str:
    """What an action has taught the model."""
    before, after = (len(_learned(value, "crops")) for value in (action.before, action.after))
    if after < before:
        return ngettext(
            "the model has forgotten {n} crop of {code}",
            "the model has forgotten {n} crops of {code}",
            before - after,
        ).format(code=action.subject, n=before - after)
    return ngettext(
        "the model has learned {code} from {n} crop",
        "the model has learned {code} from {n} crops",
        after - before,
    ).format(code=action.subject, n=after - before)


def confirmed_csv(crops: dict[str, str]) -> str:
    """Confirmed crops as `add-photos RUN --from` reads them."""
    file = io.StringIO(newline="")
    table = csv.writer(file)
    table.writerow(["file", "code", "x0", "y0", "x1", "y1"])
    for key, code in crops.items():
        path, part = piece_of(key)
        sides = part.split(",") if part else [""] * 4
        safe = f"./{path}" if path.startswith(("=", "+", "-", "@")) else path
        table.writerow([safe.encode("utf-8", "replace").decode(), code, *sides])
    return "\ufeff" + file.getvalue()


def _learn(here: Workplace, code: str, crops: dict[str, str]) -> Iterable[str]:
    """Add crops of a class to the run; the names of those that it did not keep before."""
    if not here.can_change:
        raise raresign.InputError(
            _("this model cannot learn"),
            _("make a run folder of it: `raresign start RUN`, then `raresign studio RUN`"),
        )
    known = set(raresign.kept_photos(here.run, code))
    with tempfile.TemporaryDirectory(prefix="raresign-") as folder:
        file = Path(folder) / "confirmed.csv"
        file.write_text(confirmed_csv(crops), encoding="utf-8")
        raresign.add_checked_photos(here.run, file)
    here.model.refresh()
    return [name for name in raresign.kept_photos(here.run, code) if name not in known]


def _learned(value: Any, what: str) -> list[str]:
    found = (value or {}).get(what)
    return found if isinstance(found, list) else []
