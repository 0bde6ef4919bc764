"""Where the crops of a run's test lie in their pictures."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from raresign.commands.corrections import Box
from raresign.commands.data_folder import open_test
from raresign.commands.train.share_for_test import rows_for_test
from raresign.errors import InputError
from raresign.signs.catalogue.sign_catalogue import SignCatalogue
from raresign.signs.countries.icon_source import is_drawn

CropKey = tuple[str, int]
"""A crop of a test: its path, and how often that path stood before."""


def read_boxes(
    root: Path, catalogue: SignCatalogue, info: Mapping[str, Any], known: tuple[str, ...]
) -> dict[CropKey, Box]:
    """Boxes of the test crops; none where the data are gone or have none.

    Args:
        root: The data folder.
        catalogue: Of the run.
        info: What its run.json holds.
        known: Paths of its test crops.
    """
    settings = info.get("settings", {})
    table = None
    with suppress(InputError, OSError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = open_test(
            root,
            catalogue,
            settings.get("crops"),
            settings.get("layout", "auto") if settings.get("layout") != "table" else "auto",
            corrected=False,
        )
    if table is not None and (share := settings.get("test_share")):
        table = table.filter(rows_for_test(table, share, info["seed"]))
    if table is None or table.boxes is None:
        return {}
    prefix = "" if is_drawn(str(root)) else f"{root}/"
    paths = [str(path).removeprefix(prefix) for path in table.paths]
    there, seen = Counter(paths), Counter(known)
    return {
        key: (box[0], box[1], box[2], box[3])
        for key, box in zip(crop_keys(tuple(paths)), table.boxes.tolist(), strict=True)
        if there[key[0]] == seen[key[0]] and box[0] == box[0]  # a row that could not be read
    }


def crop_keys(paths: tuple[str, ...]) -> list[CropKey]:
    """What each crop of some paths is known by."""
    seen: Counter[str] = Counter()
    found = []
    for path in paths:
        found.append((path, seen[path]))
        seen[path] += 1
    return found
