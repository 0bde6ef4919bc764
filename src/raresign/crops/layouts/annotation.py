"""One sign as a source states it, before anybody has looked at its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from raresign.crops.layouts.left_out import LeftOut
from raresign.crops.layouts.split_names import Split

Form = Literal["corners", "size", "centre"]
"""What four numbers are: x0 y0 x1 y1, or x y width height, or x and y of the centre, width, height.
"""
Unit = Literal["pixels", "shares", "percent"]
"""Pixels of the frame, or shares (0 to 1) or per cent of its width and height."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One sign.

    Args:
        path: Its picture.
        name: Its class as the source calls it, "" if it does not say.
        numbers: Four numbers as they stand there; None = the whole picture.
        where: What tells a user which one this is: "annotation 7", "a.txt, line 3".
        stated: Width and height that the source says the picture has; None if it says nothing.
        split: The part of the data set that the source puts it into.
        area: Area of the box in pixels as the source says; 0 if it says nothing.
    """

    path: Path
    name: str
    numbers: Sequence[object] | None
    where: str
    stated: tuple[float, float] | None = None
    split: Split = ""
    area: float = 0.0


@dataclass
class Annotations:
    """All signs of a source, in one form, and what was left out of it while it was read.

    Args:
        source: What messages call it.
        form, unit: Of all numbers.
        rows: The signs.
        left: What is left out.
    """

    source: Path
    form: Form
    unit: Unit = "pixels"
    rows: list[Annotation] = field(default_factory=list)
    left: LeftOut = field(default_factory=LeftOut)
