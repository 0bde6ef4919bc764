"""What a camera would see of a sign that a run does not know yet: a few synthetic crops."""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from raresign.commands.added.fit_added import kept_backgrounds
from raresign.commands.synth.engine import as_bytes
from raresign.runs.run_folder import RunFolder
from raresign.signs.icons.icon_file import load_icon
from raresign.signs.icons.png_icon import IconWarning
from raresign.synthesis.background_atlas import BackgroundAtlas
from raresign.synthesis.icon_atlas import IconAtlas
from raresign.synthesis.preset import ReferencePreset, RoadPreset, load_preset
from raresign.synthesis.synthesiser import build_synthesiser

_FINEST = 256


def expected_crops(
    run: str | Path,
    icon: str | Path,
    code: str,
    preset: RoadPreset | ReferencePreset | None = None,
    count: int = 24,
    size: int = 64,
) -> npt.NDArray[np.uint8]:
    """Synthetic crops of one sign before backgrounds of a run; the same on every call.

    Args:
        run: The run folder.
        icon: A PNG, SVG or JPEG.
        code: Class code, whose value a template shows.
        preset: What may happen to the sign; "road" unless given.
        count: N, number of crops.
        size: S, side of a crop in pixels.

    Returns:
        (N, S, S, 3) uint8 RGB.

    Raises:
        InputError: No run, or no readable icon.
    """
    file = Path(icon)
    changed = file.stat().st_mtime_ns if file.exists() else 0
    engine = build_synthesiser(
        preset or load_preset("road"),
        _icons(file, changed, code, size),
        _backgrounds(Path(run), size),
        seed=0,
    )
    with torch.inference_mode():
        crops = engine.render(torch.zeros(count, dtype=torch.long), torch.arange(count)).crops
    return as_bytes(crops)


@lru_cache(2)
def _icons(file: Path, changed: int, code: str, size: int) -> IconAtlas:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IconWarning)  # told of when it came
        picture = load_icon(file, _FINEST, code=code)
    return IconAtlas.from_pictures([picture], [code], size)


@lru_cache(1)
def _backgrounds(run: Path, size: int) -> BackgroundAtlas:
    return BackgroundAtlas.from_pictures(kept_backgrounds(RunFolder.open(run))[:12], size)
