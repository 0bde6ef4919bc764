"""Backgrounds that a run keeps for the synthetic crops of added classes: RUN/backgrounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from raresign.crops.backgrounds import load_backgrounds
from raresign.files import whole_file

_FOLDER = "backgrounds"
_MOST = 48


def save_backgrounds(path: Path, pictures: Sequence[np.ndarray]) -> None:
    """Keep some of the (H, W, 3) uint8 pictures in the run folder `path`."""
    for number, picture in enumerate(pictures[:: max(1, len(pictures) // _MOST)]):
        with whole_file(path / _FOLDER / f"{number:03d}.webp") as temporary:
            Image.fromarray(picture).save(temporary, quality=90)


def read_backgrounds(path: Path) -> list[np.ndarray]:
    """The backgrounds that a run kept, none if it kept none."""
    folder = path / _FOLDER
    return load_backgrounds(folder) if folder.is_dir() else []
