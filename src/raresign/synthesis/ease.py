"""Easier synthesis, for training whose difficulty grows."""

from __future__ import annotations

from raresign.synthesis.preset import ReferencePreset, RoadPreset


def eased(
    preset: RoadPreset | ReferencePreset, difficulty: float
) -> RoadPreset | ReferencePreset:
    """The preset with rarer mishaps, a straighter sign and more sensor pixels.

    Probabilities and the ranges of the pose shrink in proportion to the difficulty; the sensor's
    pixels move towards their largest number. Light, colour and electronics stay: they are what makes
    made crops look like real ones. The reference engine knows no difficulty.

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
    changes: dict[str, object] = {}
    for name, effect in preset.effects().items():
        if name == "demosaic":  # a camera's colour filter is no mishap
            continue
        if "probability" in type(effect).model_fields:
            rarer = effect.probability * difficulty
            changes[name] = effect.model_copy(update={"probability": rarer})
    straight = {
        name: tuple(value * difficulty for value in getattr(preset.pose, name))
        for name in ("rotation", "tilt", "shear", "stretch", "shift")
    }
    changes["pose"] = preset.pose.model_copy(update=straight)
    most = preset.sensor.pixels[-1]
    pixels = tuple(most + (value - most) * difficulty for value in preset.sensor.pixels)
    changes["sensor"] = preset.sensor.model_copy(update={"pixels": pixels})
    return preset.model_copy(update=changes)
