"""`raresign realism`: how far the crops of several presets are from real ones, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raresign.commands.camera.fitted_preset import shown
from raresign.commands.camera.realism_crops import RealismMaterial
from raresign.commands.progress import Say, silent
from raresign.errors import InputError
from raresign.evaluation.metrics import json_ready
from raresign.framing.finder import Framing
from raresign.realism.features import FeatureSpace
from raresign.realism.ruler import Realism, StatisticGap
from raresign.records import frame_of, to_arrow
from raresign.seeds import mix_integers
from raresign.synthesis.preset import load_preset


@dataclass(frozen=True)
class RealismTable:
    """Presets side by side.

    Args:
        rows: One a preset, in the order given; the last is real against real, if there are enough
            crops to hold some out.
        gaps: For each preset, its statistics, the one that differs most first.
        space: What the distances were measured in.
        labelled: Whether synthetic crops show the same classes as the real ones.
    """

    rows: tuple[Realism, ...]
    gaps: tuple[tuple[StatisticGap, ...], ...]
    space: str
    labelled: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; None for NaN."""
        return dict(json_ready(self))

    def to_arrow(self) -> Any:
        """An Arrow table of the presets."""
        return to_arrow(self.rows)

    def to_pandas(self) -> Any:
        """The same as a pandas DataFrame; InputError where pandas is not installed."""
        return frame_of(self.to_arrow())


def compare_realism(
    data: str | Path,
    presets: Sequence[str | Path] = ("road",),
    crops: str | Path | None = None,
    *,
    layout: str = "auto",
    seed: int = 0,
    size: int = 64,
    most: int = 3000,
    pixels: bool = True,
    cache: str | Path | None = None,
    strict: bool = False,
    svg_text: bool = False,
    framing: Framing = "found",
    say: Say = silent,
) -> RealismTable:
    """Measure presets of any engine against the same real crops.

    With the same `seed` and `most` as in `fit_camera` these are the crops that it did not fit.

    Args:
        data, crops, layout, size, most, cache, strict, framing: See `RealismMaterial.open`.
        svg_text: See there, too.
        presets: Names or files.
        seed: Of every draw.
        pixels: Also train a small network on pixels, half a minute for each preset.
        say: Is told what happens.

    Raises:
        InputError: No preset, too few crops, or no such data.
    """
    if not presets:
        raise InputError("no preset was named", "name for instance road")
    chosen = [(str(preset), load_preset(preset)) for preset in presets]
    material = RealismMaterial.open(
        data,
        crops,
        layout=layout,
        size=size,
        most=most,
        cache=cache,
        strict=strict,
        svg_text=svg_text,
        framing=framing,
        say=say,
    )
    space = FeatureSpace.best()
    ruler = material.ruler(space, pixels, seed)
    rows, gaps = [], []
    for name, preset in chosen:
        made, _ = material.render(preset, material.like_measured(seed), mix_integers(seed, 2))
        rows.append(ruler.measure(name, made))
        gaps.append(ruler.gaps(made))
        say(f"{name}: {shown(rows[-1])}")
    floor = material.floor(ruler)
    if floor is not None:
        rows.append(floor)
        say(f"real against real: {shown(floor)}")
    return RealismTable(tuple(rows), tuple(gaps), space.name, material.measured.labelled)
