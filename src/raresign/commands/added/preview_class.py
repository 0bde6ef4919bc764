"""What `add_class` would give, without writing anything: for whoever decides whether to add."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raresign.commands.added.add_classes import new_signs
from raresign.commands.added.fit_added import fit_added
from raresign.models.outputs import TorchEncoder
from raresign.runs.run_folder import RunFolder
from raresign.signs.catalogue.icon_check import known_look
from raresign.signs.catalogue.pictures import load_pictures
from raresign.signs.icons.icon_file import load_icon
from raresign.signs.icons.png_icon import IconWarning

SMALL_ICON = 48
"""An icon with a shorter side than this has less detail than a near photo of the sign."""
ALIKE = 1.2
"""Levels of 255 on average by which two icons differ that a camera hardly tells apart."""


@dataclass(frozen=True)
class ClassPreview:
    """What is expected of a class that is not added yet.

    Attributes:
        code, name, family, recall, low, high, confusions: See `NewClass`.
        sides: Width and height of the icon in pixels, without its transparent border.
        is_small: Whether the icon has too little detail.
        alike: Code of the class whose icon hardly differs; None if none is so near.
        problem: What is wrong with the value of its code in the run's country; None for nothing.
    """

    code: str
    name: str
    family: str
    recall: float | None
    low: float | None
    high: float | None
    confusions: dict[str, float]
    sides: tuple[int, int]
    is_small: bool
    alike: str | None
    problem: str | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def preview_class(run: str | Path, icon: str | Path, code: str, name: str = "") -> ClassPreview:
    """What is expected of a class, were it added; the run stays as it is.

    Args:
        run: The run folder.
        icon: A PNG, SVG or JPEG.
        code: Class code.
        name: For people; the country's own unless given.

    Raises:
        InputError: As `add_class`.
    """
    folder = RunFolder.open(run)
    net = folder.model()
    folder.check_finished()
    recogniser = folder.recogniser(TorchEncoder(net))
    catalogue = recogniser.catalogue
    signs = new_signs(catalogue, [Path(icon)], [code], (), [name] if name else [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IconWarning)  # told of when they came
        picture = load_icon(icon, code=code)
        drawn = zip(catalogue.codes, load_pictures(catalogue.classes), strict=True)
        known = [(other, known_look(one)) for other, pictures in drawn for one in pictures]
        found = fit_added(folder, net, recogniser, signs, [1], ())[0]
    look = known_look(picture)
    gaps = [
        (float(np.abs(look - seen).mean()), other)
        for other, seen in known
        if seen is not None and look is not None
    ]
    gap, nearest = min(gaps, default=(ALIKE, None))
    forecast = found.info["forecast"] or {}
    recall, low, high = (forecast.get(key) for key in ("recall", "low", "high"))
    height, width = picture.shape[:2]
    country = catalogue.country
    return ClassPreview(
        code,
        found.sign.title,
        found.sign.family,
        recall,
        low,
        high,
        dict(found.info["confusions"]),
        (width, height),
        Path(icon).suffix.lower() != ".svg" and min(width, height) < SMALL_ICON,
        nearest if gap < ALIKE else None,
        country.value_problem(code) if country else None,
    )
