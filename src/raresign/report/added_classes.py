"""The classes that were added to a run after its training, with what was forecast of them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raresign.evaluation.intervals import Estimate


@dataclass(frozen=True)
class Added:
    """One added class.

    Args:
        code: Its class code.
        family: Its family.
        forecast: The recall forecast for it with its interval; None if there is none.
        confusions: (code, share in [0, 1]) of the classes it is likely to be taken for.
        icon: The file of its icon; None if there is none.
    """

    code: str
    family: str
    forecast: Estimate | None
    confusions: tuple[tuple[str, float], ...]
    icon: Path | None


def read_added(run: Path) -> tuple[list[Added], list[str]]:
    """The classes in RUN/added in the order in which they came, and a note on each broken one.

    Example:
        >>> read_added(Path("nowhere"))
        ([], [])
    """
    found: list[tuple[float, str, Added]] = []
    notes = []
    # A name with a dot in front is a folder half written or half deleted.
    files = [f for f in (run / "added").glob("*/class.json") if not f.parent.name.startswith(".")]
    for file in sorted(files):
        try:
            info = json.loads(file.read_text(encoding="utf-8"))
            order = float(info.get("order", math.inf))
            found.append((order, file.parent.name, _added(info, file.parent)))
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            name = file.parent.name
            notes.append(f"No forecast of the added class {name}: {type(error).__name__}: {error}")
    return [one for _, _, one in sorted(found, key=lambda item: item[:2])], notes


def _added(info: dict[str, Any], folder: Path) -> Added:
    """One class.json."""
    forecast = info.get("forecast")
    recall, low, high = (
        (math.nan if forecast is None else float(forecast[key]))
        for key in ("recall", "low", "high")
    )
    return Added(
        code=str(info["code"]),
        family=str(info.get("family", "")),
        forecast=None if forecast is None else Estimate(recall, low, high, n=1),
        confusions=tuple((str(code), float(share)) for code, share in info.get("confusions") or []),
        icon=next((file for file in sorted(folder.iterdir()) if file.stem == "icon"), None),
    )
