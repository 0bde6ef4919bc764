"""Easier synthesis, for training whose difficulty grows."""

from __future__ import annotations

from raresign.synthesis.groups import GROUPS
from raresign.synthesis.preset import ReferencePreset, RoadPreset

MISHAPS = tuple(
    name
    for group in ("surface", "mounting", "weather", "occlusion", "lens")
    for name in GROUPS[group]
)
"""Effects that become rarer."""


def eased(preset: RoadPreset | ReferencePreset, difficulty: float) -> RoadPreset | ReferencePreset:
    """The preset with rarer mishaps, a straighter sign and more sensor pixels.

    The probabilities of `MISHAPS` and the ranges of the pose shrink in proportion to the
    difficulty; the sensor's pixels move towards their largest number. Background, light, colour and
    electronics stay: they are what makes made crops look like real ones. The reference engine knows
    no difficulty.

    Args:
        preset: The preset.
        difficulty: In [0, 1]; 1 changes nothing.

    Example:
        >>> preset = RoadPreset()
        >>> eased(preset, 1.0) == preset
        True
        >>> eased(preset, 0.5).board.probability == preset.board.probability / 2
        True
    """
    if isinstance(preset, ReferencePreset) or difficulty == 1:
        return preset
    effects = preset.effects()
    changes: dict[str, object] = {}
    for name in MISHAPS:
        rarer = effects[name].probability * difficulty
        changes[name] = effects[name].model_copy(update={"probability": rarer})
    straight = {
        name: tuple(value * difficulty for value in getattr(preset.pose, name))
        for name in ("rotation", "tilt", "shear", "stretch", "shift")
    }
    changes["pose"] = preset.pose.model_copy(update=straight)
    most = preset.sensor.pixels[-1]
    pixels = tuple(most + (value - most) * difficulty for value in preset.sensor.pixels)
    changes["sensor"] = preset.sensor.model_copy(update={"pixels": pixels})
    return preset.model_copy(update=changes)
