"""What `fit-camera` found: the result, and the preset file that says how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from raresign.evaluation.metrics import json_ready
from raresign.realism.ruler import Realism, StatisticGap
from raresign.synthesis.preset import RoadPreset


@dataclass(frozen=True, eq=False)
class CameraFit:
    """What `fit_camera` did.

    Args:
        crops, labelled: How many real crops were fitted, and whether their classes were known.
        held_out: Whether realism was measured on other real crops.
        space: What the distances were measured in.
        before, after: Realism of the base preset and of the new one.
        floor: Real crops against real crops of other signs; None if there are too few.
        gaps: Statistics under the new preset, the one that differs most first.
        moved: Ranges ("effect.field") and probabilities ("effect") that the crops moved.
    """

    path: Path
    preset: RoadPreset
    crops: int
    labelled: bool
    held_out: bool
    space: str
    before: Realism
    after: Realism
    floor: Realism | None
    gaps: tuple[StatisticGap, ...]
    moved: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the preset as its file holds it; None for NaN."""
        preset = self.preset.model_dump(mode="json")
        return {**json_ready(self), "path": str(self.path), "preset": preset}


def shown(realism: Realism) -> str:
    """One line of figures.

    Example:
        >>> from raresign.realism.discriminator import TwoSampleTest
        >>> from raresign.realism.distance import FeatureDistance
        >>> test = TwoSampleTest(0.8, 0.75, 0.84, 0.9)
        >>> shown(Realism("road", 500, test, None, FeatureDistance(120.0, 0.1)))
        'told from real in 80.0 % [75.0, 84.0], AUC 0.900, Frechet 120.0, kernel 0.1000'
    """
    test = realism.features
    text = (
        f"told from real in {100 * test.accuracy:.1f} % "
        f"[{100 * test.low:.1f}, {100 * test.high:.1f}], AUC {test.auc:.3f}, "
        f"Frechet {realism.distance.frechet:.1f}, kernel {realism.distance.kernel:.4f}"
    )
    if realism.pixels is not None:
        text += f", by pixels in {100 * realism.pixels.accuracy:.1f} %"
    return text


def preset_text(fit: CameraFit, base: str) -> str:
    """The YAML of a fitted preset with what was measured as its head."""
    measured = "the half that was not fitted"
    if not fit.held_out:
        measured = "the same crops, as there are few"
    lines = [
        f"Fitted to {fit.crops} {'labelled' if fit.labelled else 'unlabelled'} real crops on "
        f"{date.today()} by `raresign fit-camera`, from the preset {base}.",
        f"Measured against real crops ({measured}), {fit.after.crops} on each side, features: "
        f"{fit.space}.",
        f"before: {shown(fit.before)}",
        f"after:  {shown(fit.after)}",
    ]
    if fit.floor is not None:
        lines.append(f"real against real: {shown(fit.floor)}")
    lines.append("Ranges are evenly spaced quantiles. Moved by the crops:")
    lines += [f"  {name}" for name in fit.moved]
    head = "".join(f"# {line}\n" for line in lines)
    values = fit.preset.model_dump(mode="json")
    return head + yaml.safe_dump(values, sort_keys=False, default_flow_style=None, width=100)
